"""The benchmark of the diagnosis compares each diagnosis with the actual bug and classifies it."""

import pytest

from benchmarks.diagnosis.causes import (
    AMONG,
    HINT,
    IDENTIFIED,
    PARTLY,
    SILENT,
    WRONG,
    Result,
    outcome,
    report,
    result_of,
)
from benchmarks.diagnosis.wrong import BACKWARD, DIFFERENTIATED, PAIRS, SINGLE, SLIPS, Wrong, wrong_backward_passes
from rnn_goldens.diagnosis import CONSISTENT, EXPLAINED, CandidateEvidence, Cause, CellInTest, Diagnosis, Evidence

ONE, OTHER = ("w_hh_transposed",), ("b_hh_missing",)
FAILED = (Evidence("rnn-tanh/plain", "float32", "rnn_tanh"),)


def diagnosed(*causes: Cause, certainty: str = EXPLAINED, equivalent: tuple[Cause, ...] = ()) -> Diagnosis:
    candidates = tuple(CandidateEvidence(cause, FAILED, equivalent=equivalent) for cause in causes)
    return Diagnosis(CellInTest("", "rnn_tanh"), FAILED, (), certainty, candidates)


@pytest.mark.parametrize(
    ("names", "diagnosis", "expected"),
    [
        (ONE, diagnosed(ONE), IDENTIFIED),
        (ONE, diagnosed(ONE, equivalent=(OTHER,)), AMONG),
        (ONE, diagnosed(OTHER, equivalent=(ONE,)), AMONG),
        (ONE, diagnosed(OTHER), WRONG),
        (ONE, diagnosed(OTHER, certainty=CONSISTENT), PARTLY),
        (ONE + OTHER, diagnosed(ONE + OTHER), IDENTIFIED),
        (ONE + OTHER, diagnosed(ONE, OTHER), IDENTIFIED),
        (ONE + OTHER, diagnosed(ONE, certainty=CONSISTENT), PARTLY),
        (ONE + OTHER, diagnosed(("hard_tanh",)), WRONG),
        (("b_hh_overwritten_by_b_ih",), diagnosed(("b_hh_missing", "b_ih_doubled")), AMONG),
    ],
)
def test_diagnoses_are_compared_with_the_actual_bug(names: Cause, diagnosis: Diagnosis, expected: str) -> None:
    assert outcome(Wrong(SINGLE, "rnn_tanh", names), diagnosis) == expected


@pytest.mark.parametrize(
    ("cause", "expected"), [("backward_truncated_every_8", IDENTIFIED), ("backward_truncated_every_16", WRONG)]
)
def test_diagnoses_of_gradients_are_compared_with_the_actual_bug(cause: str, expected: str) -> None:
    wrong = Wrong(BACKWARD, "gru", ("backward_truncated_every_8",))
    assert outcome(wrong, diagnosed((cause,))) == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong",
    [
        Wrong(SINGLE, "rnn_tanh", ONE),
        Wrong(PAIRS, "rnn_tanh", ("b_hh_missing", "h_n_units_reversed")),
        Wrong(SLIPS, "rnn_tanh", OTHER),
        Wrong(BACKWARD, "gru", ("gru_reset_left_out_backward",)),
        Wrong(BACKWARD, "rnn_tanh", ("backward_truncated_every_32",)),
        Wrong(DIFFERENTIATED, "gru", ("gru_reset_before_product",)),
    ],
    ids=str,
)
def test_the_deviations_of_a_wrong_network_are_identified(wrong: Wrong) -> None:
    result = result_of(wrong)
    assert result.outcome == IDENTIFIED
    assert set(result.causes.split(" & ")) == set(wrong.names)


def test_a_deviation_undetected_in_float32_has_no_outcome() -> None:
    assert result_of(Wrong(SINGLE, "rnn_tanh", ("matrices_cast_to_float32",))).outcome == ""


@pytest.mark.slow
def test_no_diagnosis_of_a_wrong_backward_pass_is_wrong_or_empty() -> None:
    sample = [wrong for wrong in wrong_backward_passes() if wrong.group == BACKWARD][::23]
    assert [result for result in map(result_of, sample) if result.is_bad] == []


def test_the_page_counts_by_group_and_lists_unidentified_networks() -> None:
    results = [
        Result(Wrong(SINGLE, "gru", ("gru_z_is_r",)), IDENTIFIED, "one", 0.5),
        Result(Wrong(SINGLE, "gru", ("h0_ignored",)), WRONG, "one", 2.0),
        Result(Wrong(SINGLE, "gru", ("matrices_cast_to_float32",))),
        Result(Wrong(PAIRS, "gru", ("b_hh_missing", "h0_ignored")), SILENT, "", 1.0),
        Result(Wrong(BACKWARD, "gru", ("gradient_of_h0_missing",)), HINT, "", 1.0),
        Result(Wrong(DIFFERENTIATED, "gru", ("gru_z_is_r",)), HINT, "", 1.0),
    ]
    assert [one.is_bad for one in results] == [False, True, False, True, True, False]
    text = report(results, {SINGLE: 4, PAIRS: 2, BACKWARD: 3, DIFFERENTIATED: 1, SLIPS: 0})
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "| deviations | 3 of 4 | 2 | 1 | 0 | 0 | 0 | 0 | 1 | 2.0 |" in lines
    assert "| of the backward pass | 1 of 3 | 1 | 0 | 0 | 0 | 1 | 0 | 0 | 1.0 |" in lines
    assert "Wrong cause: `h0_ignored` (gru)." in lines
    assert "Silent: `b_hh_missing & h0_ignored` (gru)." in lines
