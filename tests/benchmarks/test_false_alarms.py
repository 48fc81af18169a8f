"""A failure of a correct implementation is counted, described and reported."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import false_alarms, page, tallies
from benchmarks.false_alarms import implementations, report, tally
from benchmarks.tallies import Job, Tally
from rnn_goldens.checkable.golden import Golden
from rnn_goldens.corpus import open_corpus
from rnn_goldens.errors import Unsupported

pytestmark = pytest.mark.slow

SIZE = sum("float32" in entry.precisions for entry in open_corpus().entries)


def test_the_definition_raises_no_alarm() -> None:
    found = tally(Job("numpy", "float32"))
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
    found = tally(Job("off", "float32"))
    lstm = sum("float32" in e.precisions for e in open_corpus().select(cell=["lstm"]))
    assert (found.passed, found.refused, len(found.failed)) == (0, {"no lstm": lstm}, SIZE - lstm)
    assert "off by 0.5, allowed" in found.failed["gru/plain"]
    assert "`gru/plain`: out[" in report([found], ["off"])


def test_what_was_not_run_is_not_an_error() -> None:
    found = tally(Job("onnxruntime", "float64"))
    assert found.passed == 0
    assert not found.failed
    assert found.refused.total() == len(open_corpus().entries)


def test_names_are_unique() -> None:
    assert len(set(implementations())) == len(implementations())


def test_assert_close_judges_the_same_outputs() -> None:
    golden = open_corpus().load("gru/plain", "float32")
    assert false_alarms.is_close(golden, (golden.out, golden.h_n))
    assert not false_alarms.is_close(golden, (golden.out, golden.h_n + np.float32(1e-3)))


def test_the_page_is_written_and_an_alarm_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    largest, failed = (0.1, "gru/plain"), dict[str, str]()

    def run(_: object, tasks: Sequence[tuple[Sequence[Job], int]], *__: object) -> dict[Job, Tally]:
        return {job: Tally(job, passed=3, largest=largest, failed=failed) for jobs, _ in tasks for job in jobs}

    monkeypatch.setattr(tallies, "run", run)
    monkeypatch.setattr(page, "RESULTS", tmp_path)
    assert _exit_code(monkeypatch) == 0
    assert (tmp_path / false_alarms.PAGE).read_text("utf-8").count("| numpy, FMA ") == 4
    failed["gru/plain"] = "out[0] is 1, not 2"
    assert _exit_code(monkeypatch) == 1
    assert "`gru/plain`: out[0] is 1, not 2" in (tmp_path / false_alarms.PAGE).read_text("utf-8")
    failed, largest = {}, (0.71, "gru/plain")
    assert _exit_code(monkeypatch) == 1


def _exit_code(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["false_alarms", "--write"])
    try:
        false_alarms.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0
