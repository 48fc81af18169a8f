"""The file that ``--rnn-goldens-report`` names, created before any test runs: JSON, or an HTML page."""

import contextlib
import os
import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from rnn_goldens.errors import WrongUse
from rnn_goldens.pages.content import About, Checked, Content
from rnn_goldens.pages.rendering import is_page, render
from rnn_goldens.plugin.builtin_check import as_typed
from rnn_goldens.plugin.options import FLAGS, OPTIONS, flag, ini_name, setting
from rnn_goldens.plugin.results_file import Document, ResultsFile
from rnn_goldens.plugin.settings import corpora_of_all, path_setting
from rnn_goldens.programs.command import MARK, is_command
from rnn_goldens.result import Result

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
