"""Types of the JSON of goldens and gradients: parsing into them validates a file.

``schema/golden-1.schema.json`` and ``schema/gradients-1.schema.json`` define the same rules for any JSON validator;
tests compare the two. Types are used because a golden is read at each check, and they take a hundredth of the time of
a schema validator.
"""

import math
import struct
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import Annotated, Any, Literal, TypeVar

import msgspec
import numpy as np
from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field
from numpy.typing import NDArray

from rnn_goldens.encoding.field_types import (
    LINE,
    SCHEMA,
    CellName,
    Feature,
    Hash,
    Id,
    IntegerName,
    Line,
    Precisions,
    RecurrenceName,
    Sentence,
    as_typed,
    require_once,
)  # fmt: skip
from rnn_goldens.encoding.tree import INTEGERS, Tree
from rnn_goldens.golden.features import FEATURES
from rnn_goldens.golden.shapes import MAX_STATES, STATE, is_custom_cell
from rnn_goldens.golden.stored_arrays import LazyArrays
from rnn_goldens.plurals import counted

Size = Annotated[int, Meta(ge=1, le=2**20)]
Shape = Annotated[tuple[Size, ...], Meta(min_length=1, max_length=5)]


class ClosedStruct(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A JSON object that allows no unknown keys."""


class Floats(ClosedStruct, frozen=True, tag_field="dtype", tag="float64"):
    """An array of float64."""

    shape: Shape
    data: list[float]


class Integers(ClosedStruct, frozen=True, tag_field="dtype", tag="int64"):
    """An array of int64."""

    shape: Shape
    data: list[int]


Array = Floats | Integers
"""An array. A union requires ``dtype``, which one type alone would not."""

T = TypeVar("T")
FourOf = Annotated[tuple[T, ...], Meta(min_length=4, max_length=4)]


class Int8(ClosedStruct, frozen=True, tag_field="dtype", tag="int8"):
    """An array of int8."""

    shape: Shape
    data: list[Annotated[int, Meta(ge=-(2**7), le=2**7 - 1)]]


class Int16(ClosedStruct, frozen=True, tag_field="dtype", tag="int16"):
    """An array of int16."""

    shape: Shape
    data: list[Annotated[int, Meta(ge=-(2**15), le=2**15 - 1)]]


class Int32(ClosedStruct, frozen=True, tag_field="dtype", tag="int32"):
    """An array of int32."""

    shape: Shape
    data: list[Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]]


class Int64(ClosedStruct, frozen=True, tag_field="dtype", tag="int64"):
    """An array of int64, of numbers that every JSON reader represents."""

    shape: Shape
    data: list[Annotated[int, Meta(ge=-(2**53), le=2**53)]]


AnyArray = Array | Int8 | Int16 | Int32 | Int64

_ARRAYS: dict[type, str] = {Floats: "d", Integers: "q", Int8: "b", Int16: "h", Int32: "i", Int64: "q"}
"""The letter of ``struct`` by type of array."""

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
    weights: Annotated[dict[ArrayName, Axes], Meta(min_length=1, max_length=100)]

    def __post_init__(self) -> None:
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
    chunk_16: Coefficients | UnsetType = field(name="chunk=16", default=UNSET)
    chunk_32: Coefficients | UnsetType = field(name="chunk=32", default=UNSET)
    chunk_64: Coefficients | UnsetType = field(name="chunk=64", default=UNSET)
    chunk_128: Coefficients | UnsetType = field(name="chunk=128", default=UNSET)
    chunk_256: Coefficients | UnsetType = field(name="chunk=256", default=UNSET)


class StatesTolerance(ClosedStruct, frozen=True, tag_field="kind", tag="bound"):
    """The largest error of the states of a network, as two coefficients of the roundoff by state and step."""

    accumulation: States
    storage: States


class GradientsTolerance(ClosedStruct, frozen=True, tag_field="kind", tag="bound"):
    """The largest error that a correct implementation can have, as two coefficients of the roundoff by gradient."""

    accumulation: dict[str, Array]
    storage: dict[str, Array]


Declared = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]*: [A-Za-z0-9_.+ -]+\Z", max_length=400)]
Listed = Annotated[tuple[Declared, ...], Meta(max_length=100)]
ListedOnce = Annotated[tuple[Declared, ...], Meta(min_length=1, max_length=100)]


class OwnRecurrence(ClosedStruct, frozen=True):
    """The arrays of a custom recurrence with their axes, "S: heads d_k d_v", and options with their defaults."""

    inputs: ListedOnce
    weights: Listed
    states: ListedOnce
    outputs: ListedOnce
    options: Listed
    compared: Annotated[tuple[StateName, ...], Meta(max_length=MAX_STATES)]

    def __post_init__(self) -> None:
        names = (entry.partition(":")[0] for kind in (self.inputs, self.weights, self.states) for entry in kind)
        require_once(tuple(names))
        require_once(self.compared)
        states = [entry.partition(":")[0] for entry in self.states]
        _require(set(self.compared) <= set(states), "compared has a name that is not a state")


class Document(ClosedStruct, frozen=True, kw_only=True):
    """Fields of golden files and gradients files."""

    format: Literal[1]
    id: Id
    purpose: Sentence
    precisions: Precisions
    provenance: Annotated[dict[Sentence, Line], Meta(max_length=100)]

    def __post_init__(self) -> None:
        require_once(self.precisions)


class EqualTolerance(ClosedStruct, frozen=True, tag_field="kind", tag="equal"):
    """Every bit is defined."""


class IntegerConfiguration(ClosedStruct, frozen=True):
    """Sizes and quantization parameters of an integer LSTM; a list has a number for each of the gates i, f, g and o."""

    input_size: Size
    hidden_size: Size
    x_zero: int
    h_zero: int
    W_multiplier: FourOf[int]
    W_shift: FourOf[int]
    R_multiplier: FourOf[int]
    R_shift: FourOf[int]
    h_multiplier: int
    h_shift: int
    cell_power: int
    cell_clip: int
    x_scale: float
    h_scale: float
    W_scale: FourOf[float]
    R_scale: FourOf[float]
    rounding: Literal["double", "single"] | UnsetType = UNSET


class IntegerWeights(ClosedStruct, frozen=True):
    """The weights of the gates: of the input, of h, and biases."""

    W_i: Int8
    W_f: Int8
    W_g: Int8
    W_o: Int8
    R_i: Int8
    R_f: Int8
    R_g: Int8
    R_o: Int8
    b_i: Int32 | Int64
    b_f: Int32 | Int64
    b_g: Int32 | Int64
    b_o: Int32 | Int64


class IntegerInputs(ClosedStruct, frozen=True):
    """The input, and the initial states."""

    x: Int8 | Int16
    h0: Int8 | Int16 | UnsetType = UNSET
    c0: Int16 | UnsetType = UNSET


class IntegerOutputs(ClosedStruct, frozen=True):
    """The outputs and the last states."""

    out: Int8 | Int16
    h_n: Int8 | Int16
    c_n: Int16


class AnyGoldenDocument(Document, frozen=True, kw_only=True):
    """Fields of golden files of recurrences and networks."""

    title: Sentence
    documented_in: Sentence
    features: Annotated[tuple[Feature, ...], Meta(max_length=len(FEATURES))]
    expected_states: States | UnsetType = UNSET

    def __post_init__(self) -> None:
        require_once(self.features)
        super().__post_init__()


class RecurrenceDocument(AnyGoldenDocument, frozen=True, kw_only=True, tag_field="kind", tag="recurrence"):
    """A golden file of a recurrence."""

    cell: RecurrenceName
    config: dict[ArrayName, int | float | str]
    weights: dict[ArrayName, Array]
    inputs: Annotated[dict[ArrayName, Array], Meta(min_length=1)]
    expected: Annotated[dict[ArrayName, Array], Meta(min_length=1)]
    tolerance: ExactTolerance | ContractsTolerance
    states_tolerance: ExactTolerance | ContractsTolerance | UnsetType = UNSET
    own_recurrence: OwnRecurrence | UnsetType = UNSET
    schema: Literal["urn:rnn-goldens:schema:recurrence:1"] | UnsetType = msgspec.field(default=UNSET, name=SCHEMA)

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(
            is_custom_cell(self.cell) == (self.own_recurrence is not UNSET),
            "own_recurrence is required for a custom recurrence only",
        )


class GoldenDocument(AnyGoldenDocument, frozen=True, kw_only=True, tag_field="kind", tag="golden"):
    """A golden file of a network."""

    cell: CellName
    config: Configuration
    weights: dict[str, Array]
    inputs: dict[InputName, Array]
    expected: Outputs
    tolerance: ExactTolerance | BoundTolerance
    states_tolerance: ExactTolerance | StatesTolerance | UnsetType = UNSET
    own_cell: CustomCell | UnsetType = UNSET
    schema: Literal["urn:rnn-goldens:schema:golden:1"] | UnsetType = msgspec.field(default=UNSET, name=SCHEMA)

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(
            is_custom_cell(self.cell) == (self.own_cell is not UNSET), "own_cell is required for a custom cell only"
        )
        _require_out(self.expected, "expected")
        _require("x" in self.inputs, "inputs: x is required")


class IntegerDocument(AnyGoldenDocument, frozen=True, kw_only=True, tag_field="kind", tag="integer"):
    """A golden file of an integer LSTM."""

    cell: IntegerName
    precisions: Annotated[tuple[Literal["int8", "int16"], ...], Meta(min_length=1, max_length=1)]
    config: IntegerConfiguration
    weights: IntegerWeights
    inputs: IntegerInputs
    expected: IntegerOutputs
    tolerance: EqualTolerance
    schema: Literal["urn:rnn-goldens:schema:integer:1"] | UnsetType = msgspec.field(default=UNSET, name=SCHEMA)


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


_PLAIN = {str, int, bool, float, Raw}

_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    "golden": msgspec.json.Decoder(GoldenDocument | RecurrenceDocument | IntegerDocument),
    "gradients": msgspec.json.Decoder(GradientsDocument),
}

_KNOWN = msgspec.json.Decoder(_KnownGolden | _KnownRecurrence | IntegerDocument)

_WEIGHTS = msgspec.json.Decoder(dict[str, Array])


def decode(content: bytes, kind: str, *, lazily: bool = False) -> Tree:
    """Return the tree in the bytes of a ``.json`` file of a kind, without the name of its schema.

    Weights that are read ``lazily`` must be valid. Raises ValueError that names the first problem and its position.
    """
    try:
        tree = _tree_of(as_typed(_KNOWN if lazily and kind == "golden" else _DECODERS[kind], content))
    except ValueError as error:
        raise ValueError(_with_name(str(error), content)) from None
    if isinstance(weights := tree.get("weights"), Raw):
        tree["weights"] = LazyArrays(partial(_weights, bytes(weights)))
    tree.pop(SCHEMA, None)
    return tree


def _tree_of(part: Struct | dict[str, Any], where: str = "") -> Tree:
    """Convert a typed document to a tree. Raises ValueError for an array of the wrong type, or of too few numbers."""
    tree: Tree = {}
    if isinstance(part, dict):
        fields: Iterable[tuple[str, Any]] = part.items()
    else:
        fields = zip(part.__struct_encode_fields__, msgspec.structs.astuple(part), strict=True)
        tree = {"kind": part.__struct_config__.tag} if part.__struct_config__.tag else {}
    for name, value in fields:
        kind = type(value)
        if kind in _PLAIN:
            tree[name] = value
        elif kind in _ARRAYS:
            try:
                tree[name] = _array(value, name)
            except ValueError as error:
                raise ValueError(f"{where}{name}: {error}") from None
        elif kind is tuple:
            tree[name] = list(value)
        elif value is not UNSET:
            tree[name] = _tree_of(value, f"{where}{name}/")
    return tree


def _array(stored: AnyArray, name: str) -> NDArray[Any]:
    """Convert a list of numbers to an array through their bytes: three times as fast as ``np.array``."""
    kind, count = type(stored), len(stored.data)
    if kind in (Floats, Integers) and (kind is Integers) != (name in INTEGERS):
        raise ValueError(f"dtype must be {'int64' if name in INTEGERS else 'float64'}")
    if count != math.prod(stored.shape):
        needed = math.prod(stored.shape)
        raise ValueError(f"data holds {counted(count, 'number')}, shape {stored.shape} needs {needed}")
    letter = _ARRAYS[kind]
    try:
        packed = struct.pack(f"={count}{letter}", *stored.data)
    except struct.error:
        raise ValueError("data holds a number that its dtype cannot represent") from None
    return np.frombuffer(packed, letter).reshape(stored.shape)


def _weights(content: bytes) -> Tree:
    return _tree_of(_WEIGHTS.decode(content))


def _with_name(message: str, content: bytes) -> str:
    """Return a message with the name of the array that it is about, which the parser does not know: ``inputs/*``."""
    path, _, problem = message.partition(": ")
    before, star, _ = path.partition("/*/")
    part: bytes | Raw = content
    with suppress(msgspec.MsgspecError, RecursionError):  # invalid elsewhere, too
        for group in before.split("/") if star else ():
            part = msgspec.json.decode(part, type=dict[str, Raw])[group]
        for name, array in msgspec.json.decode(part, type=dict[str, Raw]).items() if star else ():
            try:
                msgspec.json.decode(array, type=Array)
            except msgspec.MsgspecError:
                return f"{path.replace('*', name, 1)}: {problem}"
    return message


def _require_out(arrays: dict[str, Array], of: str) -> None:
    _require({"out", "h_n"} <= arrays.keys(), f"{of}: out and h_n are required")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)
