"""How a file is written that may be there already: whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from stat import S_IMODE, S_ISREG
from typing import BinaryIO

from rnn_goldens.encoding.held import hold, is_at


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
            if not hold(file.fileno()) or is_at(partial, file.fileno()):
                yield file
                return


def _take_away(partial: Path) -> None:
    """Remove what a process that was killed has left; one that goes on holds its file."""
    with suppress(OSError), partial.open("rb") as file:
        if hold(file.fileno(), at_once=True) and is_at(partial, file.fileno()):
            partial.unlink()
