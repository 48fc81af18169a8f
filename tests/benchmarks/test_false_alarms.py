"""A failure of a correct implementation is counted, described and reported; a missing gradient is an error."""

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from benchmarks import false_alarms, larger_sizes
from benchmarks.false_alarms import DRAWN, GRADIENTS, IMPLEMENTATIONS, OUTPUTS, Job, Results, results_of
from rnn_goldens.cells import Backward
from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.comparison.returned import by_name
from rnn_goldens.corpus import open_corpus
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.built_in_cells import LAYOUTS
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.implementations import numpy_cells

NETWORKS = open_corpus().select(cell=LAYOUTS)
SIZES = {
    OUTPUTS: sum("float32" in entry.precisions for entry in NETWORKS),
    GRADIENTS: sum("float32" in entry.gradient_precisions for entry in NETWORKS),
    DRAWN: 2,
}

in_numpy = false_alarms.in_numpy(Backward())


def with_an_error(golden: Inputs, of: str) -> Mapping[str, Any]:
    """Return outputs or gradients with one wrong array."""
    if golden.cell != "gru":
        raise Unsupported("only a gru")
    if of == GRADIENTS:
        gradients = dict(in_numpy(golden))
        return {**gradients, "weight_hh_l0": gradients["weight_hh_l0"] + 0.5}
    outputs: dict[str, Any] = dict(by_name(golden.layout, *numpy_cells.run(golden)))
    return {**outputs, "out": outputs["out"] + 0.5}


@pytest.mark.slow
@pytest.mark.parametrize("of", [OUTPUTS, GRADIENTS])
def test_the_definition_has_no_false_alarm(of: str) -> None:
    results = results_of(Job("numpy", "float32", of))
    assert (results.passed, results.refused.total(), results.failed) == (SIZES[of], 0, {})
    assert 0 < results.largest[0] < 0.7


