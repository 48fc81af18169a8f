"""The position of an element as text, and the first wrong element in the order of computation."""

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.golden.data import GoldenData
from rnn_goldens.golden.shapes import (
    BATCH,
    DIRECTION_AND_UNIT,
    GATE_AND_UNIT,
    LAYER,
    LAYER_AND_DIRECTION,
    SEQUENCE,
    TIME,
    UNIT,
)

_IN_WORDS = {
    TIME: "time step",
    DIRECTION_AND_UNIT: UNIT,
    "query_heads": "query head",
    "heads": "head",
    "key_heads": "key head",
    "beta_heads": "beta",
    "groups": "group",
    "d_k": "key",
    "d_v": "value",
    "d": "unit",
    "channels": "channel",
}
"""Names of axes in texts."""


def axes(golden: GoldenData, name: str) -> tuple[str, ...]:
    """Return the names of the axes of an output in words: ``("batch", "time step", "unit")`` for out of a network."""
    return tuple(_IN_WORDS.get(axis, axis) for axis in golden.axes(name))


def place(golden: GoldenData, name: str, index: tuple[int, ...]) -> str:
    """Return the position of an element of an output or gradient as text.

    ``time step 2 (batch 0, unit 1)`` of out, ``time step 2 (batch 0, input 1)`` of x, ``layer 0 (batch 0, unit 1,
    reverse direction)`` of a state, ``gate f, unit 1, column 2`` of a weight, ``batch 0, head 1, key 2, value 3``.
    """
    outer, inner, direction = "", list[str](), ""
    for axis, at in zip(golden.axes(name), index, strict=True):
        if axis == TIME:
            outer = f"time step {at}"
        elif axis == LAYER:
            outer = f"layer {at}"
        elif axis == LAYER_AND_DIRECTION:
            layer, reverse = divmod(at, 2)
            outer, direction = f"layer {layer}", f", {('forward', 'reverse')[reverse]} direction"
        elif axis == DIRECTION_AND_UNIT:
            reverse, unit = divmod(at, golden.network.output_size)
            inner, direction = [*inner, f"unit {unit}"], ", reverse direction" if reverse else ""
        elif axis == GATE_AND_UNIT:
            gate, unit = divmod(at, golden.network.hidden_size)
            inner += [f"gate {golden.layout.gates[gate]}", f"unit {unit}"]
        else:
            inner.append(f"{BATCH if axis == SEQUENCE else _IN_WORDS.get(axis, axis)} {at}")
    listed = ", ".join(inner) + direction
    return f"{outer} ({listed})" if outer else listed


def first(golden: GoldenData, name: str, wrong: NDArray[np.intp]) -> tuple[int, ...]:
    """Return the index of the wrong element that is computed first. Each row of ``wrong`` is an index.

    For out, this is the earliest element in the order of its direction: the reverse direction starts at the end of a
    sequence. For the gradient of x, it is at the latest time step, because a backward pass starts at the end. For other
    arrays, it is the first element in memory.
    """
    of = golden.axes(name)
    if TIME not in of:
        return tuple(int(i) for i in wrong[0])
    time = wrong[:, of.index(TIME)]
    if name in golden.stored.inputs:
        row = time.argmax()
    elif of[-1] == DIRECTION_AND_UNIT:
        length = golden.time if golden.lengths is None else golden.lengths[wrong[:, 0]]
        from_the_end = (wrong[:, -1] >= golden.network.output_size) & (time < length)
        row = np.where(from_the_end, length - 1 - time, time).argmin()
    else:
        row = time.argmin()
    return tuple(int(i) for i in wrong[row])
