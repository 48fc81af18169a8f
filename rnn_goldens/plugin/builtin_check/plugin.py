"""Starts a program before the first test, so that one that does not start is said once, and not golden by golden."""

import contextlib
import json
import shlex
import sys
from pathlib import Path

import pytest

from rnn_goldens.errors import ProgramFailed
from rnn_goldens.plugin.builtin_check.supervisor import DRAWN, RESULTS
from rnn_goldens.plugin.builtin_check.supervisor import NOW as NOW_FILE
from rnn_goldens.plugin.implementation import NOW, WRONG_USE, start, stop
from rnn_goldens.plugin.marker import example_of_id
from rnn_goldens.plugin.results_file import ResultsFile

_wrong_uses: list[str] = []
_RESULTS = pytest.StashKey[ResultsFile]()
_NOTHING_SELECTED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the process that watches over this run looks at what it found."""
    parser.addoption("--rnn-goldens-watched", type=Path, required=True, help="internal")
    parser.addoption("--rnn-goldens-drawn", action="store_true", help="internal")


def pytest_configure(config: pytest.Config) -> None:
    """Leave there what is asked and what is found."""
    folder = config.getoption("rnn_goldens_watched")
    worker = getattr(config, "workerinput", {}).get("workerid", "")
    config.stash[NOW] = folder / f"{NOW_FILE}{worker}"
    if not worker:
        config.stash[_RESULTS] = ResultsFile(folder / RESULTS, config)
        config.pluginmanager.register(config.stash[_RESULTS], "rnn_goldens_watched")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start it for the fixture; where xdist has workers, which start their own, only to see that it does."""
    if not hasattr(session.config, "workerinput"):
        start(session.config)
        if session.config.getoption("dist", "no") != "no":
            try:
                stop(session.config)
            except ProgramFailed as error:
                raise pytest.UsageError(f"rnn-goldens: {error}") from None


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note wrong use, which xdist's workers can only say golden by golden."""
    if str(report.longrepr).startswith(WRONG_USE):
        _wrong_uses.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run with wrong use has another exit code than one that found something wrong; one that selects nothing is."""
    if _wrong_uses:
        session.exitstatus = pytest.ExitCode.USAGE_ERROR
    if session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and not hasattr(session.config, "workerinput"):
        session.config.stash[_NOTHING_SELECTED] = True
    if session.config.getoption("rnn_goldens_drawn") and _RESULTS in session.config.stash:
        path = session.config.getoption("rnn_goldens_watched") / DRAWN
        with contextlib.suppress(OSError):  # a page without pictures is still one
            path.write_text(json.dumps(session.config.stash[_RESULTS].drawn), "utf-8", "backslashreplace")


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: "pytest.TerminalReporter", config: pytest.Config) -> None:
    """Let pytest's list of failures call each by its golden: the rest of the id is longer than a line.

    What pytest lists are ids as paths from the folder that it was called in, so it is given one there.
    """
    here = config.invocation_params.dir
    for report in [report for reports in terminalreporter.stats.values() for report in reports]:
        if isinstance(report, pytest.TestReport) and (golden := report.nodeid.partition("[")[2].removesuffix("]")):
            report.nodeid = golden if here == config.rootpath else (here / golden).as_posix()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop it, if no test asked for it; and say why none did, after pytest, which says how many were left out."""
    with contextlib.suppress(ProgramFailed):
        stop(config)
    if config.stash.get(_NOTHING_SELECTED, False) and (asked := _selecting(config)):
        print(f"Error: nothing is selected by {asked}; ids look like {example_of_id(config)}", file=sys.stderr)


def _selecting(config: pytest.Config) -> str:
    """The options of pytest that select tests, as they are typed."""
    given = {"-k": [config.option.keyword], "-m": [config.option.markexpr], "--deselect": config.option.deselect or []}
    return shlex.join(part for option, values in given.items() for value in values if value for part in (option, value))
