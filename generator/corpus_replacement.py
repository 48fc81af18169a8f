"""Replaces a corpus folder as a whole: if a process is killed at any time, the old or the new files are there.

New files are written to a hidden copy of the old folder, which then replaces the old folder. ``folder_lock`` locks a
folder and removes the leftovers of killed processes.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from rnn_goldens.atomic_write import Staged, is_at, lock, placing, remove_leftovers
from rnn_goldens.errors import WrongUse

_RETRY_AFTER = 0.05
_MAX_ATTEMPTS = 100


class Files:
    """Changes to the files of a folder, collected in a copy of it. Unchanged files are not written."""

    def __init__(self, folder: Path, staged: Staged) -> None:
        self._folder, self._staged = folder, staged
        self._copied: Path | None = None

    def write(self, name: str, content: bytes) -> None:
        """Set the content of a file, by its path relative to the folder."""
        if (self._folder / name).exists() and (self._folder / name).read_bytes() == content:
            return
        with _named(self._folder / name):
            copied = self._copy_of_folder()
            path = copied / name
            for part in (*reversed(Path(name).parents), Path(name)):  # never write through a link of the user
                if (copied / part).is_symlink():
                    (copied / part).unlink()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def remove(self, name: str) -> None:
        """Remove a file."""
        with _named(self._folder / name):
            (self._copy_of_folder() / name).unlink(missing_ok=True)

    def _copy_of_folder(self) -> Path:
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
    """Return a context manager that writes files into a folder: all at the end, or none after an error.

    Other files remain. The folder is created if it does not exist. Other processes may read it meanwhile, but must not
    write to it: see ``folder_lock``. Raises WrongUse if the folder cannot be exchanged with another.
    """
    require_replaceable(folder)
    with placing() as staged:
        yield Files(folder, staged)


def require_replaceable(folder: Path) -> None:
    """Raise WrongUse if the folder is a mount point, or the working directory is in it."""
    folder = folder.resolve()
    if folder.is_mount():
        raise WrongUse(f"{folder} is a mount point, which cannot be replaced as a whole: name a folder in it")
    if Path.cwd().is_relative_to(folder):
        raise WrongUse(f"{folder} is replaced as a whole, which is impossible from inside it: change the directory")


@contextmanager
def folder_lock(folder: Path, seconds: float = 0) -> Iterator[None]:
    """Return a context manager that locks a folder for one run, and removes the leftovers of killed processes.

    The lock is released if the process is killed. Missing parent folders are created, and removed again if the folder
    does not exist at the end. Raises WrongUse if another run still has the lock after some ``seconds``, or if a parent
    folder is a file.
    """
    created = [above for above in folder.parents if not above.exists()]
    try:
        with _locked(folder, time.monotonic() + seconds) as acquired:
            if not acquired:
                raise WrongUse(f"{folder}: another run is writing to it; wait for it to end")
            remove_leftovers(folder.parent)
            yield
    finally:
        if not folder.exists():
            with suppress(OSError):  # another run has started there
                for above in created:
                    above.rmdir()


@contextmanager
def _locked(folder: Path, until: float) -> Iterator[bool]:
    """Lock a folder in this context, and yield whether this succeeded. Remove the lock file at the end."""
    lock_path = folder.parent / f".{folder.name}.lock"
    while True:
        with _opened(folder, lock_path) as file:
            if not lock(file.fileno(), wait=False):
                if time.monotonic() < until:
                    time.sleep(_RETRY_AFTER)
                    continue
                yield False
                return
            if not is_at(lock_path, file.fileno()):  # another run removed the file after it was opened here
                continue
            try:
                yield True
            finally:
                lock_path.unlink(missing_ok=True)
            return


def _opened(folder: Path, lock_path: Path) -> TextIO:
    """Open the lock file of a folder. Creates parent folders, which a run that ends may remove at the same time."""
    for more in reversed(range(_MAX_ATTEMPTS)):
        try:
            lock_path.parent.mkdir(parents=True, exist_ok=True)
            if lock_path.is_symlink():  # opening a link, which may be an attack, would truncate another file
                lock_path.unlink()
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
            return os.fdopen(os.open(lock_path, flags, 0o666), "w")
        except FileNotFoundError:
            if not more:
                raise
        except (FileExistsError, NotADirectoryError):
            a_file = next(above for above in folder.parents if os.path.lexists(above) and not above.is_dir())
            raise WrongUse(f"{folder}: {a_file} is a file, not a folder") from None
    raise AssertionError  # not reached


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Set the file name of an OSError; a full disk's error does not have one."""
    try:
        yield
    except OSError as error:
        error.filename = str(path)
        raise


def _copy(folder: Path, copy: Path) -> None:
    """Copy a folder, and raise the first error; ``shutil.copytree`` continues and collects errors."""
    copy.mkdir()
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _copy(Path(entry.path), copy / entry.name)
            else:
                shutil.copy2(entry.path, copy / entry.name, follow_symlinks=False)
    shutil.copystat(folder, copy)
