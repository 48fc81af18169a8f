"""A failure names the known way of being wrong that would explain it, and none where there is none."""

import numpy as np
import pytest

import rnn_goldens
from rnn_goldens import Golden
from rnn_goldens.cells import case_of
from rnn_goldens.deviations import deviation, together
from rnn_goldens.diagnosis import suspects
from rnn_goldens.diagnosis.causes import Evidence
from rnn_goldens.diagnosis.run import diagnosed_run
from rnn_goldens.diagnosis.suspects import Suspects
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.implementations.numpy_cells import arithmetic
from rnn_goldens.judging.given import outputs_given

NAMES = ["lstm_gates_iofg", "w_hh_transposed", "b_hh_missing", "lstm_forget_bias_plus_1", "out_time_major"]


def wrong_outputs(golden: Golden, name: str) -> tuple[object, ...]:
    return deviation(name).run(case_of(golden, arithmetic(golden.dtype)))


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize("name", NAMES)
def test_a_failure_names_the_deviation(name: str, dtype: str) -> None:
    golden = rnn_goldens.load("lstm/plain", dtype=dtype)
    first, second, *_ = golden.compare(*wrong_outputs(golden, name)).message.splitlines()
    assert first.startswith(f"lstm/plain in {dtype}, like {name}: out ")
    assert second.startswith(f"  looks like {name}: ")


def test_deviations_that_a_golden_does_not_tell_apart_are_all_named() -> None:
    golden = rnn_goldens.load("documented/single-sequence")
    message = golden.compare(*wrong_outputs(golden, "w_hh_ignored")).message
    assert (
        "\n  looks like one of 2 deviations, which are alike here: w_hh_ignored, state_never_fed_forward\n" in message
    )


@pytest.mark.slow
def test_what_no_deviation_explains_is_not_explained() -> None:
    golden = rnn_goldens.load("gru/plain", dtype="float32")
    noise = np.random.default_rng(1)
    assert (
        Suspects().explain(
            outputs_given(golden, noise.normal(size=golden.out.shape), noise.normal(size=golden.h_n.shape))
        )
        == []
    )
    assert Suspects().explain(outputs_given(golden, golden.out, golden.h_n)) == []
    assert Suspects().explain(outputs_given(golden, None, golden.h_n)) == []
    assert Suspects().explain(outputs_given(golden, golden.out, golden.h_n, golden.h_n)) == []


def test_what_is_nearly_right_is_not_called_a_deviation() -> None:
    golden = rnn_goldens.load("gru/plain", dtype="float32")
    off = golden.tolerance.allowed("out", golden.stored.out, PRECISIONS["float32"]) * 1.5
    verdict = golden.compare(golden.stored.out + off, golden.h_n)
    assert not verdict.passed
    assert "looks like" not in verdict.message


def test_of_a_golden_that_would_take_seconds_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    golden = rnn_goldens.load("lstm/plain")
    monkeypatch.setattr(suspects, "MOST_STEPS", 3)
    assert Suspects().explain(outputs_given(golden, *wrong_outputs(golden, "lstm_gates_iofg"))) == []


@pytest.mark.parametrize("name", ["w_hh_transposed", "lstm_gates_iofg", "float32_arithmetic"])
def test_the_message_stays_short(name: str) -> None:
    golden = rnn_goldens.load("lstm/lengths-bidirectional-two-layers", dtype="float64")
    message = golden.compare(*wrong_outputs(golden, name)).message
    assert f"\n  looks like {name}: " in message
    assert len(message.splitlines()) <= 15


def test_two_that_can_not_be_together_where_a_golden_passed_speak_against_nothing() -> None:
    pair = ("state_never_fed_forward", "state_leaks_across_rows")  # one hands on a state of fewer rows
    golden = rnn_goldens.load("gru/no-bias")
    with pytest.raises(ValueError, match="broadcast"):
        together(pair)(case_of(golden, np.float64))
    failed = Evidence("gru/plain", "float32", "gru", explained_by=(pair,))
    passed = Evidence("gru/no-bias", "float32", "gru", passed=True)
    (found,) = diagnosed_run([failed, passed], lambda golden_id, dtype: rnn_goldens.load(golden_id, dtype=dtype))
    assert found.suspects[0].cause == pair
    assert found.suspects[0].against == ()
