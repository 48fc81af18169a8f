"""A failure of a correct implementation is counted, described and reported."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from benchmarks import false_alarms, implementation_results
from benchmarks.false_alarms import implementations, report, results_of
from benchmarks.implementation_results import ImplementationResults, Job
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.corpus import open_corpus
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.recurrences import RECURRENCES

pytestmark = pytest.mark.slow

NETWORKS = [entry for entry in open_corpus().entries if entry.cell not in RECURRENCES]
SIZE = sum("float32" in entry.precisions for entry in NETWORKS)


def test_the_definition_has_no_false_alarm() -> None:
    results = results_of(Job("numpy", "float32"))
    assert (results.passed, results.refused.total(), results.failed) == (SIZE, 0, {})
    assert 0 < results.largest[0] < 0.7


def test_a_failure_says_where_and_by_how_much(monkeypatch: pytest.MonkeyPatch) -> None:
    def off(golden: Golden) -> tuple[Any, ...]:
        if golden.cell != "gru":
            raise Unsupported("only a gru")
        out = golden.out.copy()
        out[..., -1] += 0.5
        return out, golden.h_n

    monkeypatch.setattr(false_alarms, "find_implementation", lambda _: off)
    results = results_of(Job("off", "float32"))
    gru = sum("float32" in e.precisions for e in open_corpus().select(cell=["gru"]))
    assert (results.passed, results.refused, len(results.failed)) == (0, {"only a gru": SIZE - gru}, gru)
    assert "off by 0.5, allowed" in results.failed["gru/plain"]
    assert "`gru/plain`: out[" in report([results], ["off"])


def test_refused_goldens_are_not_failures() -> None:
    results = results_of(Job("onnxruntime", "float64"))
    assert results.passed == 0
    assert not results.failed
    assert results.refused.total() == len(NETWORKS)


def test_the_names_of_implementations_are_unique() -> None:
    assert len(set(implementations())) == len(implementations())


def test_is_close_compares_every_output() -> None:
    golden = open_corpus().load("gru/plain", "float32")
    assert false_alarms.is_close(golden, (golden.out, golden.h_n))
    assert not false_alarms.is_close(golden, (golden.out, golden.h_n + np.float32(1e-3)))


def test_a_false_alarm_and_a_large_error_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    largest, failed = (0.1, "gru/plain"), dict[str, str]()

    def run(_: object, tasks: Sequence[tuple[Sequence[Job], int]]) -> dict[Job, ImplementationResults]:
        jobs = [job for jobs, _ in tasks for job in jobs]
        return {job: ImplementationResults(job, passed=3, largest=largest, failed=failed) for job in jobs}

    monkeypatch.setattr(implementation_results, "run", run)
    found = false_alarms.measured(only="torch-cells")
    assert (found.text.count("| torch-cells "), found.wrong) == (1, [])
    failed["gru/plain"] = "out[0] is 1, not 2"
    assert "torch-cells, float64, gru/plain: out[0] is 1, not 2" in false_alarms.measured(only="torch-cells").wrong
    failed, largest = {}, (0.71, "gru/plain")
    assert len(false_alarms.measured(only="torch-cells").wrong) == len(PRECISIONS)
