"""Converts gradients of another convention's weights to PyTorch's: the transpose of the conversion of weights.

A convention moves each number of a weight to one or more positions, possibly with the opposite sign, and may add two
numbers. To find the positions of each number, indices are converted instead of the weights.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from rnn_goldens.comparison.outputs import NotNumbers, read
from rnn_goldens.conventions.conversion import Array, Convention, flat, named_as
from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.precision import Precision
from rnn_goldens.golden.shapes import Config, Layout, weight_shapes


def gradients_to_torch(
    convention: Convention, cell: str, config: Config, layout: Layout, gradients: Mapping[str, Any], least: Precision
) -> dict[str, Array]:
    """Return the gradients of PyTorch's weights, from those of a convention's weights.

    Args:
        convention: the convention of the names and shapes.
        cell: the cell.
        config: the configuration of the network.
        layout: the layout of the cell.
        gradients: by name, possibly nested. Missing gradients are allowed; results that need them are omitted.
        least: the lowest precision that is accepted.

    Raises:
        TypeError: a gradient is less precise than ``least``.
        WrongUse: an array is unknown, not numeric or of another shape than its weight.
        Unsupported: the convention cannot represent such weights.
    """
    shapes = weight_shapes(layout, config)
    zeros = {name: np.zeros(shape) for name, shape in shapes.items()}
    wanted = {name: array.shape for name, array in convention.from_torch(cell, config, zeros).items()}
    arrays = _read(convention.name, named_as(wanted, dict(flat(gradients))), wanted, least)
    return {
        name: _transposed(shapes[name], targets, arrays)
        for name, targets in places(convention, cell, config, layout).items()
        if targets.keys() <= arrays.keys()
    }


def places(convention: Convention, cell: str, config: Config, layout: Layout) -> dict[str, dict[str, Array]]:
    """For each PyTorch weight and each array of the convention, return the index of the number at each position.

    Indices start at 1 and are negative for the opposite sign; 0 is a position without a number of this weight. Raises
    Unsupported if the convention cannot represent the weights.
    """
    zeros = {name: np.zeros(shape) for name, shape in weight_shapes(layout, config).items()}
    found: dict[str, dict[str, Array]] = {}
    for name, zero in zeros.items():
        numbered = {**zeros, name: np.arange(1.0, 1 + zero.size).reshape(zero.shape)}
        moved = convention.from_torch(cell, config, numbered)
        found[name] = {at: place for at, place in moved.items() if place.any()}
    return found


def _transposed(shape: tuple[int, ...], targets: Mapping[str, Array], arrays: Mapping[str, Array]) -> Array:
    gradient = np.zeros(int(np.prod(shape)))
    for name, place in targets.items():
        used = place != 0
        at = np.abs(place[used]).astype(np.intp) - 1
        np.add.at(gradient, at, np.sign(place[used]) * arrays[name][used])
    return gradient.reshape(shape)


def _read(
    convention: str, gradients: Mapping[str, Any], wanted: Mapping[str, tuple[int, ...]], least: Precision
) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    for name, value in gradients.items():
        label = f"{convention} gradients: {name}"
        if name not in wanted:
            raise WrongUse(f"{label} is not one of {', '.join(wanted)}")
        try:
            found = read(value)
        except NotNumbers as reason:
            raise WrongUse(f"{label} {reason}") from None
        if found.values.shape != wanted[name]:
            raise WrongUse(f"{label} is {found.values.shape}, not {wanted[name]}")
        if found.bits is not None and found.bits < least.bits:
            raise TypeError(f"{label} is {found.dtype}: less precise than the declared {least.name}")
        arrays[name] = found.values
    return arrays
