"""A corpus folder is replaced as a whole: whatever moment a process is killed at, the old files or the new are there.

New files are collected in a copy of the old folder under a hidden name, which then changes places with it. Who holds a
folder (``alone``) begins with what a process that was killed has left.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from rnn_goldens.errors import WrongUse
from rnn_goldens.writing import Staged, clean, hold, is_at, placing

_BEFORE_IT_IS_TRIED_AGAIN = 0.05
_MOST_OPENED = 100


class Files:
    """Files as they are to stand in a folder; those that do are left alone, the others go into a copy of it."""

    def __init__(self, folder: Path, staged: Staged) -> None:
        self._folder, self._staged = folder, staged
        self._copied: Path | None = None

    def write(self, name: str, content: bytes) -> None:
        """Say what a file is to hold, by its path relative to the folder."""
        if _holds(self._folder / name, content):
            return
        with _named(self._folder / name):
            copied = self._copy_of_it()
            path = copied / name
            for part in (*reversed(Path(name).parents), Path(name)):  # a link leads to something of the user's
                if (copied / part).is_symlink():
                    (copied / part).unlink()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def remove(self, name: str) -> None:
        """Say that a file is to go."""
        with _named(self._folder / name):
            (self._copy_of_it() / name).unlink(missing_ok=True)

    def _copy_of_it(self) -> Path:
        if self._copied is None:
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            copied = self._staged.new(self._folder.parent, self._folder.name)
            if self._folder.exists():
                _copy(self._folder, copied)
            else:
                copied.mkdir()
            self._copied = copied
        return self._copied


@contextmanager
def replacing(folder: Path) -> Iterator[Files]:
    """Write files into a folder, all at the end or, if something is raised, none; those that are not written stay.

    The folder is created if it does not exist. Others may read it meanwhile, but no other may write it: see ``alone``.

    Raises:
        WrongUse: it can not change places with another.
    """
    require_replaceable(folder)
    with placing() as staged:
        yield Files(folder, staged)


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
        WrongUse: another run holds it still, or what should be a folder above it is a file.
    """
    made = [above for above in folder.parents if not above.exists()]
    try:
        with _locked(folder, time.monotonic() + seconds) as is_ours:
            if not is_ours:
                raise WrongUse(f"{folder}: another run is writing it; wait for it to end")
            clean(folder.parent)
            yield
    finally:
        if not folder.exists():
            with suppress(OSError):  # another run has begun there
                for above in made:
                    above.rmdir()


@contextmanager
def _locked(folder: Path, until: float) -> Iterator[bool]:
    """Hold a folder's lock, and take it away at the end; whether it could be held, until then at the latest."""
    lock = _lock_of(folder)
    while True:
        with _opened(folder) as file:
            if not hold(file.fileno(), at_once=True):
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


def _lock_of(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.lock"


def _opened(folder: Path) -> TextIO:
    """A folder's lock, with the folders above it, which a run that ends may take away at this very moment."""
    lock = _lock_of(folder)
    for more in reversed(range(_MOST_OPENED)):
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            if lock.is_symlink():  # of nobody's making but who wants another file emptied
                lock.unlink()
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
            return os.fdopen(os.open(lock, flags, 0o666), "w")
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


def _holds(path: Path, content: bytes) -> bool:
    return path.exists() and path.read_bytes() == content
