"""What the JSON of a golden and of its gradients holds, as types: to read it is to check it.

``schema/golden-1.schema.json`` and ``schema/gradients-1.schema.json`` say the same in words that validators in any
language understand; tests hold one against the other. A golden is read each time it is checked, and types take a
hundredth of the time of a schema's validator.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from rnn_goldens.encoding.tree import Tree
from rnn_goldens.encoding.typed_arrays import Floats, Integers, Part, Size, tree_of
from rnn_goldens.encoding.typed_json import (
    LINE,
    SCHEMA,
    CellName,
    Feature,
    Hash,
    Id,
    Line,
    Precisions,
    Sentence,
    as_typed,
    require_once,
)  # fmt: skip
from rnn_goldens.golden.features import FEATURES
from rnn_goldens.golden.shapes import is_own_cell

Vector = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]*\Z", max_length=100)]


class OwnCell(Part, frozen=True):
    """What a cell of someone's own is like."""

    gates: Annotated[str, Meta(pattern=LINE, min_length=1, max_length=100)]
    states: Annotated[tuple[Literal["h", "c"], ...], Meta(min_length=1, max_length=2)]
    vectors: Annotated[tuple[Vector, ...], Meta(min_length=1, max_length=100)] | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Raise ValueError if a name stands twice, or the states are in another order."""
        _require(self.states in (("h",), ("h", "c")), "states are h, or h and c")
        require_once(() if self.vectors is UNSET else self.vectors)


class Configuration(Part, frozen=True):
    """The arguments of ``torch.nn.RNN``."""

    input_size: Size
    hidden_size: Size
    num_layers: Size
    bidirectional: bool
    bias: bool


class Inputs(Part, frozen=True):
    """What is asked, beside the weights."""

    x: Floats
    h0: Floats | UnsetType = UNSET
    c0: Floats | UnsetType = UNSET
    lengths: Integers | UnsetType = UNSET


class Outputs(Part, frozen=True):
    """An array for each output."""

    out: Floats
    h_n: Floats
    c_n: Floats | UnsetType = UNSET


class ExactTolerance(Part, frozen=True, tag_field="kind", tag="exact"):
    """Every partial sum fits so many bits."""

    bits: Annotated[int, Meta(ge=1, le=53)]


class BoundTolerance(Part, frozen=True, tag_field="kind", tag="bound"):
    """How far a correct implementation can be off."""

    accumulation: Outputs
    storage: Outputs


class Cotangents(Part, frozen=True):
    """An array for each output that has one."""

    d_out: Floats | UnsetType = UNSET
    d_h_n: Floats | UnsetType = UNSET
    d_c_n: Floats | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Raise ValueError if there is none."""
        _require(any(d is not UNSET for d in (self.d_out, self.d_h_n, self.d_c_n)), "there is no cotangent")


class GradientsTolerance(Part, frozen=True, tag_field="kind", tag="bound"):
    """How far a correct implementation can be off, by the name of the array."""

    accumulation: dict[str, Floats]
    storage: dict[str, Floats]


class Document(Part, frozen=True, kw_only=True):
    """What files of both kinds hold."""

    format: Literal[1]
    id: Id
    purpose: Sentence
    precisions: Precisions
    provenance: Annotated[dict[Sentence, Line], Meta(max_length=100)]

    def __post_init__(self) -> None:
        """Raise ValueError if a precision stands twice."""
        require_once(self.precisions)


class GoldenDocument(Document, frozen=True, kw_only=True):
    """A golden."""

    kind: Literal["golden"]
    title: Sentence
    documented_in: Sentence
    cell: CellName
    features: Annotated[tuple[Feature, ...], Meta(max_length=len(FEATURES))]
    config: Configuration
    weights: dict[str, Floats]
    inputs: Inputs
    expected: Outputs
    tolerance: ExactTolerance | BoundTolerance
    own_cell: OwnCell | UnsetType = UNSET
    schema: Literal["urn:rnn-goldens:schema:golden:1"] | UnsetType = msgspec.field(default=UNSET, name=SCHEMA)

    def __post_init__(self) -> None:
        """Raise ValueError if a name stands twice, or an own cell is not described, or one of ours is."""
        require_once(self.features)
        super().__post_init__()
        _require(
            is_own_cell(self.cell) == (self.own_cell is not UNSET), "own_cell describes a cell that is none of ours"
        )


class GradientsDocument(Document, frozen=True, kw_only=True):
    """The gradients of a golden."""

    kind: Literal["gradients"]
    golden: Hash
    cotangents: Cotangents
    expected: dict[str, Floats]
    tolerance: ExactTolerance | GradientsTolerance
    schema: Literal["urn:rnn-goldens:schema:gradients:1"] | UnsetType = msgspec.field(default=UNSET, name=SCHEMA)


_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    "golden": msgspec.json.Decoder(GoldenDocument),
    "gradients": msgspec.json.Decoder(GradientsDocument),
}


def decode(content: bytes, kind: str) -> Tree:
    """The tree that the bytes of a ``.json`` file hold, without the name of its schema.

    Args:
        content: the bytes.
        kind: of the file, ``golden`` or ``gradients``.

    Raises:
        ValueError: it is not what the types say, which names what is wrong, and where.
    """
    tree = tree_of(as_typed(_DECODERS[kind], content))
    tree.pop("schema", None)
    return tree


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)
