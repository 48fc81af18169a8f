"""Scenarios of integer LSTMs are certified by their definition; what no engine can compute is refused."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rnn_goldens import IntegerScenario, Unsupported, certify, load
from rnn_goldens.errors import WrongUse
from rnn_goldens.generator.scenario import Refused
from rnn_goldens.generator.scenarios.integer_lstms import scenarios

PLAIN = next(one for one in scenarios() if one.id == "lstm-int8-cmsis/plain")


def test_a_scenario_gives_its_golden() -> None:
    golden, stored = certify(PLAIN), load(PLAIN.id)
    assert np.array_equal(golden.out, stored.out)
    assert golden.out.dtype == np.int8
    assert certify(stored) is stored
    with pytest.raises(Unsupported, match="out is h after every step"):
        _ = golden.expected_states


def changed(**arrays: Any) -> IntegerScenario:
    return replace(PLAIN, weights={**PLAIN.weights, **arrays}, precisions=("float64",))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: changed(W_i=np.full((6, 5), 128)), "W_i holds 128, which is not an integer of type int8"),
        (lambda: changed(W_f=np.full((6, 5), 0.5)), "W_f holds 0.5, which is not an integer of type int8"),
        (lambda: changed(b_o=np.full(6, 2**31 - 1)), "the sum of W_o may not fit in 32 bits"),
        (lambda: changed(b_o=np.zeros(5)), r"b_o has shape \(5,\); expected \(6,\)"),
        (
            lambda: replace(PLAIN, config={**PLAIN.config, "h_shift": -31}, precisions=("float64",)),
            "every output is the same number",
        ),
        (
            lambda: replace(PLAIN, config={**PLAIN.config, "x_zero": 200}, precisions=("float64",)),
            "x_zero has 200, but must be an integer from -128 to 127",
        ),
    ],
)
def test_what_no_engine_computes_is_refused(wrong: Any, message: str) -> None:
    with pytest.raises(Refused, match=message):
        certify(wrong())


def test_another_cell_is_an_error() -> None:
    with pytest.raises(WrongUse, match="lstm-int8-cmsis/plain: no integer LSTM 'lstm'"):
        replace(PLAIN, cell="lstm")
