"""What is said where gradients need an output that did not come."""

import pytest

from rnn_goldens.golden.gradients import COTANGENTS, is_need_of_state, need_state


@pytest.mark.parametrize("output", COTANGENTS.values())
def test_the_reason_for_which_out_alone_is_refused_is_recognised(output: str) -> None:
    assert need_state(output) == f"cotangents of {output} need {output}, and one array was returned"
    assert is_need_of_state(need_state(output))


def test_another_reason_is_not_taken_for_it() -> None:
    assert not is_need_of_state("cotangents of out")
    assert not is_need_of_state(f"{need_state('h_n')}, it said")
