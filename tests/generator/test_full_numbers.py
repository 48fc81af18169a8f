"""Scenarios whose numbers use all significant bits of a precision."""

import numpy as np
import pytest

from rnn_goldens import load
from rnn_goldens.cells import case_of
from rnn_goldens.deviations import deviation
from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenarios import NETWORKS
from rnn_goldens.golden.precision import PRECISIONS

FULL = [s for s in NETWORKS if s.precisions != tuple(PRECISIONS)]


@pytest.mark.parametrize("example", FULL, ids=lambda example: example.id)
def test_numbers_are_exact_in_the_precisions_of_the_scenario_and_in_no_other(example: Scenario) -> None:
    arrays = [*example.torch_weights.values(), *example.inputs.values()]
    for name, precision in PRECISIONS.items():
        with np.errstate(over="ignore"):
            is_exact = all((precision.round(array) == array).all() for array in arrays)
        assert is_exact == (name in example.precisions), name


@pytest.mark.parametrize(
    ("golden_id", "precision", "lower"),
    [
        ("gru/numbers-of-53-bits", "float64", "float32"),
        ("lstm/numbers-of-24-bits", "float32", "bfloat16"),
        ("exact/numbers-of-11-bits", "float16", "bfloat16"),
        ("rnn-tanh/numbers-beyond-float16", "bfloat16", "float16"),
    ],
)
def test_a_network_whose_inputs_were_cast_to_a_lower_precision_fails(
    golden_id: str, precision: str, lower: str
) -> None:
    golden = load(golden_id, dtype=precision)
    wrong = deviation(f"inputs_cast_to_{lower}").run(case_of(golden, np.float64))
    assert not golden.compare(*(output.astype(golden.out.dtype) for output in wrong)).passed
