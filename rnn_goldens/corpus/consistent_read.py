"""Reads a corpus while another process may replace it, so that all files that are read belong to one version.

A corpus is replaced as a whole: another folder takes its name. A reader of the old index may then find files missing
or changed.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from rnn_goldens.atomic_write import is_at
from rnn_goldens.errors import InvalidFile

T = TypeVar("T")

_MAX_RETRIES = 1000
"""The largest number of retries."""


def read_consistently(folder: Path, read: Callable[[], T], may_be_wrong: Callable[[T], bool] = lambda _: False) -> T:
    """Return the result of a function that reads a corpus; retry if replacing the folder may have affected it.

    Args:
        folder: the corpus.
        read: reads the index first; raises InvalidFile if a file differs from its entry in the index.
        may_be_wrong: returns whether a result may be wrong if the folder was replaced.

    Raises:
        InvalidFile: a file is damaged, and the folder was not replaced or every retry failed, too.
    """
    for _ in range(_MAX_RETRIES):
        with _watching(folder) as is_replaced:
            try:
                result = read()
            except InvalidFile:
                if not is_replaced():
                    raise
            else:
                if not (may_be_wrong(result) and is_replaced()):
                    return result
    return read()


@contextmanager
def _watching(folder: Path) -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether the folder was replaced.

    The old folder stays open, so its inode is not reused.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows cannot open folders, nor replace one while a file in it is open
        yield lambda: False
        return
    try:
        yield lambda: not is_at(folder, descriptor)
    finally:
        os.close(descriptor)
