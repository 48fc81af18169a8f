"""Reads untrusted files within limits: only regular files up to a size, optionally only below a folder; and NPZ.

Sizes are checked before parsing: parsed content takes many times the memory of the file.
"""

import os
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from stat import S_ISREG
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.errors import InvalidFile, not_readable

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
"""O_NONBLOCK: opening a pipe without a writer must not block."""

MEBIBYTE = 2**20


@dataclass(frozen=True)
class Bounds:
    """Size limits of one kind of file."""

    mebibytes: int  # size of the file
    values: int  # number of values: numbers, strings, lists and objects
    objects: int  # number of objects

    @property
    def size(self) -> int:
        """The size limit in bytes."""
        return self.mebibytes * MEBIBYTE

    def problem(self, content: bytes) -> str | None:
        """Return which limit the JSON content exceeds, or None. Commas and brackets in strings count as values."""
        if len(content) > self.size:
            return f"is larger than {self.mebibytes} MiB, the limit for this kind of file"
        if (objects := content.count(b"{")) > self.objects:
            return f"holds {objects} objects, the limit for this kind of file is {self.objects}"
        if (values := sum(map(content.count, (b",", b"[", b"{")))) > self.values:
            return f"holds {values} values, the limit for this kind of file is {self.values}"
        return None


GOLDEN = Bounds(mebibytes=24, values=2**20, objects=10_000)
GOLDEN_OF_HDF5 = replace(GOLDEN, mebibytes=64, values=2**22)
"""HDF5 content converted to JSON, where the 8 bytes of a number take up to 25; goldens at the sizes of kernels."""

INDEX = Bounds(mebibytes=48, values=2_000_000, objects=330_000)
"""Enough for about 50,000 goldens like the built-in ones."""

OTHER = Bounds(mebibytes=24, values=2**20, objects=20_000)
"""All other files of this project: kill matrix, reports, results."""


def read_bytes(path: Path, most: int, *, below: Path | None = None) -> bytes:
    """Return all bytes of a file, at most ``most``.

    Raises InvalidFile if the file cannot be read, is a pipe, a device or a folder, is too large, or is a link that
    leads out of the folder ``below``, which is not followed.
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
        raise InvalidFile(path, [f"is larger than {most // MEBIBYTE} MiB, the limit for this kind of file"])
    return content


def _opened(path: Path, below: Path | None) -> int:
    if below is not None and not path.resolve().is_relative_to(below.resolve()):
        raise InvalidFile(path, [f"is a link to a path outside {below}; it is not followed"])
    return os.open(path, _FLAGS)


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a ``.npz`` file by name, without unpickling. Raises InvalidFile for any other file."""
    import zipfile

    content = BytesIO(read_bytes(path, OTHER.size))
    try:
        if not zipfile.is_zipfile(content):
            raise ValueError("not a file that numpy.savez writes")
        size = sum(part.file_size for part in zipfile.ZipFile(content).infolist())
        if size > OTHER.size:
            raise ValueError(f"its arrays are larger than {OTHER.mebibytes} MiB, the limit for this kind of file")
        with np.load(content, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (zipfile.BadZipFile, EOFError, MemoryError, ValueError) as error:
        raise InvalidFile(path, [f"cannot be read as NPZ: {error}"]) from None
