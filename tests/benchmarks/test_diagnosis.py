"""What the benchmark of diagnosis makes of what a run says: a name is right, one of two, or wrong."""

import pytest

from benchmarks.diagnosis.networks import ALONE, BOTH, SLIPS
from benchmarks.diagnosis.outcomes import AMONG, HINT, NAMED, PARTLY, SILENT, WRONG, Result, outcome, result_of
from benchmarks.diagnosis.report import report
from rnn_goldens.diagnosis.asked import Cause
from rnn_goldens.diagnosis.causes import CONSISTENT, EXPLAINED, About, Diagnosis, Evidence, Suspect

ONE, OTHER = ("w_hh_transposed",), ("b_hh_missing",)
FAILED = (Evidence("rnn-tanh/plain", "float32", "rnn_tanh"),)


def said(*causes: Cause, certainty: str = EXPLAINED, alike: tuple[Cause, ...] = ()) -> Diagnosis:
    suspects = tuple(Suspect(cause, FAILED, alike=alike) for cause in causes)
    return Diagnosis(About("", "rnn_tanh"), FAILED, (), certainty, suspects)


@pytest.mark.parametrize(
    ("names", "told", "expected"),
    [
        (ONE, said(ONE), NAMED),
        (ONE, said(ONE, alike=(OTHER,)), AMONG),
        (ONE, said(OTHER, alike=(ONE,)), AMONG),
        (ONE, said(OTHER), WRONG),
        (ONE, said(OTHER, certainty=CONSISTENT), PARTLY),
        (ONE + OTHER, said(ONE + OTHER), NAMED),
        (ONE + OTHER, said(ONE, OTHER), NAMED),
        (ONE + OTHER, said(ONE, certainty=CONSISTENT), PARTLY),
        (ONE + OTHER, said(("hard_tanh",)), WRONG),
        (("b_hh_overwritten_by_b_ih",), said(("b_hh_missing", "b_ih_doubled")), AMONG),
    ],
)
def test_what_is_said_is_held_against_what_is_wrong(names: Cause, told: Diagnosis, expected: str) -> None:
    assert outcome(names, "rnn_tanh", told) == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("group", "names"), [(ALONE, ONE), (BOTH, ("b_hh_missing", "h_n_units_reversed")), (SLIPS, OTHER)]
)
def test_a_wrong_network_is_asked_every_golden_and_named(group: str, names: Cause) -> None:
    told = result_of((group, "rnn_tanh", names))
    assert told.outcome == NAMED
    assert set(told.said.split(" & ")) == set(names)


def test_what_no_golden_shows_in_float32_is_left_out() -> None:
    assert result_of((ALONE, "rnn_tanh", ("matrices_cast_to_float32",))).outcome == ""


def test_the_page_counts_by_group_and_lists_what_was_not_named() -> None:
    results = [
        Result((ALONE, "gru", ("gru_z_is_r",)), NAMED, "one", 0.5),
        Result((ALONE, "gru", ("h0_ignored",)), WRONG, "one", 2.0),
        Result((ALONE, "gru", ("matrices_cast_to_float32",))),
        Result((BOTH, "gru", ("b_hh_missing", "h0_ignored")), SILENT, "", 1.0),
        Result((BOTH, "gru", ("b_ih_missing", "h0_ignored")), HINT, "", 1.0),
    ]
    lines = [" ".join(line.split()) for line in report(results, {ALONE: 4, BOTH: 2}).splitlines()]
    assert "| deviations | 3 of 4 | 2 | 1 | 0 | 0 | 0 | 0 | 1 | 2.0 |" in lines
    assert "| together | 5 | 4 | 1 | 0 | 0 | 1 | 1 | 1 | 2.0 |" in lines
    assert any("Of deviations 1 are around torch's own layer, and 1 inside" in line for line in lines)
    assert "- gru, deviations, h0_ignored: one" in lines
    assert "- gru, pairs, b_hh_missing & h0_ignored" in lines
