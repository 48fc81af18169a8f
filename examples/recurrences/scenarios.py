"""Goldens of each recurrence: ``rnn-goldens generate --scenarios scenarios.py --into goldens``."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rnn_goldens import RecurrenceScenario

VERSION = "1.0.0"

numbers = np.random.default_rng(0)


def short(*shape: int, below: float = 2) -> NDArray[np.float64]:
    """Return numbers of seven bits and a sign, below a power of two: exact in every precision."""
    return numbers.integers(-127, 128, shape) / 128 * below


def scenario(
    cell: str, sizes: Mapping[str, int], axes: Mapping[str, Sequence[str]], **fields: object
) -> RecurrenceScenario:
    """Return a scenario of two sequences of six steps."""
    drawn = {
        name: short(2, 6, *(sizes[axis] for axis in of), below=0.5 if name[0] == "k" else 1)
        for name, of in axes.items()
    }
    positive = {name: abs(array) for name, array in drawn.items() if name.startswith("beta")}
    return RecurrenceScenario(
        id=f"recurrences/{cell.replace('_', '-')}",
        purpose="Two sequences of six steps from an initial state.",
        cell=f"recurrences:{cell}",
        config=sizes,
        inputs={**drawn, **positive, **({"g": -abs(drawn["g"])} if "g" in drawn else {})},
        gradient_purpose="Cotangents of the outputs.",
        **fields,  # type: ignore[arg-type] # states, weights and cotangents
    )


KEY, VALUE, HEAD = ("heads", "d_k"), ("heads", "d_v"), ("heads",)

SCENARIOS = [
    scenario(
        "delta_product",
        {"heads": 2, "d_k": 3, "d_v": 2},
        {"q": KEY, "k1": KEY, "v1": VALUE, "beta1": HEAD, "k2": KEY, "v2": VALUE, "beta2": HEAD, "g": HEAD},
        states={"S0": short(2, 2, 3, 2)},
        cotangents={"d_o": short(2, 6, 2, 2)},
    ),
    scenario(
        "trapezoidal_ssm",
        {"heads": 2, "p": 2, "n": 3},
        {"x": ("heads", "p"), "dt": HEAD, "trap": HEAD, "B": ("n",), "C": ("n",)},
        weights={"A": -abs(short(2)) - 0.25, "D": short(2)},
        states={"h0": short(2, 2, 2, 3), "u0": short(2, 2, 2, 3)},
        cotangents={"d_y": short(2, 6, 2, 2)},
    ),
]
