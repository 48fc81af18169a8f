"""The diagnosis depends on the budget and not on speed. A smaller budget leads to the same causes or fewer."""

import time
from dataclasses import fields

import pytest

import rnn_goldens
from rnn_goldens import Golden
from rnn_goldens.cells import case_of
from rnn_goldens.comparison.actual import actual_outputs
from rnn_goldens.corpus import open_corpus
from rnn_goldens.deviations import together
from rnn_goldens.diagnosis.budget import Budget
from rnn_goldens.diagnosis.candidate_search import CandidateSearch, SearchState
from rnn_goldens.diagnosis.candidates import Cause
from rnn_goldens.diagnosis.causes import CONSISTENT, EXPLAINED, NOT_RECOGNISED, Diagnosis, Evidence
from rnn_goldens.diagnosis.run_diagnosis import Limits, diagnose_run, reexamine
from rnn_goldens.diagnosis.summary import summary

NAMES = {f"gru/{name}" for name in ("one-step", "plain", "with-state", "square", "two-layers", "lengths", "no-bias")}
GOLDENS = {
    entry.id: rnn_goldens.load(entry.id, dtype="float32")
    for entry in open_corpus().entries
    if entry.cell == "gru" and "float32" in entry.precisions and entry.id in NAMES
}
NOTHING, EVERYTHING = 0, 10**12

ONE: Cause = ("w_hh_transposed",)
TWO: Cause = ("b_hh_missing", "w_hh_transposed")


def load(golden_id: str, _dtype: str) -> Golden:
    return GOLDENS[golden_id]


def diagnosed(cause: Cause, before: int, at_end: Limits) -> Diagnosis:
    """Return the diagnosis of a run of a network with these deviations."""
    wrong, search = together(cause), CandidateSearch(spent=SearchState(Budget(before)))
    evidence = []
    for golden in GOLDENS.values():
        outputs = wrong(case_of(golden, "float64"))
        passed = golden.compare(*outputs).passed
        causes = () if passed else tuple(search.explain(actual_outputs(golden, *outputs)))
        evidence.append(Evidence(golden.id, "float32", "gru", golden.features, passed, causes))
    again = reexamine(evidence, search.failures, load, at_end)
    (found,) = diagnose_run(again.evidence, load, again.cut_short, at_end)
    return found


def limits(each: int) -> Limits:
    return Limits(**{limit.name: each for limit in fields(Limits)})


def text(diagnosis: Diagnosis) -> str:
    return " ".join(" ".join(summary([diagnosis])).split())


def test_without_a_limit_the_only_deviation_is_identified() -> None:
    found = diagnosed(ONE, EVERYTHING, limits(EVERYTHING))
    assert (found.certainty, found.candidates[0].cause) == (EXPLAINED, ONE)
    assert "One known deviation matches every one, and no other does" in text(found)


def test_without_a_budget_nothing_is_claimed_and_nothing_excluded() -> None:
    found = diagnosed(ONE, NOTHING, limits(NOTHING))
    assert found.certainty == NOT_RECOGNISED
    assert "They were not compared with every known deviation" in text(found)
    assert "No known deviation" not in text(found)


def test_a_cause_not_compared_with_passed_goldens_is_consistent() -> None:
    found = diagnosed(ONE, EVERYTHING, Limits(passed=NOTHING))
    assert (found.certainty, found.candidates[0].cause) == (CONSISTENT, ONE)
    assert "no other does" not in text(found)
    assert "not compared with" in text(found)


@pytest.mark.slow
def test_failures_that_were_not_compared_do_not_count_as_unexplained() -> None:
    found = diagnosed(TWO, 40_000, Limits(compare=NOTHING))
    assert found.certainty != EXPLAINED or not any(one.not_compared_with for one in found.failed)
    assert "no other does" not in text(found)


@pytest.mark.slow
@pytest.mark.parametrize("cause", [ONE, TWO])
def test_the_diagnosis_does_not_depend_on_speed(cause: Cause, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = text(diagnosed(cause, 40_000, Limits()))
    clock = iter(range(10**9))
    for name in ("process_time", "perf_counter", "monotonic", "time"):
        monkeypatch.setattr(time, name, lambda: 3600.0 * next(clock))
    assert text(diagnosed(cause, 40_000, Limits())) == fast
