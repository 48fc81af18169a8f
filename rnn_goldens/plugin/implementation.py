"""The implementation under test: found or started once a run, and closed at its end."""

from collections.abc import Generator
from typing import NoReturn

import pytest

from rnn_goldens.errors import ProgramFailed, RnnGoldensError, WrongUse
from rnn_goldens.implementations import Implementation, close, resolve
from rnn_goldens.plugin.hooks import setting
from rnn_goldens.plugin.settings import base_folder, time_limit

WRONG_USE = "rnn-goldens: "
"""What begins a message that speaks of what the user asked, not of a golden."""

_STARTED = pytest.StashKey[Implementation]()


def implementation(config: pytest.Config) -> Generator[Implementation]:
    """What the fixture gives; fails if none is set or it is not to be had, in one line where no code of a user did."""
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
    """End the run, for what is wrong is the user's, and with every golden the same; a worker of xdist can not."""
    said = f"{WRONG_USE}{error}"
    if hasattr(config, "workerinput"):
        raise pytest.fail.Exception(said, pytrace=False) from None
    pytest.exit(said, returncode=pytest.ExitCode.USAGE_ERROR)


def start(config: pytest.Config) -> None:
    """Find the implementation that is set, and start it if it is a program, unless that is done.

    Raises:
        pytest.UsageError: none is set or it is not to be had; from what a user's module raised, if it did.
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
        folder = base_folder(config, "implementation")
        config.stash[_STARTED] = resolve(name, folder, time_limit(config))
    except RnnGoldensError as error:
        raise pytest.UsageError(f"rnn-goldens: {error}") from error.__cause__


def stop(config: pytest.Config) -> None:
    """Close what ``start`` started, if it did; raises ProgramFailed as ``close`` does."""
    if _STARTED in config.stash:
        started = config.stash[_STARTED]
        del config.stash[_STARTED]
        close(started)
