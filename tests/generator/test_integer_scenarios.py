"""Scenarios of integer LSTMs are certified by their definition; what no engine can compute is refused."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rnn_goldens import IntegerScenario, Unsupported, certify, load
from rnn_goldens.errors import WrongUse
from rnn_goldens.generator.scenario import Refused
from rnn_goldens.generator.scenarios.integer_lstms import scenarios

SCENARIOS = scenarios()
PLAIN, WIDE = (next(s for s in SCENARIOS if s.id == f"lstm-{name}-cmsis/plain") for name in ("int8", "16x8"))


def test_a_scenario_gives_its_golden() -> None:
    golden, stored = certify(PLAIN), load(PLAIN.id)
    assert np.array_equal(golden.out, stored.out)
    assert golden.out.dtype == np.int8
    assert certify(stored) is stored
    with pytest.raises(Unsupported, match="out is h after every step"):
        _ = golden.expected_states


def changed(**arrays: Any) -> IntegerScenario:
    return replace(PLAIN, weights={**PLAIN.weights, **arrays})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: changed(W_i=np.full((6, 5), 128)), "W_i holds 128; expected integers from -128 to 127"),
        (lambda: changed(W_f=np.full((6, 5), 0.5)), "W_f holds 0.5; expected integers from -128 to 127"),
        (
            lambda: replace(WIDE, weights={**WIDE.weights, "b_i": np.full(6, 2**60)}),
            "b_i holds 1.15.*; expected integers from -9007199254740992 to 9007199254740991",
        ),
        (lambda: replace(PLAIN, x=None), "x is None; expected an array of numbers"),  # type: ignore[arg-type]
        (lambda: changed(W_i=None), "W_i is None; expected an array of numbers"),
        (lambda: changed(b_o=np.full(6, 2**31 - 1)), "the scaled sum of W_o may not fit in 32 bits"),
        (
            lambda: replace(PLAIN, config={**PLAIN.config, "R_shift": [24] * 4}),
            "the scaled sum of R_i may not fit in 32",
        ),
        (
            lambda: replace(WIDE, weights={**WIDE.weights, "b_i": np.full(6, 2**47)}),
            "the sum of W_i may not fit in 48 bits",
        ),
        (
            lambda: replace(WIDE, config={**WIDE.config, "W_shift": [7] * 4}),
            "the scaled sum of W_f may not fit in 32 bits",
        ),
        (lambda: changed(b_o=np.zeros(5)), r"b_o has shape \(5,\); expected \(6,\)"),
        (
            lambda: replace(PLAIN, config={**PLAIN.config, "h_shift": -31}),
            "every output is the same number",
        ),
        (
            lambda: replace(PLAIN, config={**PLAIN.config, "x_zero": 200}),
            "x_zero has 200, but must be an integer from -128 to 127",
        ),
    ],
)
def test_what_no_engine_computes_is_refused(wrong: Any, message: str) -> None:
    with pytest.raises(Refused, match=message):
        certify(wrong())


@pytest.mark.parametrize("scenario", [s for s in SCENARIOS if s.id.endswith("/saturated")], ids=lambda s: s.id)
def test_x_changes_most_outputs_where_sums_saturate(scenario: IntegerScenario) -> None:
    without_x = replace(scenario, x=np.full_like(scenario.x, scenario.shape["x_zero"]))
    changed = certify(without_x).out != certify(scenario).out
    assert changed.mean() > 0.5


def without_multipliers(config: Any) -> dict[str, Any]:
    return {name: value for name, value in config.items() if not name.endswith(("_multiplier", "_shift"))}


def test_multipliers_are_those_that_the_scales_give_if_they_are_absent() -> None:
    assert replace(PLAIN, config=without_multipliers(PLAIN.config)).shape == PLAIN.shape


def test_a_configuration_without_multipliers_and_scales_says_which_scales_are_missing() -> None:
    with pytest.raises(Refused, match="config has no x_scale, h_scale, W_scale, R_scale"):
        replace(PLAIN, config={}).shape  # noqa: B018


@pytest.mark.parametrize(
    ("scale", "message"),
    [
        ({}, "x_scale has None, but must be a positive number"),
        ({"x_scale": 1e300}, "x_scale has 1e"),
        ({"x_scale": 10**400}, r"x_scale has 10{17}\.\.\.0{19}, but must be a positive number"),
        ({"r_scale": 2}, "no parameter of lstm_int8_cmsis 'r_scale'"),
        ({"W_scale": [1.0]}, "W_scale is .* but must be a list of 4"),
    ],
)
def test_multipliers_need_every_scale(scale: dict[Any, Any], message: str) -> None:
    config = {**without_multipliers(PLAIN.config), "x_scale": None, **scale}
    with pytest.raises(Refused, match=message):
        replace(PLAIN, config={**config, "x_scale": scale.get("x_scale", 0.5 if scale else None)})


def test_another_cell_is_an_error() -> None:
    with pytest.raises(WrongUse, match="lstm-int8-cmsis/plain: no integer LSTM 'lstm'"):
        replace(PLAIN, cell="lstm")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("config", None, "config must be a dict whose keys are text"),
        ("config", {1: 2}, "config must be a dict whose keys are text"),
        ("weights", None, "weights must be a dict whose keys are text"),
        ("weights", [1], "weights must be a dict whose keys are text"),
        ("weights", {1: [2]}, "weights must be a dict whose keys are text"),
        ("states", None, "states must be a dict whose keys are text"),
        ("states", {1: [2]}, "states must be a dict whose keys are text"),
        ("cell", ["a"], "cell is ['a']; expected an integer LSTM, such as lstm_int8_tflm"),
        ("cell", {}, "cell is {}; expected an integer LSTM, such as lstm_int8_tflm"),
    ],
)
def test_a_field_of_another_type_is_one_error(field: str, value: Any, message: str) -> None:
    with pytest.raises(WrongUse, match=re.escape(f"lstm-int8-cmsis/plain: {message}")):
        replace(PLAIN, **{field: value})
