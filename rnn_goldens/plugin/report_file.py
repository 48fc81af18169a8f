"""The file that ``--rnn-goldens-report`` names: the outcome of each golden, as JSON or as an HTML page."""

import contextlib
import os
import platform
import shlex
import sys
import time
from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnn_goldens.atomic_write import write_whole
from rnn_goldens.diagnosis.summary import to_json
from rnn_goldens.encoding import json_file
from rnn_goldens.errors import WrongUse
from rnn_goldens.golden_result import Drawn, Result
from rnn_goldens.implementations.builtin import versions_of_packages
from rnn_goldens.pages import About, Checked, Content
from rnn_goldens.pages.rendering import is_page, render
from rnn_goldens.plugin import FLAGS, OPTIONS, as_typed
from rnn_goldens.plugin.options import INCOMPLETE, RUN_RESULTS, flag, ini_name, message_of, setting
from rnn_goldens.plugin.run_results import RunResults
from rnn_goldens.plugin.session_finish import write_line
from rnn_goldens.plugin.settings import OPENED, corpora_of_all, path_setting
from rnn_goldens.plurals import counted, was_or_were
from rnn_goldens.programs.command import MARK, is_command
from rnn_goldens.schema import FORMATS

Document = dict[str, Any]

_SECONDS_BETWEEN = 1.0
"""Minimum seconds between updates of the file during a run. The updates keep the results if the process is killed."""

_PAUSE = 20
"""The interval is at least this many times the time that writing takes."""

FRAMEWORKS = ("torch", "jax", "flax", "keras", "tensorflow", "onnxruntime")
"""Frameworks whose versions are listed if they are imported."""

RUNNING = "the run has not ended: it is still running, or its process was killed"

MAX_NUMBERS = 2_000_000
"""Maximum count of numbers in all pictures of a run. Later failures have a message but no picture."""

_WHY = {
    pytest.ExitCode.INTERRUPTED: "the run was interrupted",
    pytest.ExitCode.INTERNAL_ERROR: "pytest had an internal error",
    pytest.ExitCode.USAGE_ERROR: "pytest had a usage error",
}


class ResultsFile:
    """Writes the run results to a file: incomplete results from the start of the run on, final results at its end.

    Attributes:
        drawn: the details of each test's wrong results, for HTML pages; empty if no page is written.
    """

    def __init__(self, path: Path, config: pytest.Config) -> None:
        """Create the file, or replace an existing file. If this fails, the run continues and reports the error."""
        self.path = path
        self.config = config
        self._written, self._pause = 0.0, _SECONDS_BETWEEN
        self._error = ""
        self.drawn: dict[str, Drawn] = {}
        self._numbers = 0
        try:
            self.write(RUNNING)
        except OSError as error:
            self._error = not_written(path, error)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        """Report at the start of the run that the file cannot be written."""
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if self._error and reporter is not None:
            write_line(reporter, f"rnn-goldens: {self._error}", red=True)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self) -> None:
        """Write the file with the selected goldens, all unchecked."""
        self._update()

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Store the picture of a failure, and update the file; a rerun replaces the first attempt."""
        if (drawn := message_of(report).get("drawn")) is not None:
            if (picture := drawn["picture"]) is not None:
                self._numbers += 2 * len(picture["got"]) + sum(map(len, picture["errors"]))
            self.drawn[report.nodeid] = drawn if self._numbers <= MAX_NUMBERS else {**drawn, "picture": None}
        if report.when == "teardown" and time.monotonic() - self._written > self._pause:
            self._update()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the final results, or why the run is not complete."""
        try:
            self.write(self._why_incomplete(exitstatus), ended=True)
            self._error = ""
        except OSError as error:  # pytest still prints its results
            self._error = not_written(self.path, error)
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: "pytest.TerminalReporter") -> None:
        """Report that the final file could not be written."""
        if self._error:
            write_line(terminalreporter, f"rnn-goldens: {self._error}", red=True)

    def write(self, why: str, *, ended: bool = False) -> None:
        """Write the file atomically, with the reason why the run is not complete ("" if it is), and causes if ended."""
        begin, run = time.monotonic(), _run(self.config)
        entries = run.entries
        document: Document = {"kind": "results", "format": FORMATS["results"], "complete": not why}
        document |= {"versions": versions(self.config)}
        if ended:
            document["causes"] = list(map(to_json, run.diagnoses))
        document |= {"why": why, "results_so_far": entries} if why else {"results": entries}
        write_whole(self.path, self.encoded(document))
        self._written = time.monotonic()
        self._pause = max(_SECONDS_BETWEEN, _PAUSE * (self._written - begin))

    def encoded(self, document: Document) -> bytes:
        """Return the bytes of the file."""
        return json_file.encode(document)

    def _update(self) -> None:
        with contextlib.suppress(OSError):  # reported at the end
            self.write(RUNNING)

    def _why_incomplete(self, exitstatus: int) -> str:
        if why := self.config.stash.get(INCOMPLETE, ""):
            return why
        if exitstatus in _WHY:
            return _WHY[pytest.ExitCode(exitstatus)]
        run = _run(self.config)
        missing, of_all = run.unfinished, counted(len(run.selected), "golden")
        return f"{missing} of {of_all} {was_or_were(missing)} not compared" if missing else ""


