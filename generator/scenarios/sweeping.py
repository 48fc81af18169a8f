"""Scenarios that visit every part of an activation's argument: many rows of one step, each with one number.

Each unit has one activation that sweeps, and the others held where they let it show.
"""

from dataclasses import replace

import numpy as np

from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenarios.numbers import Float64
from rnn_goldens.golden.shapes import LAYOUTS, Config

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
"""Absolute values, from float16's smallest normal number to where a sigmoid is 1 in float32; finer where it bends."""

OPEN, SHUT = 8.0, -8.0


def swept() -> Float64:
    """The points and their negatives, a row each: (rows, 1 step, 1 input)."""
    return np.array([sign * point for point in dict.fromkeys(POINTS) for sign in (1, -1)])[:, None, None]


def _scenario(
    cell: str,
    folder: str,
    name: str,
    purpose: str,
    units: list[dict[str, float]],
    h0: Float64 | None = None,
    c0: Float64 | None = None,
) -> Scenario:
    """One unit for each description, by gate: ``w_`` its weight of the input, ``b_`` its b_ih, ``u_`` its b_hh."""
    gates, hidden = LAYOUTS[cell].gates, len(units)
    weight_ih, bias_ih, bias_hh = (np.zeros((len(gates), hidden)) for _ in range(3))
    for unit, described in enumerate(units):
        for key, value in described.items():
            kind, gate = key.split("_")
            {"w": weight_ih, "b": bias_ih, "u": bias_hh}[kind][gates.index(gate), unit] = value
    return Scenario(
        id=f"{folder}/{name}",
        title=f"{cell}: {name.replace('-', ' ')}",
        purpose=purpose,
        documented_in="rnn-goldens, generator/scenarios",
        cell=cell,
        config=Config(input_size=1, hidden_size=hidden),
        weights={
            "weight_ih_l0": weight_ih.reshape(-1, 1),
            "weight_hh_l0": np.zeros((len(gates) * hidden, hidden)),
            "bias_ih_l0": bias_ih.ravel(),
            "bias_hh_l0": bias_hh.ravel(),
        },
        x=swept(),
        declared=("saturated", "degenerate"),
        h0=h0,
        c0=c0,
    )


def _state(*of_units: float) -> Float64:
    return np.tile(np.array(of_units), (1, len(swept()), 1))


GRU_UNITS: list[dict[str, float]] = [
    {"w_r": 1, "u_n": 1, "b_z": SHUT},
    {"w_z": 1, "b_n": 0.5},
    {"w_n": 1, "b_z": SHUT},
]

LSTM_UNITS: list[dict[str, float]] = [
    {"w_i": 1, "b_f": SHUT, "b_g": 1.5, "b_o": OPEN},
    {"w_f": 1, "b_i": SHUT, "b_o": OPEN},
    {"w_g": 1, "b_i": OPEN, "b_f": SHUT, "b_o": OPEN},
    {"w_o": 1, "b_i": SHUT, "b_f": OPEN},
]

PURPOSE = (
    "Every activation at every part of its argument, from 2^-14 until it is saturated: one that is off in some band."
)


def scenarios() -> tuple[Scenario, ...]:
    """For each cell its activations, and an LSTM's c."""
    cell_state = swept().reshape(1, -1, 1)
    beyond = np.array([sign * c for c in (3.25, 3.375, 3.5) for sign in (1, -1)]).reshape(1, -1, 1)
    return (
        _scenario("rnn_tanh", "rnn-tanh", "sweeping", PURPOSE, [{"w_h": 1}]),
        _scenario("gru", "gru", "sweeping", PURPOSE, GRU_UNITS, h0=_state(0, -1, 0)),
        _scenario("lstm", "lstm", "sweeping", PURPOSE, LSTM_UNITS, h0=_state(0, 0, 0, 0), c0=_state(0, 1, 0, 1)),
        _scenario(
            "lstm",
            "lstm",
            "sweeping-c",
            "The cell far beyond what a few steps reach: one that is clipped, or whose tanh is off in some band.",
            [{"b_i": SHUT, "b_f": OPEN, "b_o": OPEN}],
            h0=_state(0),
            c0=cell_state,
        ),
        replace(
            _scenario(
                "lstm",
                "lstm",
                "large-c",
                "A cell just beyond 3, as far as bfloat16 can be checked: one that is clipped.",
                [{"b_i": SHUT, "b_f": OPEN, "b_o": OPEN}],
                h0=np.zeros_like(beyond),
                c0=beyond,
            ),
            x=np.zeros((beyond.size, 1, 1)),
            declared=("degenerate",),
        ),
    )
