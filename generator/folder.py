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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rnn_goldens.errors import WrongUse

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


class Files:
    """Files as they are to stand in a folder; those that do are left alone, the others are collected beside it."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._new = folder, _hidden(folder, "new")

    def write(self, name: str, content: bytes) -> None:
        """Say what a file is to hold, by its path relative to the folder."""
        if _holds(self._folder / name, content):
            return
        if not self._new.exists() and self._folder.exists():
            shutil.copytree(self._folder, self._new, symlinks=True)
        path = self._new / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def change_places(self) -> None:
        """Put what was collected into the folder's place."""
        if not self._new.exists():
            return
        if self._folder.exists():
            _exchange(self._new, self._folder)
        else:
            self._new.rename(self._folder)
        self.forget()

    def forget(self) -> None:
        """Take away what was collected."""
        shutil.rmtree(self._new, ignore_errors=True)


@contextmanager
def replacing(folder: Path) -> Iterator[Files]:
    """Write files into a folder, all at the end or, if something is raised, none; those that are not written stay.

    The folder is created if it does not exist.
    """
    recover(folder)
    files = Files(folder)
    try:
        yield files
    except BaseException:
        files.forget()
        raise
    files.change_places()


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


def _holds(path: Path, content: bytes) -> bool:
    return path.exists() and path.read_bytes() == content
