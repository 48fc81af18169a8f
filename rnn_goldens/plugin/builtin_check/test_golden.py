"""The test that ``rnn-goldens check`` runs on each selected golden, and the pytest plugin of this run.

The plugin passes the results to the supervisor. It starts a program before the first test, so that a failure to start
is reported once rather than per golden.
"""

import contextlib
import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rnn_goldens.checkable_golden import Golden, Inputs
from rnn_goldens.errors import ProgramFailed, WrongUse
from rnn_goldens.plugin.builtin_check.supervisor import DRAWN, RESULTS
from rnn_goldens.plugin.builtin_check.supervisor import NOW as NOW_FILE
from rnn_goldens.plugin.implementation import NOW, WRONG_USE, Guard, start, stop, stop_for_wrong_use
from rnn_goldens.plugin.report_file import ResultsFile
from rnn_goldens.plugin.settings import example_of_id

_wrong_uses: list[str] = []
_RESULTS = pytest.StashKey[ResultsFile]()
_NOTHING_SELECTED = pytest.StashKey[bool]()


def test_golden(rnn_golden: Golden, rnn_implementation: Guard, pytestconfig: pytest.Config) -> None:
    """Check the gradients if the golden has cotangents; else check the outputs in every selected call pattern."""

    def ending_the_run(call: Callable[[Inputs], Any]) -> Callable[[Inputs], Any]:
        def called(golden: Inputs) -> Any:  # noqa: ANN401 - whatever it returns
            __tracebackhide__ = True
            try:
                return call(golden)
            except WrongUse as error:
                stop_for_wrong_use(pytestconfig, error)

        return called

    if rnn_golden.has_cotangents:
        rnn_golden.check_gradient_calls(ending_the_run(rnn_implementation.gradients), rnn_implementation)
    else:
        rnn_golden.check_calls(ending_the_run(rnn_implementation))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the internal options: the supervisor's folder, and whether pages need pictures."""
    parser.addoption("--rnn-goldens-watched", type=Path, required=True, help="internal")
    parser.addoption("--rnn-goldens-drawn", action="store_true", help="internal")


def pytest_configure(config: pytest.Config) -> None:
    """Set the paths of two files in the supervisor's folder: one names the current golden, one has the results."""
    folder = config.getoption("rnn_goldens_watched")
    worker = getattr(config, "workerinput", {}).get("workerid", "")
    config.stash[NOW] = folder / f"{NOW_FILE}{worker}"
    if not worker:
        config.stash[_RESULTS] = ResultsFile(folder / RESULTS, config)
        config.pluginmanager.register(config.stash[_RESULTS], "rnn_goldens_watched")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the implementation. With xdist, stop it again: this only tests the start; each worker starts its own."""
    if not hasattr(session.config, "workerinput"):
        start(session.config)
        if session.config.getoption("dist", "no") != "no":
            try:
                stop(session.config)
            except ProgramFailed as error:
                raise pytest.UsageError(f"rnn-goldens: {error}") from None


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Record wrong use, which xdist workers can only report per golden."""
    if str(report.longrepr).startswith(WRONG_USE):
        _wrong_uses.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Set the exit code for wrong use, record an empty selection, and write the pictures for pages."""
    if _wrong_uses:
        session.exitstatus = pytest.ExitCode.USAGE_ERROR
    if session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and not hasattr(session.config, "workerinput"):
        session.config.stash[_NOTHING_SELECTED] = True
    if session.config.getoption("rnn_goldens_drawn") and _RESULTS in session.config.stash:
        path = session.config.getoption("rnn_goldens_watched") / DRAWN
        with contextlib.suppress(OSError):  # a page without pictures is still useful
            path.write_text(json.dumps(session.config.stash[_RESULTS].drawn), "utf-8", "backslashreplace")


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: "pytest.TerminalReporter", config: pytest.Config) -> None:
    """Shorten the test ids in pytest's list of failures to the ids of the goldens.

    pytest prints ids as paths from the folder where it was called, so each golden's id is converted to such a path.
    """
    here = config.invocation_params.dir
    for report in [report for reports in terminalreporter.stats.values() for report in reports]:
        if isinstance(report, pytest.TestReport) and (golden := report.nodeid.partition("[")[2].removesuffix("]")):
            report.nodeid = golden if here == config.rootpath else (here / golden).as_posix()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the implementation if no fixture did. After pytest's own output, print why nothing was selected."""
    with contextlib.suppress(ProgramFailed):
        stop(config)
    if config.stash.get(_NOTHING_SELECTED, False) and (options := _selection_options(config)):
        print(f"Error: nothing is selected by {options}; ids look like {example_of_id(config)}", file=sys.stderr)


def _selection_options(config: pytest.Config) -> str:
    """Return pytest's options that select tests, as typed."""
    used = {"-k": [config.option.keyword], "-m": [config.option.markexpr], "--deselect": config.option.deselect or []}
    return shlex.join(part for option, values in used.items() for value in values if value for part in (option, value))
