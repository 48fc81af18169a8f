"""The reason for refusing gradients of an output that was not returned, or is not compared."""

import pytest

from rnn_goldens.golden.gradients import is_missing_output_reason, missing_output_reason


@pytest.mark.parametrize("output", ["out", "h_n", "c_n", "n_n"])
def test_the_reason_for_a_missing_output_is_recognised(output: str) -> None:
    reasons = [missing_output_reason(output), missing_output_reason(output, returned=True)]
    assert reasons == [f"there are cotangents of {output}, which is not {why}" for why in ("returned", "compared")]
    assert all(map(is_missing_output_reason, reasons))


def test_other_reasons_are_not_recognised() -> None:
    assert not is_missing_output_reason("cotangents of out")
    assert not is_missing_output_reason(f"{missing_output_reason('h_n')}, added")
