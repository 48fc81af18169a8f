"""The position of an element as text, and the first wrong element in the order of computation."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from rnn_goldens.golden.data import GoldenData

WITH_TIME = ("out", "x")
"""Arrays whose second to last axis is time."""


def place(golden: "GoldenData", name: str, index: tuple[int, ...]) -> str:
    """Return the position of an element of an output or gradient as text.

    ``time step 2 (batch 0, unit 1)`` of out, ``time step 2 (batch 0, input 1)`` of x, ``layer 0 (batch 0, unit 1,
    reverse direction)`` of a state, ``gate f, unit 1, column 2`` of a weight.
    """
    config = golden.config
    if name in WITH_TIME:
        *batch, time, last = index
        axis, direction = "input", ""
        if name == "out":
            reverse, last = divmod(last, config.output_size)
            axis, direction = "unit", ", reverse direction" if reverse else ""
        return f"time step {time} ({_in_batch(batch)}{axis} {last}{direction})"
    if name in (*golden.layout.outputs, *golden.layout.initial):  # a state
        layer, reverse = divmod(index[0], config.num_directions)
        two_directions = config.num_directions > 1
        direction = f", {('forward', 'reverse')[reverse]} direction" if two_directions else ""
        return f"layer {layer} ({_in_batch(index[1:-1])}unit {index[-1]}{direction})"
    gates, unit, parts = golden.layout.gates, index[0], []
    if dict(golden.layout.weights)[name.partition("_l")[0]].startswith("G"):  # the rows of all gates
        gate, unit = divmod(index[0], config.hidden_size)
        parts = [f"gate {gates[gate]}"] if len(gates) > 1 else []
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
        from_the_end = (unit >= golden.config.output_size) & (time < length)
        row = int(np.where(from_the_end, length - 1 - time, time).argmin())
    return tuple(int(i) for i in wrong[row])
