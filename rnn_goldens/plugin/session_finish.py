"""Derives the exit code of a run from the outcomes of all goldens, after diagnosing failures."""

import json
import pickle
import sys

import pytest

from rnn_goldens.golden_result import FAILED, Result, is_compared
from rnn_goldens.plugin.fixture import held_by_threads
from rnn_goldens.plugin.options import MESSAGE, PROPERTY, Message, setting
from rnn_goldens.plugin.run_results import RunResults, run_of
from rnn_goldens.plugin.settings import KNOWN, SKIP
from rnn_goldens.plugin.terminal import problems, shorten


def end(session: pytest.Session) -> None:
    """Diagnose failures, and fail a run with failed or unchecked goldens; an xdist worker only sends its findings."""
    config, run = session.config, run_of(session.config)
    run.unsent += held_by_threads(run)
    for search in run.searches.values():
        run.failures += search.failures
    if hasattr(config, "workerinput"):
        config.workeroutput[MESSAGE] = _to_controller(run)  # type: ignore[attr-defined] # xdist's
        return
    receive(config, {"late": run.unsent})
    if run.failures or any(map(is_compared, run.with_outcome(FAILED))):
        from rnn_goldens.plugin.causes import explain_all

        explain_all(config, run)
    if any(setting(config, name) for name in (KNOWN, SKIP)):
        from rnn_goldens.plugin.known_failures_report import report_lines

        run.list_lines = report_lines(config, run, int(session.exitstatus))
    not_failed = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    if session.exitstatus in not_failed and (problems(config, run) or run.with_outcome(FAILED)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if (terminal := config.pluginmanager.get_plugin("terminalreporter")) is not None:
        shorten(terminal, run)


def _to_controller(run: RunResults) -> Message:
    """Return what a worker sends at its end."""
    message: Message = {"late": run.unsent, "program": run.program}
    if "rnn_goldens.cells.custom_cells" in sys.modules:
        from rnn_goldens.cells import named_cells

        message["cells"] = list(named_cells())
    if run.failures:
        message["failures"] = pickle.dumps(run.failures)
    return message


def receive(config: pytest.Config, message: Message) -> None:
    """Take over what a worker sends: late findings, which make goldens fail, wrong results, program and cells."""
    run = run_of(config)
    for found in message.get("late", ()):
        for entry in run.revise(found):
            _report_late(config, entry)
    if program := message.get("program"):
        run.program = program
    if cells := message.get("cells"):
        from rnn_goldens.cells import name_cells

        name_cells(cells)
    if failures := message.get("failures"):
        run.failures += pickle.loads(failures)


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
