"""Types of the JSON of goldens and gradients: parsing into them validates a file.

``schema/golden-1.schema.json`` and ``schema/gradients-1.schema.json`` define the same rules for any JSON validator;
tests compare the two. Types are used because a golden is read at each check, and they take a hundredth of the time of
a schema validator.
"""

from functools import partial
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from rnn_goldens.encoding.tree import Tree
from rnn_goldens.encoding.typed_arrays import Array, ClosedStruct, Size, tree_of
from rnn_goldens.encoding.typed_json import (
    LINE,
    SCHEMA,
    CellName,
    Feature,
    Hash,
    Id,
    Line,
    Precisions,
    RecurrenceName,
    Sentence,
    as_typed,
    require_once,
)  # fmt: skip
from rnn_goldens.golden.arrays import LazyArrays
from rnn_goldens.golden.features import FEATURES
from rnn_goldens.golden.shapes import MAX_STATES, STATE, is_custom_cell

WeightName = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]*\Z", max_length=100)]
StateName = Annotated[str, Meta(pattern=rf"^{STATE}\Z", max_length=100)]
ArrayName = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]*\Z", max_length=100)]
InputName = Annotated[str, Meta(pattern=rf"^(x|lengths|{STATE}0)\Z", max_length=101)]
OutputName = Annotated[str, Meta(pattern=rf"^(out|{STATE}_n)\Z", max_length=102)]
CotangentName = Annotated[str, Meta(pattern=r"^d_[A-Za-z]+(_n)?\Z", max_length=104)]
Outputs = dict[OutputName, Array]
States = Annotated[dict[ArrayName, Array], Meta(min_length=1)]
Axes = Annotated[str, Meta(pattern=r"^([GH]|[GHP][HPI])\Z", max_length=2)]


class CustomCell(ClosedStruct, frozen=True):
    """The gates, states and weights of a custom cell."""

    gates: Annotated[str, Meta(pattern=LINE, min_length=1, max_length=100)]
    states: Annotated[tuple[StateName, ...], Meta(min_length=1, max_length=MAX_STATES)]
    weights: Annotated[dict[WeightName, Axes], Meta(min_length=1, max_length=100)]

    def __post_init__(self) -> None:
        """Raise ValueError if the first state is not h, or if a state is listed twice."""
        _require(self.states[0] == "h", "the first state must be h")
        require_once(self.states)


class Configuration(ClosedStruct, frozen=True):
    """Sizes and options of a network, under the argument names of ``torch.nn.RNN``."""

    input_size: Size
    hidden_size: Size
    num_layers: Size
    bidirectional: bool
    bias: bool
    proj_size: Size | UnsetType = UNSET
    direction: Literal["reverse"] | UnsetType = UNSET


class ExactTolerance(ClosedStruct, frozen=True, tag_field="kind", tag="exact"):
    """The number of significant bits that every partial sum fits in."""

    bits: Annotated[int, Meta(ge=1, le=53)]


class BoundTolerance(ClosedStruct, frozen=True, tag_field="kind", tag="bound"):
    """The largest error that a correct implementation can have, as two coefficients of the roundoff by output."""

    accumulation: Outputs
    storage: Outputs

    def __post_init__(self) -> None:
        """Raise ValueError if a coefficient of out or h_n is missing."""
        _require_out(self.accumulation, "accumulation")
        _require_out(self.storage, "storage")


class Coefficients(ClosedStruct, frozen=True):
    """Three coefficients of roundoffs by output or gradient of a recurrence."""

    accumulation: dict[ArrayName, Array]
    state: dict[ArrayName, Array]
    storage: dict[ArrayName, Array]


class ContractsTolerance(ClosedStruct, frozen=True, tag_field="kind", tag="contracts"):
    """The largest error of a correct implementation of a recurrence, by algorithm."""

    step: Coefficients
    any: Coefficients | UnsetType = UNSET


class GradientsTolerance(ClosedStruct, frozen=True, tag_field="kind", tag="bound"):
    """The largest error that a correct implementation can have, as two coefficients of the roundoff by gradient."""

    accumulation: dict[str, Array]
    storage: dict[str, Array]


class Document(ClosedStruct, frozen=True, kw_only=True):
    """Fields of golden files and gradients files."""

    format: Literal[1]
    id: Id
    purpose: Sentence
    precisions: Precisions
    provenance: Annotated[dict[Sentence, Line], Meta(max_length=100)]

    def __post_init__(self) -> None:
        """Raise ValueError if a precision is listed twice."""
        require_once(self.precisions)


class RecurrenceConfiguration(ClosedStruct, frozen=True):
    """Sizes and options of a recurrence."""

    heads: Size | UnsetType = UNSET
    query_heads: Size | UnsetType = UNSET
    d_k: Size | UnsetType = UNSET
    d_v: Size | UnsetType = UNSET
    d: Size | UnsetType = UNSET
    n: Size | UnsetType = UNSET
    channels: Size | UnsetType = UNSET
    width: Size | UnsetType = UNSET
    past: Size | UnsetType = UNSET
    scale: Annotated[float, Meta(gt=0)] | UnsetType = UNSET
    decay: Literal["head", "key"] | UnsetType = UNSET
    activation: Literal["silu", "none"] | UnsetType = UNSET


