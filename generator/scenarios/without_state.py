"""Scenarios without an initial state that otherwise resemble scenarios with an initial state.

The simplest implementations start from zero: one layer, one direction, a batch, no initial state. If a certain state is
needed, a first step produces it.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenarios.activation_sweeps import (
    OPEN,
    PURPOSE,
    SHUT,
    derivatives_of,
    masked_beyond,
    of_units,
    points,
)
from rnn_goldens.generator.scenarios.extremes import (
    CANCELLING,
    OVERFLOWING,
    SATURATED,
    WEIGHTS_BEYOND_ONE,
    WIDER_THAN_BFLOAT16,
    large_numbers,
    overflowing,
    weights_beyond_one,
)
from rnn_goldens.generator.scenarios.full_numbers import AMPLITUDES, BEYOND_FLOAT16, FULL, beyond_float16, full
from rnn_goldens.generator.scenarios.full_numbers import EXACT as ONE_KIND_A_UNIT
from rnn_goldens.generator.scenarios.random_numbers import Draw
from rnn_goldens.generator.scenarios.templates import CERTIFIED, FOLDERS, Variant, exact, rounded
from rnn_goldens.generator.scenarios.variants import SMALL, VARIANTS
from rnn_goldens.golden.shapes import Config

GRU_UNITS: list[dict[str, float]] = [
    {"w_r": 1, "u_n": 1, "b_z": SHUT},
    {"w_z": 1, "v_z": SHUT, "v_n": -8, "b_n": 0.5},
    {"w_n": 1, "b_z": SHUT},
    {"w_n": 1, "v_n": 2.0**-13, "h_z": 0.5},
]
"""By gate: ``w_`` is the weight of the swept input at step 1; ``v_`` that of the input 1 at step 0; ``h_`` of h.

In the last unit W_hz h is 2^-15 at step 1, below the smallest normal number of float16.
"""

LSTM_UNITS: list[dict[str, float]] = [
    {"w_i": 1, "b_f": SHUT, "b_g": 1.5, "b_o": OPEN},
    {"w_f": 1, "b_i": OPEN, "v_g": 4, "b_o": OPEN},
    {"w_g": 1, "b_i": OPEN, "b_f": SHUT, "b_o": OPEN},
    {"w_o": 1, "b_i": OPEN, "v_g": 4, "b_f": OPEN},
]

GROWING: list[dict[str, float]] = [{"w_g": 1, "b_i": OPEN, "b_f": 2 * OPEN, "b_o": OPEN}]
"""A cell that accumulates tanh(x)."""

GROWING_SLOWLY: list[dict[str, float]] = [{"w_g": 1, "b_i": 2, "b_f": 3, "b_o": 1}]
"""A cell that accumulates tanh(x), with gates that are not saturated."""


def scenarios() -> Iterator[Scenario]:
    """Yield the variants without an initial state for each cell."""
    square = next(variant for variant in VARIANTS if variant.name == "square")
    yield replace(
        CANCELLING,
        id=f"{CANCELLING.id}-with-biases",
        title=f"{CANCELLING.title}, with biases",
        purpose=f"{CANCELLING.purpose.removesuffix('.')}; with biases, which are zero.",
        config=Config(input_size=1, hidden_size=64),
        weights={
            "weight_ih_l0": CANCELLING.stored.weights["weight_ih_l0"],
            "weight_hh_l0": 4 * CANCELLING.stored.weights["weight_hh_l0"],
            "bias_ih_l0": np.zeros(64),
            "bias_hh_l0": np.zeros(64),
        },
    )
    without_biases = BEYOND_FLOAT16.purpose.replace("Inputs and states", "Inputs")
    beyond = replace(BEYOND_FLOAT16, purpose=without_biases, call=replace(BEYOND_FLOAT16.call, config=SMALL))
    for cell in CERTIFIED:
        yield _without_state(square, cell, rounded(1.0))
        yield _without_state(SATURATED, cell, rounded(3.9, inputs=3.9))
        yield _without_state(replace(OVERFLOWING, call=replace(OVERFLOWING.call, time=2)), cell, overflowing)
        for bits, variant in FULL.items():
            yield _without_state(variant, cell, full(bits, AMPLITUDES[cell], positive=False))
        yield _without_state(beyond, cell, beyond_float16)
    yield _without_state(square, "rnn_relu", exact)
    yield _without_state(WIDER_THAN_BFLOAT16, "rnn_relu", large_numbers)
    yield _without_state(WEIGHTS_BEYOND_ONE, "rnn_relu", weights_beyond_one)
    for bits in (53, 24):
        draw = full(bits, AMPLITUDES["rnn_relu"], positive=True)
        yield _without_state(FULL[bits], "rnn_relu", draw, "rnn-relu")
    for scenario in ONE_KIND_A_UNIT:
        yield replace(
            scenario,
            id=f"{scenario.id}-no-state",
            title=f"{scenario.title}, no state",
            purpose=f"{scenario.purpose.removesuffix('.')}; without an initial state.",
            h0=None,
        )
    yield from _sweeping()


def _without_state(variant: Variant, cell: str, draw: Draw, folder: str = "") -> Scenario:
    stateless = replace(
        variant,
        name=f"{variant.name}-no-state",
        title=f"{variant.title}, no state",
        purpose=f"{variant.purpose.removesuffix('.')}; without an initial state.",
        call=replace(variant.call, state=False),
        cotangents=None,
    )
    return stateless.scenario(folder or FOLDERS[cell], cell, draw)


def _sweeping() -> Iterator[Scenario]:
    """Yield sweeps of all activations, and of the cell state up to the values that it can reach from zero."""
    sweep = np.zeros((len(points()), 2, 2))
    sweep[:, 0, 1], sweep[:, 1, 0] = 1, points()
    purpose = f"{PURPOSE.removesuffix('.')}; from zero."
    for cell, units in (("gru", GRU_UNITS), ("lstm", LSTM_UNITS)):
        yield derivatives_of(of_units("sweeping-no-state", purpose, units, sweep, cell=cell))
    inputs = np.array([sign * x for x in (2.0**-11, 2.0**-8, 2.0**-5, 0.25, 1.0, 8.0) for sign in (1, -1)])
    purpose = (
        "A cell state that grows to 24 from zero: detects a cell that is clipped, or whose tanh is wrong in some band."
    )
    yield of_units("growing-c-no-state", purpose, GROWING, np.tile(inputs[:, None, None], (1, 24, 1)))
    inputs = np.array([1.5, -1.5, 1.75, -1.75, 0.0625, 0.625])
    for size, steps, declared in ((2, 3, ()), (3, 5, ()), (10, 24, ("saturated",))):
        purpose = f"A cell state that grows beyond {size} from zero: detects clipping, forward and backward."
        x = np.tile(inputs[:, None, None], (1, steps, 1))
        grown = of_units(f"c-beyond-{size}-no-state", purpose, GROWING_SLOWLY, x, declared=("degenerate", *declared))
        yield masked_beyond(size, grown)
