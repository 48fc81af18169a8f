"""What the JSON of a golden holds, as types: to read it is to check it against ``schema/golden-1.schema.json``.

The schema says the same in words that validators in any language understand; tests hold one against the other. A golden
is read each time it is checked, and types take a hundredth of the time of a schema's validator.
"""

import math
import struct
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import UNSET, Meta, Struct, UnsetType

from rnn_goldens.counted import counted
from rnn_goldens.encoding import typed_json
from rnn_goldens.encoding.tree import Tree
from rnn_goldens.encoding.typed_json import (
    LINE,
    CellName,
    Feature,
    Id,
    Line,
    Precisions,
    Sentence,
    require_each_key_once,
    require_once,
)  # fmt: skip
from rnn_goldens.golden.features import FEATURES
from rnn_goldens.golden.shapes import is_own_cell

Vector = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]*\Z", max_length=100)]
Size = Annotated[int, Meta(ge=1, le=2**20)]
Shape = Annotated[tuple[Size, ...], Meta(min_length=1, max_length=3)]


class _Part(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """An object with entries of known names."""


class Floats(_Part, frozen=True):
    """An array of float64."""

    shape: Shape
    dtype: Literal["float64"]
    data: list[float]


class Integers(_Part, frozen=True):
    """An array of int64."""

    shape: Shape
    dtype: Literal["int64"]
    data: list[int]


class OwnCell(_Part, frozen=True):
    """What a cell of someone's own is like."""

    gates: Annotated[str, Meta(pattern=LINE, min_length=1, max_length=100)]
    states: Annotated[tuple[Literal["h", "c"], ...], Meta(min_length=1, max_length=2)]
    vectors: Annotated[tuple[Vector, ...], Meta(min_length=1, max_length=100)] | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Raise ValueError if a name stands twice, or the states are in another order."""
        _require(self.states in (("h",), ("h", "c")), "states are h, or h and c")
        require_once(() if self.vectors is UNSET else self.vectors)


class Configuration(_Part, frozen=True):
    """The arguments of ``torch.nn.RNN``."""

    input_size: Size
    hidden_size: Size
    num_layers: Size
    bidirectional: bool
    bias: bool


class Inputs(_Part, frozen=True):
    """What is asked, beside the weights."""

    x: Floats
    h0: Floats | UnsetType = UNSET
    c0: Floats | UnsetType = UNSET
    lengths: Integers | UnsetType = UNSET


class Outputs(_Part, frozen=True):
    """An array for each output."""

    out: Floats
    h_n: Floats
    c_n: Floats | UnsetType = UNSET


class ExactTolerance(_Part, frozen=True, tag_field="kind", tag="exact"):
    """Every partial sum fits so many bits."""

    bits: Annotated[int, Meta(ge=1, le=53)]


class BoundTolerance(_Part, frozen=True, tag_field="kind", tag="bound"):
    """How far a correct implementation can be off."""

    accumulation: Outputs
    storage: Outputs


class GoldenDocument(_Part, frozen=True):
    """All of it."""

    kind: Literal["golden"]
    format: Literal[1]
    id: Id
    title: Sentence
    purpose: Sentence
    documented_in: Sentence
    cell: CellName
    features: Annotated[tuple[Feature, ...], Meta(max_length=len(FEATURES))]
    precisions: Precisions
    config: Configuration
    weights: dict[str, Floats]
    inputs: Inputs
    expected: Outputs
    tolerance: ExactTolerance | BoundTolerance
    provenance: Annotated[dict[Sentence, Line], Meta(max_length=100)]
    own_cell: OwnCell | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Raise ValueError if a name stands twice, or an own cell is not described, or one of ours is."""
        require_once(self.features)
        require_once(self.precisions)
        _require(
            is_own_cell(self.cell) == (self.own_cell is not UNSET), "own_cell describes a cell that is none of ours"
        )


_DECODER = msgspec.json.Decoder(GoldenDocument)
_OF_AN_ARRAY = 3
"""Keys of an array; one of its values is text."""


def decode(content: bytes) -> Tree:
    """The tree that the bytes of a ``.json`` file hold, as a reader by the schema has it.

    Raises:
        ValueError: they are not what a golden's file holds; it says what is wrong, and where.
    """
    document = typed_json.decode(_DECODER, content)
    tree = _tree(document)
    require_each_key_once(content, *_keys_and_texts(document))
    return tree


def _tree(document: GoldenDocument) -> Tree:
    """Written out part by part: to ask of each of so many values what it is takes as long as to read them."""
    tree: Tree = {name: getattr(document, name) for name in _PLAIN}
    if document.own_cell is not UNSET:
        tree["own_cell"] = _own_cell(document.own_cell)
    return tree | {
        "features": list(document.features),
        "precisions": list(document.precisions),
        "config": msgspec.structs.asdict(document.config),
        "weights": _arrays(document.weights, "weights/"),
        "inputs": _arrays(_there(document.inputs), "inputs/"),
        "expected": _arrays(_there(document.expected), "expected/"),
        "tolerance": _tolerance(document.tolerance),
        "provenance": document.provenance,
    }


_PLAIN = ("kind", "format", "id", "title", "purpose", "documented_in", "cell")
_TEXTS = ("kind", "id", "title", "purpose", "documented_in", "cell", "tolerance/kind")


def _own_cell(said: OwnCell) -> Tree:
    vectors = {} if said.vectors is UNSET else {"vectors": list(said.vectors)}
    return {"gates": said.gates, "states": list(said.states), **vectors}


def _tolerance(said: ExactTolerance | BoundTolerance) -> Tree:
    if isinstance(said, ExactTolerance):
        return {"kind": "exact", "bits": said.bits}
    parts = {name: _there(getattr(said, name)) for name in ("accumulation", "storage")}
    return {"kind": "bound", **{name: _arrays(part, f"tolerance/{name}/") for name, part in parts.items()}}


def _there(part: Inputs | Outputs) -> dict[str, Floats | Integers]:
    """Of arrays that need not be there those that are."""
    return {name: value for name in part.__struct_fields__ if (value := getattr(part, name)) is not UNSET}


def _arrays(stored: Mapping[str, Floats | Integers], where: str) -> Tree:
    """The numbers of lists, by way of their bytes: three times as fast as NumPy looks at each."""
    found: Tree = {}
    for name, array in stored.items():
        count = len(array.data)
        if count != math.prod(array.shape):
            needed = math.prod(array.shape)
            raise ValueError(
                f"{where}{name}: data holds {counted(count, 'number')}, shape {array.shape} needs {needed}"
            )
        try:
            packed = struct.pack(f"={count}{'d' if type(array) is Floats else 'q'}", *array.data)
        except struct.error:
            raise ValueError(f"{where}{name}: data holds a number that no {array.dtype} can hold") from None
        found[name] = np.frombuffer(packed, array.dtype).reshape(array.shape)
    return found


def _keys_and_texts(document: GoldenDocument) -> tuple[int, int]:
    """How many keys stand in the JSON of a document, and how many values that are text."""
    outputs, tolerance, own = len(_there(document.expected)), document.tolerance, document.own_cell
    arrays = len(document.weights) + len(_there(document.inputs)) + outputs
    keys = len(document.__struct_fields__) - 1 + len(document.config.__struct_fields__) + len(document.provenance)
    keys += 2  # of a tolerance: kind, and bits or accumulation
    texts = len(_TEXTS) + len(document.features) + len(document.precisions) + len(document.provenance)
    if isinstance(tolerance, BoundTolerance):
        arrays += len(_there(tolerance.accumulation)) + len(_there(tolerance.storage))
        keys += 1
    if own is not UNSET:
        vectors = () if own.vectors is UNSET else own.vectors
        keys += 3 + (own.vectors is not UNSET)
        texts += 1 + len(own.states) + len(vectors)
    return keys + (1 + _OF_AN_ARRAY) * arrays, texts + arrays


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)
