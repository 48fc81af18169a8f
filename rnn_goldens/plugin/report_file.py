"""The file that ``--rnn-goldens-report`` names: JSON for programs or a page for people, begun before any test runs."""

import contextlib
from pathlib import Path

import pytest

from rnn_goldens.errors import WrongUse
from rnn_goldens.pages.rendering import is_page
from rnn_goldens.plugin.page_file import PageFile
from rnn_goldens.plugin.results import ResultsFile
from rnn_goldens.plugin.settings import path_setting


def begin_report(config: pytest.Config) -> None:
    """Put it where this run is to leave it; raises pytest.UsageError if files of that kind can not be made here."""
    path = path_setting(config, "report")
    if path is None or hasattr(config, "workerinput"):
        return
    try:
        config.pluginmanager.register(_file(path, config), "rnn_goldens_results")
    except WrongUse as error:
        raise pytest.UsageError(f"rnn-goldens: {error}") from None


def not_of_this_run(config: pytest.Config) -> None:
    """Say of a file that stands where this run is to leave its own that nothing was judged."""
    path = config.invocation_params.dir / str(config.known_args_namespace.rnn_goldens_report)
    if path.is_file():
        with contextlib.suppress(WrongUse):  # which is said when the run begins
            _file(path, config)


def _file(path: Path, config: pytest.Config) -> ResultsFile:
    return PageFile(path, config) if is_page(path) else ResultsFile(path, config)
