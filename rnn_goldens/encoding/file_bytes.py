"""Reads the bytes of an untrusted file: only regular files, up to a size, optionally only below a folder."""

import os
from pathlib import Path
from stat import S_ISREG

from rnn_goldens.errors import InvalidFile, not_readable

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
"""O_NONBLOCK: opening a pipe without a writer must not block."""

_MEBIBYTE = 2**20


def read_bytes(path: Path, most: int, *, below: Path | None = None) -> bytes:
    """Return all bytes of a file.

    Args:
        path: the file.
        most: the largest allowed number of bytes.
        below: a folder that must contain the file; a link that leads out of it is not followed.

    Raises:
        InvalidFile: the file cannot be read, is a pipe, a device or a folder, is too large, or is outside ``below``.
    """
    try:
        with os.fdopen(_opened(path, below), "rb") as file:
            status = os.fstat(file.fileno())
            if not S_ISREG(status.st_mode):
                raise InvalidFile(path, ["is a pipe or a device, not a file"])
            content = file.read(min(status.st_size, most) + 1)  # requesting ``most`` bytes is slow
            if status.st_size < len(content) <= most:  # the file grows, or reports no size, as in /proc
                content += file.read(most + 1 - len(content))
    except (OSError, RuntimeError, ValueError) as error:  # circular links, a name with a NUL character
        raise not_readable(path, error) from None
    if len(content) > most:
        raise InvalidFile(path, [f"is larger than {most // _MEBIBYTE} MiB, the limit for this kind of file"])
    return content


def _opened(path: Path, below: Path | None) -> int:
    if below is not None and not path.resolve().is_relative_to(below.resolve()):
        raise InvalidFile(path, [f"is a link to a path outside {below}; it is not followed"])
    return os.open(path, _FLAGS)
