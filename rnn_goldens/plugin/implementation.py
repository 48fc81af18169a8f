"""The implementation under test: resolved or started once per run, and closed at the end of the run."""

from collections.abc import Generator
from pathlib import Path
from typing import NoReturn

import pytest

from rnn_goldens.errors import ProgramFailed, RnnGoldensError, WrongUse
from rnn_goldens.implementations import Implementation, resolve
from rnn_goldens.implementations.resolution import backward_of
from rnn_goldens.plugin.guard import TIME_LIMIT, Guard
from rnn_goldens.plugin.options import setting
from rnn_goldens.plugin.run_results import run_of
from rnn_goldens.plugin.settings import base_folder, time_limit
from rnn_goldens.programs.command import is_command
from rnn_goldens.programs.program import TIME_LIMIT as PROGRAM_TIME_LIMIT
from rnn_goldens.programs.program import Program

WRONG_USE = "rnn-goldens: "
"""Prefix of messages about the user's settings rather than a golden."""

NOW = pytest.StashKey[Path]()
"""Set in a supervised run: the file that names the golden being run."""

_STARTED = pytest.StashKey[Guard]()


def implementation(config: pytest.Config) -> Generator[Implementation]:
    """Yield the implementation for the fixture; fails with one line of text if none is set or it is not found."""
    try:
        start(config)
    except pytest.UsageError as error:
        if error.__cause__ is not None:
            raise
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    yield config.stash[_STARTED]
    try:
        stop(config)
    except ProgramFailed as error:
        pytest.fail(f"rnn-goldens: {error}", pytrace=False)


def stop_for_wrong_use(config: pytest.Config, error: WrongUse) -> NoReturn:
    """End the run, because the error would repeat for every golden; an xdist worker can only fail the test."""
    message = f"{WRONG_USE}{error}"
    if hasattr(config, "workerinput"):
        raise pytest.fail.Exception(message, pytrace=False) from None
    pytest.exit(message, returncode=pytest.ExitCode.USAGE_ERROR)


def start(config: pytest.Config) -> None:
    """Resolve the implementation that is set, and start it if it is a program; once per run.

    Raises:
        pytest.UsageError: no implementation is set, or it is not found or does not start. If the user's module raised
            an error, ``__cause__`` is that error.
    """
    if _STARTED in config.stash:
        return
    name = setting(config, "implementation")
    if not name:
        raise pytest.UsageError(
            "rnn-goldens: the rnn_implementation fixture needs --rnn-goldens-implementation, "
            "or rnn_goldens_implementation in the ini file"
        )
    try:
        folder, of_program = base_folder(config, "implementation"), is_command(name)
        limit = time_limit(config) or (PROGRAM_TIME_LIMIT if of_program else TIME_LIMIT)
        found, run = resolve(name, folder, limit), run_of(config)
        if isinstance(found, Program):
            run.program = {found.name: found.version}
        limit_here, now = None if of_program else limit, config.stash.get(NOW, None)
        config.stash[_STARTED] = Guard(found, limit_here, run.unsent, now, backward_of(name, found))
    except RnnGoldensError as error:
        raise pytest.UsageError(f"rnn-goldens: {error}") from error.__cause__


def stop(config: pytest.Config) -> None:
    """Close the implementation if it was started; raises ProgramFailed if it misbehaved after its last answer."""
    if (started := config.stash.get(_STARTED, None)) is not None:
        del config.stash[_STARTED]
        started.close()
