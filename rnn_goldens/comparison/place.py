"""The position of an element as text, and the first wrong element in the order of computation."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from rnn_goldens.golden.data import GoldenData

WITH_TIME = ("out", "x")
"""Arrays whose second to last axis is time."""

STATES = ("h_n", "c_n", "h0", "c0")
"""Arrays with a row for each layer and direction."""


def place(golden: "GoldenData", name: str, index: tuple[int, ...]) -> str:
    """Return the position of an element of an output or gradient as text.

    ``time step 2 (batch 0, unit 1)`` of out, ``time step 2 (batch 0, input 1)`` of x, ``layer 0 (batch 0, unit 1,
    reverse direction)`` of a state, ``gate f, unit 1, column 2`` of a weight.
    """
    hidden = golden.config.hidden_size
    if name in WITH_TIME:
        *batch, time, last = index
        axis, direction = "input", ""
        if name == "out":
            axis, direction, last = "unit", ", reverse direction" if last >= hidden else "", last % hidden
        return f"time step {time} ({_in_batch(batch)}{axis} {last}{direction})"
    if name in STATES:
        layer, reverse = divmod(index[0], golden.config.num_directions)
        two_directions = golden.config.num_directions > 1
        direction = f", {('forward', 'reverse')[reverse]} direction" if two_directions else ""
        return f"layer {layer} ({_in_batch(index[1:-1])}unit {index[-1]}{direction})"
    gate, unit = divmod(index[0], hidden)
    gates = golden.layout.gates
    stacked = name.startswith(("weight_", "bias_")) and len(gates) > 1
    parts = [f"gate {gates[gate]}"] if stacked else []
    parts += [f"unit {unit}", *(f"column {column}" for column in index[1:])]
    return ", ".join(parts)


def _in_batch(index: Sequence[int]) -> str:
    return "".join(f"batch {b}, " for b in index)


def first(golden: "GoldenData", name: str, wrong: NDArray[np.intp]) -> tuple[int, ...]:
    """Return the index of the wrong element that is computed first. Each row of ``wrong`` is an index.

    For out, this is the earliest element in the order of its direction: the reverse direction starts at the end of a
    sequence. For the gradient of x, it is at the latest time step, because a backward pass starts at the end. For other
    arrays, it is the first element in memory.
    """
    row = 0
    if name == "x":
        row = int(wrong[:, -2].argmax())
    elif name == "out":
        time, unit = wrong[:, -2], wrong[:, -1]
        length = golden.stored.x.shape[-2] if golden.lengths is None else golden.lengths[wrong[:, 0]]
        from_the_end = (unit >= golden.config.hidden_size) & (time < length)
        row = int(np.where(from_the_end, length - 1 - time, time).argmin())
    return tuple(int(i) for i in wrong[row])
