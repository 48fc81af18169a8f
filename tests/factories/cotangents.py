"""Random scenarios with cotangents."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from factories.scenarios import changed, scenario

from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.golden.built_in_cells import LAYOUTS
from rnn_goldens.golden.shapes import Config, weight_shapes
from rnn_goldens.golden.stored_arrays import Float64

SHAPES: dict[str, dict[str, Any]] = {
    "one step": {"time": 1, "state": True},
    "plain": {"time": 5},
    "no bias": {"bias": False, "state": True},
    "two layers": {"num_layers": 2, "state": True},
    "both directions": {"bidirectional": True, "state": True},
    "ragged": {"bidirectional": True, "num_layers": 2, "state": True, "lengths": [2, 4]},
    "unbatched": {"unbatched": True, "bidirectional": True, "state": True},
    "one unit": {"hidden_size": 1, "time": 6},
}


def draw(numbers: np.random.Generator, shape: tuple[int, ...], largest: float) -> Float64:
    """Return random nonzero multiples of 1/64, small enough not to saturate gates."""
    found: Float64 = numbers.integers(1, int(64 * largest) + 1, shape) / 64.0
    found *= numbers.choice([-1.0, 1.0], shape)
    return found


def gradient_scenario(
    cell: str, shape: str = "plain", *, seed: int = 0, of: tuple[str, ...] = (), **changes: Any
) -> Scenario:
    """Return a scenario with all cotangents, or only with those named in ``of``, such as ``("d_out",)``."""
    arguments = {**SHAPES[shape], **changes}
    plain, numbers = scenario(cell, **arguments), np.random.default_rng([seed, len(shape)])
    config, layout = Config(**dict(plain.shape)), LAYOUTS[cell]
    initial = config.array_shapes(layout, plain.stored.x.shape).initial
    states = {name: draw(numbers, shape, 0.75) for name, shape in initial.items()}
    return changed(
        plain,
        weights={name: draw(numbers, size, 0.75) for name, size in weight_shapes(layout, config).items()},
        x=draw(numbers, plain.stored.x.shape, 1.5),
        **(states if arguments.get("state") else {}),
        **cotangents(numbers, plain, of),
        gradient_purpose="To be certified.",
    )


def cotangents(numbers: np.random.Generator, scenario: Scenario, of: tuple[str, ...] = ()) -> Mapping[str, Float64]:
    """Return random cotangents of all outputs of a scenario, or only those named in ``of``."""
    of_outputs = scenario.shape.array_shapes(LAYOUTS[scenario.cell], scenario.stored.x.shape).outputs
    shapes = {f"d_{name}": shape for name, shape in of_outputs.items()}
    return {name: draw(numbers, shapes[name], 1.0) for name in of or shapes}


def without_cotangents(scenario: Scenario) -> Scenario:
    """Return the scenario without cotangents."""
    return replace(scenario, d_out=None, d_h_n=None, d_c_n=None, gradient_purpose="")
