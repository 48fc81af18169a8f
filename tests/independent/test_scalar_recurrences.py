"""The scalar recurrences have all digits of a float64, whatever the numbers are."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from factories.backward_recurrences import random_case
from independent import scalar_numbers, scalar_recurrences
from independent.scalar_models import Step
from independent.scalar_numbers import Functions, each
from independent.scalar_recurrences import Numbers, gradients, outputs
from numpy.typing import ArrayLike, NDArray

from rnn_goldens.cells.recurrence import RecurrenceCase, run
from rnn_goldens.golden.recurrences import RECURRENCES


def scalar_outputs(case: RecurrenceCase) -> dict[str, NDArray[np.float64]]:
    return outputs(case.cell, case.config, case.inputs, case.weights, case.states, case.offsets)


def scalar_gradients(case: RecurrenceCase, of: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    return gradients(case.cell, case.config, case.inputs, case.weights, case.states, case.offsets, of)


def test_every_recurrence_is_covered() -> None:
    assert scalar_recurrences.RECURRENCES.keys() == RECURRENCES.keys()


def test_the_stabilizer_changes_no_output() -> None:
    case = random_case("slstm", heads=1, d=2)
    m = case.states["m0"] + 3
    moved = {**case.states, "m0": m, "c0": case.states["c0"] * np.exp(-3.0), "n0": case.states["n0"] * np.exp(-3.0)}
    other = outputs(case.cell, case.config, case.inputs, case.weights, moved, None)
    for name, array in scalar_outputs(case).items():
        np.testing.assert_allclose(other[name], array, rtol=1e-14)


def test_outputs_are_rounded_once_and_lose_no_digits() -> None:
    """Two inputs are far below half a unit of the largest: exactly half a unit is rounded to even, more is not."""
    config, half_a_unit = {"channels": 1, "width": 2, "past": 1, "activation": "none"}, 2.0**-53

    def y(bias: float, past: float) -> float:
        weights: dict[str, ArrayLike] = {"weight": [[1.0, half_a_unit]], "bias": [bias]}
        return float(outputs("causal_conv", config, {"x": [[[1.0]]]}, weights, {"window0": [[[past]]]})["y"].item())

    assert y(1.0, 0.0) == 1.0
    assert y(1.0, 2.0**-1000) == 1.0 + 2 * half_a_unit
    assert y(1.0, -(2.0**-1000)) == 1.0
    """√(1 - a²) with a = exp(-8 softplus(-40) sigmoid(-40)) is √(16 e^-80), except for terms below e^-40 of it."""
    inputs = {"x": [[[1.0]]], "r": [[[-40.0]]], "i": [[[1000.0]]]}
    found = outputs("rg_lru", {"d": 1}, inputs, {"Lambda": [-40.0]}, {"h0": [[0.0]]})["h_n"].item()
    assert found == pytest.approx(4 * np.exp(-40.0), rel=1e-15)


def test_the_number_of_digits_is_increased_until_it_suffices(monkeypatch: pytest.MonkeyPatch) -> None:
    case = random_case("gated_delta", query_heads=6, scale=0.75)
    expected = scalar_outputs(case)
    monkeypatch.setattr(scalar_numbers, "FEWEST_DIGITS", 5)
    for name, array in scalar_outputs(case).items():
        np.testing.assert_array_equal(array, expected[name])


@pytest.mark.parametrize("cell", RECURRENCES)
def test_a_wrong_sign_in_a_step_is_detected(monkeypatch: pytest.MonkeyPatch, cell: str) -> None:
    case = random_case(cell)
    equations, output, state = scalar_recurrences.RECURRENCES[cell]

    def wrong(f: Functions, config: Mapping[str, Any], x: Numbers, w: Numbers, states: Numbers) -> Step:
        first, *_ = x
        return equations(f, config, {**x, first: each(lambda one: -one, x[first])}, w, states)

    monkeypatch.setitem(scalar_recurrences.RECURRENCES, cell, (wrong, output, state))
    name, expected = next(iter(run(case).items()))
    assert not np.allclose(scalar_outputs(case)[name], expected)
