"""The bytes of a file that anybody may have written: of a file, below a folder where one is said, and not too many."""

import os
from pathlib import Path
from stat import S_ISREG

from rnn_goldens.errors import InvalidFile, not_readable

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
"""A pipe that nobody writes to would be waited for."""

_MEBIBYTE = 2**20


def read_bytes(path: Path, most: int, *, below: Path | None = None) -> bytes:
    """All bytes of a file.

    Args:
        path: the file.
        most: how many there may be.
        below: a folder that the file is said to lie in; a link that leads out of it is not followed.

    Raises:
        InvalidFile: it can not be read, is a pipe, a device or a folder, is too large, or lies elsewhere.
    """
    try:
        with os.fdopen(_opened(path, below), "rb") as file:
            status = os.fstat(file.fileno())
            if not S_ISREG(status.st_mode):
                raise InvalidFile(path, ["is a pipe or a device, and no file"])
            content = file.read(min(status.st_size, most) + 1)  # to ask for the most at once is slow
            if status.st_size < len(content) <= most:  # it grows, or says no size, as those of /proc
                content += file.read(most + 1 - len(content))
    except (OSError, RuntimeError, ValueError) as error:  # links in a circle, a name with a zero in it
        raise not_readable(path, error) from None
    if len(content) > most:
        raise InvalidFile(path, [f"is larger than {most // _MEBIBYTE} MiB, and no file of this kind is"])
    return content


def _opened(path: Path, below: Path | None) -> int:
    if below is not None and not path.resolve().is_relative_to(below.resolve()):
        raise InvalidFile(path, [f"is a link to something outside of {below}, which is not followed"])
    return os.open(path, _FLAGS)
