"""Replacing a folder as a whole: whatever moment a process is killed at, the old files or the new ones are there.

New files are collected in a hidden folder beside the old one, which then changes places with it, in one step where the
system can. A process killed before that leaves the old folder untouched. Where the system can not, one that is killed
between two renames leaves the old folder under its hidden name. Who holds a folder (``alone``) begins with what such
a process has left.

This is about processes that end, not about machines: what the system was told to write is not waited for (``fsync``).
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_IRWXU
from typing import TextIO

from rnn_goldens.encoding.exchange import exchanged
from rnn_goldens.encoding.held import is_at
from rnn_goldens.errors import WrongUse

_BEFORE_IT_IS_TRIED_AGAIN = 0.05
_MOST_OPENED = 100


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
            _copy(self._folder, self._new)

    def change_places(self) -> None:
        """Put what was collected into the folder's place; what stood there is to be forgotten."""
        if not self._new.exists():
            return
        if self._folder.exists():
            _exchange(self._new, self._folder)
        else:
            self._new.rename(self._folder)

    def forget(self) -> None:
        """Take away what lies beside the folder."""
        _take_away(self._new)


@contextmanager
def replacing(folder: Path) -> Iterator[Files]:
    """Write files into a folder, all at the end or, if something is raised, none; those that are not written stay.

    The folder is created if it does not exist. Others may read it meanwhile, but no other may write it: see ``alone``.

    Raises:
        WrongUse: it can not change places with another.
    """
    require_replaceable(folder)
    files = Files(folder)
    try:
        yield files
        files.change_places()
    finally:
        files.forget()


def _recover(folder: Path) -> None:
    """Finish or undo what a killed run left beside a folder; raises WrongUse if that can not be taken away."""
    new, old = _hidden(folder, "new"), _hidden(folder, "old")
    if old.exists() and not folder.exists():
        old.rename(folder)
    for leftover in (new, old):
        _take_away(leftover)
        if os.path.lexists(leftover):
            raise WrongUse(f"{leftover} was left by a run that was killed, and can not be taken away: remove it")


def require_replaceable(folder: Path) -> None:
    """Raise WrongUse if others would go on seeing what stood there before."""
    folder = folder.resolve()
    if folder.is_mount():
        raise WrongUse(f"{folder} is a mount point, which can not be replaced as a whole: name a folder in it")
    if Path.cwd().is_relative_to(folder):
        raise WrongUse(f"{folder} is replaced as a whole, and can not be while it is the current folder: go up first")


@contextmanager
def alone(folder: Path, seconds: float = 0) -> Iterator[None]:
    """Hold a folder for one run. A process that is killed lets go; what it left beside the folder is cleaned up.

    Folders above it that are not there are made, and taken away again if it is not there at the end.

    Args:
        folder: it.
        seconds: how long another run that holds it is waited for.

    Raises:
        WrongUse: another run holds it still, what should be a folder above it is a file, or what a killed run left
            can not be taken away.
    """
    made = [above for above in folder.parents if not above.exists()]
    try:
        with _locked(folder, time.monotonic() + seconds) as is_ours:
            if not is_ours:
                raise WrongUse(f"{folder}: another run is writing it; wait for it to end")
            _recover(folder)
            yield
    finally:
        if not folder.exists():
            with suppress(OSError):  # another run has begun there
                for above in made:
                    above.rmdir()


@contextmanager
def _locked(folder: Path, until: float) -> Iterator[bool]:
    """Hold a folder's lock, and take it away at the end; whether it could be held, until then at the latest."""
    import fcntl

    lock = _hidden(folder, "lock")
    while True:
        with _opened(folder) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() < until:
                    time.sleep(_BEFORE_IT_IS_TRIED_AGAIN)
                    continue
                yield False
                return
            if not is_at(lock, file.fileno()):  # who held it has taken it away since it was opened
                continue
            try:
                yield True
            finally:
                lock.unlink(missing_ok=True)
            return


def _opened(folder: Path) -> TextIO:
    """A folder's lock, with the folders above it, which a run that ends may take away at this very moment."""
    lock = _hidden(folder, "lock")
    for more in reversed(range(_MOST_OPENED)):
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            return lock.open("w")
        except FileNotFoundError:
            if not more:
                raise
        except (FileExistsError, NotADirectoryError):
            a_file = next(above for above in folder.parents if os.path.lexists(above) and not above.is_dir())
            raise WrongUse(f"{folder}: {a_file} is a file, not a folder") from None
    raise AssertionError  # it was the last


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Let an error of the system's say which file it is about; a full disk's does not."""
    try:
        yield
    except OSError as error:
        error.filename = str(path)
        raise


def _exchange(new: Path, folder: Path) -> None:
    """Let two folders change places: at once where the system can, else in two steps."""
    if exchanged(new, folder):
        return
    old = _hidden(folder, "old")
    folder.rename(old)
    new.rename(folder)
    old.rename(new)


def _copy(folder: Path, copy: Path) -> None:
    """Copy a folder, up to the first thing that can not be: ``shutil.copytree`` goes on, and tells of every one."""
    copy.mkdir()
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _copy(Path(entry.path), copy / entry.name)
            else:
                shutil.copy2(entry.path, copy / entry.name, follow_symlinks=False)
    shutil.copystat(folder, copy)


def _take_away(leftover: Path) -> None:
    """Remove a folder that need not be there, with folders in it that may not be written to."""
    shutil.rmtree(leftover, ignore_errors=True)
    if leftover.is_dir():
        with suppress(OSError):
            leftover.chmod(S_IRWXU)
            for above, names, _ in os.walk(leftover):
                for path in (Path(above, name) for name in names):
                    if not path.is_symlink():
                        path.chmod(S_IRWXU)
        shutil.rmtree(leftover, ignore_errors=True)


def _hidden(folder: Path, what: str) -> Path:
    return folder.parent / f".{folder.name}.{what}"


def _holds(path: Path, content: bytes) -> bool:
    return path.exists() and path.read_bytes() == content
