"""Changes for better or worse between two minimal reports."""

from typing import Any

import pytest

from rnn_goldens.pages import Trend
from rnn_goldens.report.earlier_reports import changes

Document = dict[str, Any]


def report(passed: int, refused: int = 0, wrong: tuple[str, ...] = (), **other: Any) -> Document:
    """Return a report with NumPy's results in one cell and precision."""
    result = {"cell": "gru", "dtype": "float32", "passed": passed, "refused": refused, "wrong": len(wrong)}
    disagreements = [{"golden": golden, "dtype": "float32", "known": None, "reason": "off"} for golden in wrong]
    numpy = {"name": "numpy", "versions": {"numpy": "2.0"}, "results": [result], "disagreements": disagreements}
    return {"corpus": "1.0.0", "made_with": {"machine": "Linux x86_64"}, "implementations": [numpy | other]}


def test_two_reports_that_are_the_same_show_no_changes() -> None:
    assert list(changes(report(3, 1, ("gru/plain",)), report(3, 1, ("gru/plain",)))) == []


PLAIN = ("gru/plain",)


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [
        (report(3, 0, PLAIN), report(4), "better"),
        (report(3, 0, PLAIN), report(3, 1), "better"),
        (report(3, 1), report(4), "better"),
        (report(4), report(3, 0, PLAIN), "worse"),
        (report(4), report(3, 1), "worse"),
        (report(3, 1), report(3, 0, PLAIN), "worse"),
        (report(3, 2), report(4, 0, PLAIN), "other"),
    ],
)
def test_fewer_wrong_and_more_passed_goldens_are_better(before: Document, after: Document, direction: str) -> None:
    (moved,) = [one for one in changes(before, after) if one.where == "numpy, gru, float32"]
    assert moved.direction == direction


def test_goldens_are_listed_with_new_failures_first() -> None:
    before, after = report(0, 0, ("gru/plain", "gru/long")), report(0, 0, ("gru/long", "gru/square"))
    assert list(changes(before, after)) == [
        Trend("worse", "numpy", "wrong now: gru/square in float32"),
        Trend("better", "numpy", "no longer wrong: gru/plain in float32"),
    ]


def test_a_long_list_of_goldens_is_cut() -> None:
    (_, named) = changes(report(9), report(0, 0, tuple(f"gru/{n}" for n in range(9))))
    assert named.change.endswith("gru/4 in float32, and 4 more")


def test_missing_entries_and_other_versions_are_neither_better_nor_worse() -> None:
    before, after = report(1, name="flax"), report(1, versions={"numpy": "3.0"}) | {"corpus": "2.0.0"}
    before["implementations"] += report(1)["implementations"]
    assert [(one.direction, f"{one.where}: {one.change}") for one in changes(before, after)] == [
        ("other", "corpus: 2.0.0, was 1.0.0"),
        ("other", "flax: was checked before, but not now"),
        ("other", "numpy: numpy 3.0, was numpy 2.0"),
    ]
    assert list(changes(after, report(1, versions={"numpy": "3.0"}, name="jax") | {"corpus": "2.0.0"}))[-1] == Trend(
        "other", "jax", "is checked now, but was not before"
    )
