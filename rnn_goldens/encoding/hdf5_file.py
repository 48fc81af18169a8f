"""Writes and reads ``.h5`` files: groups, datasets and attributes, readable with any HDF5 tool."""

import io
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from rnn_goldens.encoding.tree import Tree
from rnn_goldens.encoding.untrusted_files import GOLDEN_OF_HDF5

_DEEPEST = 4
"""Levels of groups; a golden has three. The limit ends the reading of a group that links to itself."""

_LARGEST_COMPACT = 60_000
"""Bytes of an array that HDF5 can store in the header of its dataset, which takes less space than a separate block."""

_TYPES = (np.float64, np.int8, np.int16, np.int32, np.int64)

_LARGEST_RATIO = 1_200
"""Bytes of numbers that one byte can hold: deflate's limit is about 1,030."""

_SMALLEST_COMPRESSED = 16_000
"""Bytes of an array from which compression is smaller than an array in the header."""


def encode(tree: Tree, *, compressed: bool = False) -> bytes:
    """Return the bytes of an HDF5 file. Deterministic: nothing depends on time or on the order of sets.

    ``compressed``: large arrays are compressed, by filters that every HDF5 library has, shuffle and deflate, and equal
    arrays are one dataset with several names. Needs HDF5 1.10, whose datasets are 3 KB smaller.
    """
    buffer = io.BytesIO()
    libver = ("v110", "v110") if compressed else ("earliest", "v108")
    with h5py.File(buffer, "w", libver=libver, alignment_threshold=1, alignment_interval=8) as file:
        _write(file, tree, {} if compressed else None)
    return buffer.getvalue()


_Written = dict[tuple[tuple[int, ...], bytes], h5py.Dataset]
"""The datasets of compressed arrays, by shape and content."""


def _write(group: h5py.Group, tree: Tree, written: _Written | None) -> None:
    for name, value in tree.items() if written is None else sorted(tree.items()):  # a file that is read is sorted, too
        if isinstance(value, dict):
            _write(group.create_group(name), value, written)
        elif isinstance(value, np.ndarray):
            _write_array(group, name, value, written)
        elif isinstance(value, str | list) and not _are_numbers(value):
            group.attrs[name] = _texts(value)
        else:
            group.attrs[name] = value


def _write_array(group: h5py.Group, name: str, array: NDArray[Any], written: _Written | None) -> None:
    if written is None or array.nbytes <= _SMALLEST_COMPRESSED:
        _write_dataset(group, name, array)
        return
    key = array.shape, array.tobytes()
    if key in written:
        group[name] = written[key]
    else:
        _write_dataset(group, name, array, compressed=True)
        written[key] = group[name]


def _write_dataset(group: h5py.Group, name: str, array: NDArray[Any], *, compressed: bool = False) -> None:
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_obj_track_times(False)
    properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    if compressed:
        properties.set_chunk(array.shape)
        properties.set_shuffle()
        properties.set_deflate(9)
    elif array.nbytes < _LARGEST_COMPACT:
        properties.set_layout(h5py.h5d.COMPACT)
    space = h5py.h5s.create_simple(array.shape)
    dataset = h5py.h5d.create(group.id, name.encode(), h5py.h5t.py_create(array.dtype), space, dcpl=properties)
    dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(array))


def _are_numbers(value: str | list[Any]) -> bool:
    return bool(value) and not any(isinstance(one, str) for one in value)


def _texts(value: str | list[str]) -> NDArray[Any]:
    """Encode text with a fixed length, which takes less space than text of variable length in an attribute."""
    encoded = [text.encode() for text in ([value] if isinstance(value, str) else value)]
    longest = max([1, *map(len, encoded)])
    array = np.array(encoded, h5py.string_dtype("utf-8", longest))
    return array.reshape(()) if isinstance(value, str) else array


def read_tree(content: bytes) -> Tree:
    """Parse the groups, datasets and attributes of a golden in an HDF5 file. Raises ValueError if it has others."""
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            return _tree(file, _Room(GOLDEN_OF_HDF5.size))
    except Exception as error:  # h5py raises many types
        raise ValueError(str(error.args[0] if error.args else error) or type(error).__name__) from error


class _Room:
    """The bytes of numbers that may still be read."""

    def __init__(self, left: int) -> None:
        self.left = left

    def take(self, dataset: h5py.Dataset) -> None:
        """Take the bytes of a dataset. Raises ValueError if the file does not hold them, or all datasets too many."""
        if dataset.shape is None or dataset.nbytes > min(self.left, _LARGEST_RATIO * dataset.id.get_storage_size()):
            raise ValueError(f"{dataset.name}: has shape {dataset.shape}, but the file does not hold its numbers")
        self.left -= dataset.nbytes


def _tree(group: h5py.Group, room: _Room) -> Tree:
    tree = {name: _plain(value) for name, value in group.attrs.items()}
    for name in group:
        item = group[name]
        if name in tree:
            raise ValueError(f"{item.name} is both an attribute and an object")
        if item.name.count("/") > _DEEPEST:
            raise ValueError(f"{item.name}: groups nested in more than {_DEEPEST} levels")
        if not isinstance(item, h5py.Group | h5py.Dataset):
            raise ValueError(f"{item.name} is neither a group nor a dataset")
        tree[name] = _tree(item, room) if isinstance(item, h5py.Group) else _array(item, room)
    return tree


def _array(dataset: h5py.Dataset, room: _Room) -> NDArray[Any]:
    if dataset.dtype not in _TYPES:
        raise ValueError(f"{dataset.name}: holds {dataset.dtype}, expected float64 or an integer type")
    room.take(dataset)
    array: NDArray[Any] = dataset[()]
    if not np.isfinite(array).all():
        raise ValueError(f"{dataset.name}: holds NaN or infinity")
    return array


def _plain(value: Any) -> Any:  # noqa: ANN401 - str, int, bool or list of str
    """Return an attribute as a JSON value."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, np.ndarray):
        return [_plain(part) for part in value.tolist()]
    return value.item() if isinstance(value, np.generic) else value
