"""What cotangents have to be, beside a configuration: shaped as their outputs, and not all of them zero."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.golden.gradients import COTANGENTS
from rnn_goldens.golden.shapes import Config, Layout, Shape, out_shape, state_shape


def cotangent_problems(
    layout: Layout, config: Config, x: Shape, cotangents: Mapping[str, NDArray[np.float64]]
) -> list[str]:
    """List what is wrong with cotangents of a network's outputs, where its input has that shape."""
    *batch, time, _ = x
    shapes = {"d_out": out_shape(config, tuple(batch), time)}
    shapes |= {f"d_{state}_n": state_shape(config, tuple(batch)) for state in layout.states}
    found = []
    for name, array in cotangents.items():
        if name not in shapes:
            found.append(f"{name} is given, and the cell has no {COTANGENTS[name]}")
        elif array.shape != shapes[name]:
            found.append(f"{name} has shape {array.shape}; {COTANGENTS[name]} has {shapes[name]}")
    if not found and cotangents and not any(array.any() for array in cotangents.values()):
        found.append("every cotangent is zero, so they ask for nothing")
    return found
