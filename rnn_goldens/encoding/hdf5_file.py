"""Writes and reads ``.h5`` files: groups, datasets and attributes, readable with any HDF5 tool.

Each array has its axis labels and gate order as attributes, for users of HDF5 tools. Readers do not need them.
"""

import io
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from rnn_goldens.encoding.tree import Tree
from rnn_goldens.golden.recurrences import RecurrenceConfig
from rnn_goldens.golden.shapes import Config, Layout, cotangent_of

_DEEPEST = 4
"""Levels of groups; a golden has three. The limit ends the reading of a group that links to itself."""

Labels = Callable[[str, int], Mapping[str, list[str]]]
"""(name, number of axes) of an array → its attributes."""

_TYPES = (np.dtype(np.float64), np.dtype(np.int64))


def encode(tree: Tree, layout: Layout, config: Config | RecurrenceConfig) -> bytes:
    """Return the bytes of an HDF5 file. Deterministic: nothing depends on time or on the order of sets.

    Args:
        tree: the content.
        layout: gates, states and weights of the cell, for the labels of axes.
        config: the configuration, for the labels of axes.
    """
    labels = (
        partial(recurrence_labels, config)
        if isinstance(config, RecurrenceConfig)
        else partial(axis_labels, layout, projected=config.proj_size > 0)
    )
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver=("v108", "v108"), alignment_threshold=1, alignment_interval=8) as file:
        _write(file, tree, labels)
    return buffer.getvalue()


def _write(group: h5py.Group, tree: Tree, labels: Labels) -> None:
    for name, value in tree.items():
        if isinstance(value, dict):
            _write(group.create_group(name), value, labels)
        elif isinstance(value, np.ndarray):
            dataset = group.create_dataset(name, data=value, track_times=False)
            for attribute, texts in labels(name, value.ndim).items():
                dataset.attrs[attribute] = _texts(texts)
        elif isinstance(value, str | list):
            group.attrs[name] = _texts(value)
        else:
            group.attrs[name] = value


def _texts(value: str | list[str]) -> NDArray[Any]:
    """Encode text with a fixed length, which takes less space than text of variable length in an attribute."""
    encoded = [text.encode() for text in ([value] if isinstance(value, str) else value)]
    longest = max([1, *map(len, encoded)])
    array = np.array(encoded, h5py.string_dtype("utf-8", longest))
    return array.reshape(()) if isinstance(value, str) else array


_SUFFIX = re.compile(r"_l\d+(_reverse)?")
_MAX_AXES = 3


def axis_labels(layout: Layout, name: str, axes: int, *, projected: bool) -> dict[str, list[str]]:
    """Return the attributes ``axes`` and, for a weight with the rows of all gates, ``gates`` of an array.

    Args:
        layout: gates, states and weights of the cell.
        name: the name of the array.
        axes: the number of axes: an unbatched golden has one less.
        projected: whether the size of h differs from hidden_size.
    """
    output = "projection" if projected else "hidden"
    letters = {"G": "gate*hidden", "H": "hidden", "I": "input of the layer", "P": output}
    if name == "lengths":
        return {"axes": ["batch"]}
    if name in ("x", "out", "d_out"):
        return {"axes": ["batch", "time", "input" if name == "x" else f"direction*{output}"][_MAX_AXES - axes :]}
    last = layout.outputs[1:]
    for names in (layout.initial, last, tuple(map(cotangent_of, last))):
        if name in names:
            units = output if name == names[0] else "hidden"
            return {"axes": ["layer*direction", *["batch"][: axes - 2], units]}
    weight = dict(layout.weights)[_SUFFIX.sub("", name)]
    gates = {"gates": list(layout.gates)} if weight.startswith("G") else {}
    return {"axes": [letters[axis] for axis in weight], **gates}


def recurrence_labels(config: RecurrenceConfig, name: str, _: int) -> dict[str, list[str]]:
    """Return the attribute ``axes`` of an array of a recurrence."""
    recurrence, output = config.recurrence, name.removeprefix("d_")
    if name == "offsets":
        return {"axes": ["sequence + 1"]}
    if name in recurrence.weights:
        return {"axes": recurrence.weights[name].split()}
    for axes in (config.inputs.get(name), recurrence.outputs.get(output)):
        if axes is not None:
            return {"axes": ["batch", "time", *axes.split()]}
    state = output.removesuffix("_n") if output.endswith("_n") else name.removesuffix("0")
    return {"axes": ["sequence", *recurrence.states[state].split()]}


def read_tree(content: bytes) -> Tree:
    """Parse the groups, datasets and attributes of a golden from the bytes of an HDF5 file.

    Raises:
        ValueError: HDF5 cannot read the content, or it holds something that a golden cannot have.
    """
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            return _tree(file, len(content))
    except Exception as error:  # h5py raises many types
        raise ValueError(str(error.args[0] if error.args else error) or type(error).__name__) from error


def _tree(group: h5py.Group, most_bytes: int) -> Tree:
    tree = {name: _plain(value) for name, value in group.attrs.items()}
    for name in group:
        item = group[name]
        if name in tree:
            raise ValueError(f"{item.name} is both an attribute and an object")
        if item.name.count("/") > _DEEPEST:
            raise ValueError(f"{item.name}: groups nested in more than {_DEEPEST} levels")
        if not isinstance(item, h5py.Group | h5py.Dataset):
            raise ValueError(f"{item.name} is neither a group nor a dataset")
        tree[name] = _tree(item, most_bytes) if isinstance(item, h5py.Group) else _array(item, most_bytes)
    return tree


def _array(dataset: h5py.Dataset, most_bytes: int) -> NDArray[Any]:
    if dataset.dtype not in _TYPES:
        raise ValueError(f"{dataset.name}: holds {dataset.dtype}, expected float64 or int64")
    if dataset.shape is None or dataset.nbytes > most_bytes:
        raise ValueError(f"{dataset.name}: has shape {dataset.shape}, but the file does not hold its numbers")
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
