"""The position of an element as text, and the first wrong element in the order of computation."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.golden.recurrences import RecurrenceConfig

if TYPE_CHECKING:
    from rnn_goldens.golden.data import GoldenData

WITH_TIME = ("out", "x")
"""Arrays of a network whose second to last axis is time."""

_AXES = {"query_heads": "query head", "heads": "head", "d_k": "key", "d_v": "value", "d": "unit", "channels": "channel"}
"""Names of the axes of recurrences in texts."""


def time_axis(golden: "GoldenData", name: str) -> int | None:
    """Return the axis of an output, input or their gradient that is time; None if an array has no such axis."""
    if golden.is_network:
        return -2 if name in WITH_TIME else None
    return 1 if name in golden.stored.inputs or name in golden.layout.outputs[:1] else None


def axes(golden: "GoldenData", name: str) -> tuple[str, ...]:
    """Return the names of the axes of an output: ``("batch", "time step", "unit")`` for out of a network."""
    if isinstance(golden.config, RecurrenceConfig):
        recurrence = golden.config.recurrence
        if name in recurrence.outputs:
            return ("batch", "time step", *_names(recurrence.outputs[name]))
        return ("sequence", *_names(recurrence.states[name.removesuffix("_n")]))
    batch = ("batch",) if golden.batch_shape else ()
    layer = "layer" if golden.network.num_directions == 1 else "layer and direction"
    return (*batch, "time step", "unit") if name == "out" else (layer, *batch, "unit")


def _names(axes_of_lane: str) -> tuple[str, ...]:
    return tuple(_AXES.get(axis, axis) for axis in axes_of_lane.split())


def place(golden: "GoldenData", name: str, index: tuple[int, ...]) -> str:
    """Return the position of an element of an output or gradient as text.

    ``time step 2 (batch 0, unit 1)`` of out, ``time step 2 (batch 0, input 1)`` of x, ``layer 0 (batch 0, unit 1,
    reverse direction)`` of a state, ``gate f, unit 1, column 2`` of a weight.
    """
    if isinstance(golden.config, RecurrenceConfig):
        return _place_in_recurrence(golden.config, name, index)
    config = golden.network
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


def _place_in_recurrence(config: RecurrenceConfig, name: str, index: tuple[int, ...]) -> str:
    """Return the position as text: ``time step 2 (batch 0, head 1, value 3)``, ``batch 0, head 1, key 2, value 3``."""
    recurrence = config.recurrence
    if name in recurrence.weights:
        return _listed(recurrence.weights[name], index)
    if (axes := config.inputs.get(name) or recurrence.outputs.get(name)) is not None:
        batch, time, *others = index
        return f"time step {time} (batch {batch}, {_listed(axes, others)})"
    sequence, *others = index
    return f"batch {sequence}, {_listed(recurrence.states[name.removesuffix('_n').removesuffix('0')], others)}"


def _listed(axes: str, index: Sequence[int]) -> str:
    return ", ".join(f"{_AXES.get(axis, axis)} {at}" for axis, at in zip(axes.split(), index, strict=True))


def _in_batch(index: Sequence[int]) -> str:
    return "".join(f"batch {b}, " for b in index)


def first(golden: "GoldenData", name: str, wrong: NDArray[np.intp]) -> tuple[int, ...]:
    """Return the index of the wrong element that is computed first. Each row of ``wrong`` is an index.

    For out, this is the earliest element in the order of its direction: the reverse direction starts at the end of a
    sequence. For the gradient of x, it is at the latest time step, because a backward pass starts at the end. For other
    arrays, it is the first element in memory.
    """
    row = 0
    if not golden.is_network:
        axis = time_axis(golden, name)
        times = wrong[:, 0] * 0 if axis is None else wrong[:, axis]
        row = int(times.argmax() if name in golden.stored.inputs else times.argmin())
    elif name == "x":
        row = int(wrong[:, -2].argmax())
    elif name == "out":
        time, unit = wrong[:, -2], wrong[:, -1]
        length = golden.stored.x.shape[-2] if golden.lengths is None else golden.lengths[wrong[:, 0]]
        from_the_end = (unit >= golden.network.output_size) & (time < length)
        row = int(np.where(from_the_end, length - 1 - time, time).argmin())
    return tuple(int(i) for i in wrong[row])