@pytest.mark.slow
@pytest.mark.parametrize(("of", "where"), [(OUTPUTS, "out is first wrong at"), (GRADIENTS, "weight_hh_l0 wrong")])
def test_a_failure_says_where_and_by_how_much(of: str, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(false_alarms, "function", lambda job: lambda golden: with_an_error(golden, job.of))
    results = results_of(Job("off", "float32", of))
    assert results.passed == 0
    assert results.refused == {"only a gru": SIZES[of] - len(results.failed)}
    assert where in results.failed["gru/plain"]
    assert re.search(r"; \S+e\+\d+ times the tolerance$", results.failed["gru/plain"])
    assert f"- off, float32, gru/plain: {results.failed['gru/plain']}.\n" in false_alarms.report([results])


def test_random_goldens_pass_and_a_wrong_implementation_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    right = results_of(Job("numpy", "float32", DRAWN, 8))
    assert (right.passed, right.failed) == (8, {})
    monkeypatch.setattr(false_alarms, "function", lambda job: lambda golden: with_an_error(golden, job.of))
    wrong = results_of(Job("off", "float32", DRAWN, 8))
    assert (wrong.passed, len(wrong.failed)) == (0, 8 - wrong.refused.total())
    assert wrong.failed
    assert "| NumPy, 1 networks |" in false_alarms.report([right])


def test_an_exception_is_a_failure_and_a_missing_gradient_an_error() -> None:
    golden = open_corpus().load("gru/plain", "float32", gradients=True)

    def raises(_: Inputs) -> Mapping[str, Any]:
        raise ZeroDivisionError("here")

    results = Results(Job("of the test", "float32", GRADIENTS))
    results.add(golden, raises, known=None)
    assert results.failed == {"gru/plain": "ZeroDivisionError('here')"}
    with pytest.raises(ValueError, match=r"of the test returns no \('x',\) of gru/plain"):
        results.add(golden, lambda one: {n: a for n, a in in_numpy(one).items() if n != "x"}, known=None)


def test_a_known_failure_must_fail() -> None:
    golden, results = open_corpus().load("gru/plain", "float32"), Results(Job("of the test", "float32"))
    outputs = {"out": golden.out, "h_n": golden.h_n}
    results.add(golden, lambda _: {**outputs, "h_n": golden.h_n + 1}, known="a defect")
    assert (results.known, results.failed) == ({"a defect": 1}, {})
    results.add(golden, lambda _: outputs, known="a defect")
    assert "passes, but" in results.failed["gru/plain"]


@pytest.mark.slow
def test_refused_goldens_are_not_failures() -> None:
    results = results_of(Job("onnxruntime", "float64"))
    assert (results.passed, results.failed, results.refused.total()) == (0, {}, len(NETWORKS))


@pytest.mark.parametrize("of", IMPLEMENTATIONS)
def test_the_names_of_implementations_are_unique(of: str) -> None:
    assert len(set(IMPLEMENTATIONS[of])) == len(IMPLEMENTATIONS[of])


def test_is_close_compares_every_array() -> None:
    golden = open_corpus().load("gru/plain", "float32", gradients=True)
    assert false_alarms.is_close(golden, {"out": golden.out, "h_n": golden.h_n})
    assert not false_alarms.is_close(golden, {"out": golden.out, "h_n": golden.h_n + 1e-3})
    gradients = in_numpy(golden)
    assert false_alarms.is_close(golden, gradients)
    assert not false_alarms.is_close(golden, {**gradients, "x": gradients["x"] + 1e-3})


def test_a_false_alarm_and_a_large_error_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    largest, failed = (0.1, "gru/plain"), dict[str, str]()

    def run(jobs: Sequence[Job]) -> list[Results]:
        return [Results(job, passed=3, largest=largest, failed=failed) for job in jobs]

    monkeypatch.setattr(false_alarms, "run", run)
    found = false_alarms.measured(only="torch-cells")
    assert ("| torch-cells    | 3 passed (0.10) |" in found.text, found.wrong) == (True, [])
    failed["gru/plain"] = "out[0] is 1, not 2"
    assert "torch-cells, float64, gru/plain: out[0] is 1, not 2" in false_alarms.measured(only="torch-cells").wrong
    failed, largest = {}, (0.71, "gru/plain")
    assert len(false_alarms.measured(only="torch-cells").wrong) == len(PRECISIONS)


def test_larger_sizes_have_a_row_for_each_set_of_sizes_with_failures_and_largest_errors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(larger_sizes, "GROUPS", {"gru": ["gru"]})
    monkeypatch.setattr(larger_sizes, "ProcessPoolExecutor", ThreadPoolExecutor)

    def results_of(job: larger_sizes.Job) -> larger_sizes.Found:
        fails = (job.sizes, job.of, job.precision) == (1, GRADIENTS, "float16")
        failed = [f"{job.implementation} fails"] if fails else []
        return larger_sizes.Found(5 if job.of == OUTPUTS else 0, failed, largest=0.1 * (1 + job.sizes))

    monkeypatch.setattr(larger_sizes, "results_of", results_of)
    found = larger_sizes.measured(["numpy", "torch"])
    assert [" ".join(line.split()) for line in found.text.splitlines() if line.startswith("| gru")] == [
        "| gru, 1 | 40, 0 | 0, 0 | 0.10, none | 0.10, none | 0.10, none | 0.10, none |",
        "| gru, 2 | 40, 0 | 0, 2 | 0.20, none | 0.20, none | 0.20, none | 0.20, none |",
        "| gru, 3 | 40, 0 | 0, 0 | 0.30, none | 0.30, none | 0.30, none | 0.30, none |",
    ]
    assert found.wrong == ["numpy fails", "torch fails"]


@pytest.mark.parametrize("of", [OUTPUTS, GRADIENTS])
def test_a_known_failure_must_fail_in_larger_sizes_too(of: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(larger_sizes, "GROUPS", {"gru": ["gru_reset_before"]})
    job = larger_sizes.Job("numpy", "gru", 0, "float32", of)
    right = larger_sizes.results_of(job)
    assert (right.failed, right.known) == ([], 0)
    assert right.passed > 0 < right.largest < 0.7
    monkeypatch.setattr(false_alarms, "known_failures", lambda *_: {"gru-reset-before/plain": "a defect"})
    (failed,) = larger_sizes.results_of(job).failed
    assert "gru-reset-before/plain in float32 with hidden_size=64,input_size=64,batch=16 passes, but" in failed
