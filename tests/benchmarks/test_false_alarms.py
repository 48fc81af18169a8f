"""A failure of a correct implementation is counted, described and reported."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import false_alarms, page, tallies
from benchmarks.false_alarms import implementations, report, tally
from benchmarks.tallies import Job, Tally
from rnn_goldens.checkable.golden import Golden
from rnn_goldens.corpus import find, open_corpus
from rnn_goldens.errors import Unsupported

pytestmark = pytest.mark.slow

FOLDER = str(find())
SIZE = sum("float32" in entry.precisions for entry in open_corpus().entries)


def test_the_definition_raises_no_alarm() -> None:
    found = tally(Job("numpy", "float32"), FOLDER)
    assert (found.passed, found.refused.total(), found.failed) == (SIZE, 0, {})
    assert 0 < found.largest[0] < 0.7


def test_a_failure_says_where_and_by_how_much(monkeypatch: pytest.MonkeyPatch) -> None:
    def off(golden: Golden) -> tuple[Any, ...]:
        if golden.cell == "lstm":
            raise Unsupported("no lstm")
        out = golden.out.copy()
        out[..., -1] += 0.5
        return out, golden.h_n

    monkeypatch.setattr(false_alarms, "find_implementation", lambda _: off)
    found = tally(Job("off", "float32"), FOLDER)
    lstm = sum("float32" in e.precisions for e in open_corpus().select(cell=["lstm"]))
    assert (found.passed, found.refused, len(found.failed)) == (0, {"no lstm": lstm}, SIZE - lstm)
    assert "off by 0.5, allowed" in found.failed["gru/plain"]
    assert "`gru/plain`: out[" in report([found], open_corpus(FOLDER), ["off"])


def test_what_was_not_run_is_not_an_error() -> None:
    found = tally(Job("onnxruntime", "float64"), FOLDER)
    assert found.passed == 0
    assert not found.failed
    assert found.refused.total() == len(open_corpus().entries)


def test_names_are_unique() -> None:
    assert len(set(implementations())) == len(implementations())


def test_assert_close_judges_the_same_outputs() -> None:
    golden = open_corpus().load("gru/plain", "float32")
    assert false_alarms.is_close(golden, (golden.out, golden.h_n))
    assert not false_alarms.is_close(golden, (golden.out, golden.h_n + np.float32(1e-3)))


def test_a_checked_page_that_says_otherwise_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Tally(Job("numpy", "float32"), passed=3, largest=(0.1, "gru/plain"))
    monkeypatch.setattr(tallies, "run", lambda *_: [found])
    monkeypatch.setattr(page, "RESULTS", tmp_path)
    assert [_exit_code(monkeypatch, how) for how in ("--write", "--check")] == [0, 0]
    found.passed = 4
    assert [_exit_code(monkeypatch, how) for how in ("--check", "--write", "--check")] == [1, 0, 0]
    found.failed["gru/plain"] = "out[0] is 1, not 2"
    assert [_exit_code(monkeypatch, how) for how in ("--write", "--check")] == [1, 1]


def _exit_code(monkeypatch: pytest.MonkeyPatch, how: str) -> int:
    monkeypatch.setattr(sys, "argv", ["false_alarms", how])
    try:
        false_alarms.main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0
