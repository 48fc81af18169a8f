"""Starts a program before the first test, so that one that does not start is said once, and not golden by golden."""

import contextlib

import pytest

from rnn_goldens.errors import ProgramFailed
from rnn_goldens.plugin.implementation import WRONG_USE, start, stop

_wrong_uses: list[str] = []


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
    """A run with wrong use has another exit code than one that found something wrong."""
    if _wrong_uses:
        session.exitstatus = pytest.ExitCode.USAGE_ERROR


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop it, if no test asked for it."""
    with contextlib.suppress(ProgramFailed):
        stop(config)
