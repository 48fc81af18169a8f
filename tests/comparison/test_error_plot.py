"""The data of plots."""

import numpy as np
import pytest
from factories.goldens import MakeGolden

from rnn_goldens import load
from rnn_goldens.comparison.actual import actual_by_name, actual_outputs
from rnn_goldens.comparison.verdict import LONGEST_LINE, MAX_ACROSS, MAX_DOWN, picture


def test_right_outputs_and_outputs_that_cannot_be_compared_have_no_plot(make_golden: MakeGolden) -> None:
    golden = make_golden()
    assert picture(actual_outputs(golden, golden.out, golden.h_n)) is None
    assert picture(actual_outputs(golden, golden.out[0], golden.h_n)) is None
    assert picture(actual_outputs(golden, None, golden.h_n)) is None


def test_the_row_and_direction_with_the_largest_error_are_plotted(make_golden: MakeGolden) -> None:
    golden = make_golden(batch=(3,), time=4, bidirectional=True, hidden_size=2)
    out = golden.out.copy()
    out[0, 0, 0] += 1
    out[2, 1, 3] += 5  # row 2, time step 1, unit 1 of the reverse direction
    plot = picture(actual_outputs(golden, out, golden.h_n))
    assert plot is not None
    assert (plot.output, plot.place) == ("out", "batch 2, reverse direction")
    assert plot.errors == [[0, 0, 0, 0], [0, 5, 0, 0]]
    assert (plot.line, plot.begin, plot.block) == (1, 0, (1, 1))
    assert plot.got == out[2, :, 3].tolist()
    assert plot.want == golden.out[2, :, 3].tolist()


def test_a_state_is_plotted_if_out_is_right(make_golden: MakeGolden) -> None:
    golden = make_golden("lstm", num_layers=2, batch=())
    c_n = golden.c_n.copy()
    c_n[1, 0] += 2
    plot = picture(actual_outputs(golden, golden.out, golden.h_n, c_n))
    assert plot is not None
    assert (plot.output, plot.place, plot.across, plot.down) == ("c_n", "", "unit", "layer")
    assert plot.errors == [[0, 0], [2, 0]]


@pytest.mark.parametrize(
    ("golden_id", "output", "wrong", "place", "across", "down"),
    [
        ("lstm-int8-tflm/plain", "out", (1, 5, 3), "batch 1", "time step", "unit"),
        ("lstm-int8-tflm/plain", "c_n", (1, 4), "", "unit", "sequence"),
        ("gated-delta/several-steps", "o", (1, 2, 0, 1), "batch 1, query head 0", "time step", "value"),
        ("gated-delta/several-steps", "S_n", (0, 1, 2, 1), "batch 0, head 1", "value", "key"),
        ("selective-scan/several-steps", "y", (0, 3, 1), "batch 0", "time step", "unit"),
        ("rg-lru/several-steps", "h_n", (1, 0), "", "unit", "sequence"),
    ],
)
def test_an_output_of_a_recurrence_is_plotted_by_its_axes(
    golden_id: str, output: str, wrong: tuple[int, ...], place: str, across: str, down: str
) -> None:
    golden = load(golden_id)
    outputs = {name: array.copy() for name, array in golden.stored.expected.items()}
    outputs[output][wrong] += 3
    plot = picture(actual_by_name(golden, outputs))
    assert plot is not None
    assert (plot.output, plot.place, plot.across, plot.down) == (output, place, across, down)
    column, line = (wrong[1], wrong[-1]) if across == "time step" else (wrong[-1], wrong[-2])
    assert plot.line == line
    differing = [k for k, (got, want) in enumerate(zip(plot.got, plot.want, strict=True)) if got != want]
    assert differing == [column]


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_errors_are_multiples_of_the_tolerance(dtype: str) -> None:
    golden = load("rnn-tanh/plain", dtype=dtype)
    got = golden.stored.out * 1.5
    plot = picture(actual_outputs(golden, got, golden.h_n))
    verdict = golden.compare(got, golden.h_n)
    assert plot is not None
    assert plot.in_tolerances
    largest = max(error for row in plot.errors for error in row if error is not None)
    assert largest == pytest.approx(verdict.largest_error, rel=0.01)


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_nan_and_infinity_count_as_the_largest_error(make_golden: MakeGolden, number: float) -> None:
    golden = make_golden()
    out = golden.out.copy()
    out[0, 0] += 9
    out[1, 2, 0] = number
    plot = picture(actual_outputs(golden, out, golden.h_n))
    assert plot is not None
    assert plot.place == "batch 1"
    assert plot.errors == [[0, 0, None], [0, 0, 0]]
    assert plot.got[2] is None


def test_a_large_output_is_plotted_in_blocks_around_the_first_wrong_value(make_golden: MakeGolden) -> None:
    golden = make_golden(time=1003, hidden_size=50)
    out = golden.out.copy()
    out[0, 700, 31] += 7
    plot = picture(actual_outputs(golden, out, golden.h_n))
    assert plot is not None
    across, down = plot.block
    assert (len(plot.errors), len(plot.errors[0])) == (-(-50 // down), -(-1003 // across))
    assert len(plot.errors) <= MAX_DOWN
    assert len(plot.errors[0]) <= MAX_ACROSS
    assert plot.errors[31 // down][700 // across] == 7
    assert sum(error or 0 for row in plot.errors for error in row) == 7
    assert len(plot.got) == len(plot.want) == LONGEST_LINE
    assert plot.begin <= 700 < plot.begin + LONGEST_LINE
    assert plot.got[700 - plot.begin] == out[0, 700, 31]
