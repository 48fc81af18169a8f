"""The account of a run, report by report: passed is what came to its end and was right, and nothing before."""

import json
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from rnn_goldens.plugin.marker import Wanted
from rnn_goldens.plugin.options import ASKED, PASSES_AGAIN
from rnn_goldens.plugin.run_results import Tally, passes_again
from rnn_goldens.result import Result

TEST, OTHER = "test_a.py::test_it[lstm/plain-float32]", "test_a.py::test_it[gru/plain-float16]"
GOLDENS = {TEST: ("lstm/plain", "float32"), OTHER: ("gru/plain", "float16")}


def report(when: Any, said: str = "", *, test: str = TEST, worker: str = "", **entry: object) -> pytest.TestReport:
    """Of a phase, which failed if something is said; with an entry of ours, if it says what became of the golden."""
    outcome: Literal["failed", "passed"] = "failed" if said else "passed"
    made = pytest.TestReport(test, ("test_a.py", 0, "test_it"), {}, outcome, said or None, when)
    if entry:
        golden, dtype = GOLDENS[test]
        noted = {"golden": golden, "dtype": dtype, "test": test, **entry}
        made.user_properties.append(("rnn_goldens", json.dumps(noted)))
    if worker:
        vars(made)["node"] = SimpleNamespace(gateway=worker)
    return made


def whole_test(outcome: str, **more: Any) -> list[pytest.TestReport]:
    begin = [report(when, outcome="not-judged", **more) for when in ("setup", "call")]
    return [*begin, report("teardown", outcome=outcome, **more)]


def tally_of(*reports: pytest.TestReport, times: int = 1) -> Tally:
    tally = Tally()
    tally.ask(TEST, *GOLDENS[TEST], times)
    for each in reports:
        tally.note(each)
    return tally


def outcomes(tally: Tally) -> list[str]:
    return [entry["outcome"] for entry in tally.entries]


def test_what_no_report_spoke_of_is_not_judged() -> None:
    tally = tally_of()
    assert tally.entries == [{"golden": "lstm/plain", "dtype": "float32", "test": TEST, "outcome": "not-judged"}]
    assert tally.unfinished == 1


@pytest.mark.parametrize("reports", [1, 2])
def test_a_test_that_has_not_come_to_its_end_has_not_passed(reports: int) -> None:
    begun = whole_test("passed")[:reports]
    assert outcomes(tally_of(*begun)) == ["not-judged"]
    assert tally_of(*begun).unfinished == 1
    early = [*begun, report("call", outcome="passed")]
    assert outcomes(tally_of(*early)) == ["not-judged"]


@pytest.mark.parametrize("outcome", ["passed", "refused", "skipped", "failed", "known-failure"])
def test_the_last_report_says_what_became_of_it(outcome: str) -> None:
    tally = tally_of(*whole_test(outcome, largest_error=0.5))
    assert outcomes(tally) == [outcome]
    assert tally.entries[0]["largest_error"] == 0.5
    assert tally.unfinished == 0
    assert tally.with_outcome(outcome) == tally.entries
    assert tally.with_outcome("other") == []


def test_a_last_report_that_says_nothing_of_it_or_that_it_was_not_judged_is_none() -> None:
    for last in (report("teardown"), report("teardown", outcome="not-judged")):
        tally = tally_of(*whole_test("passed")[:2], last)
        assert outcomes(tally) == ["not-judged"]
        assert tally.unfinished == 1


def test_what_another_plugin_fails_after_ours_has_failed_for_its_reason() -> None:
    tally = tally_of(report("setup"), report("call", "it leaks\nmuch"), report("teardown", "later", outcome="passed"))
    (entry,) = tally.entries
    assert (entry["outcome"], entry["judged_by"], entry["reason"]) == ("failed", "test", "it leaks")


def test_what_ours_says_of_a_failure_stays() -> None:
    last = report("teardown", outcome="failed", judged_by="comparison", reason="wrong")
    (entry,) = tally_of(report("call", "it leaks"), last).entries
    assert (entry["judged_by"], entry["reason"]) == ("comparison", "wrong")


