"""The benchmark of the diagnosis compares each diagnosis with the actual bug and classifies it."""

import pytest

from benchmarks.diagnosis.forward import (
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
from benchmarks.diagnosis.networks import PAIRS, SINGLE, SLIPS
from rnn_goldens.diagnosis.candidates import Cause
from rnn_goldens.diagnosis.causes import CONSISTENT, EXPLAINED, CandidateEvidence, CellInTest, Diagnosis, Evidence

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
    assert outcome(names, "rnn_tanh", diagnosis) == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("group", "names"), [(SINGLE, ONE), (PAIRS, ("b_hh_missing", "h_n_units_reversed")), (SLIPS, OTHER)]
)
def test_the_deviations_of_a_wrong_network_are_identified(group: str, names: Cause) -> None:
    result = result_of((group, "rnn_tanh", names))
    assert result.outcome == IDENTIFIED
    assert set(result.causes.split(" & ")) == set(names)


def test_a_deviation_undetected_in_float32_has_no_outcome() -> None:
    assert result_of((SINGLE, "rnn_tanh", ("matrices_cast_to_float32",))).outcome == ""


def test_the_page_counts_by_group_and_lists_unidentified_networks() -> None:
    results = [
        Result((SINGLE, "gru", ("gru_z_is_r",)), IDENTIFIED, "one", 0.5),
        Result((SINGLE, "gru", ("h0_ignored",)), WRONG, "one", 2.0),
        Result((SINGLE, "gru", ("matrices_cast_to_float32",))),
        Result((PAIRS, "gru", ("b_hh_missing", "h0_ignored")), SILENT, "", 1.0),
        Result((PAIRS, "gru", ("b_ih_missing", "h0_ignored")), HINT, "", 1.0),
    ]
    lines = [" ".join(line.split()) for line in report(results, {SINGLE: 4, PAIRS: 2}).splitlines()]
    assert "| deviations | 3 of 4 | 2 | 1 | 0 | 0 | 0 | 0 | 1 | 2.0 |" in lines
    assert "| together | 5 | 4 | 1 | 0 | 0 | 1 | 1 | 1 | 2.0 |" in lines
    assert any("Deviations around torch's own layer: 1; inside the cell: 1." in line for line in lines)
    assert "- gru, deviations, h0_ignored: one" in lines
    assert "- gru, pairs, b_hh_missing & h0_ignored" in lines
