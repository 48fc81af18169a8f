"""Derives the exit code of a run from the outcomes of all goldens, after diagnosing failures."""

import json
import sys
from collections.abc import Sequence

import pytest

from rnn_goldens.diagnosis.search import Failure
from rnn_goldens.plugin.check_log import Finding
from rnn_goldens.plugin.fixture import CANDIDATE_SEARCHES, held_by_threads, run_log
from rnn_goldens.plugin.options import MESSAGE, PROGRAM, PROPERTY, Message, setting
from rnn_goldens.plugin.run_results import RunResults
from rnn_goldens.plugin.settings import KNOWN, SKIP
from rnn_goldens.plugin.terminal import LIST_LINES, problems, shorten
from rnn_goldens.result import FAILED, Result, is_compared

_FAILURES = pytest.StashKey[list[Failure]]()
"""Wrong outputs and gradients, also from workers."""


def end(session: pytest.Session, run_results: RunResults) -> None:
    """Diagnose failures, and fail a run with failed or unchecked goldens; an xdist worker only sends its findings."""
    config = session.config
    late = run_log(config).late
    late += held_by_threads(run_log(config))
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
