"""Replacing a folder as a whole: whatever moment a process is killed at, the old files or the new ones are there.

New files are collected in a hidden folder beside the old one, which then changes places with it, in one step where the
system can. A process killed before that leaves the old folder untouched. Where the system can not, one that is killed
between two renames leaves the old folder under its hidden name, and ``recover``, which every run begins with, puts it
back.
"""

import ctypes
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rnn_goldens.errors import WrongUse

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


def replace_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder, all or none; files it already has and that are not named stay.

    Args:
        folder: created if it does not exist.
        files: contents by path relative to the folder.
    """
    recover(folder)
    new = _hidden(folder, "new")
    try:
        if folder.exists():
            shutil.copytree(folder, new, symlinks=True)
        for name, content in files.items():
            path = new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    if folder.exists():
        _exchange(new, folder)
    else:
        new.rename(folder)
    shutil.rmtree(new, ignore_errors=True)


def recover(folder: Path) -> None:
    """Finish or undo what a killed run left beside a folder."""
    new, old = _hidden(folder, "new"), _hidden(folder, "old")
    if old.exists() and not folder.exists():
        old.rename(folder)
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a folder for one run; raises WrongUse if another run holds it. A process that is killed lets go."""
    import fcntl

    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = _hidden(folder, "lock")
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WrongUse(f"{folder}: another run is writing it; wait for it to end") from None
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


def _exchange(new: Path, folder: Path) -> None:
    """Let two folders change places: at once where Linux's renameat2 can, else in two steps."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        names = os.fsencode(new), os.fsencode(folder)
        if libc.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0:
            return
    old = _hidden(folder, "old")
    folder.rename(old)
    new.rename(folder)
    old.rename(new)


def _hidden(folder: Path, what: str) -> Path:
    return folder.parent / f".{folder.name}.{what}"
