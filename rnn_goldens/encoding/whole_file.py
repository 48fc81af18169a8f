"""How a file is written that may be there already: whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path
from stat import S_IMODE, S_ISREG


def write_whole(path: Path, content: bytes) -> None:
    """Write a file; whatever goes wrong, what was there before stays as it is, and nothing else is left.

    A file that is there keeps its mode, and a link to it stays a link. A device or a pipe, which can not be replaced,
    is written to.

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
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with partial.open("wb") as file:
            if mode is not None:
                partial.chmod(S_IMODE(mode))
            file.write(content)
        partial.replace(target)
    except BaseException:
        with suppress(OSError):  # there may be no folder to hold it; what went wrong first is what to tell
            partial.unlink()
        raise
