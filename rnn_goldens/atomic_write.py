"""Writes files and folders atomically: all are written to a hidden folder, then moved to their paths.

After an error, everything is unchanged. If the process is killed, each path has its complete old or new content. The
hidden folder may remain; the next writer removes it. (If the system cannot exchange two folders in one step, the old
folder may still be in the hidden folder; the next writer first restores the old folder.)

This protects against killed processes, not against power loss: there is no ``fsync``.
"""

import ctypes
import errno
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from stat import S_IMODE, S_IRWXU, S_ISREG
from tempfile import mkdtemp

if sys.platform != "win32":
    import fcntl

_HIDDEN = ".rnn-goldens-writing."
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


def write_whole(path: Path, content: bytes) -> None:
    """Write one file atomically."""
    write_together({path: content})


def write_together(contents: Mapping[Path, bytes | None]) -> None:
    """Write files atomically, all or none; None removes a file. Removals come first, then files in the given order.

    An existing file keeps its mode, and a link to it remains a link. A device or a pipe is refused: it cannot be
    replaced, would lose the content, or block until someone reads it. The ``filename`` of an OSError is the path.
    """
    path = Path()
    try:
        with placing() as staged:
            for path, content in contents.items():
                _stage(staged, path, content)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def _stage(staged: "Staged", path: Path, content: bytes | None) -> None:
    if content is None:
        if path.is_dir() and not path.is_symlink():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if os.path.lexists(path):
            staged.remove(path.parent, path.name)
        return
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and not S_ISREG(mode):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        raise OSError(errno.EINVAL, "it is a pipe or a device, not a file")
    target = path.resolve()
    new = staged.new(target.parent, target.name)
    new.write_bytes(content)
    if mode is not None:
        new.chmod(S_IMODE(mode))


@contextmanager
def placing() -> Iterator["Staged"]:
    """Yield a ``Staged``. At the end, move its files to their paths, unless the ``with`` block raised an exception."""
    with ExitStack() as cleanup, ExitStack() as undo:
        staged = Staged(cleanup)
        yield staged
        staged.move_all(undo)
        undo.pop_all()


class Staged:
    """Files and folders in a hidden folder that will be moved to their final paths."""

    def __init__(self, cleanup: ExitStack) -> None:
        self._cleanup = cleanup
        self._hidden: dict[Path, Path] = {}
        self._new: list[tuple[Path, str]] = []
        self._removed: list[tuple[Path, str]] = []

    def new(self, folder: Path, relative: str) -> Path:
        """Return the temporary path for what will be moved to ``folder / relative``; the folder must exist."""
        if (folder, relative) in self._new:
            raise FileExistsError(errno.EEXIST, "would be written twice")
        path = self._hidden_in(folder) / "new" / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        self._new.append((folder, relative))
        return path

    def remove(self, folder: Path, relative: str) -> None:
        """Mark ``folder / relative`` for removal; ``move_all`` removes it before it moves the new files."""
        self._hidden_in(folder)
        self._removed.append((folder, relative))

    def move_all(self, undo: ExitStack) -> None:
        """Perform all removals and moves."""
        for folder, relative in self._removed:
            self._move_out(folder, relative, undo)
        for folder, relative in self._new:
            _move_in(folder, relative, self._hidden[folder], undo)

    def _move_out(self, folder: Path, relative: str, undo: ExitStack) -> None:
        removed = self._hidden[folder] / "removed" / relative
        removed.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # another process removed it meanwhile
            (folder / relative).rename(removed)
            undo.callback(removed.rename, folder / relative)

    def _hidden_in(self, folder: Path) -> Path:
        if folder not in self._hidden:
            remove_leftovers(folder)
            self._hidden[folder] = _locked_hidden(folder, self._cleanup)
        return self._hidden[folder]