def _run(config: pytest.Config) -> RunResults:
    run: RunResults = config.stash.get(RUN_RESULTS, None) or RunResults()  # before the collection, there is none
    return run


def not_written(path: Path, error: OSError) -> str:
    """Return the message for a results file that cannot be written."""
    old = "; the file there is of an earlier run" if path.is_file() else ""
    return f"the report {path} cannot be written: {error.strerror}{old}"


def versions(config: pytest.Config) -> dict[str, Any]:
    """Return the versions for the results file, with the corpus if it is open and the implementation if it is set."""
    of_settings = config.stash.get(OPENED, {}).get("")
    found: dict[str, Any] = {} if of_settings is None else {"corpus": of_settings.label}
    found |= {"rnn-goldens": version("rnn-goldens"), "python": platform.python_version(), "numpy": np.__version__}
    found |= {"pytest": pytest.__version__, "machine": f"{platform.system()} {platform.machine()}"}
    found |= {name: str(getattr(sys.modules[name], "__version__", "?")) for name in FRAMEWORKS if name in sys.modules}
    if name := setting(config, "implementation"):
        own = _run(config).program if is_command(name) else versions_of_packages(name)
        found["implementation"] = {"name": name, "versions": own}
    return found


_NOT_REPEATED = ("cell", "features", "without", "dtype", "report", "implementation")
"""Options that are not repeated: they select goldens, name the report, or are in the command in another form."""


class PageFile(ResultsFile):
    """Writes the results as an HTML page with a picture of each failure; raises WrongUse if that is not possible."""

    def encoded(self, document: Document) -> bytes:
        """Return the bytes of the page."""
        made_with = {name: value for name, value in document["versions"].items() if isinstance(value, str)}
        implementation = document["versions"].get("implementation", {"name": "", "versions": {}})
        results: list[Result] = document["results"] if document["complete"] else document["results_so_far"]
        checked = Checked(
            implementation["name"],
            implementation["versions"],
            results,
            document.get("causes", ()),
            self.drawn,
            partial(_command, self.config),
            document.get("why", ""),
        )
        entries = corpora_of_all(self.config, [one.get("corpus", "") for one in results]).entries if results else ()
        about = {entry.id: About(entry.cell, entry.features) for entry in entries}
        title = f"rnn-goldens: {implementation['name'] or self.config.rootpath.name}"
        return render(Content(title, [checked], about, made_with))


def begin_report(config: pytest.Config) -> None:
    """Create the file of this run; raises pytest.UsageError if this format is not available."""
    path = path_setting(config, "report")
    if path is None or hasattr(config, "workerinput"):
        return
    try:
        config.pluginmanager.register(_file(path, config), "rnn_goldens_results")
    except WrongUse as error:
        raise pytest.UsageError(f"rnn-goldens: {error}") from None


def reset_report(config: pytest.Config) -> None:
    """Replace a file of an earlier run by one without results."""
    path = config.invocation_params.dir / str(config.known_args_namespace.rnn_goldens_report)
    if path.is_file():
        with contextlib.suppress(WrongUse):  # reported when the run begins
            _file(path, config)


def _file(path: Path, config: pytest.Config) -> ResultsFile:
    return PageFile(path, config) if is_page(path) else ResultsFile(path, config)


def _command(config: pytest.Config, result: Result) -> str:
    """Return the command that runs one golden again, from the same folder."""
    values = {name: config.getoption(ini_name(name)) for name in OPTIONS}
    repeated = {name: value for name, value in values.items() if name not in _NOT_REPEATED}
    more = list(as_typed({name: flag(config, name) for name in FLAGS} | repeated))
    if config.getoption("rnn_goldens_watched", None) is not None:
        return check_command(setting(config, "implementation"), more, result)
    if named := config.getoption("rnn_goldens_implementation"):
        more.append(f"--rnn-goldens-implementation={named}")
    file, colons, test = result["test"].partition("::")
    path = os.path.relpath(config.rootpath / file, config.invocation_params.dir)
    return shlex.join(["pytest", f"{path}{colons}{test}", f"--rnn-goldens-dtype={result['dtype']}", *more])


def check_command(implementation: str, more: Sequence[str], result: Result) -> str:
    """Return the ``rnn-goldens check`` command that runs one golden again; ``more`` are its other options."""
    golden, dtype = result["golden"], result["dtype"]
    arguments = ["-k", f"[{golden}-{dtype}]", f"--rnn-goldens-dtype={dtype}", *more]
    if is_command(implementation):
        return f"{shlex.join(['rnn-goldens', 'check', *arguments])} {MARK} {implementation.removeprefix(MARK).strip()}"
    return shlex.join(["rnn-goldens", "check", implementation, *arguments])
