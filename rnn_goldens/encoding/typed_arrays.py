"""Types of the arrays in a JSON file, and their conversion to a tree."""

import math
import struct
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import UNSET, Meta, Raw, Struct
from numpy.typing import NDArray

from rnn_goldens.encoding.tree import INTEGERS, Tree
from rnn_goldens.encoding.typed_json import as_typed
from rnn_goldens.plurals import counted

Size = Annotated[int, Meta(ge=1, le=2**20)]
Shape = Annotated[tuple[Size, ...], Meta(min_length=1, max_length=5)]


class ClosedStruct(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A JSON object that allows no unknown keys."""


class Floats(ClosedStruct, frozen=True):
    """An array of float64."""

    shape: Shape
    dtype: Literal["float64"]
    data: list[float]


class Integers(ClosedStruct, frozen=True):
    """An array of int64."""

    shape: Shape
    dtype: Literal["int64"]
    data: list[int]


_FLOATS, _INTEGERS = msgspec.json.Decoder(Floats), msgspec.json.Decoder(Integers)
_PLAIN = {str, int, bool, float}


def tree_of(part: Struct | dict[str, Raw], where: str = "") -> Tree:
    """Convert a typed document to a tree. Arrays are still JSON and are parsed here, so that errors name them.

    Raises:
        ValueError: an array has another type, or its data does not fill its shape.
    """
    tree: Tree = {}
    fields: dict[str, Any] = part if isinstance(part, dict) else msgspec.structs.asdict(part)
    if not isinstance(part, dict) and part.__struct_config__.tag:
        tree["kind"] = part.__struct_config__.tag
    for name, value in fields.items():
        kind = type(value)
        if kind in _PLAIN:
            tree[name] = value
        elif kind is Raw:
            decoder: msgspec.json.Decoder[Any] = _INTEGERS if name in INTEGERS else _FLOATS
            typed = as_typed(decoder, value, f"{where}{name}")
            try:
                tree[name] = _array(typed)
            except ValueError as error:
                raise ValueError(f"{where}{name}: {error}") from None
        elif kind is tuple:
            tree[name] = list(value)
        elif value is not UNSET:
            tree[name] = tree_of(value, f"{where}{name}/")
    return tree


def _array(stored: Floats | Integers) -> NDArray[Any]:
    """Convert a list of numbers to an array through their bytes: three times as fast as ``np.array``."""
    letter, count = "d" if isinstance(stored, Floats) else "q", len(stored.data)
    if count != math.prod(stored.shape):
        needed = math.prod(stored.shape)
        raise ValueError(f"data holds {counted(count, 'number')}, shape {stored.shape} needs {needed}")
    try:
        packed = struct.pack(f"={count}{letter}", *stored.data)
    except struct.error:
        raise ValueError(f"data holds a number that {stored.dtype} cannot represent") from None
    return np.frombuffer(packed, stored.dtype).reshape(stored.shape)
