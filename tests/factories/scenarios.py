"""Scenarios of any shape for tests of certification."""

from dataclasses import replace
from typing import Any

import numpy as np

from rnn_goldens.cells import Case
from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.golden.built_in_cells import LAYOUTS
from rnn_goldens.golden.shapes import Config, state_shapes, weight_shapes

SHAPES: dict[str, dict[str, Any]] = {
    "plain": {},
    "no bias": {"bias": False},
    "two layers": {"num_layers": 2, "state": True},
    "everything": {"bidirectional": True, "num_layers": 2, "state": True, "lengths": [4, 2]},
    "unbatched": {"unbatched": True, "bidirectional": True, "state": True},
}


def scenario(
    cell: str = "rnn_relu",
    *,
    state: bool = False,
    lengths: list[int] | None = None,
    unbatched: bool = False,
    scale: float = 0.5,
    time: int = 4,
    declared: tuple[str, ...] = (),
    **config: Any,
) -> Scenario:
    """Return a scenario of small dyadic numbers: weights are multiples of ``scale``; inputs and states are integers."""
    numbers = np.random.default_rng(3)
    shape = Config(**{"input_size": 3, "hidden_size": 2, **config})
    batch = () if unbatched else (2,)
    states = (
        [numbers.integers(-1, 2, size) for size in state_shapes(LAYOUTS[cell], shape, batch).values()] if state else []
    )
    return Scenario(
        id="made/for-a-test",
        title="Made for a test",
        purpose="To be certified.",
        documented_in="tests",
        cell=cell,
        config=shape,
        weights={name: numbers.integers(-2, 3, s) * scale for name, s in weight_shapes(LAYOUTS[cell], shape).items()},
        x=numbers.integers(-2, 3, (*batch, time, 3)),
        h0=states[0] if states else None,
        c0=states[1] if len(states) > 1 else None,
        lengths=lengths,
        declared=declared,
    )


def chaotic(time: int = 160) -> Scenario:
    """Return a scenario of a tanh network in which errors grow from step to step."""
    original = scenario(
        "rnn_tanh", scale=0.375, time=time, hidden_size=24, bias=False, declared=("chaotic", "saturated")
    )
    return changed(original, x=original.stored.x / 16)


def in_type(case: Case, dtype: Any) -> Case:
    """Return the case with arrays of another type."""
    weights = {name: array.astype(dtype) for name, array in case.weights.items()}
    state = tuple(part.astype(dtype) for part in case.state)
    return replace(case, weights=weights, x=case.x.astype(dtype), state=state)


def changed(original: Scenario, **changes: Any) -> Scenario:
    """Return the scenario with some arguments changed."""
    return replace(original, **changes)
