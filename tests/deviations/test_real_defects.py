"""Every real defect that was looked at is one that a deviation stands for, or one that none can, with the reason."""

import re
from pathlib import Path

from rnn_goldens.deviations import DEVIATIONS
from rnn_goldens.deviations.backward import BACKWARD_DEVIATIONS
from rnn_goldens.generator.unexpressed import UNEXPRESSED

LINES = Path(__file__).with_name("real_defects.txt").read_text("utf-8").splitlines()
LISTED = [line.split("  ")[0] for line in LINES]
FORWARD = [defect for d in DEVIATIONS for defect in d.stands_for]
BACKWARD = [defect for d in BACKWARD_DEVIATIONS for defect in d.stands_for]
STOOD_FOR = {*FORWARD, *BACKWARD}
WITH_A_REASON = [u.defect for u in UNEXPRESSED]


def test_the_list_says_of_each_defect_once_what_went_wrong() -> None:
    assert [line for line in LINES if not re.fullmatch(r"[\w.-]+(#| PR)\d+  \S.*[^.]", line)] == []
    assert len(LISTED) == len(set(LISTED))


def test_each_defect_has_a_deviation_or_a_reason_why_not() -> None:
    assert [defect for defect in LISTED if defect not in STOOD_FOR.union(WITH_A_REASON)] == []


def test_no_deviation_of_the_backward_pass_stands_for_what_another_does() -> None:
    assert len(BACKWARD) == len(set(BACKWARD))
    assert sorted(set(FORWARD).intersection(BACKWARD)) == []


def test_no_defect_has_both() -> None:
    assert sorted(STOOD_FOR.intersection(WITH_A_REASON)) == []


def test_none_is_named_that_is_not_listed() -> None:
    """A slip of the pen would look like a defect nobody can find."""
    assert sorted(STOOD_FOR.union(WITH_A_REASON).difference(LISTED)) == []


def test_reasons_read_on_from_the_defect_and_are_given_once() -> None:
    assert [u for u in UNEXPRESSED if not re.fullmatch(r"[a-z].*[^.]", u.reason, re.IGNORECASE)] == []
    assert len(WITH_A_REASON) == len(set(WITH_A_REASON))
