"""Verdicts on outputs, their messages and their HTML."""

import math
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from factories.goldens import MakeGolden

import rnn_goldens
from rnn_goldens import Golden, Verdict
from rnn_goldens.comparison.verdict import gradient_rows
from rnn_goldens.golden.precision import PRECISIONS


@pytest.fixture
def golden() -> Golden:
    return rnn_goldens.load("documented/mini-batch")


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_the_expected_outputs_pass_and_a_slightly_larger_value_fails(dtype: str) -> None:
    golden = rnn_goldens.load("documented/mini-batch", dtype=dtype)
    right = golden.compare(golden.out, golden.h_n)
    assert right == Verdict(passed=True, largest_error=0.0, differences=right.differences, message="")
    changed = golden.stored.out.copy()
    changed[0, 2, 0] += 32 * 2.0 ** (1 - PRECISIONS[dtype].bits)
    assert not golden.compare(PRECISIONS[dtype].round(changed), golden.h_n).passed


def test_integers_lists_and_wider_types_pass(golden: Golden) -> None:
    golden.check(golden.out.astype(int), golden.h_n.astype(int))
    golden.check(golden.out.tolist(), golden.h_n.tolist())
    golden.check(golden.out.astype(np.float64), golden.h_n.copy())


def test_a_verdict_is_true_if_it_passed(golden: Golden) -> None:
    assert golden.compare(golden.out, golden.h_n)
    assert not golden.compare(golden.out + 1, golden.h_n)


def test_minus_zero_equals_zero(make_golden: MakeGolden) -> None:
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


def test_the_reverse_direction_starts_at_the_end_of_each_sequence(make_golden: MakeGolden) -> None:
    golden = make_golden(bidirectional=True, time=5, lengths=[5, 2])
    out = golden.out.copy()
    out[0, 1, 2] += 1
    out[1, 1, 3] += 1
    assert "first wrong at time step 1 (batch 1, unit 1, reverse direction)" in golden.compare(out, golden.h_n).message


def test_the_place_in_the_reverse_direction_is_its_earliest_step_and_its_unit(make_golden: MakeGolden) -> None:
    golden = make_golden(bidirectional=True, time=5, lengths=[5, 2])
    out = golden.out.copy()
    out[0, 1, 2] += 1
    out[1, 1, 3] += 1
    assert "first wrong at time step 1 (batch 1, unit 1, reverse direction)" in golden.compare(out, golden.h_n).message


def test_the_place_in_a_state_is_layer_and_direction(make_golden: MakeGolden) -> None:
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


def test_an_output_less_precise_than_declared_fails() -> None:
    golden = rnn_goldens.load("documented/mini-batch", dtype="float64")
    verdict = golden.compare(golden.out.astype(np.float32), golden.h_n)
    assert not verdict.passed
    assert "out is float32: less precise than the declared float64" in verdict.message


def test_a_failure_says_in_which_lower_precision_every_value_was_computed() -> None:
    golden = rnn_goldens.load("gru/plain", dtype="float64")
    hint = "every value is a float16 number: computed in float16, not in the declared float64?"
    out = PRECISIONS["float16"].round(golden.out + 0.01).astype(np.float64)
    assert hint in golden.compare(out, golden.h_n).message
    assert "computed in" not in golden.compare(golden.out + 0.1, golden.h_n).message


def test_values_that_round_to_the_same_digits_are_printed_in_full(golden: Golden) -> None:
    out: Any = golden.out.astype(np.float64)
    out[0, 0, 0] += 1e-13
    assert "got 3.0000000000001, want 3.0" in golden.compare(out, golden.h_n).message


def test_a_failure_message_has_at_most_15_lines(make_golden: MakeGolden) -> None:
    golden = make_golden("lstm", num_layers=3, bidirectional=True, time=40, lengths=[40, 7])
    object.__setattr__(golden, "purpose", "words " * 200)
    out = golden.out.copy()
    out[:, ::2] = math.nan
    out[:, 1] += 1
    lines = golden.compare(out, (golden.h_n + 1, golden.c_n + math.inf)).message.splitlines()
    assert len(lines) <= 15
    assert max(map(len, lines)) <= 160


def parsed(html: str) -> str:
    """Return the text of well-formed HTML."""
    return " ".join(ElementTree.fromstring(f"<div>{html}</div>").itertext())


def test_the_html_of_a_golden_has_its_properties() -> None:
    golden = rnn_goldens.load("lstm/lengths", dtype="bfloat16")
    shown = parsed(golden._repr_html_())
    for text in ("lstm/lengths in bfloat16", golden.purpose, "hidden_size=3", "lengths", "c_n (1, 3, 3)", "tolerance"):
        assert text in shown
    inputs = parsed(golden.for_implementation()._repr_html_())
    assert "the largest rounding error of a correct implementation" in shown
    assert "tolerance none: every value is exact" in parsed(rnn_goldens.load("documented/mini-batch")._repr_html_())
    assert "weight_hh_l0 (12, 3)" in inputs
    assert "c_n" not in inputs


def test_the_html_of_a_verdict_has_each_output_and_the_message() -> None:
    golden = rnn_goldens.load("rnn-tanh/plain")
    assert "✓ passed" in parsed(golden.compare(golden.out, golden.h_n)._repr_html_())
    verdict = golden.compare(golden.out + 0.5, golden.h_n)
    shown = parsed(verdict._repr_html_())
    assert "✗ failed: the largest error is " in shown
    assert f"out {verdict.differences['out'].wrong} of {golden.out.size}" in shown
    assert verdict.message in shown
    assert " time step 0 (batch 0, unit 0) " in shown or " layer 0 (batch " in shown
    assert "(0, " not in shown.partition("rnn-tanh/plain in")[0]
    assert "white-space: pre-wrap" in verdict._repr_html_()
    assert "has shape (4, 3), want (2, 4, 3)" in parsed(golden.compare(golden.out[0], golden.h_n)._repr_html_())


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "a & b < c > d \"'"])
def test_text_is_escaped_in_html(text: str) -> None:
    golden = replace(rnn_goldens.load("rnn-tanh/plain"), id=text, purpose=text)
    assert text in parsed(golden._repr_html_())
    assert text in parsed(golden.compare(golden.out + 0.5, golden.h_n)._repr_html_())


def test_each_gradient_is_a_row_that_is_right_wrong_or_not_checked() -> None:
    golden = rnn_goldens.load("rnn-tanh/plain", dtype="float32", gradients=True)
    found: dict[str, Any] = dict(golden.expected_of("gradients").values)
    del found["bias_hh_l0"]
    verdict = golden.compare_gradients({**found, "x": found["x"] + 1, "weight_hh_l0": None})
    rows = {row.pop("name"): row for row in gradient_rows(verdict.differences.values(), verdict.not_checked)}
    assert rows["weight_ih_l0"] == {
        "outcome": "right",
        "detail": "0 of the tolerance",
        **dict.fromkeys(("at", "got", "want", "allowed"), ""),
    }
    size = found["x"].size
    assert (rows["x"]["outcome"], rows["x"]["detail"]) == ("wrong", f"{size} of {size} elements")
    assert rows["x"]["at"].startswith("time step ")
    assert float(rows["x"]["got"]) == pytest.approx(float(rows["x"]["want"]) + 1, rel=1e-5)
    assert rows["weight_hh_l0"]["detail"].startswith("is None: ")
    assert rows["bias_hh_l0"]["outcome"] == "not checked"
    assert list(rows)[-1] == "bias_hh_l0"
