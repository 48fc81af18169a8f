"""Gradients by weights as another library names them → by PyTorch's: the transpose of the way the weights go.

A convention moves each number of a weight to one or more places of its own, perhaps with the other sign, and may add
two up. Where each goes is seen by sending the numbers' places instead of the numbers.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from rnn_goldens.conventions.conversion import Array, Convention, flat, named_as
from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.precision import Precision
from rnn_goldens.golden.shapes import Config, Layout, weight_shapes
from rnn_goldens.judging.outputs import NotNumbers, read


def gradients_to_torch(
    convention: Convention, cell: str, config: Config, layout: Layout, gradients: Mapping[str, Any], least: Precision
) -> dict[str, Array]:
    """The gradients by PyTorch's weights, from those by a convention's weights.

    Args:
        convention: whose names and shapes the gradients have.
        cell: of which cell.
        config: of which network.
        layout: of the cell.
        gradients: by name, perhaps nested; those of weights that are left out are taken for not to be had, and what
            needs them is left out as well.
        least: the precision that they have at least.

    Raises:
        TypeError: one is less precise.
        WrongUse: an array is one too many, is no array of numbers or has another shape than its weight.
        Unsupported: the convention has no such weights.
    """
    shapes = weight_shapes(layout, config)
    zeros = {name: np.zeros(shape) for name, shape in shapes.items()}
    wanted = {name: array.shape for name, array in convention.from_torch(cell, config, zeros).items()}
    arrays = _read(convention.name, named_as(wanted, dict(flat(gradients))), wanted, least)
    return {
        name: _gathered(shapes[name], went, arrays)
        for name, went in places(convention, cell, config, layout).items()
        if went.keys() <= arrays.keys()
    }


def places(convention: Convention, cell: str, config: Config, layout: Layout) -> dict[str, dict[str, Array]]:
    """Where each weight goes: by its name, then by a name of the convention's, which number of it stands there.

    They are counted from 1, negative where the sign is the other; 0 is none of it. Raises Unsupported as above.
    """
    zeros = {name: np.zeros(shape) for name, shape in weight_shapes(layout, config).items()}
    found: dict[str, dict[str, Array]] = {}
    for name, zero in zeros.items():
        numbered = {**zeros, name: np.arange(1.0, 1 + zero.size).reshape(zero.shape)}
        moved = convention.from_torch(cell, config, numbered)
        found[name] = {at: place for at, place in moved.items() if place.any()}
    return found


def _gathered(shape: tuple[int, ...], went: Mapping[str, Array], arrays: Mapping[str, Array]) -> Array:
    gradient = np.zeros(int(np.prod(shape)))
    for name, place in went.items():
        there = place != 0
        at = np.abs(place[there]).astype(np.intp) - 1
        np.add.at(gradient, at, np.sign(place[there]) * arrays[name][there])
    return gradient.reshape(shape)


def _read(
    convention: str, gradients: Mapping[str, Any], wanted: Mapping[str, tuple[int, ...]], least: Precision
) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    for name, value in gradients.items():
        said = f"{convention} gradients: {name}"
        if name not in wanted:
            raise WrongUse(f"{said} is not one of {', '.join(wanted)}")
        try:
            found = read(value)
        except NotNumbers as reason:
            raise WrongUse(f"{said} {reason}") from None
        if found.values.shape != wanted[name]:
            raise WrongUse(f"{said} is {found.values.shape}, not {wanted[name]}")
        if found.bits is not None and found.bits < least.bits:
            raise TypeError(f"{said} is {found.dtype}: less precise than the declared {least.name}")
        arrays[name] = found.values
    return arrays
