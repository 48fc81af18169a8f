"""A message names the deviation that explains a failure; a smaller budget leads to the same causes or fewer."""

import time
from dataclasses import fields

import numpy as np
import pytest

import rnn_goldens
from rnn_goldens import Golden
from rnn_goldens.cells import case_of
from rnn_goldens.comparison.actual import actual_outputs
from rnn_goldens.corpus import open_corpus
from rnn_goldens.deviations import deviation, together
from rnn_goldens.diagnosis import CONSISTENT, EXPLAINED, NOT_RECOGNISED, Cause, Diagnosis, Evidence, search
from rnn_goldens.diagnosis.candidates import Budget
from rnn_goldens.diagnosis.run_diagnosis import Limits, diagnose_run, reexamine
from rnn_goldens.diagnosis.search import CandidateSearch, SearchState
from rnn_goldens.diagnosis.summary import summary
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.implementations.numpy_cells import arithmetic

NAMES = ["lstm_gates_iofg", "w_hh_transposed", "b_hh_missing", "lstm_forget_bias_plus_1", "out_time_major"]


def wrong_outputs(golden: Golden, name: str) -> tuple[object, ...]:
    return deviation(name).alteration(case_of(golden, arithmetic(golden.dtype)))


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize("name", NAMES)
def test_the_message_names_the_deviation(name: str, dtype: str) -> None:
    golden = rnn_goldens.load("lstm/plain", dtype=dtype)
    first, second, *_ = golden.compare(*wrong_outputs(golden, name)).message.splitlines()
    assert first.startswith(f"lstm/plain in {dtype}, like {name}: out ")
    assert second.startswith(f"  looks like {name}: ")


def test_equivalent_deviations_are_all_named() -> None:
    golden = rnn_goldens.load("documented/single-sequence")
    message = golden.compare(*wrong_outputs(golden, "w_hh_ignored")).message
    assert (
        "\n  looks like one of 2 deviations, which are equivalent here: w_hh_ignored, state_never_fed_forward\n"
        in message
    )


@pytest.mark.slow
def test_random_right_missing_and_extra_outputs_are_not_explained() -> None:
    golden = rnn_goldens.load("gru/plain", dtype="float32")
    noise = np.random.default_rng(1)
    assert (
        CandidateSearch().explain(
            actual_outputs(golden, noise.normal(size=golden.out.shape), noise.normal(size=golden.h_n.shape))
        )
        == []
    )
    assert CandidateSearch().explain(actual_outputs(golden, golden.out, golden.h_n)) == []
    assert CandidateSearch().explain(actual_outputs(golden, None, golden.h_n)) == []
    assert CandidateSearch().explain(actual_outputs(golden, golden.out, golden.h_n, golden.h_n)) == []


def test_nearly_right_outputs_are_not_explained() -> None:
    golden = rnn_goldens.load("gru/plain", dtype="float32")
    error = golden.tolerance.allowed("out", golden.stored.out, PRECISIONS["float32"]) * 1.5
    verdict = golden.compare(golden.stored.out + error, golden.h_n)
    assert not verdict.passed
    assert "looks like" not in verdict.message


def test_no_search_runs_on_a_golden_with_too_many_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    golden = rnn_goldens.load("lstm/plain")
    monkeypatch.setattr(search, "MAX_STEPS", 3)
    assert CandidateSearch().explain(actual_outputs(golden, *wrong_outputs(golden, "lstm_gates_iofg"))) == []


@pytest.mark.parametrize("name", ["w_hh_transposed", "float32_arithmetic"])
def test_the_message_has_at_most_15_lines(name: str) -> None:
    golden = rnn_goldens.load("lstm/lengths-bidirectional-two-layers", dtype="float64")
    message = golden.compare(*wrong_outputs(golden, name)).message
    assert f"\n  looks like {name}: " in message
    assert len(message.splitlines()) <= 15


def test_a_passed_golden_on_which_a_pair_cannot_run_does_not_contradict_the_pair() -> None:
    pair = (
        "state_never_fed_forward",
        "state_leaks_across_rows",
    )  # the first passes a state with fewer rows to the second
    golden = rnn_goldens.load("gru/no-bias")
    with pytest.raises(ValueError, match="broadcast"):
        together(pair).outputs_by_name(case_of(golden, np.float64))
    failed = Evidence("gru/plain", "float32", "gru", explained_by=(pair,))
    passed = Evidence("gru/no-bias", "float32", "gru", passed=True)
    (found,) = diagnose_run([failed, passed], lambda golden_id, dtype: rnn_goldens.load(golden_id, dtype=dtype))
    assert found.candidates[0].cause == pair
    assert found.candidates[0].against == ()


IDS = {f"gru/{name}" for name in ("one-step", "plain", "with-state", "square", "two-layers", "lengths", "no-bias")}
GOLDENS = {
    entry.id: rnn_goldens.load(entry.id, dtype="float32")
    for entry in open_corpus().entries
    if entry.cell == "gru" and "float32" in entry.precisions and entry.id in IDS
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
        outputs = wrong.outputs_by_name(case_of(golden, "float64"))
        passed = golden.compare(outputs).passed
        causes = () if passed else tuple(search.explain(actual_outputs(golden, outputs)))
        evidence.append(Evidence(golden.id, "float32", "gru", golden.features, passed, causes))
    evidence, cut_short = reexamine(evidence, search.failures, load, at_end)
    (found,) = diagnose_run(evidence, load, cut_short, at_end)
    return found


def limits(each: int) -> Limits:
    return Limits(**{limit.name: each for limit in fields(Limits)})


def text(diagnosis: Diagnosis) -> str:
    return " ".join(" ".join(summary([diagnosis])).split())


def test_an_explained_failure_of_a_network_is_not_loaded_again() -> None:
    golden, search = rnn_goldens.load("lstm/plain", dtype="float32"), CandidateSearch()
    causes = tuple(search.explain(actual_outputs(golden, *wrong_outputs(golden, "w_hh_transposed"))))
    failure = Evidence(golden.id, "float32", "lstm", golden.features, passed=False, explained_by=causes)
    assert causes
    assert search.failures
    (again,), _ = reexamine([failure], search.failures, lambda *of: pytest.fail(f"{of} was loaded"))
    assert again.explained_by == causes


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


@pytest.mark.parametrize("golden_id", ["rnn-tanh/one-step", "lstm/plain", "gated-delta/one-step"])
def test_an_output_that_is_zero_everywhere_is_blamed_on_no_deviation(golden_id: str) -> None:
    golden = rnn_goldens.load(golden_id)
    result, *last = golden.layout.outputs
    outputs = {
        result: np.zeros_like(golden.expected[result]),
        **{name: np.array(golden.expected[name]) for name in last},
    }
    assert golden.compare(outputs).explained_by == ()
