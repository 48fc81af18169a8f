"""Every listed real-world defect has a deviation, or a reason why it cannot have one."""

import re
from pathlib import Path

from rnn_goldens.deviations import DEVIATIONS
from rnn_goldens.deviations.backward import BACKWARD_DEVIATIONS
from rnn_goldens.generator.uncovered_defects import UNEXPRESSED

LINES = Path(__file__).with_name("real_defects.txt").read_text("utf-8").splitlines()
LISTED = [line.split("  ")[0] for line in LINES]
FORWARD = [defect for d in DEVIATIONS for defect in d.stands_for]
BACKWARD = [defect for d in BACKWARD_DEVIATIONS for defect in d.stands_for]
COVERED = {*FORWARD, *BACKWARD}
UNCOVERED = [u.defect for u in UNEXPRESSED]


def test_each_defect_is_listed_once_with_a_description() -> None:
    assert [line for line in LINES if not re.fullmatch(r"[\w.-]+(#| PR)\d+  \S.*[^.]", line)] == []
    assert len(LISTED) == len(set(LISTED))


def test_each_defect_has_a_deviation_or_a_reason_why_not() -> None:
    assert [defect for defect in LISTED if defect not in COVERED.union(UNCOVERED)] == []


def test_at_most_one_deviation_covers_each_defect_of_the_backward_pass() -> None:
    assert len(BACKWARD) == len(set(BACKWARD))
    assert sorted(set(FORWARD).intersection(BACKWARD)) == []


def test_no_defect_has_both_a_deviation_and_a_reason() -> None:
    assert sorted(COVERED.intersection(UNCOVERED)) == []


def test_every_covered_or_uncovered_defect_is_listed() -> None:
    """A misspelt defect is not in the list."""
    assert sorted(COVERED.union(UNCOVERED).difference(LISTED)) == []


def test_reasons_do_not_end_with_a_full_stop_and_each_defect_has_at_most_one() -> None:
    assert [u for u in UNEXPRESSED if not re.fullmatch(r"[a-z].*[^.]", u.reason, re.IGNORECASE)] == []
    assert len(UNCOVERED) == len(set(UNCOVERED))
