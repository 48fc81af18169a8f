"""The results file: what was found, golden by golden, for programs."""

import contextlib
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnn_goldens.counted import counted, was_or_were
from rnn_goldens.encoding import json_file
from rnn_goldens.implementations.versions import versions_of_packages
from rnn_goldens.plugin.options import DRAWN, LOST, NOT_COLLECTED, PROGRAM, setting
from rnn_goldens.plugin.run_results import TALLY
from rnn_goldens.plugin.settings import CORPUS
from rnn_goldens.plugin.terminal import tell
from rnn_goldens.programs.command import is_command
from rnn_goldens.result import FAILED, Drawn, Result
from rnn_goldens.schema import FORMATS
from rnn_goldens.writing import write_whole

Document = dict[str, Any]

_SECONDS_BETWEEN = 1.0
"""So often the file of a run that goes on is renewed: whatever ends its process, most of it stands there."""

_PAUSE = 20
"""A file that takes long to write is renewed less often: so many times as long lies between."""

FRAMEWORKS = ("torch", "jax", "flax", "keras", "tensorflow", "onnxruntime")
"""Those that networks are made of: their versions are said where they are imported."""

GOING_ON = "the run has not come to its end: it goes on, or whatever ran it was killed"

MOST_NUMBERS = 2_000_000
"""In the pictures of a run; of what fails after that the message is told and no picture is kept."""

_WHY = {
    pytest.ExitCode.INTERRUPTED: "the run was interrupted",
    pytest.ExitCode.INTERNAL_ERROR: "pytest had an internal error",
    pytest.ExitCode.USAGE_ERROR: "pytest was used wrongly",
}


class ResultsFile:
    """Writes the tally to a file: from the first moment as that of a run that has not ended, and when it ends.

    Attributes:
        drawn: by test, what pages show of wrong results, which reports carry if that is wanted.
    """

    def __init__(self, path: Path, config: pytest.Config) -> None:
        """Put the file there, in place of an earlier run's; where that can not be done the run goes on, and says so."""
        self.path = path
        self.config = config
        self._written, self._pause = 0.0, _SECONDS_BETWEEN
        self._lost = ""
        self.drawn: dict[str, Drawn] = {}
        self._numbers = 0
        try:
            self.write(GOING_ON)
        except OSError as error:
            self._lost = not_written(path, error)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        """Say at once of a file that can not be written, so that nobody waits for it."""
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if self._lost and reporter is not None:
            tell(reporter, f"rnn-goldens: {self._lost}", red=True)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self) -> None:
        """All that is asked, and not judged yet."""
        self._renew()

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """What is judged so far, and what it looks like; of a second attempt, in place of the first."""
        if (drawn := getattr(report, DRAWN, None)) is not None:
            self.drawn[report.nodeid] = self._within_bounds(drawn)
        if report.when == "teardown" and time.monotonic() - self._written > self._pause:
            self._renew()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """What a run that ended has found, or why it has not judged all that was asked."""
        try:
            self.write(self._why_incomplete(exitstatus), ended=True)
            self._lost = ""
        except OSError as error:  # pytest goes on to tell what the run has found
            self._lost = not_written(self.path, error)
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: "pytest.TerminalReporter") -> None:
        """That the file could not be written in the end, after all that was found."""
        if self._lost:
            tell(terminalreporter, f"rnn-goldens: {self._lost}", red=True)

    def _within_bounds(self, drawn: Drawn) -> Drawn:
        if (picture := drawn["picture"]) is None:
            return drawn
        self._numbers += 2 * len(picture["got"]) + sum(map(len, picture["errors"]))
        return {**drawn, "picture": picture if self._numbers <= MOST_NUMBERS else None}

    def write(self, why: str, *, ended: bool = False) -> None:
        """Write the file, whole or not at all; ``why`` the run is not complete, or "". What explains it, in the end."""
        begin, entries = time.monotonic(), self._entries()
        document: Document = {"kind": "results", "format": FORMATS["results"], "complete": not why}
        document |= {"versions": versions(self.config)}
        if ended:
            document["causes"] = self._causes()
        document |= {"why": why, "results_so_far": entries} if why else {"results": entries}
        write_whole(self.path, self.encoded(document))
        self._written = time.monotonic()
        self._pause = max(_SECONDS_BETWEEN, _PAUSE * (self._written - begin))

    def encoded(self, document: Document) -> bytes:
        """The bytes of the file."""
        return json_file.encode(document)

    def _renew(self) -> None:
        with contextlib.suppress(OSError):  # what can not be written is said at the end
            self.write(GOING_ON)

    def _causes(self) -> list[Document]:
        tally = self.config.stash.get(TALLY, None)
        if tally is None or not tally.with_outcome(FAILED):
            return []
        from rnn_goldens.diagnosis.as_data import as_data
        from rnn_goldens.plugin.causes import diagnoses

        return [as_data(diagnosis) for diagnosis in diagnoses(self.config)]

    def _entries(self) -> list[Result]:
        tally = self.config.stash.get(TALLY, None)
        return [] if tally is None else tally.entries

    def _why_incomplete(self, exitstatus: int) -> str:
        if self.config.stash.get(LOST, False):
            return "a process that ran tests died before it said which goldens it was asked"
        if self.config.stash.get(NOT_COLLECTED, False):
            return "a file could not be collected, which may hold tests of goldens"
        tally = self.config.stash.get(TALLY, None)
        missing = 0 if tally is None else tally.unfinished
        if not missing and not exitstatus:
            return ""
        if exitstatus in _WHY:
            return _WHY[pytest.ExitCode(exitstatus)]
        of_all = f"{missing} of {counted(len(self._entries()), 'golden')}"
        return f"{of_all} {was_or_were(missing)} not judged" if missing else ""


def not_written(path: Path, error: OSError) -> str:
    """What to say of a results file that the operating system does not take."""
    old = "; the file there is of an earlier run" if path.is_file() else ""
    return f"the report {path} can not be written: {error.strerror}{old}"


def versions(config: pytest.Config) -> dict[str, Any]:
    """As the results file has them; of a corpus that is open, and of an implementation that is set."""
    found: dict[str, Any] = {} if CORPUS not in config.stash else {"corpus": config.stash[CORPUS].label}
    found |= {"rnn-goldens": version("rnn-goldens"), "python": platform.python_version(), "numpy": np.__version__}
    found |= {"pytest": pytest.__version__, "machine": f"{platform.system()} {platform.machine()}"}
    found |= {name: str(getattr(sys.modules[name], "__version__", "?")) for name in FRAMEWORKS if name in sys.modules}
    if name := setting(config, "implementation"):
        own = config.stash.get(PROGRAM, {}) if is_command(name) else versions_of_packages(name)
        found["implementation"] = {"name": name, "versions": own}
    return found
