"""The results of a run, report by report: only a finished and correct test has passed."""

import json
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from rnn_goldens.golden.rounding_profile import profile_named
from rnn_goldens.golden_result import Result
from rnn_goldens.plugin.hooks import Listener
from rnn_goldens.plugin.options import INCOMPLETE, MESSAGE, PASSES_AGAIN, RUN_RESULTS, result_of
from rnn_goldens.plugin.run_results import RunResults, SelectedGolden, passes_again

TEST, OTHER = "test_a.py::test_it[lstm/plain-float32]", "test_a.py::test_it[gru/plain-float16]"
GOLDENS = {TEST: ("lstm/plain", "float32"), OTHER: ("gru/plain", "float16")}


def unchecked(test: str) -> Any:
    """Return the entry of a test that has not run."""
    return {"golden": GOLDENS[test][0], "dtype": GOLDENS[test][1], "test": test, "outcome": "unchecked"}


def report(when: Any, error: str = "", *, test: str = TEST, **entry: object) -> pytest.TestReport:
    """Return the report of a phase, failed if ``error`` is not empty; ``entry`` has fields of the plugin's entry."""
    outcome: Literal["failed", "passed"] = "failed" if error else "passed"
    test_report = pytest.TestReport(test, ("test_a.py", 0, "test_it"), {}, outcome, error or None, when)
    if entry:
        golden, dtype = GOLDENS[test]
        values = {"golden": golden, "dtype": dtype, "test": test, **entry}
        test_report.user_properties.append(("rnn_goldens", json.dumps(values)))
    return test_report


def whole_test(outcome: str, **more: Any) -> list[pytest.TestReport]:
    begin = [report(when, outcome="unchecked", **more) for when in ("setup", "call")]
    return [*begin, report("teardown", outcome=outcome, **more)]


def results_of(*reports: pytest.TestReport) -> RunResults:
    run_results = RunResults()
    run_results.add(unchecked(TEST))
    for each in reports:
        run_results.note(each)
    return run_results


def outcomes(run_results: RunResults) -> list[str]:
    return [entry["outcome"] for entry in run_results.entries]


def test_a_test_without_a_report_is_unchecked() -> None:
    run_results = results_of()
    assert run_results.entries == [{"golden": "lstm/plain", "dtype": "float32", "test": TEST, "outcome": "unchecked"}]
    assert run_results.unfinished == 1


def test_an_unfinished_test_has_not_passed() -> None:
    for reports in (1, 2):
        begun = whole_test("passed")[:reports]
        assert outcomes(results_of(*begun)) == ["unchecked"]
        assert results_of(*begun).unfinished == 1
        assert outcomes(results_of(*begun, report("call", outcome="passed"))) == ["unchecked"]


@pytest.mark.parametrize("outcome", ["passed", "refused", "skipped", "failed", "known-failure"])
def test_the_last_report_decides_the_outcome(outcome: str) -> None:
    run_results = results_of(*whole_test(outcome, largest_error=0.5))
    assert outcomes(run_results) == [outcome]
    assert run_results.entries[0]["largest_error"] == 0.5
    assert run_results.unfinished == 0
    assert run_results.with_outcome(outcome) == run_results.entries
    assert run_results.with_outcome("other") == []


def test_a_last_report_without_an_outcome_does_not_count() -> None:
    for last in (report("teardown"), report("teardown", outcome="unchecked")):
        run_results = results_of(*whole_test("passed")[:2], last)
        assert outcomes(run_results) == ["unchecked"]
        assert run_results.unfinished == 1


def test_the_reason_is_that_of_the_comparison_or_else_of_another_plugin() -> None:
    leaks = report("setup"), report("call", "it leaks\nmuch")
    (entry,) = results_of(*leaks, report("teardown", "later", outcome="passed")).entries
    assert (entry["outcome"], entry["judged_by"], entry["reason"]) == ("failed", "test", "it leaks")
    last = report("teardown", outcome="failed", judged_by="comparison", reason="wrong")
    (entry,) = results_of(*leaks, last).entries
    assert (entry["judged_by"], entry["reason"]) == ("comparison", "wrong")


