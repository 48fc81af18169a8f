"""The numbers that a picture is drawn from."""

import numpy as np
import pytest
from making import MakeGolden

from rnn_goldens import load
from rnn_goldens.judging.given import outputs_given
from rnn_goldens.judging.picture import LONGEST_LINE, MOST_ACROSS, MOST_DOWN, picture


def test_right_outputs_and_such_as_can_not_be_compared_have_none(make_golden: MakeGolden) -> None:
    golden = make_golden()
    assert picture(outputs_given(golden, golden.out, golden.h_n)) is None
    assert picture(outputs_given(golden, golden.out[0], golden.h_n)) is None
    assert picture(outputs_given(golden, None, golden.h_n)) is None


def test_the_worst_row_and_direction_are_drawn(make_golden: MakeGolden) -> None:
    golden = make_golden(batch=(3,), time=4, bidirectional=True, hidden_size=2)
    out = golden.out.copy()
    out[0, 0, 0] += 1
    out[2, 1, 3] += 5  # row 2, time step 1, unit 1 of the reverse direction
    drawn = picture(outputs_given(golden, out, golden.h_n))
    assert drawn is not None
    assert (drawn.output, drawn.place) == ("out", "batch 2, reverse direction")
    assert drawn.errors == [[0, 0, 0, 0], [0, 5, 0, 0]]
    assert (drawn.line, drawn.begin, drawn.block) == (1, 0, (1, 1))
    assert drawn.got == out[2, :, 3].tolist()
    assert drawn.want == golden.out[2, :, 3].tolist()


def test_where_out_is_right_a_state_is_drawn(make_golden: MakeGolden) -> None:
    golden = make_golden("lstm", num_layers=2, batch=())
    c_n = golden.c_n.copy()
    c_n[1, 0] += 2
    drawn = picture(outputs_given(golden, golden.out, golden.h_n, c_n))
    assert drawn is not None
    assert (drawn.output, drawn.place, drawn.across, drawn.down) == ("c_n", "", "unit", "layer and direction")
    assert drawn.errors == [[0, 0], [2, 0]]


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_errors_are_in_units_of_what_is_allowed(dtype: str) -> None:
    golden = load("rnn-tanh/plain", dtype=dtype)
    got = golden.stored.out * 1.5
    drawn = picture(outputs_given(golden, got, golden.h_n))
    verdict = golden.compare(got, golden.h_n)
    assert drawn is not None
    assert drawn.in_tolerances
    largest = max(error for row in drawn.errors for error in row if error is not None)
    assert largest == pytest.approx(verdict.largest_error, rel=0.01)


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_what_is_no_number_stands_out(make_golden: MakeGolden, number: float) -> None:
    golden = make_golden()
    out = golden.out.copy()
    out[0, 0] += 9
    out[1, 2, 0] = number
    drawn = picture(outputs_given(golden, out, golden.h_n))
    assert drawn is not None
    assert drawn.place == "batch 1"
    assert drawn.errors == [[0, 0, None], [0, 0, 0]]
    assert drawn.got[2] is None


def test_a_large_output_is_drawn_in_blocks_and_around_what_is_wrong(make_golden: MakeGolden) -> None:
    golden = make_golden(time=1003, hidden_size=50)
    out = golden.out.copy()
    out[0, 700, 31] += 7
    drawn = picture(outputs_given(golden, out, golden.h_n))
    assert drawn is not None
    across, down = drawn.block
    assert (len(drawn.errors), len(drawn.errors[0])) == (-(-50 // down), -(-1003 // across))
    assert len(drawn.errors) <= MOST_DOWN
    assert len(drawn.errors[0]) <= MOST_ACROSS
    assert drawn.errors[31 // down][700 // across] == 7
    assert sum(error or 0 for row in drawn.errors for error in row) == 7
    assert len(drawn.got) == len(drawn.want) == LONGEST_LINE
    assert drawn.begin <= 700 < drawn.begin + LONGEST_LINE
    assert drawn.got[700 - drawn.begin] == out[0, 700, 31]
