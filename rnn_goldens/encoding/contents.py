"""The table of contents that stands at the end of an HDF5 file, by which it is read without HDF5, at once.

HDF5 knows where a file of its own ends, and looks at nothing behind. There stands the same tree as JSON, in which the
``data`` of an array is no list: it is the byte at which its numbers begin, in the file. The length of this JSON
follows, in eight bytes, the lowest first, and a mark.
"""

import json
from collections.abc import Callable

from rnn_goldens.encoding.bounds import GOLDEN
from rnn_goldens.encoding.tree import Tree, to_document

_MARK = b"RNN-TOC1"
_LENGTH = 8
_END = _LENGTH + len(_MARK)

Decode = Callable[[bytes, bytes], Tree]
"""The tree that a table holds of a file; raises ValueError where it is no such table."""


def with_table(hdf5: bytes, table: Tree) -> bytes:
    """The bytes of a file with its table of contents: a document whose arrays say where they begin."""
    written = json.dumps(table, separators=(",", ":"), ensure_ascii=False).encode()
    return hdf5 + written + len(written).to_bytes(_LENGTH, "little") + _MARK


def tree_by_table(content: bytes, decode: Decode) -> Tree:
    """The tree of a file, as its table of contents has it.

    Args:
        content: the bytes of the file.
        decode: what is read of the table.

    Raises:
        ValueError: there is no table, or not what ``decode`` reads.
    """
    table = _table_in(content)
    if table is None:
        raise ValueError("has no table of contents at its end, by which it is loaded: was it written otherwise?")
    if too_much := GOLDEN.problem_if_large(table):
        raise ValueError(f"table of contents: {too_much}")
    try:
        return decode(table, content)
    except ValueError as error:
        raise ValueError(f"table of contents: {error}") from None


def problems(content: bytes, tree: Tree, decode: Decode) -> list[str]:
    """What is wrong with the table of contents of a file whose tree is known; nothing if it has none."""
    if _table_in(content) is None:
        return []
    try:
        by_table = tree_by_table(content, decode)
    except ValueError as error:
        return [str(error)]
    same = to_document(by_table) == to_document(tree)
    return [] if same else ["the table of contents at its end says otherwise than HDF5 does"]


def _table_in(content: bytes) -> bytes | None:
    if not content.endswith(_MARK):
        return None
    end = len(content) - _END
    begin = end - int.from_bytes(content[end : -len(_MARK)], "little")
    return content[begin:end] if 0 <= begin <= end else None