def test_only_the_last_of_several_attempts_counts() -> None:
    failed = [report("setup"), report("call", "flaky", outcome="unchecked"), report("teardown", outcome="failed")]
    assert outcomes(results_of(*failed)) == ["failed"]
    assert outcomes(results_of(*failed, *whole_test("passed"))) == ["passed"]
    assert results_of(*failed, *whole_test("passed")).unfinished == 0
    assert outcomes(results_of(*whole_test("passed"), *failed)) == ["failed"]


def test_a_golden_whose_process_died_fails_with_the_first_error() -> None:
    died = report("???", "worker gw0 crashed")
    run_results = results_of(report("setup"), died)
    (entry,) = run_results.entries
    begin = {"golden": "lstm/plain", "dtype": "float32", "test": TEST, "outcome": "failed", "judged_by": "crash"}
    assert entry == {**begin, "reason": "the process that ran it died: worker gw0 crashed"}
    assert run_results.unfinished == 0
    (silent,) = results_of(report("???")).entries
    assert silent["reason"] == "the process that ran it died: "
    (entry,) = results_of(report("setup"), report("call", "out of memory"), died).entries
    assert entry["reason"] == "the process that ran it died: out of memory"


FOUND = {"golden": "lstm/plain", "dtype": "float32", "reason": "wrong later", "judged_by": "comparison"}


@pytest.mark.parametrize("outcome", ["passed", "refused", "known-failure"])
def test_a_late_failure_changes_the_outcome_to_failed(outcome: str) -> None:
    run_results = results_of(*whole_test(outcome, largest_error=0.5))
    (changed,) = run_results.revise(FOUND)
    assert run_results.entries == [changed]
    assert changed == {**FOUND, "test": TEST, "outcome": "failed", "largest_error": 0.5}
    assert run_results.late == []


def test_a_late_failure_does_not_replace_an_earlier_reason() -> None:
    run_results = results_of(*whole_test("failed", reason="wrong at once"))
    assert run_results.revise(FOUND) == []
    assert run_results.entries[0]["reason"] == "wrong at once"
    assert run_results.late == []


@pytest.mark.parametrize(("what", "other"), [("golden", "a"), ("golden", "z"), ("dtype", "a"), ("dtype", "z")])
def test_a_late_failure_without_an_entry_is_kept_separately(what: str, other: str) -> None:
    run_results = results_of(*whole_test("passed"))
    assert run_results.revise(FOUND | {what: other}) == []
    assert run_results.late == [FOUND | {what: other}]
    assert outcomes(run_results) == ["passed"]


def of_worker(worker: object, reports: list[pytest.TestReport]) -> list[pytest.TestReport]:
    for each in reports:
        vars(each)["node"] = worker
    return reports


@pytest.mark.parametrize("order", [("failed", "passed"), ("passed", "failed")])
def test_a_test_that_two_workers_run_passes_only_if_both_runs_pass(order: tuple[str, str]) -> None:
    first, second = (of_worker(object(), whole_test(outcome)) for outcome in order)
    assert outcomes(results_of(*first, *second)) == ["failed"]


def test_a_property_of_another_plugin_with_the_same_name_is_ignored() -> None:
    for value in ("0.1.0", "1.5", '{"golden": "lstm/plain"}', None):
        other = report("call")
        other.user_properties.append(("rnn_goldens", value))
        assert result_of(other) is None
        other.user_properties += report("call", outcome="passed").user_properties
        found = result_of(other)
        assert found is not None
        assert found["outcome"] == "passed"


def test_a_worker_that_dies_before_its_first_report_leaves_the_run_incomplete() -> None:
    config: Any = SimpleNamespace(stash=pytest.Stash())
    config.stash[RUN_RESULTS] = RunResults()
    Listener(config).pytest_runtest_logreport(report("???", "crashed", test="test_a.py"))
    assert config.stash[INCOMPLETE] == "a worker died before it reported its tests"


def test_reports_of_other_tests_are_ignored() -> None:
    run_results = RunResults()
    run_results.note(report("call", "broken"))
    assert run_results.entries == []
    run_results.note(report("setup", outcome="unchecked"))  # from a worker, for a test that was not selected before
    assert outcomes(run_results) == ["unchecked"]


def test_the_tests_of_a_worker_are_added_in_order() -> None:
    worker = results_of()
    worker.add(unchecked(OTHER))
    assert worker.selected == {TEST: unchecked(TEST), OTHER: unchecked(OTHER)}
    first = report("setup", test=OTHER, outcome="unchecked")
    setattr(first, MESSAGE, {"selected": list(worker.selected.values())})
    controller = RunResults()
    controller.note(first)
    assert controller.selected == worker.selected
    assert controller.unfinished == 2
    controller.add(unchecked(TEST))  # of another worker
    assert controller.selected == worker.selected


