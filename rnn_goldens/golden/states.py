"""The states of a golden after every step: their names and shapes, and the one that its outputs hold already."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.golden.recurrence_config import AnyConfig
from rnn_goldens.golden.shapes import Config, Layout, Shape
from rnn_goldens.golden.stored_arrays import Float64

FEW = 256
"""The most numbers of states that a golden stores unless asked for more: with their tolerance, 2 KB on average."""

Integers = NDArray[np.int64] | None


def is_output(name: str, config: AnyConfig, layout: Layout) -> bool:
    """Return whether the outputs hold a state after every step: h of a network of one forward layer."""
    is_one_layer = isinstance(config, Config) and config.num_layers == 1 and config.is_forward_only
    return is_one_layer and name == layout.states[0]


def state_names(layout: Layout, offsets: Integers) -> dict[str, tuple[str, int | None]]:
    """Return, by the name of an array of states, the compared state and the number of the packed sequence, or None."""
    if offsets is None:
        return {name: (name, None) for name in layout.compared}
    return {f"{name}_{k}": (name, k) for name in layout.compared for k in range(len(offsets) - 1)}


def every_shape(layout: Layout, initial: Mapping[str, Shape], time: int, offsets: Integers = None) -> dict[str, Shape]:
    """Return the shapes of all states after every step, given those of the initial states, ``S0``, and the steps."""
    found = {}
    for array, (name, sequence) in state_names(layout, offsets).items():
        shape = initial[f"{name}0"]
        if offsets is not None and sequence is not None:
            time, shape = int(offsets[sequence + 1] - offsets[sequence]), shape[1:]
        found[array] = (time + 1, *shape)
    return found


def stored_shapes(config: AnyConfig, layout: Layout, every: Mapping[str, Shape]) -> dict[str, Shape]:
    """Return the shapes of the states that a golden stores: those that its outputs do not hold."""
    return {name: shape for name, shape in every.items() if not is_output(name, config, layout)}


def number_of_states(shapes: Mapping[str, Shape]) -> int:
    """Return how many numbers states of these shapes hold."""
    return sum(int(np.prod(shape)) for shape in shapes.values())


def per_step(array: Float64) -> Float64:
    """Return the largest element of each step, (time + 1, 1, …), which broadcasts against the states."""
    found: Float64 = array.max(axis=tuple(range(1, array.ndim)), keepdims=True)
    return found


def from_output(initial: Float64, out: Float64, lengths: Integers) -> Float64:
    """Return h after every step of a network of one forward layer: h0, then out; beyond its end, the last one."""
    over_time = np.concatenate([initial[None], np.moveaxis(out, -2, 0)[:, None]])
    if lengths is None:
        return over_time
    steps = np.minimum(np.arange(len(over_time))[:, None], lengths)
    repeated: Float64 = over_time[steps, 0, np.arange(len(lengths))][:, None]
    return repeated


def end_problems(
    layout: Layout,
    offsets: Integers,
    states: Mapping[str, Float64],
    initial: Mapping[str, Float64],
    last: Mapping[str, Float64],
) -> Iterator[str]:
    """Yield how states contradict the initial states, by names such as ``S0``, or the last ones, such as ``S_n``."""
    for array, (name, sequence) in state_names(layout, offsets).items():
        if array not in states:
            continue
        for where, step, ends in (("first", 0, initial.get(f"{name}0")), ("last", -1, last[f"{name}_n"])):
            want = 0.0 if ends is None else ends if sequence is None else ends[sequence]
            if (states[array][step] != want).any():
                of = f"the initial state {name}0" if step == 0 else f"the last state {name}_n"
                yield f"{array}: its {where} state is not {of}"
