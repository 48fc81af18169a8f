"""Golden ↔ ``.h5``: groups, datasets and attributes, readable with any HDF5 tool."""

import io
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from rnn_goldens.encoding.tree import Tree
from rnn_goldens.errors import InvalidFile


def encode(tree: Tree) -> bytes:
    """The bytes of an HDF5 file: the same on every run, because nothing in them depends on time or order of sets."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver=("v108", "v108")) as file:
        _write(file, tree)
    return buffer.getvalue()


def read_tree(path: Path) -> Tree:
    """Read groups, datasets and attributes back as a tree. Raises InvalidFile if HDF5 can not."""
    try:
        with h5py.File(path, "r") as file:
            return _read(file)
    except FileNotFoundError:
        raise InvalidFile(path, ["can not be read: No such file or directory"]) from None
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
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


def _read(group: h5py.Group) -> Tree:
    tree: Tree = {name: _plain(value) for name, value in group.attrs.items()}
    for name, item in group.items():
        tree[name] = _read(item) if isinstance(item, h5py.Group) else np.asarray(item[()])
    return tree


def _plain(value: object) -> Any:  # noqa: ANN401 - str, int, bool or list, as JSON has them
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    return value