def test_of_another_attempt_only_the_last_one_counts() -> None:
    failed = [report("setup"), report("call", "flaky", outcome="not-judged"), report("teardown", outcome="failed")]
    assert outcomes(tally_of(*failed)) == ["failed"]
    assert outcomes(tally_of(*failed, *whole_test("passed"))) == ["passed"]
    assert tally_of(*failed, *whole_test("passed")).unfinished == 0
    assert outcomes(tally_of(*whole_test("passed"), *failed)) == ["failed"]


@pytest.mark.parametrize("order", [("failed", "passed"), ("passed", "failed")])
def test_what_is_collected_twice_is_right_only_if_it_was_twice(order: tuple[str, str]) -> None:
    first, second = map(whole_test, order)
    assert outcomes(tally_of(*first, *second, times=2)) == ["failed"]
    assert tally_of(*first, *second, times=2).unfinished == 0
    assert tally_of(*first, times=2).unfinished == 1
    assert outcomes(tally_of(*first, times=2)) == [order[0] if order[0] == "failed" else "not-judged"]
    assert outcomes(tally_of(*whole_test("passed"), *whole_test("passed"), times=2)) == ["passed"]


def test_a_golden_whose_process_died_failed_for_what_it_said_last() -> None:
    tally = tally_of(report("setup"), report("???", "worker gw0 crashed"))
    (entry,) = tally.entries
    assert entry == {
        "golden": "lstm/plain",
        "dtype": "float32",
        "test": TEST,
        "outcome": "failed",
        "judged_by": "crash",
        "reason": "the process that ran it died: worker gw0 crashed",
    }
    assert tally.unfinished == 0
    assert tally_of(report("???", "worker gw0 crashed"), times=2).unfinished == 1
    (silent,) = tally_of(report("???")).entries
    assert silent["reason"] == "the process that ran it died: "


def test_what_failed_before_its_process_died_is_the_reason() -> None:
    (entry,) = tally_of(report("setup"), report("call", "out of memory"), report("???", "worker gw0 crashed")).entries
    assert entry["reason"] == "the process that ran it died: out of memory"


def test_of_several_workers_that_ran_the_same_each_has_an_entry() -> None:
    tally = tally_of(*whole_test("passed", worker="gw0"), *whole_test("failed", worker="gw1"))
    assert sorted(outcomes(tally)) == ["failed", "passed"]


def test_a_failure_of_one_worker_is_none_of_another() -> None:
    reports = [report("call", "broken", worker="gw1"), *whole_test("passed", worker="gw0")[1:]]
    assert outcomes(tally_of(*reports)) == ["passed"]


FOUND = {"golden": "lstm/plain", "dtype": "float32", "reason": "wrong later", "judged_by": "comparison"}


@pytest.mark.parametrize("outcome", ["passed", "refused", "known-failure"])
def test_what_turns_out_wrong_later_has_not_passed(outcome: str) -> None:
    tally = tally_of(*whole_test(outcome, largest_error=0.5))
    (changed,) = tally.revise(FOUND)
    assert tally.entries == [changed]
    assert changed == {**FOUND, "test": TEST, "outcome": "failed", "largest_error": 0.5}
    assert tally.late == []


def test_what_had_failed_before_keeps_its_reason() -> None:
    tally = tally_of(*whole_test("failed", reason="wrong at once"))
    assert tally.revise(FOUND) == []
    assert tally.entries[0]["reason"] == "wrong at once"
    assert tally.late == []


@pytest.mark.parametrize(("what", "other"), [("golden", "a"), ("golden", "z"), ("dtype", "a"), ("dtype", "z")])
def test_what_is_found_of_a_golden_that_no_entry_is_of_is_kept_apart(what: str, other: str) -> None:
    tally = tally_of(*whole_test("passed"))
    assert tally.revise(FOUND | {what: other}) == []
    assert tally.late == [FOUND | {what: other}]
    assert outcomes(tally) == ["passed"]


def test_reports_of_other_tests_are_none_of_its_business() -> None:
    tally = Tally()
    tally.note(report("call", "broken"))
    assert tally.entries == []
    tally.note(report("setup", outcome="not-judged"))  # a worker's, that was not asked for before
    assert outcomes(tally) == ["not-judged"]


