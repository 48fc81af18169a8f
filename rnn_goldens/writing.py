"""Files and folders are written whole or not at all: under a hidden name, from which they take their places together.

Whatever goes wrong, what was there before stays as it is. A process that is killed leaves the old or the new at each
place, whole, and may leave a hidden folder, which the next that writes there removes. (Where the system cannot let two
folders change places in one step, the old one may be in the hidden folder, from which the next puts it back.)

This applies to processes that end, not to machines: what the system was told to write is not waited for (``fsync``).
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
    """Write a file, as ``write_together`` does."""
    write_together({path: content})


def write_together(contents: Mapping[Path, bytes | None]) -> None:
    """Write files, all or none: those that are to go go first, and the last takes its place last.

    A file that is there keeps its mode, and a link to it stays a link. A device or a pipe, which cannot be replaced, is
    written to.

    Args:
        contents: by path; None for a file that is to go, if it is there.

    Raises:
        OSError: they cannot be written; its ``filename`` is the path.
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
        path.write_bytes(content)
        return
    target = path.resolve()
    new = staged.new(target.parent, target.name)
    new.write_bytes(content)
    if mode is not None:
        new.chmod(S_IMODE(mode))


@contextmanager
def placing() -> Iterator["Staged"]:
    """Files and folders to be written, which take their places at the end or, if something is raised, do not."""
    with ExitStack() as held, ExitStack() as undo:
        staged = Staged(held)
        yield staged
        staged.take_places(undo)
        undo.pop_all()


class Staged:
    """Files and folders that stand under hidden names until they take their places."""

    def __init__(self, held: ExitStack) -> None:
        self._held = held
        self._hidden: dict[Path, Path] = {}
        self._new: list[tuple[Path, str]] = []
        self._removed: list[tuple[Path, str]] = []

    def new(self, folder: Path, place: str) -> Path:
        """The path at which to write what is to stand at a place below a folder, which has to exist."""
        if (folder, place) in self._new:
            raise FileExistsError(errno.EEXIST, "is to be written twice")
        path = self._hidden_in(folder) / "new" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        self._new.append((folder, place))
        return path

    def remove(self, folder: Path, place: str) -> None:
        """Let what stands at a place go before the others take theirs."""
        self._hidden_in(folder)
        self._removed.append((folder, place))

    def take_places(self, undo: ExitStack) -> None:
        """Move all to their places, and what was there out of them."""
        for folder, place in self._removed:
            self._go(folder, place, undo)
        for folder, place in self._new:
            _place(folder, place, self._hidden[folder], undo)

    def _go(self, folder: Path, place: str, undo: ExitStack) -> None:
        gone = self._hidden[folder] / "removed" / place
        gone.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # another has removed it meanwhile
            (folder / place).rename(gone)
            undo.callback(gone.rename, folder / place)

    def _hidden_in(self, folder: Path) -> Path:
        if folder not in self._hidden:
            clean(folder)
            self._hidden[folder] = _held_hidden(folder, self._held)
        return self._hidden[folder]


def _held_hidden(folder: Path, held: ExitStack) -> Path:
    """Make a hidden folder that others can tell from one whose process was killed, as it is locked."""
    while True:
        hidden = Path(mkdtemp(prefix=_HIDDEN, dir=folder))
        if sys.platform == "win32":
            held.callback(_take_away, hidden)
            return hidden
        with suppress(FileNotFoundError):  # another has cleaned up before it was locked
            descriptor = os.open(hidden, os.O_RDONLY)
            held.callback(os.close, descriptor)
            with suppress(OSError):  # where there are no locks, no other cleans up
                hold(descriptor)
            if is_at(hidden, descriptor):
                held.callback(_take_away, hidden)
                return hidden


def _place(folder: Path, place: str, hidden: Path, undo: ExitStack) -> None:
    new, target, old = hidden / "new" / place, folder / place, hidden / "old" / place
    _require_no_link(folder, target.parent)
    make(target.parent, undo)
    if not target.exists():
        new.rename(target)
        undo.callback(target.rename, new)
        return
    if exchanged(new, target):
        undo.callback(exchanged, new, target)
        return
    old.parent.mkdir(parents=True, exist_ok=True)
    if not target.is_dir():  # or it is gone meanwhile
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
    """Raise OSError if a folder below one that the user named is a link, which leads elsewhere."""
    for path in (below, *below.parents):
        if path == folder:
            return
        if path.is_symlink():
            raise OSError(errno.ELOOP, "is a link, which is not followed", str(path))


def clean(folder: Path) -> None:
    """Remove what processes that were killed have left in a folder, and put back what has no successor."""
    if sys.platform == "win32":
        return
    for leftover in folder.glob(f"{_HIDDEN}*"):
        with suppress(OSError), ExitStack() as held:
            descriptor = os.open(leftover, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
            held.callback(os.close, descriptor)
            if hold(descriptor, at_once=True) and is_at(leftover, descriptor):
                kept = leftover / "old"
                for old in () if kept.is_symlink() else kept.glob("*"):
                    if not (folder / old.name).exists():
                        old.rename(folder / old.name)
                _take_away(leftover)


def make(folder: Path, undo: ExitStack) -> None:
    """Make a folder and those above it that are not there."""
    if folder.is_dir():
        return
    if folder.exists():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    make(folder.parent, undo)
    folder.mkdir()
    undo.callback(folder.rmdir)


def exchanged(one: Path, other: Path) -> bool:
    """Let two files or folders change places in one step; whether the system could, as Linux on most disks."""
    if sys.platform != "linux":
        return False
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)  # glibc has it since 2.28
    if rename is None:
        return False
    return bool(rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0)


def hold(descriptor: int, *, at_once: bool = False) -> bool:
    """Lock an open file or folder until it is closed, or its process ends; whether that could be done.

    Args:
        descriptor: of the file or folder.
        at_once: do not wait for another that holds it.

    Returns:
        False if another holds it. Windows has no such locks, and nobody else is known to hold it there.

    Raises:
        OSError: the disk has no such locks.
    """
    if sys.platform != "win32":
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (fcntl.LOCK_NB if at_once else 0))
        except BlockingIOError:
            return False
    return True


def is_at(path: Path, descriptor: int) -> bool:
    """Whether an open file or folder is the one that stands at a path: it may have gone there, or been replaced."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


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
