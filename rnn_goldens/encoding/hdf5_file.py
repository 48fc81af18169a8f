"""Golden ↔ ``.h5``: groups, datasets and attributes, readable with any HDF5 tool.

libhdf5 hangs or dies on damaged files, and follows what a file says to other files: ``read_tree`` looks at what
goldens need before it reads it, and runs in a process of its own (``hdf5_process``).
"""

import io
import math
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5f, h5g, h5l, h5o, h5s, h5t
from numpy.typing import NDArray

from rnn_goldens.encoding.legend import legend
from rnn_goldens.encoding.tree import Tree

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_DEEPEST = 4
_MOST_OBJECTS = 10_000
_LONGEST_TEXT = 2**16
_MOST_TEXTS = 100

_BOOL = np.dtype(np.bool_)
_ARRAYS = [(h5t.py_create(dtype), dtype) for dtype in map(np.dtype, (np.float64, np.int64))]
_PLAIN = [(h5t.py_create(dtype), dtype) for dtype in (np.dtype(np.int64), _BOOL)]
"""The types that golden files have, in HDF5 and in NumPy: of arrays, and of attributes that are no text."""

_WHERE_NUMBERS_LIE = (h5d.CONTIGUOUS, h5d.COMPACT)
"""In the file itself, all of them, as they are. Chunks may go through filters, virtual ones are elsewhere."""


def encode(tree: Tree, gates: str) -> bytes:
    """The bytes of an HDF5 file: the same on every run, because nothing in them depends on time or order of sets.

    What axes are, and in which order gates stand, is written beside each array, for people: no reader needs it.
    """
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver=("v108", "v108"), alignment_threshold=1, alignment_interval=8) as file:
        _write(file, tree, gates)
    return buffer.getvalue()


def _write(group: h5py.Group, tree: Tree, gates: str) -> None:
    for name, value in tree.items():
        if isinstance(value, dict):
            _write(group.create_group(name), value, gates)
        elif isinstance(value, np.ndarray):
            dataset = group.create_dataset(name, data=value, track_times=False)
            for attribute, texts in legend(name, value.ndim, gates).items():
                dataset.attrs[attribute] = _texts(texts)
        elif isinstance(value, str | list):
            group.attrs[name] = _texts(value)
        else:
            group.attrs[name] = value


def _texts(value: str | list[str]) -> NDArray[Any]:
    """Text of a fixed length: one of variable length lies elsewhere in the file, where any place can be named."""
    encoded = [text.encode() for text in ([value] if isinstance(value, str) else value)]
    longest = max([1, *map(len, encoded)])
    array = np.array(encoded, h5py.string_dtype("utf-8", longest))
    return array.reshape(()) if isinstance(value, str) else array


def read_tree(content: bytes) -> Tree:
    """Read the groups, datasets and attributes of a golden from the bytes of a file.

    Raises:
        ValueError, OSError, RuntimeError, KeyError, TypeError, MemoryError: HDF5 can not read it, or it has what no
            golden needs; the latter is refused before it is read.
    """
    if not content.startswith(_SIGNATURE):
        raise ValueError("it does not begin as HDF5 files do")
    return _Reading(len(content)).group(h5g.open(h5f.open_file_image(content), b"/"), "")