class RecurrenceDocument(Document, frozen=True, kw_only=True, tag_field="kind", tag="recurrence"):
    """A golden file of a recurrence."""

    title: Sentence
    documented_in: Sentence
    cell: RecurrenceName
    features: Annotated[tuple[Feature, ...], Meta(max_length=len(FEATURES))]
    config: RecurrenceConfiguration
    weights: dict[ArrayName, Array]
    inputs: Annotated[dict[ArrayName, Array], Meta(min_length=1)]
    expected: Annotated[dict[ArrayName, Array], Meta(min_length=1)]
    tolerance: ExactTolerance | ContractsTolerance
    expected_states: States | UnsetType = UNSET
    schema: Literal["urn:rnn-goldens:schema:recurrence:1"] | UnsetType = msgspec.field(default=UNSET, name=SCHEMA)

    def __post_init__(self) -> None:
        """Raise ValueError if a name is listed twice."""
        require_once(self.features)
        super().__post_init__()


class GoldenDocument(Document, frozen=True, kw_only=True, tag_field="kind", tag="golden"):
    """A golden file of a network."""

    title: Sentence
    documented_in: Sentence
    cell: CellName
    features: Annotated[tuple[Feature, ...], Meta(max_length=len(FEATURES))]
    config: Configuration
    weights: dict[str, Array]
    inputs: dict[InputName, Array]
    expected: Outputs
    tolerance: ExactTolerance | BoundTolerance
    expected_states: States | UnsetType = UNSET
    own_cell: CustomCell | UnsetType = UNSET
    schema: Literal["urn:rnn-goldens:schema:golden:1"] | UnsetType = msgspec.field(default=UNSET, name=SCHEMA)

    def __post_init__(self) -> None:
        """Raise ValueError if a name is listed twice, a custom cell lacks ``own_cell``, or another cell has it."""
        require_once(self.features)
        super().__post_init__()
        _require(
            is_custom_cell(self.cell) == (self.own_cell is not UNSET), "own_cell is required for a custom cell only"
        )
        _require_out(self.expected, "expected")
        _require("x" in self.inputs, "inputs: x is required")


class GradientsDocument(Document, frozen=True, kw_only=True):
    """A gradients file."""

    kind: Literal["gradients"]
    golden: Hash
    cotangents: Annotated[dict[CotangentName, Array], Meta(min_length=1)]
    expected: dict[str, Array]
    tolerance: ExactTolerance | GradientsTolerance | ContractsTolerance
    schema: Literal["urn:rnn-goldens:schema:gradients:1"] | UnsetType = msgspec.field(default=UNSET, name=SCHEMA)


class _KnownGolden(GoldenDocument, frozen=True, kw_only=True, tag_field="kind", tag="golden"):
    weights: Raw  # type: ignore[assignment] # not parsed


class _KnownRecurrence(RecurrenceDocument, frozen=True, kw_only=True, tag_field="kind", tag="recurrence"):
    weights: Raw  # type: ignore[assignment] # not parsed


_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    "golden": msgspec.json.Decoder(GoldenDocument | RecurrenceDocument),
    "gradients": msgspec.json.Decoder(GradientsDocument),
}

_KNOWN = msgspec.json.Decoder(_KnownGolden | _KnownRecurrence)

_WEIGHTS = msgspec.json.Decoder(dict[str, Array])


def decode(content: bytes, kind: str, *, lazily: bool = False) -> Tree:
    """Return the tree in the bytes of a ``.json`` file, without the name of its schema.

    Args:
        content: the bytes.
        kind: ``golden`` or ``gradients``.
        lazily: whether the weights are read when they are used; only for content that is known to be valid.

    Raises:
        ValueError: the content does not match the types. The message names the problem and its position.
    """
    try:
        tree = tree_of(as_typed(_KNOWN if lazily and kind == "golden" else _DECODERS[kind], content))
    except ValueError as error:
        raise ValueError(_with_name(str(error), content)) from None
    if isinstance(weights := tree.get("weights"), Raw):
        tree["weights"] = LazyArrays(partial(_weights, bytes(weights)))
    tree.pop("schema", None)
    return tree


def _weights(content: bytes) -> Tree:
    return tree_of(_WEIGHTS.decode(content))


def _with_name(message: str, content: bytes) -> str:
    """Return a message with the name of the array that it is about, which the parser does not know: ``inputs/*``."""
    path, _, problem = message.partition(": ")
    before, star, _ = path.partition("/*/")
    if not star:
        return message
    part: bytes | Raw = content
    try:
        for group in before.split("/"):
            part = msgspec.json.decode(part, type=dict[str, Raw])[group]
        arrays = msgspec.json.decode(part, type=dict[str, Raw])
    except (msgspec.MsgspecError, RecursionError):  # invalid elsewhere, too
        return message
    first = next((name for name, array in arrays.items() if not _is_array(array)), "*")
    return f"{path.replace('*', first, 1)}: {problem}"


def _is_array(content: Raw) -> bool:
    try:
        msgspec.json.decode(content, type=Array)
    except (msgspec.MsgspecError, RecursionError):
        return False
    return True


def _require_out(arrays: dict[str, Array], of: str) -> None:
    _require({"out", "h_n"} <= arrays.keys(), f"{of}: out and h_n are required")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)
