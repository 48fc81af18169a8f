"""The results file as a page for people: ``--rnn-goldens-report=FILE.html``."""

import os
import shlex
from pathlib import Path
from typing import Any

import pytest

from rnn_goldens.pages.content import About, Checked, Content, Judged
from rnn_goldens.pages.rendering import render
from rnn_goldens.plugin.names import FLAGS, OPTIONS, flag, setting
from rnn_goldens.plugin.pictures import Drawings
from rnn_goldens.plugin.results import Document, ResultsFile
from rnn_goldens.plugin.settings import corpora_of_all
from rnn_goldens.programs.command import MARK, is_command

_NOT_REPEATED = ("cell", "features", "without", "dtype", "report", "implementation")
"""Options that select goldens, or that a command names otherwise."""


class PageFile(ResultsFile):
    """Writes what the results file has, as a page, with a picture of each failure."""

    def __init__(self, path: Path, config: pytest.Config) -> None:
        """Put the page there; raises WrongUse if pages can not be made here."""
        self.drawings = Drawings()
        super().__init__(path, config)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """What is judged so far, and what it looks like."""
        self.drawings.pytest_runtest_logreport(report)
        super().pytest_runtest_logreport(report)

    def encoded(self, document: Document) -> bytes:
        """The bytes of the page."""
        made_with = {name: value for name, value in document["versions"].items() if isinstance(value, str)}
        implementation = document["versions"].get("implementation", {"name": "", "versions": {}})
        entries = document["results"] if document["complete"] else document["results_so_far"]
        judged = [self._judged(entry) for entry in entries]
        checked = Checked(
            implementation["name"],
            implementation["versions"],
            judged,
            document.get("causes", ()),
            document.get("why", ""),
        )
        asked = corpora_of_all(self.config, [entry.get("corpus", "") for entry in entries]).entries if judged else ()
        about = {entry.id: About(entry.cell, entry.features) for entry in asked}
        title = f"rnn-goldens: {implementation['name'] or self.config.rootpath.name}"
        return render(Content(title, [checked], about, made_with))

    def _judged(self, entry: dict[str, Any]) -> Judged:
        drawn = self.drawings.by_test.get(entry["test"], {})
        return Judged(
            golden=entry["golden"],
            dtype=entry["dtype"],
            outcome=entry["outcome"],
            judged_by=entry.get("judged_by", ""),
            reason=entry.get("reason", ""),
            message=drawn.get("message", ""),
            command=_command(self.config, entry),
            explained_by=tuple(entry.get("explained_by", ())),
            known=entry.get("known", ""),
            picture=drawn.get("picture"),
            gradients=entry.get("gradients", {}),
            rows=drawn.get("gradients", ()),
        )


def _command(config: pytest.Config, entry: dict[str, Any]) -> str:
    """What runs one golden again, from the same folder."""
    given = {name: config.getoption(f"rnn_goldens_{name.replace('-', '_')}") for name in OPTIONS}
    repeated = [f"--rnn-goldens-{name}={value}" for name, value in given.items() if value and name not in _NOT_REPEATED]
    flags = [f"--rnn-goldens-{name}" for name in FLAGS if flag(config, name)]
    more = [f"--rnn-goldens-dtype={entry['dtype']}", *flags, *repeated]
    if config.getoption("rnn_goldens_watched", None) is not None:
        return check_command(setting(config, "implementation"), entry["golden"], entry["dtype"], more)
    if named := config.getoption("rnn_goldens_implementation"):
        more.append(f"--rnn-goldens-implementation={named}")
    file, colons, test = entry["test"].partition("::")
    place = os.path.relpath(config.rootpath / file, config.invocation_params.dir)
    return shlex.join(["pytest", f"{place}{colons}{test}", *more])


def check_command(implementation: str, golden: str, dtype: str, more: list[str]) -> str:
    """The same of ``rnn-goldens check``."""
    asked = ["-k", f"[{golden}-{dtype}]", *more]
    if is_command(implementation):
        return f"{shlex.join(['rnn-goldens', 'check', *asked])} {MARK} {implementation.removeprefix(MARK).strip()}"
    return shlex.join(["rnn-goldens", "check", implementation, *asked])
