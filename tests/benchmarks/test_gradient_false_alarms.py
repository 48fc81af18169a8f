"""A failure of a correct backward pass is counted, described and reported; what is left out is no success."""

from collections.abc import Mapping
from typing import Any

import pytest

from benchmarks import gradient_false_alarms
from benchmarks.gradient_false_alarms import SCAN, implementations, report, tally
from benchmarks.tallies import Job, Tally
from rnn_goldens.cells import Backward
from rnn_goldens.checkable.golden import Question
from rnn_goldens.corpus import open_corpus
from rnn_goldens.errors import Unsupported

pytestmark = pytest.mark.slow

IDS = [e.id for e in open_corpus().entries if e.gradients and "float32" in e.gradients.precisions]

definition = gradient_false_alarms.in_numpy(Backward())


def asking(monkeypatch: pytest.MonkeyPatch, backward: Any) -> Tally:
    monkeypatch.setattr(gradient_false_alarms, "find_backward", lambda _: backward)
    return tally(Job("of the test", "float32"))


def test_the_definition_raises_no_alarm() -> None:
    found = tally(Job("numpy", "float32"))
    assert (found.passed, found.refused.total(), found.failed) == (len(IDS), 0, {})
    assert 0 < found.largest[0] < 0.7


def test_a_scan_of_jax_raises_none_in_any_cell() -> None:
    found = tally(Job(SCAN, "float32"), every=23)
    assert (found.passed, found.failed) == (len(IDS[::23]), {})
    assert 0 < found.largest[0] < 0.7


def test_a_failure_says_where_and_by_how_much(monkeypatch: pytest.MonkeyPatch) -> None:
    def off(golden: Question) -> Mapping[str, Any]:
        if golden.cell == "lstm":
            raise Unsupported("no lstm")
        found = dict(definition(golden))
        return {**found, "weight_hh_l0": found["weight_hh_l0"] + 0.5}

    found = asking(monkeypatch, off)
    lstm = sum(open_corpus().entry(i).cell == "lstm" for i in IDS)
    assert (found.passed, found.refused, len(found.failed)) == (0, {"no lstm": lstm}, len(IDS) - lstm)
    assert "weight_hh_l0[" in found.failed["gru/plain"]
    assert "off by 0.5, allowed" in found.failed["gru/plain"]
    assert "`gru/plain`: weight_hh_l0[" in report([found], ["off"])


def test_what_gives_no_gradient_of_an_array_is_not_taken_for_correct(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(golden: Question) -> Mapping[str, Any]:
        return {name: array for name, array in definition(golden).items() if name != "x"}

    with pytest.raises(ValueError, match="of the test gives no x of documented/single-sequence"):
        asking(monkeypatch, without)


def test_names_are_unique() -> None:
    assert len(set(implementations())) == len(implementations())