def _locked_hidden(folder: Path, cleanup: ExitStack) -> Path:
    """Create and lock a hidden folder. The lock distinguishes it from the leftovers of a killed process."""
    while True:
        hidden = Path(mkdtemp(prefix=_HIDDEN, dir=folder))
        if sys.platform == "win32":
            cleanup.callback(_remove_tree, hidden)
            return hidden
        with suppress(FileNotFoundError):  # another process removed it before it was locked
            descriptor = os.open(hidden, os.O_RDONLY)
            cleanup.callback(os.close, descriptor)
            with suppress(OSError):  # if the file system has no locks, no other process removes the folder
                lock(descriptor)
            if is_at(hidden, descriptor):
                cleanup.callback(_remove_tree, hidden)
                return hidden


def _move_in(folder: Path, relative: str, hidden: Path, undo: ExitStack) -> None:
    new, target, old = hidden / "new" / relative, folder / relative, hidden / "old" / relative
    _require_no_link(folder, target.parent)
    make_folder(target.parent, undo)
    if not target.exists():
        new.rename(target)
        undo.callback(target.rename, new)
        return
    if exchanged(new, target):
        undo.callback(exchanged, new, target)
        return
    old.parent.mkdir(parents=True, exist_ok=True)
    if not target.is_dir():  # a file, or it was removed meanwhile
        with suppress(FileNotFoundError):
            shutil.copy2(target, old)
            undo.callback(old.replace, target)
        new.replace(target)
    else:
        target.rename(old)
        undo.callback(old.rename, target)
        new.rename(target)
        undo.callback(target.rename, new)


def _require_no_link(folder: Path, below: Path) -> None:
    """Raise OSError if a folder below the user's folder is a link."""
    for path in (below, *below.parents):
        if path == folder:
            return
        if path.is_symlink():
            raise OSError(errno.ELOOP, "is a link; it is not followed", str(path))


def remove_leftovers(folder: Path) -> None:
    """Remove the hidden folders of killed processes, and restore old content that was not replaced."""
    if sys.platform == "win32":
        return
    for leftover in folder.glob(f"{_HIDDEN}*"):
        with suppress(OSError), ExitStack() as cleanup:
            descriptor = os.open(leftover, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
            cleanup.callback(os.close, descriptor)
            if lock(descriptor, wait=False) and is_at(leftover, descriptor):
                backup = leftover / "old"
                for old in () if backup.is_symlink() else backup.glob("*"):
                    if not (folder / old.name).exists():
                        old.rename(folder / old.name)
                _remove_tree(leftover)


def make_folder(folder: Path, undo: ExitStack) -> None:
    """Create a folder and its missing parents."""
    if folder.is_dir():
        return
    if folder.exists():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    make_folder(folder.parent, undo)
    folder.mkdir()
    undo.callback(folder.rmdir)


def exchanged(one: Path, other: Path) -> bool:
    """Exchange two files or folders in one step. Return True on success; most Linux file systems support it."""
    if sys.platform != "linux":
        return False
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)  # glibc has it since 2.28
    if rename is None:
        return False
    return bool(rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0)


def lock(descriptor: int, *, wait: bool = True) -> bool:
    """Lock an open file or folder until it is closed or the process ends; return whether this succeeded.

    Always True on Windows, which has no such locks. Raises OSError if the file system does not support locks.
    """
    if sys.platform != "win32":
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
    return True


def is_at(path: Path, descriptor: int) -> bool:
    """Return whether a path still refers to an open file or folder, which may have been removed or replaced."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _remove_tree(leftover: Path) -> None:
    """Remove a folder, including read-only folders in it. Ignores errors."""
    shutil.rmtree(leftover, ignore_errors=True)
    if leftover.is_dir():
        with suppress(OSError):
            leftover.chmod(S_IRWXU)
            for above, names, _ in os.walk(leftover):
                for path in (Path(above, name) for name in names):
                    if not path.is_symlink():
                        path.chmod(S_IRWXU)
        shutil.rmtree(leftover, ignore_errors=True)
