"""Reads untrusted ``.npz`` files."""

import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.encoding.file_bytes import read_bytes
from rnn_goldens.encoding.size_limits import OTHER
from rnn_goldens.errors import InvalidFile


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a ``.npz`` file by name. Does not unpickle anything.

    Raises:
        InvalidFile: the file cannot be read, was not written by ``numpy.savez``, is too large, or holds Python objects.
    """
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
