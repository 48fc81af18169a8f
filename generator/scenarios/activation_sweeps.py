"""Sweeps of the argument of each activation, and of the cell state: many rows of one step, each with one number.

In each unit, one activation is swept, and the others are fixed so that its result is visible.
"""

from collections.abc import Iterator

import numpy as np

from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenarios.cotangents import every_other_row_doubled, of_c_n, with_cotangents
from rnn_goldens.generator.scenarios.random_numbers import Float64
from rnn_goldens.generator.scenarios.templates import DOCUMENTED_IN, FOLDERS
from rnn_goldens.golden.built_in_cells import LAYOUTS
from rnn_goldens.golden.shapes import Config

POINTS = (
    *(2.0**-k for k in range(14, 3, -1)),
    *(k / 16 for k in range(1, 16)),
    *(k / 8 for k in range(8, 16)),
    *(k / 4 for k in range(8, 17)),
    *(k / 2 for k in range(9, 25)),
    13.0,
    16.0,
    19.0,
    24.0,
)
"""Absolute values from float16's smallest normal number to where a sigmoid is 1 in float32, denser where it curves."""

OPEN, SHUT = 8.0, -8.0
BENDS = 4.0
"""Beyond this a tanh is saturated."""


def points() -> Float64:
    """Return the points and their negatives: (rows,)."""
    return np.array([sign * point for point in dict.fromkeys(POINTS) for sign in (1, -1)])


def swept() -> Float64:
    """Return the points as inputs, one row each: (rows, 1 step, 1 input)."""
    return points()[:, None, None]


def of_units(
    name: str,
    purpose: str,
    units: list[dict[str, float]],
    x: Float64,
    h0: Float64 | None = None,
    c0: Float64 | None = None,
    *,
    cell: str = "lstm",
    declared: tuple[str, ...] = ("saturated", "degenerate"),
) -> Scenario:
    """Return a scenario whose units are described one by one; x is (batch, time, 1 or 2).

    A unit has by gate: ``w_`` the weight of the first input, ``v_`` that of the second, ``b_`` the b_ih, ``u_`` the
    b_hh, ``h_`` the recurrent weight of the unit itself.
    """
    gates, hidden = LAYOUTS[cell].gates, len(units)
    weight_ih = np.zeros((x.shape[-1], len(gates), hidden))
    bias_ih, bias_hh, own = (np.zeros((len(gates), hidden)) for _ in range(3))
    placed = {"b": bias_ih, "u": bias_hh, "h": own, **dict(zip("wv", weight_ih, strict=False))}
    for unit, described in enumerate(units):
        for key, value in described.items():
            kind, gate = key.split("_")
            placed[kind][gates.index(gate), unit] = value
    return Scenario(
        id=f"{FOLDERS[cell]}/{name}",
        title=f"{cell}: {name.replace('-', ' ')}",
        purpose=purpose,
        documented_in=DOCUMENTED_IN,
        cell=cell,
        config=Config(input_size=x.shape[-1], hidden_size=hidden),
        weights={
            "weight_ih_l0": weight_ih.reshape(x.shape[-1], -1).T,
            "weight_hh_l0": (own[:, :, None] * np.eye(hidden)).reshape(-1, hidden),
            "bias_ih_l0": bias_ih.ravel(),
            "bias_hh_l0": bias_hh.ravel(),
        },
        x=x,
        declared=declared,
        h0=h0,
        c0=c0,
    )


def _state(*of_units: float) -> Float64:
    return np.tile(np.array(of_units), (1, len(swept()), 1))


GRU_UNITS: list[dict[str, float]] = [
    {"w_r": 1, "h_n": 0.75, "u_n": 0.25, "b_z": SHUT},
    {"w_z": 1, "b_n": 0.5},
    {"w_n": 1, "b_z": SHUT},
    {"h_z": 0.5, "b_n": 1.5},
]
"""The last unit has a state of 2^-14, and W_hz h is below the smallest normal number of float16."""

LSTM_UNITS: list[dict[str, float]] = [
    {"w_i": 1, "b_f": SHUT, "b_g": 1.5, "b_o": OPEN},
    {"w_f": 1, "b_i": SHUT, "b_o": OPEN},
    {"w_g": 1, "b_i": OPEN, "b_f": SHUT, "b_o": OPEN},
    {"w_o": 1, "b_i": SHUT, "b_f": OPEN},
]

PURPOSE = (
    "Every activation at arguments from 2^-14 until it is saturated: detects an activation that is wrong in some band."
)


def derivatives_of(scenario: Scenario) -> Scenario:
    """Return a sweep with cotangents of one and two."""
    purpose = "Derivatives of every activation at many arguments: detects a derivative that is masked in some band."
    return with_cotangents(scenario, every_other_row_doubled, purpose, ones=True)


def masked_beyond(size: int, scenario: Scenario) -> Scenario:
    """Return a scenario whose cell state exceeds a size, with cotangents of it."""
    purpose = f"A cell state beyond {size}: detects a gradient that is masked there."
    return with_cotangents(scenario, of_c_n, purpose)


def scenarios() -> Iterator[Scenario]:
    """Yield sweeps of the activations of each cell, and of c of an LSTM."""
    x = swept()
    yield derivatives_of(of_units("sweeping", PURPOSE, [{"w_h": 1}], x, cell="rnn_tanh"))
    yield of_units("sweeping", PURPOSE, GRU_UNITS, x, _state(1, -1, 0, 2.0**-14), cell="gru")
    yield of_units("sweeping", PURPOSE, LSTM_UNITS, x, _state(0, 0, 0, 0), _state(0, 1, 0, 1))
    held: list[dict[str, float]] = [{"b_i": SHUT, "b_f": OPEN, "b_o": OPEN}]
    purpose = "Cell states larger than a few steps produce: detects a cell that is clipped, or whose tanh is wrong."
    yield of_units("sweeping-c", purpose, held, x, _state(0), x.reshape(1, -1, 1))
    purpose = "A cell state just beyond 3, the largest that is checked in bfloat16: detects a cell that is clipped."
    c0 = np.array([sign * c for c in (3.25, 3.375, 3.5) for sign in (1, -1)]).reshape(1, -1, 1)
    yield of_units("large-c", purpose, held, np.zeros((6, 1, 1)), np.zeros_like(c0), c0, declared=("degenerate",))
    for size, c in ((2, 2.75), (10, 16.0), (20, 40.0)):
        # The last two rows stay below the size: a gradient that is masked beyond it is correct for them.
        c0 = np.array([c, -c, c - 0.25, 0.25 - c, 0.25, 0.5625 * c]).reshape(1, -1, 1)
        beyond = of_units(
            f"c-beyond-{size}",
            f"A cell state beyond {size}, with gates that are not saturated: detects clipping, forward and backward.",
            [{"w_g": 1, "b_i": 0.5, "b_f": 1, "b_o": 0.5}],
            np.array([0.5, -0.75, 1.0, 0.25, -0.5, 0.5]).reshape(-1, 1, 1),
            np.full_like(c0, 0.5),
            c0,
            declared=("degenerate", "saturated") if c > BENDS else ("degenerate",),
        )
        yield masked_beyond(size, beyond)
