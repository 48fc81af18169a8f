"""Every reported defect has a deviation, or a reason why it cannot have one."""

import re

from rnn_goldens.defects import deviations_of, read_reports
from rnn_goldens.deviations import DEVIATIONS
from rnn_goldens.deviations.backward import BACKWARD_DEVIATIONS
from rnn_goldens.generator.uncovered_defects import UNEXPRESSED

REPORTS = read_reports()
FORWARD = [defect for d in DEVIATIONS for defect in d.stands_for]
BACKWARD = [defect for d in BACKWARD_DEVIATIONS for defect in d.stands_for]
COVERED = {*FORWARD, *BACKWARD}
UNCOVERED = [u.defect for u in UNEXPRESSED]


def test_each_report_has_a_description() -> None:
    assert len(REPORTS) > 100
    assert [issue for issue in REPORTS if not re.fullmatch(r"[\w.-]+(#| PR)\d+", issue)] == []
    assert [effect for effect in REPORTS.values() if not re.fullmatch(r"\S.*[^.]", effect)] == []


def test_each_report_has_a_deviation_or_a_reason_why_not() -> None:
    assert [issue for issue in REPORTS if issue not in COVERED.union(UNCOVERED)] == []


def test_deviations_are_found_by_report() -> None:
    assert deviations_of().keys() == COVERED
    assert deviations_of()["onnx PR7935"] == ["reverse_not_reversed"]
    assert len(deviations_of()["burn#2701"]) == 2


def test_at_most_one_deviation_covers_each_report_of_the_backward_pass() -> None:
    assert len(BACKWARD) == len(set(BACKWARD))
    assert sorted(set(FORWARD).intersection(BACKWARD)) == []


def test_no_report_has_both_a_deviation_and_a_reason() -> None:
    assert sorted(COVERED.intersection(UNCOVERED)) == []


def test_every_covered_or_uncovered_report_is_listed() -> None:
    """A misspelt report is not in the list."""
    assert sorted(COVERED.union(UNCOVERED).difference(REPORTS)) == []


def test_reasons_do_not_end_with_a_full_stop_and_each_report_has_at_most_one() -> None:
    assert [u for u in UNEXPRESSED if not re.fullmatch(r"[a-z].*[^.]", u.reason, re.IGNORECASE)] == []
    assert len(UNCOVERED) == len(set(UNCOVERED))
