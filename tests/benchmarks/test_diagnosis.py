"""What the benchmark of diagnosis makes of what a run says: a name is right, one of two, or wrong."""

from functools import partial

import pytest

from benchmarks.diagnosis import telling
from benchmarks.diagnosis.networks import deviating
from benchmarks.diagnosis.report import report
from benchmarks.diagnosis.telling import AMONG, HINT, NAMED, PARTLY, SILENT, WRONG, Told, tell
from rnn_goldens import load
from rnn_goldens.diagnosis.asked import Cause
from rnn_goldens.diagnosis.causes import CONSISTENT, EXPLAINED, About, Diagnosis, Evidence, Suspect

ONE, OTHER = ("w_hh_transposed",), ("b_hh_missing",)
FAILED = (Evidence("rnn-tanh/plain", "float32", "rnn_tanh"),)


@pytest.fixture(autouse=True)
def few_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of those that are drawn, which take minutes."""
    monkeypatch.setattr(telling, "_drawn", lambda: [load("rnn-tanh/plain"), load("rnn-tanh/no-bias")])


def said(*causes: Cause, certainty: str = EXPLAINED, alike: tuple[Cause, ...] = ()) -> Diagnosis:
    suspects = tuple(Suspect(cause, FAILED, alike=alike) for cause in causes)
    return Diagnosis(About("", "rnn_tanh"), FAILED, (), certainty, suspects)


@pytest.mark.parametrize(
    ("names", "told", "outcome"),
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
    ],
)
def test_what_is_said_is_held_against_what_is_wrong(names: Cause, told: Diagnosis, outcome: str) -> None:
    assert telling._is_right(names, partial(deviating, names), "rnn_tanh", told) == outcome


@pytest.mark.slow
@pytest.mark.parametrize("names", [ONE, ("b_hh_missing", "h_n_units_reversed")], ids=" & ".join)
def test_a_wrong_network_is_asked_every_golden_and_named(names: Cause) -> None:
    told = tell(("any", "rnn_tanh", names))
    assert (told.outcome, told.cell) == (NAMED, "rnn_tanh")
    assert set(told.said.split(" & ")) == set(names)


def test_what_no_golden_shows_in_float32_is_left_out() -> None:
    assert tell(("any", "rnn_tanh", ("matrices_cast_to_float32",))).outcome == ""


def test_the_page_counts_by_group_and_lists_what_was_not_named() -> None:
    told = [
        Told("deviations", "gru_z_is_r", "gru", NAMED, "one", 0.5),
        Told("deviations", "h0_ignored", "gru", WRONG, "one", 2.0),
        Told("pairs", "one & two", "gru", SILENT, "", 1.0),
        Told("pairs", "two & three", "gru", HINT, "", 1.0),
    ]
    lines = [" ".join(line.split()) for line in report(told, {"deviations": 3, "pairs": 2}).splitlines()]
    assert "| deviations | 2 of 3 | 2 | 1 | 0 | 0 | 0 | 0 | 1 | 2.0 |" in lines
    assert "| together | 4 | 4 | 1 | 0 | 0 | 1 | 1 | 1 | 2.0 |" in lines
    assert any(
        "Of deviations 1 are around torch's own layer, and 1 inside, for want of a slip" in line for line in lines
    )
    assert "- gru, h0_ignored: wrong name, one" in lines
    assert "- gru, one & two: silent" in lines
