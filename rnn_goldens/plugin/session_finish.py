"""Derives the exit code of a run from the outcomes of all goldens, after diagnosing failures."""

import json
import sys
from collections.abc import Sequence

import pytest

from rnn_goldens.diagnosis.candidate_search import Failure
from rnn_goldens.plugin.check_log import Finding
from rnn_goldens.plugin.fixture import CANDIDATE_SEARCHES, LATE, held_by_threads
from rnn_goldens.plugin.options import MESSAGE, PROGRAM, PROPERTY, Message, setting
from rnn_goldens.plugin.run_results import RunResults, first_names
from rnn_goldens.plugin.settings import KNOWN, SKIP
from rnn_goldens.plugin.terminal import shorten
from rnn_goldens.plurals import counted, was_or_were
from rnn_goldens.result import FAILED, REFUSED, UNCHECKED, Result, is_compared

LIST_LINES = pytest.StashKey[Sequence[str]]()
"""Lines of the summary about known failures."""

_FAILURES = pytest.StashKey[list[Failure]]()
"""Wrong outputs and gradients, also from workers."""


def end(session: pytest.Session, run_results: RunResults) -> None:
    """Diagnose failures, and fail a run with failed or unchecked goldens; an xdist worker only sends its findings."""
    config = session.config
    late = config.stash.get(LATE, [])
    late += held_by_threads(late)
    failures = config.stash.setdefault(_FAILURES, [])
    for search in config.stash.get(CANDIDATE_SEARCHES, {}).values():
        failures += search.failures
    if hasattr(config, "workerinput"):
        config.workeroutput[MESSAGE] = _to_controller(config, late, failures)  # type: ignore[attr-defined] # xdist's
        return
    receive(config, run_results, {"late": late})
    if failures or any(map(is_compared, run_results.with_outcome(FAILED))):
        from rnn_goldens.plugin.causes import explain_all

        explain_all(config, run_results, failures)
    if any(setting(config, name) for name in (KNOWN, SKIP)):
        from rnn_goldens.plugin.known_failures_report import report_lines

        config.stash[LIST_LINES] = report_lines(config, run_results, int(session.exitstatus))
    not_failed = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    if session.exitstatus in not_failed and (problems(config, run_results) or run_results.with_outcome(FAILED)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if (terminal := config.pluginmanager.get_plugin("terminalreporter")) is not None:
        shorten(terminal, run_results.entries)


def _to_controller(config: pytest.Config, late: Sequence[Finding], failures: Sequence[Failure]) -> Message:
    """Return what a worker sends at its end."""
    message: Message = {"late": list(late), "program": config.stash.get(PROGRAM, {})}
    if "rnn_goldens.cells.custom_cells" in sys.modules:
        from rnn_goldens.cells import named_cells

        message["cells"] = list(named_cells())
    if failures:
        from rnn_goldens.plugin.causes import sent

        message["failures"] = sent(failures)
    return message


def receive(config: pytest.Config, run_results: RunResults, message: Message) -> None:
    """Take over what a worker sends: late findings, which make goldens fail, wrong results, program and cells."""
    for found in message.get("late", ()):
        for entry in run_results.revise(found):
            _report_late(config, entry)
    if program := message.get("program"):
        config.stash[PROGRAM] = program
    if cells := message.get("cells"):
        from rnn_goldens.cells import name_cells

        name_cells(cells)
    if failures := message.get("failures"):
        from rnn_goldens.plugin.causes import received

        config.stash.setdefault(_FAILURES, []).extend(received(failures))


def _report_late(config: pytest.Config, entry: Result) -> None:
    """Report to the terminal, JUnit XML and other plugins that a golden failed after its test had ended."""
    if hasattr(config, "workerinput"):
        return
    location = (entry["test"].partition("::")[0], None, entry["test"].rpartition("::")[2])
    properties = [(PROPERTY, json.dumps(entry))]
    message = f"after its test had ended: {entry['reason']}"
    for report in (
        pytest.TestReport(entry["test"], location, {}, "failed", message, "call", user_properties=properties),
        pytest.TestReport(entry["test"], location, {}, "passed", None, "teardown", user_properties=properties),
    ):
        setattr(report, MESSAGE, {"is_late": True})
        config.hook.pytest_runtest_logreport(report=report)


def problems(config: pytest.Config, run_results: RunResults) -> list[str]:
    """Return why a run is not complete, or checked nothing."""
    found: list[str] = []
    refused = {name for patterns in run_results.called.values() for name in patterns["refused"]}
    for name in run_results.patterns_not_run:
        why = "it was refused" if name in refused else "no golden of this run supports it"
        found.append(f"calls={name} was not run: {why}")
    if run_results.nothing_checked:
        found.append(f"nothing was checked: {_reason_nothing_checked(run_results)}")
    if not runs_no_tests(config) and (missing := run_results.with_outcome(UNCHECKED)):
        of_all = f"{len(missing)} of {counted(len(run_results.entries), 'golden')} {was_or_were(len(missing))}"
        found.append(f"{of_all} selected and not compared: {', '.join(first_names(missing, '… and'))}")
    found += [
        f"{'' if late['judged_by'] == UNCHECKED else 'after its test had ended, '}"
        f"{late['golden']} in {late['dtype']}: {late['reason']}"
        for late in run_results.late
    ]
    return found


_NO_TEST_OPTIONS = ("collectonly", "setuponly", "setupplan", "showfixtures", "show_fixtures_per_test")
"""pytest options that show what would run, instead of running tests."""


def runs_no_tests(config: pytest.Config) -> bool:
    """Return whether pytest only shows what it would run."""
    return any(config.getoption(name, False) for name in _NO_TEST_OPTIONS)


def _reason_nothing_checked(run_results: RunResults) -> str:
    refused, skipped = len(run_results.with_outcome(REFUSED)), len(run_results.on_skip_list)
    if not skipped:
        return f"{_all_of(refused)} refused"
    return f"{_all_of(skipped)} on the skip list" if not refused else f"{refused} refused, {skipped} on the skip list"


def _all_of(count: int) -> str:
    return "the one golden was" if count == 1 else f"all {counted(count, 'golden')} were"
