"""Correct implementations on drawn goldens: what the page says, and that a wrong one is seen."""

import pytest

from benchmarks import drawn_goldens
from benchmarks.drawn_goldens import Asked, ask_all, report
from rnn_goldens.checkable.golden import Question
from rnn_goldens.implementations import numpy_cells


def test_an_implementation_has_a_row_and_what_it_failed_a_line() -> None:
    lines = report([Asked("numpy", 8, 7, 1, largest=0.25), Asked("torch", 8, 7, failed=["a/b: wrong"])], 8).splitlines()
    assert any(line.startswith("| numpy ") and line.endswith("0.250 |") for line in lines)
    assert "- torch: a/b: wrong" in lines


def test_a_correct_one_passes_and_a_wrong_one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(question: Question) -> object:
        out, *others = numpy_cells.run(question)
        return 2 * out, *others

    monkeypatch.setattr(drawn_goldens, "find_implementation", {"right": numpy_cells.run, "wrong": wrong}.get)
    right, failing = ask_all(["right", "wrong"], 8)
    assert (right.asked, right.passed, right.failed) == (8, 8, [])
    assert failing.failed
