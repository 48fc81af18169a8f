"""Reads untrusted ``.npz`` files."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.encoding.size_limits import OTHER


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a ``.npz`` file by name. Does not unpickle anything.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file was not written by ``numpy.savez``, is too large, or holds Python objects.
    """
    try:
        if path.is_file() and not zipfile.is_zipfile(path):
            raise ValueError("not a file that numpy.savez writes")
        with zipfile.ZipFile(path) as archive:
            size = sum(part.file_size for part in archive.infolist())
        if size > OTHER.size:
            raise ValueError(f"its arrays are larger than {OTHER.mebibytes} MiB, the limit for this kind of file")
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (zipfile.BadZipFile, EOFError, MemoryError) as error:
        raise ValueError(str(error)) from None