def test_what_a_worker_was_asked_is_asked_here_as_often_and_in_its_order() -> None:
    worker = tally_of(times=2)
    worker.ask(OTHER, *GOLDENS[OTHER])
    assert worker.asked == [[TEST, "lstm/plain", "float32", 2, ""], [OTHER, "gru/plain", "float16", 1, ""]]
    first = report("setup", test=OTHER, outcome="not-judged")
    setattr(first, ASKED, worker.asked)
    controller = Tally()
    controller.note(first)
    assert controller.asked == worker.asked
    assert controller.unfinished == 2
    controller.ask(TEST, *GOLDENS[TEST])  # another worker, that has it once
    assert controller.asked == worker.asked


def test_the_tests_of_goldens_among_all_are_asked_as_often_as_they_stand_there() -> None:
    wanted = Wanted("lstm/plain", "float32", corpus="mine")
    of_golden: Any = SimpleNamespace(nodeid=TEST, callspec=SimpleNamespace(params={"rnn_golden": wanted}))
    parametrized: Any = SimpleNamespace(nodeid="test_b", callspec=SimpleNamespace(params={"n": 1}))
    plain: Any = SimpleNamespace(nodeid="test_c")
    tally = Tally()
    tally.ask_items([of_golden, parametrized, plain, of_golden])
    assert tally.asked == [[TEST, "lstm/plain", "float32", 2, "mine"]]
    assert tally.corpora == ["mine"]


@pytest.mark.parametrize(
    ("outcome", "made", "never"),
    [
        ("passed", {"twice": True, "rows": False}, ["rows"]),
        ("failed", {"twice": True, "rows": False}, []),
        ("failed", {"twice": False}, []),
        ("refused", {"twice": False}, []),
    ],
)
def test_a_way_of_calling_that_no_golden_could_be_asked_is_named(
    outcome: str, made: dict[str, bool], never: list[str]
) -> None:
    assert tally_of(*whole_test(outcome, calls=made)).calls_never_made == never


@pytest.mark.parametrize("order", [(True, False), (False, True)])
def test_a_way_of_calling_that_one_golden_could_be_asked_was_made(order: tuple[bool, bool]) -> None:
    one, other = (
        whole_test("passed", calls={"rows": done}, test=test) for done, test in zip(order, GOLDENS, strict=True)
    )
    tally = tally_of(*one, *other)
    assert len(tally.entries) == 2
    assert tally.calls_never_made == []


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
def test_where_all_was_refused_nothing_was_checked(found: list[tuple[str, dict[str, float]]], nothing: bool) -> None:
    reports = [
        each
        for (outcome, more), test in zip(found, GOLDENS, strict=True)
        for each in whole_test(outcome, test=test, **more)
    ]
    assert tally_of(*reports).nothing_checked is nothing


def test_what_was_not_judged_beside_what_was_refused_shows_nothing_either() -> None:
    tally = tally_of(*whole_test("refused", test=OTHER))
    assert outcomes(tally) == ["not-judged", "refused"]
    assert tally.nothing_checked


@pytest.mark.parametrize(("judged_by", "is_skipped"), [("skip", True), ("check", False), ("a", False), ("z", False)])
def test_on_the_skip_list_are_the_known_failures_that_were_not_asked(judged_by: str, *, is_skipped: bool) -> None:
    tally = tally_of(*whole_test("known-failure", judged_by=judged_by), *whole_test("refused", test=OTHER))
    assert [entry["golden"] for entry in tally.on_skip_list] == ["lstm/plain"] * is_skipped
    assert tally.nothing_checked == is_skipped


@pytest.mark.parametrize(
    ("outcome", "reason", "does"),
    [
        ("failed", f"{PASSES_AGAIN} of known.txt", True),
        ("failed", "out is wrong", False),
        ("known-failure", f"{PASSES_AGAIN} of known.txt", False),
        ("a", f"{PASSES_AGAIN} of known.txt", False),
        ("failed", None, False),
    ],
)
def test_a_known_failure_passes_again_where_a_failure_says_so(outcome: str, reason: str | None, *, does: bool) -> None:
    entry: Result = {"golden": "lstm/plain", "dtype": "float32", "test": TEST, "outcome": "".join(outcome)}
    if reason is not None:
        entry["reason"] = reason
    assert passes_again(entry) == does
