"""The table of contents that stands at the end of an HDF5 file, by which it is read without HDF5, at once.

HDF5 knows where a file of its own ends, and looks at nothing behind. There stands the same tree as JSON, in which the
``data`` of an array is no list: it is the byte at which its numbers begin, in the file. The length of this JSON
follows, in eight bytes, the lowest first, and a mark.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from rnn_goldens.encoding.bounds import GOLDEN
from rnn_goldens.encoding.tree import Tree
from rnn_goldens.errors import InvalidFile

T = TypeVar("T")

_MARK = b"RNN-TOC1"
_LENGTH = 8
_END = _LENGTH + len(_MARK)

Decode = Callable[[bytes, bytes], Tree]
"""The tree that a table holds of a file; raises ValueError where it is no such table."""


def with_table(hdf5: bytes, table: Tree) -> bytes:
    """The bytes of a file with its table of contents: a document whose arrays say where they begin."""
    written = json.dumps(table, separators=(",", ":"), ensure_ascii=False).encode()
    return hdf5 + written + len(written).to_bytes(_LENGTH, "little") + _MARK


def at_once(
    content: bytes, path: Path, decode: Decode, made: Callable[[Tree], T], with_hdf5: Callable[[], object]
) -> T:
    """What a file holds, by its table of contents.

    Args:
        content: the bytes of the file.
        path: its name.
        decode: what is read of the table.
        made: what is made of that.
        with_hdf5: reads the file otherwise; it raises InvalidFile, in a schema's words, if HDF5 finds it wrong, too.

    Raises:
        InvalidFile: there is no table, or nothing can be made of it.
    """
    try:
        return made(_tree_by_table(content, decode))
    except (InvalidFile, ValueError, KeyError) as error:
        with_hdf5()
        raise InvalidFile(path, [str(error)]) from None


def problems(content: bytes, tree: Tree, decode: Decode) -> list[str]:
    """What is wrong with the table of contents of a file whose tree is known; nothing if it has none."""
    if not content.endswith(_MARK):
        return []
    try:
        same = _is_same(_tree_by_table(content, decode), tree)
    except ValueError as error:
        return [str(error)]
    return [] if same else ["the table of contents at its end says otherwise than HDF5 does"]


def _tree_by_table(content: bytes, decode: Decode) -> Tree:
    """The tree of a file, as its table has it; raises ValueError if there is none, or another than ``decode`` reads."""
    if not content.endswith(_MARK):
        raise ValueError("has no table of contents at its end, by which goldens are loaded")
    end = len(content) - _END
    begin = end - int.from_bytes(content[end : -len(_MARK)], "little")
    if begin < 0:
        raise ValueError("table of contents: is said to be longer than the file")
    table = content[begin:end]
    if too_much := GOLDEN.problem_if_large(table):
        raise ValueError(f"table of contents: {too_much}")
    try:
        return decode(table, content)
    except ValueError as error:
        raise ValueError(f"table of contents: {error}") from None


def _is_same(one: object, other: object) -> bool:
    """Whether two trees hold the same to the last bit; of numbers no lists are made, which are many times as large."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_is_same(value, other[name]) for name, value in one.items())
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return (one.shape, one.dtype) == (other.shape, other.dtype) and one.tobytes() == other.tobytes()
    return type(one) is type(other) and one == other
