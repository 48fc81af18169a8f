"""Diagnoses of wrong backward passes have the expected outcome; no diagnosis is wrong or empty."""

import pytest

from benchmarks.diagnosis.backward import BACKWARD, FORWARD, IDENTIFIED, NONE, PASSES, WRONG, Wrong, result_of, wrongs


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "outcome"),
    [
        ((BACKWARD, "gru_reset_left_out_backward", "gru", "float32"), IDENTIFIED),
        ((BACKWARD, "weights_overwritten_by_each_step", "rnn_relu", "float64"), IDENTIFIED),
        ((BACKWARD, "backward_truncated_every_32", "rnn_tanh", "float32"), IDENTIFIED),
        ((BACKWARD, "gradients_in_float32", "rnn_tanh", "float32"), PASSES),
        ((FORWARD, "gru_reset_before_product", "gru", "float32"), IDENTIFIED),
    ],
)
def test_the_diagnosis_of_a_wrong_backward_pass_has_the_expected_outcome(wrong: Wrong, outcome: str) -> None:
    assert result_of(wrong).outcome == outcome


SAMPLE = [wrong for wrong in wrongs() if wrong[0] == BACKWARD][::23]
"""A sample of the wrong backward passes that ``python -m benchmarks diagnosis-backward`` runs."""


@pytest.mark.slow
@pytest.mark.parametrize("wrong", SAMPLE, ids="-".join)
def test_no_diagnosis_is_wrong_or_empty(wrong: Wrong) -> None:
    assert result_of(wrong).outcome not in (WRONG, NONE)
