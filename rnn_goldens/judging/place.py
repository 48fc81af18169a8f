"""Where an element of an output or of a gradient stands, in words, and which wrong element was computed first."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from rnn_goldens.golden.data import GoldenData

WITH_TIME = ("out", "x")
"""The arrays whose last axis but one is time."""

STATES = ("h_n", "c_n", "h0", "c0")
"""Those that have a row for each layer and direction."""


def place(golden: "GoldenData", name: str, index: tuple[int, ...]) -> str:
    """Name an index of an output, or of the gradient of an array.

    ``time step 2 (batch 0, unit 1)`` of out, ``time step 2 (batch 0, input 1)`` of x, ``layer 0, reverse direction
    (batch 0, unit 1)`` of a state, ``gate f, unit 1, column 2`` of a weight.
    """
    hidden = golden.config.hidden_size
    if name in WITH_TIME:
        *batch, time, last = index
        what, direction = "input", ""
        if name == "out":
            what, direction, last = "unit", ", reverse direction" if last >= hidden else "", last % hidden
        return f"time step {time} ({_in_batch(batch)}{what} {last}{direction})"
    if name in STATES:
        layer, reverse = divmod(index[0], golden.config.num_directions)
        of_two = golden.config.num_directions > 1
        direction = f", {('forward', 'reverse')[reverse]} direction" if of_two else ""
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
    """Of the indices of wrong elements, a row each, the one that is computed first.

    Of out the earliest in its own direction: the reverse one starts at a sequence's end. Of the gradient of x the last
    in time, where a backward pass begins. Of all others the first in memory.
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
