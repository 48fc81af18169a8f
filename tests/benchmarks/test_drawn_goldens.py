"""Correct implementations on random goldens: the page, and the detection of a wrong implementation."""

import pytest

from benchmarks import drawn_goldens
from benchmarks.drawn_goldens import RandomCheck, check_all, report
from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.implementations import numpy_cells


def test_an_implementation_has_a_row_and_a_line_per_failure() -> None:
    lines = report(
        [RandomCheck("numpy", 8, 7, 1, largest=0.25), RandomCheck("torch", 8, 7, failed=["a/b: wrong"])], 8
    ).splitlines()
    assert any(line.startswith("| NumPy ") and line.endswith("0.250 |") for line in lines)
    assert "- torch: a/b: wrong" in lines


def test_a_correct_implementation_passes_and_a_wrong_one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(inputs: Inputs) -> object:
        out, *others = numpy_cells.run(inputs)
        return 2 * out, *others

    monkeypatch.setattr(drawn_goldens, "find_implementation", {"right": numpy_cells.run, "wrong": wrong}.get)
    right, failing = check_all(["right", "wrong"], 8)
    assert (right.ran, right.passed, right.failed) == (8, 8, [])
    assert failing.failed
