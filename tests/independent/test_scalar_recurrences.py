"""The scalar recurrences agree with this project's recurrences, and their gradients with difference quotients."""

from collections.abc import Mapping
from decimal import Decimal, localcontext
from itertools import count
from typing import Any

import numpy as np
import pytest
from factories.backward_recurrences import random_case, random_cotangents
from factories.for_each import for_each
from independent import scalar_numbers, scalar_recurrences
from independent.scalar_numbers import DECIMAL, Functions, each, flat
from independent.scalar_recurrences import Numbers, Step, all_sequences, exact, gradients, outputs
from numpy.typing import ArrayLike, NDArray

from rnn_goldens.cells.recurrence import RecurrenceCase, run
from rnn_goldens.golden.recurrences import RECURRENCES

ATTENTION = {"heads": 2, "query_heads": 2, "d_k": 3, "d_v": 2}
GROUPED: dict[str, Any] = {"heads": 2, "query_heads": 6, "d_k": 4, "d_v": 3, "scale": 0.75}
BY_KEY = {**GROUPED, "query_heads": 4, "d_k": 2, "decay": "key"}
CONFIGS: list[tuple[str, dict[str, Any]]] = [
    *((cell, config) for cell in ("linear_attention", "delta_rule") for config in (ATTENTION, GROUPED)),
    *((cell, config) for cell in ("gated_linear_attention", "gated_delta") for config in (ATTENTION, GROUPED, BY_KEY)),
    ("selective_scan", {"d": 3, "n": 2}),
    ("slstm", {"heads": 2, "d": 3}),
    ("rg_lru", {"d": 4}),
    ("min_gru", {"d": 4}),
    ("causal_conv", {"channels": 3, "width": 4, "past": 3}),
    ("causal_conv", {"channels": 2, "width": 2, "past": 1, "activation": "none"}),
]
ARRAYS = ("inputs", "weights", "states")
NUMBERS = 6
"""How many numbers of an array a test moves."""


def offsets_of(time: int, *, packed: bool) -> dict[str, Any]:
    """Return the arguments of a batch, or of one row of three packed sequences."""
    return {"time": time, "offsets": [0, 1, (time + 1) // 2, time] if packed else None}


def scalar_outputs(case: RecurrenceCase) -> dict[str, NDArray[np.float64]]:
    return outputs(case.cell, case.config, case.inputs, case.weights, case.states, case.offsets)


def scalar_gradients(case: RecurrenceCase, of: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    return gradients(case.cell, case.config, case.inputs, case.weights, case.states, case.offsets, of)


def loss(case: RecurrenceCase, arrays: Mapping[str, Numbers], factors: Numbers) -> Decimal:
    found = all_sequences(
        DECIMAL, case.cell, case.config, (arrays["inputs"], arrays["weights"], arrays["states"]), case.offsets
    )
    pairs = [zip(flat(found[name.removeprefix("d_")]), flat(d), strict=True) for name, d in factors.items()]
    return sum((output * d for pair in pairs for output, d in pair), Decimal(0))


def difference_quotients(case: RecurrenceCase, of: Mapping[str, NDArray[np.float64]]) -> dict[str, dict[int, float]]:
    """Return central difference quotients by some numbers of each array, with enough digits for a float64."""
    random = np.random.default_rng(2)
    found: dict[str, dict[int, float]] = {}
    with localcontext() as context:
        context.prec, step = 60, Decimal("1e-20")
        arrays, factors = {part: exact(getattr(case, part)) for part in ARRAYS}, exact(of)
        for part in ARRAYS:
            for name, numbers in arrays[part].items():
                found[name] = {}
                for place in random.permutation(len(flat(numbers)))[:NUMBERS].tolist():
                    moved = [{**arrays[part], name: shifted(numbers, place, sign * step)} for sign in (1, -1)]
                    above, below = (loss(case, {**arrays, part: end}, factors) for end in moved)
                    found[name][place] = float((above - below) / (2 * step))
    return found


def shifted(numbers: Any, place: int, step: Decimal) -> Any:
    places = count()
    return each(lambda one: one + step if next(places) == place else one, numbers)


CASES = [(cell, values, packed) for cell, values in CONFIGS for packed in (False, True)]


@for_each(CASES)
def test_outputs_agree_with_the_recurrences_of_this_project(cell: str, values: dict[str, Any], packed: bool) -> None:
    case = random_case(cell, **offsets_of(7, packed=packed), **values)
    expected, actual = run(case), scalar_outputs(case)
    assert actual.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(actual[name], array, rtol=1e-12, atol=1e-12, err_msg=name, strict=True)


@for_each(CASES, every=3)
def test_gradients_agree_with_difference_quotients(cell: str, values: dict[str, Any], packed: bool) -> None:
    case = random_case(cell, batch=1, **offsets_of(4 if packed else 3, packed=packed), **values)
    of = random_cotangents(case)
    expected, actual = difference_quotients(case, of), scalar_gradients(case, of)
    assert actual.keys() == expected.keys()
    for name, numbers in expected.items():
        found = actual[name].ravel()[list(numbers)]
        np.testing.assert_allclose(found, list(numbers.values()), rtol=1e-14, atol=1e-20, err_msg=name)


def test_every_recurrence_is_covered() -> None:
    assert {cell for cell, _ in CONFIGS} == set(scalar_recurrences.RECURRENCES) == set(RECURRENCES)


def test_the_stabilizer_changes_no_output() -> None:
    case = random_case("slstm", heads=1, d=2)
    m = case.states["m0"] + 3
    moved = {**case.states, "m0": m, "c0": case.states["c0"] * np.exp(-3.0), "n0": case.states["n0"] * np.exp(-3.0)}
    other = outputs(case.cell, case.config, case.inputs, case.weights, moved, None)
    for name, array in scalar_outputs(case).items():
        np.testing.assert_allclose(other[name], array, rtol=1e-14)


def test_outputs_are_rounded_once_to_nearest_even() -> None:
    """Two inputs are far below half a unit of the largest: exactly half a unit is rounded to even, more is not."""
    config, half_a_unit = {"channels": 1, "width": 2, "past": 1, "activation": "none"}, 2.0**-53

    def y(bias: float, past: float) -> float:
        weights: dict[str, ArrayLike] = {"weight": [[1.0, half_a_unit]], "bias": [bias]}
        return float(outputs("causal_conv", config, {"x": [[[1.0]]]}, weights, {"window0": [[[past]]]})["y"].item())

    assert y(1.0, 0.0) == 1.0
    assert y(1.0, 2.0**-1000) == 1.0 + 2 * half_a_unit
    assert y(1.0, -(2.0**-1000)) == 1.0


def test_a_decay_close_to_one_loses_no_digits() -> None:
    """√(1 - a²) with a = exp(-8 softplus(-40) sigmoid(-40)) is √(16 e^-80), except for terms below e^-40 of it."""
    inputs = {"x": [[[1.0]]], "r": [[[-40.0]]], "i": [[[1000.0]]]}
    found = outputs("rg_lru", {"d": 1}, inputs, {"Lambda": [-40.0]}, {"h0": [[0.0]]})["h_n"].item()
    assert found == pytest.approx(4 * np.exp(-40.0), rel=1e-15)


def test_the_number_of_digits_is_increased_until_it_suffices(monkeypatch: pytest.MonkeyPatch) -> None:
    case = random_case("gated_delta", **GROUPED)
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
