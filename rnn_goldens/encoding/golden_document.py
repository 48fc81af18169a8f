"""What the JSON of a golden holds, as types: to read it is to check it against ``schema/golden-1.schema.json``.

The schema says the same in words that validators in any language understand; tests hold one against the other. A golden
is read each time it is checked, and types take a hundredth of the time of a schema's validator.
"""

import math
import struct
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import UNSET, Meta, Struct, UnsetType
from numpy.typing import NDArray

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
_ARRAYS = {Floats, Integers}
_ARRAY_KEYS = 3
_PARTS = (Struct, dict)
_TOLERANCES = (ExactTolerance, BoundTolerance)


def decode(content: bytes) -> Tree:
    """The tree that the bytes of a ``.json`` file hold, as a reader by the schema has it.

    Raises:
        ValueError: they are not what a golden's file holds; it says what is wrong, and where.
    """
    tree = _tree(typed_json.decode(_DECODER, content))
    require_each_key_once(content, *_keys_and_texts(tree))
    return tree


def _tree(part: Struct | dict[str, Floats], where: str = "") -> Tree:
    fields = part if isinstance(part, dict) else msgspec.structs.asdict(part)
    tree: Tree = (
        {} if isinstance(part, dict) or not part.__struct_config__.tag else {"kind": part.__struct_config__.tag}
    )
    for name, value in fields.items():
        if type(value) in _ARRAYS:
            tree[name] = _array(value, f"{where}{name}")
        elif isinstance(value, _PARTS):
            tree[name] = _tree(value, f"{where}{name}/")
        elif value is not UNSET:
            tree[name] = list(value) if isinstance(value, tuple) else value
    return tree


def _array(stored: Floats | Integers, where: str) -> NDArray[Any]:
    """The numbers of a list, by way of their bytes: three times as fast as NumPy looks at each."""
    letter, count = "d" if isinstance(stored, Floats) else "q", len(stored.data)
    if count != math.prod(stored.shape):
        needed = math.prod(stored.shape)
        raise ValueError(f"{where}: data holds {counted(count, 'number')}, shape {stored.shape} needs {needed}")
    try:
        packed = struct.pack(f"={count}{letter}", *stored.data)
    except struct.error:
        raise ValueError(f"{where}: data holds a number that no {stored.dtype} can hold") from None
    return np.frombuffer(packed, stored.dtype).reshape(stored.shape)


def _keys_and_texts(tree: Tree) -> tuple[int, int]:
    """How many keys stand in the JSON of a tree, and how many values that are text."""
    keys, texts = len(tree), 0
    for value in tree.values():
        if isinstance(value, np.ndarray):
            keys, texts = keys + _ARRAY_KEYS, texts + 1
        elif isinstance(value, dict):
            inner = _keys_and_texts(value)
            keys, texts = keys + inner[0], texts + inner[1]
        elif isinstance(value, str | list):
            texts += 1 if isinstance(value, str) else len(value)
    return keys, texts


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)
