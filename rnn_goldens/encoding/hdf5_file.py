"""Golden ↔ ``.h5``: groups, datasets and attributes, readable with any HDF5 tool."""

import io
import math
import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5f, h5g, h5o, h5s, h5t
from numpy.typing import NDArray

from rnn_goldens.encoding.tree import Tree
from rnn_goldens.errors import InvalidFile, not_readable

_MOST_BYTES = 2**27
"""No array of a golden is larger. HDF5 files can claim any size in a few bytes."""

_TEXT = h5t.py_create(h5py.string_dtype()), h5py.string_dtype()
_NUMBERS = [(h5t.py_create(dtype), dtype) for dtype in map(np.dtype, (np.float64, np.int64, np.bool_))]
"""The types that golden files have, in HDF5 and in NumPy: to recognize one costs a tenth of translating it."""


def encode(tree: Tree) -> bytes:
    """The bytes of an HDF5 file: the same on every run, because nothing in them depends on time or order of sets."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver=("v108", "v108")) as file:
        _write(file, tree)
    return buffer.getvalue()


def read_tree(path: Path) -> Tree:
    """Read groups, datasets and attributes back as a tree.

    It speaks h5py's low-level interface, which takes a quarter of the time that ``group.items()`` takes.

    Raises:
        InvalidFile: HDF5 can not read it.
    """
    try:
        path.open("rb").close()  # says in plain words what HDF5 says in numbers
    except OSError as error:
        raise not_readable(path, error) from None
    try:
        return _read(h5g.open(h5f.open(os.fsencode(path), h5f.ACC_RDONLY), b"/"))
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError) as error:
        reason = str(error.args[0] if error.args else error)
        raise InvalidFile(path, [f"not a readable HDF5 file: {reason}"]) from None


def _write(group: h5py.Group, tree: Tree) -> None:
    for name, value in tree.items():
        if isinstance(value, dict):
            _write(group.create_group(name), value)
        elif isinstance(value, np.ndarray):
            group.create_dataset(name, data=value, track_times=False)
        elif isinstance(value, list):
            group.attrs[name] = np.array(value, dtype=h5py.string_dtype())
        else:
            group.attrs[name] = value


def _read(group: h5g.GroupID) -> Tree:
    attributes: list[bytes] = []
    h5a.iterate(group, attributes.append)
    tree = {name: _read_attribute(group, name) for name in map(bytes.decode, attributes)}
    links: list[bytes] = []
    group.links.iterate(links.append)
    for name in map(bytes.decode, links):
        try:
            item = h5o.open(group, name.encode())
        except KeyError:
            raise ValueError(f"{name} is a link to something that is not there") from None
        if isinstance(item, h5g.GroupID):
            tree[name] = _read(item)
        elif isinstance(item, h5d.DatasetID):
            tree[name] = _read_array(name, item)
        else:
            raise ValueError(f"{name} is neither a group nor a dataset")
    return tree


def _read_array(name: str, dataset: h5d.DatasetID) -> NDArray[Any]:
    array, memory_type = _room(name, dataset)
    dataset.read(h5s.ALL, h5s.ALL, array, memory_type)
    return array


def _read_attribute(group: h5g.GroupID, name: str) -> Any:  # noqa: ANN401 - str, int, bool or list, as JSON has them
    attribute = h5a.open(group, name.encode())
    array, memory_type = _room(name, attribute)
    attribute.read(array, memory_type)
    return _as_text(array.tolist())


def _room(name: str, item: h5d.DatasetID | h5a.AttrID) -> tuple[NDArray[Any], h5t.TypeID]:
    """An array to read into, and the HDF5 type of its elements."""
    shape, (memory_type, dtype) = item.shape, _memory_type(item.get_type())
    if shape is None:
        raise ValueError(f"{name} holds nothing")
    if math.prod(shape) * dtype.itemsize > _MOST_BYTES:
        raise ValueError(f"{name} claims the shape {shape}, too large for a golden")
    return np.empty(shape, dtype), memory_type


def _memory_type(file_type: h5t.TypeID) -> tuple[h5t.TypeID, np.dtype[Any]]:
    for known in _NUMBERS:
        if file_type.equal(known[0]):
            return known
    if isinstance(file_type, h5t.TypeStringID) and file_type.is_variable_str():
        return _TEXT
    return h5t.py_create(file_type.dtype), file_type.dtype


def _as_text(value: Any) -> Any:  # noqa: ANN401 - as above
    if isinstance(value, bytes):
        return value.decode()
    return [_as_text(item) for item in value] if isinstance(value, list) else value
