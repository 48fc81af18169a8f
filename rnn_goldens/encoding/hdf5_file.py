"""Golden ↔ ``.h5``: groups, datasets and attributes, readable with any HDF5 tool."""

import io
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from rnn_goldens.encoding.legend import legend
from rnn_goldens.encoding.tree import Tree

_DEEPEST = 4
"""Levels; a golden has three. A group may be linked into itself."""

_TYPES = (np.dtype(np.float64), np.dtype(np.int64))


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
    """Text of a fixed length, which stands with its attribute and takes less room than one of variable length."""
    encoded = [text.encode() for text in ([value] if isinstance(value, str) else value)]
    longest = max([1, *map(len, encoded)])
    array = np.array(encoded, h5py.string_dtype("utf-8", longest))
    return array.reshape(()) if isinstance(value, str) else array


def read_tree(content: bytes) -> Tree:
    """Read the groups, datasets and attributes of a golden from the bytes of a file, with h5py.

    Raises:
        ValueError: HDF5 cannot read it, or it holds what no golden has.
    """
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            return _tree(file, len(content))
    except Exception as error:  # h5py's are of many kinds
        raise ValueError(str(error.args[0] if error.args else error) or type(error).__name__) from error


def _tree(group: h5py.Group, most_bytes: int) -> Tree:
    tree = {name: _plain(value) for name, value in group.attrs.items()}
    for name in group:
        item = group[name]
        if name in tree:
            raise ValueError(f"{item.name} is an attribute and an object")
        if item.name.count("/") > _DEEPEST:
            raise ValueError(f"{item.name}: groups in more than {_DEEPEST} levels")
        if not isinstance(item, h5py.Group | h5py.Dataset):
            raise ValueError(f"{item.name} is neither a group nor a dataset")
        tree[name] = _tree(item, most_bytes) if isinstance(item, h5py.Group) else _array(item, most_bytes)
    return tree


def _array(dataset: h5py.Dataset, most_bytes: int) -> NDArray[Any]:
    if dataset.dtype not in _TYPES:
        raise ValueError(f"{dataset.name}: holds {dataset.dtype}, and arrays of goldens hold float64 or int64")
    if dataset.shape is None or dataset.nbytes > most_bytes:
        raise ValueError(f"{dataset.name}: has shape {dataset.shape}, of which the file does not hold the numbers")
    array: NDArray[Any] = dataset[()]
    if not np.isfinite(array).all():
        raise ValueError(f"{dataset.name}: holds NaN or infinity")
    return array


def _plain(value: Any) -> Any:  # noqa: ANN401 - str, int, bool or list of str
    """An attribute as JSON has it."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, np.ndarray):
        return [_plain(part) for part in value.tolist()]
    return value.item() if isinstance(value, np.generic) else value
