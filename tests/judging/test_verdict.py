"""The verifier, tested as the product it is."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from making import MakeGolden

import rnn_goldens
from rnn_goldens import Golden, Verdict
from rnn_goldens.golden.precision import PRECISIONS


@pytest.fixture
def golden() -> Golden:
    return rnn_goldens.load("documented/mini-batch")


def wrong_at(golden: Golden, index: tuple[int, ...], value: float) -> Verdict:
    out = golden.out.copy()
    out[index] = value
    return golden.compare(out, golden.h_n)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_the_expected_outputs_pass_and_the_nearest_other_number_does_not(dtype: str) -> None:
    golden = rnn_goldens.load("documented/mini-batch", dtype=dtype)
    right = golden.compare(golden.out, golden.h_n)
    assert right == Verdict(passed=True, largest_error=0.0, differences=right.differences, message="")
    one_unit_more = golden.stored.out.copy()
    one_unit_more[0, 2, 0] += 32 * 2.0 ** (1 - PRECISIONS[dtype].bits)
    assert not golden.compare(PRECISIONS[dtype].round(one_unit_more), golden.h_n).passed


def test_integers_lists_tensors_and_wider_types_pass(golden: Golden) -> None:
    golden.check(golden.out.astype(int), golden.h_n.astype(int))
    golden.check(golden.out.tolist(), golden.h_n.tolist())
    golden.check(torch.tensor(golden.out), torch.tensor(golden.h_n))
    golden.check(golden.out.astype(np.float64), golden.h_n.copy())


def test_minus_zero_is_zero(make_golden: MakeGolden) -> None:
    golden = make_golden()
    zeros = np.where(golden.out == 0, -0.0, golden.out)
    assert np.signbit(zeros[golden.out == 0]).any()
    golden.check(zeros, golden.h_n.copy())


def test_the_first_wrong_time_step_is_the_earliest_in_any_row(golden: Golden) -> None:
    out = golden.out.copy()
    out[0, 2, 0] = out[1, 1, 1] = 0
    verdict = golden.compare(out, golden.h_n)
    first = verdict.differences["out"].first
    assert first is not None
    assert (first.index, first.got, first.want, first.allowed) == ((1, 1, 1), 0, 24, 0)
    assert verdict.differences["out"].time_steps == (1, 2)
    assert verdict.message.splitlines()[0] == (
        "documented/mini-batch in float32: out is first wrong at time step 1 (batch 1, unit 1): "
        "got 0.0, want 24.0 (2 of 12 elements wrong)"
    )


def test_in_the_reverse_direction_the_first_wrong_step_is_the_latest_in_time(make_golden: MakeGolden) -> None:
    golden = make_golden(bidirectional=True, time=5)
    out = golden.out.copy()
    out[0, 1:4, 2] += 1
    verdict = golden.compare(out, golden.h_n)
    assert "first wrong at time step 3 (batch 0, unit 0, reverse direction)" in verdict.message


def test_the_reverse_direction_starts_at_the_end_of_each_sequence(make_golden: MakeGolden) -> None:
    golden = make_golden(bidirectional=True, time=5, lengths=[5, 2])
    out = golden.out.copy()
    out[0, 1, 2] += 1
    out[1, 1, 3] += 1
    assert "first wrong at time step 1 (batch 1, unit 1, reverse direction)" in golden.compare(out, golden.h_n).message


def test_a_wrong_state_is_named_by_layer_and_direction(make_golden: MakeGolden) -> None:
    golden = make_golden(num_layers=2, bidirectional=True)
    h_n = golden.h_n.copy()
    h_n[3, 1, 0] += 1
    message = golden.compare(golden.out, h_n).message
    assert "h_n is first wrong at layer 1 (batch 1, unit 0, reverse direction)" in message
    assert "out: all 24 elements right" in message


def test_nan_and_infinity_are_wrong_and_counted(golden: Golden) -> None:
    out = golden.out.copy()
    out[0, 0] = math.nan
    out[1, 2, 0] = -math.inf
    verdict = golden.compare(out, golden.h_n)
    found = verdict.differences["out"]
    assert (found.wrong, found.nan, found.infinite) == (3, 2, 1)
    assert "got nan, want 3.0" in verdict.message
    assert "among them 2 NaN, 1 infinite" in verdict.message
    assert verdict.largest_error == math.inf


def test_a_wrong_shape_says_both_and_what_it_looks_like(make_golden: MakeGolden) -> None:
    golden = make_golden()
    time_major = golden.compare(golden.out.swapaxes(0, 1), golden.h_n)
    assert "out has shape (3, 2, 2), want (2, 3, 2); it looks time-major" in time_major.message
    squeezed = golden.compare(golden.out, golden.h_n[0])
    assert "h_n has shape (2, 2), want (1, 2, 2); only axes of size 1 differ" in squeezed.message
    assert not golden.compare(golden.out[:, :2], golden.h_n).passed


def test_a_less_precise_result_than_declared_is_reported_as_such() -> None:
    golden = rnn_goldens.load("documented/mini-batch", dtype="float64")
    verdict = golden.compare(golden.out.astype(np.float32), golden.h_n)
    assert "out is float32: less precise than the declared float64" in verdict.message
    bfloat16 = rnn_goldens.load("documented/mini-batch", dtype="bfloat16")
    bfloat16.check(torch.tensor(bfloat16.out).bfloat16(), torch.tensor(bfloat16.h_n).bfloat16())
    assert (
        not rnn_goldens.load("documented/mini-batch")
        .compare(torch.tensor(bfloat16.out).bfloat16(), bfloat16.h_n)
        .passed
    )


def test_a_forgotten_output_is_wrong(golden: Golden) -> None:
    assert "h_n is None: the implementation returned nothing for it" in golden.compare(golden.out).message


def test_an_lstm_takes_its_states_as_a_pair_or_one_by_one(make_golden: MakeGolden) -> None:
    lstm = make_golden("lstm")
    lstm.check(lstm.out.copy(), (lstm.h_n.copy(), lstm.c_n.copy()))
    lstm.check(lstm.out.copy(), lstm.h_n.copy(), lstm.c_n.copy())
    assert "c_n is first wrong" in lstm.compare(lstm.out, (lstm.h_n, lstm.c_n + 1)).message
    assert "c_n is None" in lstm.compare(lstm.out, lstm.h_n).message


def test_a_cell_state_is_no_output_of_other_cells(golden: Golden) -> None:
    assert (
        "c_n was given, but a golden for rnn_relu has none"
        in golden.compare(golden.out, golden.h_n, golden.h_n).message
    )


def test_a_difference_that_digits_of_the_precision_would_hide_is_shown_in_all_digits(golden: Golden) -> None:
    out: Any = golden.out.astype(np.float64)
    out[0, 0, 0] += 1e-13
    assert "got 3.0000000000001, want 3.0" in golden.compare(out, golden.h_n).message


def test_a_failure_fits_fifteen_lines_however_much_is_wrong(make_golden: MakeGolden) -> None:
    golden = make_golden("lstm", num_layers=3, bidirectional=True, time=40, lengths=[40, 7])
    object.__setattr__(golden, "purpose", "words " * 200)
    out = golden.out.copy()
    out[:, ::2] = math.nan
    out[:, 1] += 1
    lines = golden.compare(out, (golden.h_n + 1, golden.c_n + math.inf)).message.splitlines()
    assert len(lines) <= 15
    assert max(map(len, lines)) <= 160


def test_an_empty_array_is_a_wrong_shape_not_a_pass(golden: Golden) -> None:
    assert "has shape (0,)" in golden.compare([], []).message


def test_one_wrong_element_is_enough(golden: Golden) -> None:
    assert not wrong_at(golden, (1, 2, 1), 52).passed
    assert wrong_at(golden, (1, 2, 1), 51).passed
