"""A failure of a correct implementation is counted, described and reported."""

from typing import Any

import numpy as np
import pytest

from benchmarks import false_alarms
from benchmarks.false_alarms import Job, implementations, report, tally
from rnn_goldens.corpus import find, open_corpus
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden import Golden

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