def test_only_tests_of_goldens_are_added() -> None:
    selected = SelectedGolden("lstm/plain", "float32", corpus="mine", profile=profile_named(["tf32"]))
    of_golden: Any = SimpleNamespace(nodeid=TEST, callspec=SimpleNamespace(params={"rnn_golden": selected}))
    parametrized: Any = SimpleNamespace(nodeid="test_b", callspec=SimpleNamespace(params={"n": 1}))
    plain: Any = SimpleNamespace(nodeid="test_c")
    run_results = RunResults()
    run_results.add_items([of_golden, parametrized, plain, of_golden])
    assert run_results.selected == {TEST: unchecked(TEST) | {"corpus": "mine", "profile": ["tf32"]}}
    assert run_results.corpora == ["mine"]


@pytest.mark.parametrize(
    ("outcome", "calls", "unsupported"),
    [
        ("passed", {"twice": True, "rows": False}, ["rows"]),
        ("failed", {"twice": True, "rows": False}, []),
        ("failed", {"twice": False}, []),
        ("refused", {"twice": False}, []),
    ],
)
def test_a_call_pattern_that_no_golden_supports_is_reported(
    outcome: str, calls: dict[str, bool], unsupported: list[str]
) -> None:
    assert results_of(*whole_test(outcome, calls=calls)).patterns_not_run == unsupported


@pytest.mark.parametrize("order", [(True, False), (False, True)])
def test_a_call_pattern_that_one_golden_supports_was_run(order: tuple[bool, bool]) -> None:
    one, other = (
        whole_test("passed", calls={"rows": done}, test=test) for done, test in zip(order, GOLDENS, strict=True)
    )
    run_results = results_of(*one, *other)
    assert len(run_results.entries) == 2
    assert run_results.patterns_not_run == []


@pytest.mark.parametrize(
    ("found", "nothing"),
    [
        ([("refused", {}), ("refused", {})], True),
        ([("refused", {}), ("skipped", {})], True),
        ([("skipped", {}), ("skipped", {})], False),
        ([("refused", {}), ("passed", {})], False),
        ([("refused", {}), ("failed", {})], False),
        ([("refused", {}), ("refused", {"largest_error": 0.1})], False),
    ],
)
def test_if_everything_was_refused_nothing_was_checked(
    found: list[tuple[str, dict[str, float]]], nothing: bool
) -> None:
    reports = [
        each
        for (outcome, more), test in zip(found, GOLDENS, strict=True)
        for each in whole_test(outcome, test=test, **more)
    ]
    assert results_of(*reports).nothing_checked is nothing


def test_nothing_was_checked_if_goldens_were_refused_or_unfinished() -> None:
    run_results = results_of(*whole_test("refused", test=OTHER))
    assert outcomes(run_results) == ["unchecked", "refused"]
    assert run_results.nothing_checked


@pytest.mark.parametrize(("judged_by", "is_skipped"), [("skip", True), ("check", False), ("a", False), ("z", False)])
def test_known_failures_that_were_not_run_are_on_the_skip_list(judged_by: str, *, is_skipped: bool) -> None:
    run_results = results_of(*whole_test("known-failure", judged_by=judged_by), *whole_test("refused", test=OTHER))
    assert [entry["golden"] for entry in run_results.on_skip_list] == ["lstm/plain"] * is_skipped
    assert run_results.nothing_checked == is_skipped


@pytest.mark.parametrize(
    ("outcome", "reason", "expected"),
    [
        ("failed", f"{PASSES_AGAIN} of known.txt", True),
        ("failed", "out is wrong", False),
        ("known-failure", f"{PASSES_AGAIN} of known.txt", False),
        ("a", f"{PASSES_AGAIN} of known.txt", False),
        ("failed", None, False),
    ],
)
def test_a_strict_xpass_is_a_known_failure_that_passes(outcome: str, reason: str | None, *, expected: bool) -> None:
    entry: Result = {"golden": "lstm/plain", "dtype": "float32", "test": TEST, "outcome": "".join(outcome)}
    if reason is not None:
        entry["reason"] = reason
    assert passes_again(entry) == expected
