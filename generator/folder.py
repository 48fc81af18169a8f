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
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rnn_goldens.errors import WrongUse

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2

_BEFORE_IT_IS_TRIED_AGAIN = 0.05


class Files:
    """Files as they are to stand in a folder; those that do are left alone, the others are collected beside it."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._new = folder, _hidden(folder, "new")

    def write(self, name: str, content: bytes) -> None:
        """Say what a file is to hold, by its path relative to the folder."""
        if _holds(self._folder / name, content):
            return
        with _named(self._folder / name):
            self._begin()
            path = self._new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def remove(self, name: str) -> None:
        """Say that a file is to go."""
        with _named(self._folder / name):
            self._begin()
            (self._new / name).unlink(missing_ok=True)

    def _begin(self) -> None:
        if not self._new.exists() and self._folder.exists():
            shutil.copytree(self._folder, self._new, symlinks=True)

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

    Raises:
        WrongUse: it can not change places with another.
    """
    require_replaceable(folder)
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


def require_replaceable(folder: Path) -> None:
    """Raise WrongUse if others would go on seeing what stood there before."""
    folder = folder.resolve()
    if folder.is_mount():
        raise WrongUse(f"{folder} is a mount point, which can not be replaced as a whole: name a folder in it")
    if Path.cwd().is_relative_to(folder):
        raise WrongUse(f"{folder} is replaced as a whole, and can not be while it is the current folder: go up first")


@contextmanager
def alone(folder: Path, seconds: float = 0) -> Iterator[None]:
    """Hold a folder for one run. A process that is killed lets go.

    Folders above it that are not there are made, and taken away again if it is not there at the end.

    Args:
        folder: it.
        seconds: how long another run that holds it is waited for.

    Raises:
        WrongUse: another run holds it still, or what should be a folder above it is a file.
    """
    made = [above for above in folder.parents if not above.exists()]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        a_file = next(above for above in folder.parents if above.exists() and not above.is_dir())
        raise WrongUse(f"{folder}: {a_file} is a file, not a folder") from None
    try:
        with _locked(_hidden(folder, "lock"), time.monotonic() + seconds) as is_ours:
            if not is_ours:
                raise WrongUse(f"{folder}: another run is writing it; wait for it to end")
            yield
    finally:
        if not folder.exists():
            with suppress(OSError):  # another run has begun there
                for above in made:
                    above.rmdir()


@contextmanager
def _locked(lock: Path, until: float) -> Iterator[bool]:
    """Hold a lock's file, and take it away at the end; whether it could be held, until then at the latest."""
    import fcntl

    while True:
        with lock.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() < until:
                    time.sleep(_BEFORE_IT_IS_TRIED_AGAIN)
                    continue
                yield False
                return
            if not _is_at(lock, file.fileno()):  # who held it has taken it away since it was opened
                continue
            try:
                yield True
            finally:
                lock.unlink(missing_ok=True)
            return


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Let an error of the system's say which file it is about; a full disk's does not."""
    try:
        yield
    except OSError as error:
        error.filename = str(path)
        raise


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
