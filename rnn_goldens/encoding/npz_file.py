"""Arrays that somebody else wrote, with ``numpy.savez``."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.encoding.bounds import OTHER


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a ``.npz`` file by name; nothing in it is run.

    Raises:
        OSError: it can not be read.
        ValueError: it is none that ``numpy.savez`` writes, or too large, or holds objects.
    """
    try:
        if path.is_file() and not zipfile.is_zipfile(path):
            raise ValueError("it is none that numpy.savez writes")
        with zipfile.ZipFile(path) as archive:
            size = sum(part.file_size for part in archive.infolist())
        if size > OTHER.size:
            raise ValueError(f"its arrays are larger than {OTHER.mebibytes} MiB, and those of no golden are")
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (zipfile.BadZipFile, EOFError, MemoryError) as error:
        raise ValueError(str(error)) from None
