"""Random recurrences with cotangents, for tests of the backward pass."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.cells.recurrence import RecurrenceCase
from rnn_goldens.golden.recurrence_config import recurrence_config
from rnn_goldens.golden.recurrences import BY_KEY, RECURRENCES

SIZES = {
    "heads": 2, "query_heads": 2, "d_k": 4, "d_v": 3, "d": 3, "n": 2, "p": 2, "channels": 3, "width": 4,
    "past": 3,
}  # fmt: skip
"""Sizes unless a test gives others."""

SMALL = {"k": 0.5, "R_i": 0.4, "R_f": 0.4, "R_z": 0.4, "R_o": 0.4}
"""Largest numbers of arrays that make states grow; 1 for the others."""


def random_case(
    cell: str,
    *,
    batch: int = 2,
    time: int = 5,
    offsets: list[int] | None = None,
    seed: int = 0,
    factors: Mapping[str, float] = MappingProxyType({}),
    **values: Any,
) -> RecurrenceCase:
    """Return a case with random read-only float64 numbers, times factors by name.

    Sizes and options that the recurrence does not have are ignored.
    """
    recurrence = RECURRENCES[cell]
    sizes = {name: values.get(name, SIZES[name]) for name in recurrence.sizes}
    further = (*recurrence.optional, *recurrence.options)
    config = recurrence_config(cell, sizes | {name: values[name] for name in further if name in values})
    numbers = np.random.default_rng(seed)
    shapes = config.array_shapes(1, offsets[-1], len(offsets) - 1) if offsets else config.array_shapes(batch, time)

    def drawn(of: Mapping[str, tuple[int, ...]]) -> dict[str, NDArray[Any]]:
        return {name: numbers.uniform(-1, 1, shape) * SMALL.get(name, 1) for name, shape in of.items()}

    inputs = drawn(shapes.inputs)
    for name in {"g", "beta"} & set(inputs):
        inputs[name] = -0.3 * np.abs(inputs[name]) if name == "g" else np.abs(inputs[name])
    weights = drawn(shapes.weights)
    if "A" in weights:
        weights["A"] = -np.abs(weights["A"])
    if "log_decay" in weights:
        weights["log_decay"] = -0.3 * np.abs(weights["log_decay"])
    states = drawn(shapes.initial)
    if "n0" in states:
        states["n0"] = 1 + np.abs(states["n0"])
    for part in (inputs, weights, states):
        for name, array in part.items():
            np.multiply(array, factors.get(name, 1), out=array)
            array.flags.writeable = False
    return RecurrenceCase(cell, config, inputs, weights, states, np.array(offsets) if offsets else None)


def without_state(case: RecurrenceCase) -> RecurrenceCase:
    """Return the case as if the caller had passed no initial states."""
    return replace(case, states={name: 0 * array for name, array in case.states.items()}, state_given=False)


def random_cotangents(case: RecurrenceCase, seed: int = 1) -> dict[str, NDArray[Any]]:
    """Return a random cotangent for each output."""
    packed = len(case.offsets) - 1 if case.offsets is not None else None
    shapes = case.config.array_shapes(len(next(iter(case.inputs.values()))), case.time, packed).outputs
    numbers = np.random.default_rng(seed)
    return {f"d_{name}": numbers.uniform(-1, 1, shape) for name, shape in shapes.items()}


CASES: dict[str, dict[str, Any]] = {
    "plain": {"seed": 2},
    "grouped queries": {"query_heads": 6, "seed": 3},
    "decay by key": {"decay": BY_KEY, "query_heads": 4, "scale": 0.75, "seed": 4},
    "packed": {"offsets": [0, 3, 4, 9], "query_heads": 4, "activation": "none", "seed": 5},
    "one step": {"time": 1, "batch": 3, "seed": 6},
    "one head": {"heads": 1, "query_heads": 1, "d_k": 5, "d_v": 6, "batch": 1, "seed": 7},
    "long": {"time": 70, "query_heads": 4, "seed": 8},
    "packed and long": {"offsets": [0, 58, 128], "query_heads": 4, "decay": BY_KEY, "seed": 9},
    "grouped values": {"heads": 6, "query_heads": 3, "key_heads": 3, "d": 6, "groups": 2, "seed": 10},
    "grouped values, packed": {
        "offsets": [0, 3, 4, 9],
        "heads": 4,
        "query_heads": 2,
        "key_heads": 2,
        "d": 4,
        "groups": 2,
        "seed": 12,
    },
    "options of models": {
        "beta_limit": 2.0,
        "lower_bound": -5.0,
        "gate": "silu",
        "step_size": "given",
        "dt_min": 0.5,
        "dt_max": 0.75,
        "seed": 13,
    },
    "one beta": {"heads": 3, "query_heads": 6, "beta_heads": 1, "decay": BY_KEY, "seed": 11},
}
"""Arguments of ``random_case``, by what they show."""
