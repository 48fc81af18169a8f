"""Scenarios whose numbers fill a precision, and what that is for."""

import numpy as np
import pytest
from made_scenarios import changed, scenario

from rnn_goldens import load
from rnn_goldens.cells import case_of
from rnn_goldens.deviations import deviation
from rnn_goldens.generator.certify import certify
from rnn_goldens.generator.scenario import Refused, Scenario
from rnn_goldens.generator.scenarios import SCENARIOS
from rnn_goldens.golden.precision import PRECISIONS

FULL = [asked for asked in SCENARIOS if asked.precisions != tuple(PRECISIONS)]


@pytest.mark.parametrize("asked", FULL, ids=lambda asked: asked.id)
def test_their_numbers_are_those_of_the_precisions_they_are_asked_in_and_of_no_other(asked: Scenario) -> None:
    arrays = [*asked.torch_weights.values(), *asked.inputs.values()]
    for name, precision in PRECISIONS.items():
        with np.errstate(over="ignore"):
            held = all((precision.round(array) == array).all() for array in arrays)
        assert held == (name in asked.precisions), name


def test_a_golden_lists_no_precision_in_which_it_was_not_asked() -> None:
    asked = changed(scenario("rnn_tanh", scale=0.25), precisions=("float64", "float32"))
    assert certify(asked).precisions == ("float64", "float32")


def test_a_number_that_a_precision_does_not_hold_is_refused_in_it() -> None:
    asked = scenario("rnn_tanh", scale=1 / 3, bias=False)
    with pytest.raises(Refused, match=r"weight_ih_l0 holds .*, which is no float32 number"):
        certify(changed(asked, precisions=("float64", "float32")))
    assert certify(changed(asked, precisions=("float64",))).precisions == ("float64",)


@pytest.mark.parametrize(
    ("golden_id", "precision", "lower"),
    [
        ("gru/numbers-of-53-bits", "float64", "float32"),
        ("lstm/numbers-of-24-bits", "float32", "bfloat16"),
        ("exact/numbers-of-11-bits", "float16", "bfloat16"),
        ("rnn-tanh/numbers-beyond-float16", "bfloat16", "float16"),
    ],
)
def test_a_network_whose_inputs_went_through_a_lower_precision_fails(
    golden_id: str, precision: str, lower: str
) -> None:
    golden = load(golden_id, dtype=precision)
    wrong = deviation(f"inputs_cast_to_{lower}").run(case_of(golden, np.float64))
    assert not golden.compare(*(output.astype(golden.out.dtype) for output in wrong)).passed