class _Reading:
    """One file as it is read.

    Args:
        size: of the file, in bytes.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._seen: set[int] = set()

    def group(self, group: h5g.GroupID, where: str, depth: int = 1) -> Tree:
        self._count(group, where)
        tree = {name: _attribute(group, name, f"{where}{name}") for name in _names(group, h5a.iterate)}
        for name in _names(group, lambda _, found: group.links.iterate(found)):
            place = f"{where}{name}"
            if name in tree:
                raise ValueError(f"{place} is an attribute and an object")
            if group.links.get_info(name.encode()).type != h5l.TYPE_HARD:
                raise ValueError(f"{place} is a link to something elsewhere, which is not followed")
            item = h5o.open(group, name.encode())
            if isinstance(item, h5g.GroupID):
                if depth == _DEEPEST:
                    raise ValueError(f"{place}: groups in more than {_DEEPEST} levels")
                tree[name] = self.group(item, f"{place}/", depth + 1)
            elif isinstance(item, h5d.DatasetID):
                tree[name] = self._array(item, place)
            else:
                raise ValueError(f"{place} is neither a group nor a dataset")
        return tree

    def _count(self, item: h5g.GroupID | h5d.DatasetID, where: str) -> None:
        address = h5o.get_info(item).addr
        if address in self._seen:
            raise ValueError(f"{where or '/'} stands in the file under two names")
        self._seen.add(address)
        if len(self._seen) > _MOST_OBJECTS:
            raise ValueError(f"more than {_MOST_OBJECTS} groups and datasets")

    def _array(self, dataset: h5d.DatasetID, where: str) -> NDArray[Any]:
        self._count(dataset, where)
        made = dataset.get_create_plist()
        if made.get_layout() not in _WHERE_NUMBERS_LIE or made.get_nfilters() or made.get_external_count():
            raise ValueError(f"{where}: its numbers do not lie in the file as they are, in one piece")
        memory_type, dtype = _known_type(dataset.get_type(), _ARRAYS, where)
        size = _number_of(dataset, where) * dtype.itemsize
        if dataset.get_storage_size() != size or (dataset.get_offset() or 0) + size > self._size:
            raise ValueError(f"{where}: claims the shape {dataset.shape}, of which the file does not hold the numbers")
        array = np.empty(dataset.shape, dtype)
        dataset.read(h5s.ALL, h5s.ALL, array, memory_type)
        if not np.isfinite(array).all():
            raise ValueError(f"{where}: holds NaN or infinity")
        return array


def _names(group: h5g.GroupID, iterate: Any) -> list[str]:  # noqa: ANN401 - a function of h5py, which has no types
    found: list[bytes] = []

    def keep(name: bytes, *_: object) -> bool | None:
        found.append(name)
        return True if len(found) > _MOST_OBJECTS else None  # anything but None is the end

    iterate(group, keep)
    if len(found) > _MOST_OBJECTS:
        raise ValueError(f"more than {_MOST_OBJECTS} names in a group")
    return [name.decode() for name in found]


def _attribute(group: h5g.GroupID, name: str, where: str) -> Any:  # noqa: ANN401 - str, int, bool or list of str
    attribute = h5a.open(group, name.encode())
    found = attribute.get_type()
    if not isinstance(found, h5t.TypeStringID):
        memory_type, dtype = _known_type(found, _PLAIN, where)
        if attribute.shape != ():
            raise ValueError(f"{where}: is a list, and not of texts")
        array = np.empty((), dtype)
        attribute.read(array, memory_type)
        return array.item()
    if found.is_variable_str():
        raise ValueError(f"{where}: is a text of variable length; golden files have texts of a fixed one")
    if found.get_size() * max(1, _number_of(attribute, where)) > _LONGEST_TEXT:
        raise ValueError(f"{where}: is longer than {_LONGEST_TEXT} bytes")
    array = np.empty(attribute.shape, f"S{found.get_size()}")
    attribute.read(array, found)
    return _as_text(array.tolist())


def _number_of(item: h5d.DatasetID | h5a.AttrID, where: str) -> int:
    if item.shape is None:
        raise ValueError(f"{where}: holds nothing")
    return math.prod(item.shape)


def _known_type(
    found: h5t.TypeID, known: list[tuple[h5t.TypeID, np.dtype[Any]]], where: str
) -> tuple[h5t.TypeID, np.dtype[Any]]:
    for memory_type, dtype in known:
        if found.equal(memory_type):
            return memory_type, dtype
    names = " or ".join(dtype.name for _, dtype in known)
    raise ValueError(f"{where}: holds another type than {names}")


def _as_text(value: Any) -> Any:  # noqa: ANN401 - as above
    if isinstance(value, bytes):
        return value.decode()
    if len(value) > _MOST_TEXTS or not all(isinstance(item, bytes) for item in value):
        raise ValueError("a list holds more than golden files have")
    return [item.decode() for item in value]
