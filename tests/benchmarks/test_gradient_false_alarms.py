"""A failure of a correct backward pass is counted, described and reported; a missing gradient is an error."""

from collections.abc import Mapping
from typing import Any

import pytest

from benchmarks import gradient_false_alarms
from benchmarks.gradient_false_alarms import SCAN, implementations, report, results_of
from benchmarks.implementation_results import ImplementationResults, Job
from rnn_goldens.cells import Backward
from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.corpus import open_corpus
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.recurrences import RECURRENCES

pytestmark = pytest.mark.slow

ENTRIES = [entry for entry in open_corpus().entries if entry.cell not in RECURRENCES]
IDS = [e.id for e in ENTRIES if e.gradients and "float32" in e.gradients.precisions]

definition = gradient_false_alarms.in_numpy(Backward())


def run(monkeypatch: pytest.MonkeyPatch, backward: Any) -> ImplementationResults:
    monkeypatch.setattr(gradient_false_alarms, "find_backward", lambda _: backward)
    return results_of(Job("of the test", "float32"))


def test_the_definition_has_no_false_alarm() -> None:
    results = results_of(Job("numpy", "float32"))
    assert (results.passed, results.refused.total(), results.failed) == (len(IDS), 0, {})
    assert 0 < results.largest[0] < 0.7


def test_a_jax_scan_has_no_false_alarm_in_any_cell() -> None:
    results = results_of(Job(SCAN, "float32"), every=23)
    assert (results.passed + results.refused.total(), results.failed) == (len(IDS[::23]), {})
    assert results.passed > results.refused.total()
    assert 0 < results.largest[0] < 0.7


def test_a_failure_says_where_and_by_how_much(monkeypatch: pytest.MonkeyPatch) -> None:
    def off(golden: Inputs) -> Mapping[str, Any]:
        if golden.cell == "lstm":
            raise Unsupported("no lstm")
        if golden.cell not in CELLS:
            raise Unsupported("no dialects")
        gradients = dict(definition(golden))
        return {**gradients, "weight_hh_l0": gradients["weight_hh_l0"] + 0.5}

    results = run(monkeypatch, off)
    cells = [open_corpus().entry(golden_id).cell for golden_id in IDS]
    lstm, dialects = cells.count("lstm"), sum(cell not in CELLS for cell in cells)
    assert (results.passed, results.refused) == (0, {"no lstm": lstm, "no dialects": dialects})
    assert len(results.failed) == len(IDS) - lstm - dialects
    assert "weight_hh_l0[" in results.failed["gru/plain"]
    assert "off by 0.5, allowed" in results.failed["gru/plain"]
    assert "`gru/plain`: weight_hh_l0[" in report([results], ["off"])


def test_a_missing_gradient_does_not_count_as_correct(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(golden: Inputs) -> Mapping[str, Any]:
        return {name: array for name, array in definition(golden).items() if name != "x"}

    with pytest.raises(ValueError, match="of the test does not return x of documented/single-sequence"):
        run(monkeypatch, without)


def test_the_names_of_implementations_are_unique() -> None:
    assert len(set(implementations())) == len(implementations())
