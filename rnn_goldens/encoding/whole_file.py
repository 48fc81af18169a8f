"""How a file is written that may be there already: whole or not at all."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from stat import S_IMODE, S_ISREG
from typing import BinaryIO

if sys.platform != "win32":
    import fcntl


def write_whole(path: Path, content: bytes) -> None:
    """Write a file; whatever goes wrong, what was there before stays as it is, and nothing else is left.

    A process that is killed leaves the old file or the new one, and may leave a hidden one beside it, which whoever
    next writes there takes away. A file that is there keeps its mode, and a link to it stays a link. A device or a
    pipe, which can not be replaced, is written to.

    Raises:
        OSError: it can not be written; its ``filename`` is ``path``.
    """
    try:
        mode = _mode(path)
        if mode is None or S_ISREG(mode):
            _replace(path.resolve(), content, mode)
        else:
            path.write_bytes(content)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def _mode(path: Path) -> int | None:
    """What stands there and who may do what with it; None if nothing does."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def _replace(target: Path, content: bytes, mode: int | None) -> None:
    for leftover in target.parent.glob(f".{escape(target.name)}.*"):
        if leftover.suffix[1:].isdigit():
            _take_away(leftover)
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with _held(partial) as file:
            if mode is not None:
                partial.chmod(S_IMODE(mode))
            file.write(content)
            file.flush()
            partial.replace(target)
    except BaseException:
        with suppress(OSError):  # there may be no folder to hold it; what went wrong first is what to tell
            partial.unlink()
        raise


@contextmanager
def _held(partial: Path) -> Iterator[BinaryIO]:
    """A new file that others can tell from one whose process was killed: it is locked as long as it is written."""
    while True:
        with partial.open("wb") as file:
            if not _lock(file, at_once=False) or _is_at(partial, file):
                yield file
                return


def _take_away(partial: Path) -> None:
    """Remove what a process that was killed has left; one that goes on holds its file."""
    with suppress(OSError), partial.open("rb") as file:
        if _lock(file, at_once=True) and _is_at(partial, file):
            partial.unlink()


def _lock(file: BinaryIO, *, at_once: bool) -> bool:
    """Lock a file, until it is closed; whether that could be done. Windows has no such locks."""
    if sys.platform == "win32":
        return False
    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX | (fcntl.LOCK_NB if at_once else 0))
        return True
    return False


def _is_at(path: Path, file: BinaryIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
