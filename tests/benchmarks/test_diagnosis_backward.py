"""Wrong backward passes are named in a run, and never by a wrong name."""

import pytest

from benchmarks.diagnosis.backward import BACKWARD, FORWARD, NAMED, NONE, PASSES, WRONG, Wrong, result_of, wrongs


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "outcome"),
    [
        ((BACKWARD, "gru_reset_left_out_backward", "gru", "float32"), NAMED),
        ((BACKWARD, "weights_overwritten_by_each_step", "rnn_relu", "float64"), NAMED),
        ((BACKWARD, "backward_truncated_every_32", "rnn_tanh", "float32"), NAMED),
        ((BACKWARD, "gradients_in_float32", "rnn_tanh", "float32"), PASSES),
        ((FORWARD, "gru_reset_before_product", "gru", "float32"), NAMED),
    ],
)
def test_what_a_run_says_of_a_wrong_backward_pass(wrong: Wrong, outcome: str) -> None:
    assert result_of(wrong).outcome == outcome


FEW = [wrong for wrong in wrongs() if wrong[0] == BACKWARD][::23]
"""Of some eight hundred, which ``python -m benchmarks.diagnosis.backward`` asks."""


@pytest.mark.slow
@pytest.mark.parametrize("wrong", FEW, ids="-".join)
def test_none_is_told_a_wrong_name(wrong: Wrong) -> None:
    assert result_of(wrong).outcome not in (WRONG, NONE)
