"""Reading a corpus that somebody may be writing: what is read is of one corpus, the old one or the new one.

A corpus is replaced as a whole, by another folder that takes its name. Whoever has read the index of the old one may
then find no file that it lists, or another.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from rnn_goldens.errors import InvalidFile
from rnn_goldens.writing import is_at

T = TypeVar("T")

_MOST = 1000
"""So often it is read again; a writer has then replaced it as often."""


def of_one_corpus(folder: Path, read: Callable[[], T], doubtful: Callable[[T], bool] = lambda _: False) -> T:
    """What a function reads of a corpus, its index first; read again where the folder was replaced meanwhile.

    Args:
        folder: the corpus.
        read: the function; it raises InvalidFile where it finds what the index does not list.
        doubtful: whether what was read may be so only because the folder was replaced.

    Raises:
        InvalidFile: something is damaged, and stands there still.
    """
    for _ in range(_MOST):
        with _watching(folder) as is_replaced:
            try:
                found = read()
            except InvalidFile:
                if not is_replaced():
                    raise
            else:
                if not (doubtful(found) and is_replaced()):
                    return found
    return read()


@contextmanager
def _watching(folder: Path) -> Iterator[Callable[[], bool]]:
    """Whether another folder stands there by now. It is held open, for a number that is free is given again."""
    try:
        held = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders; nor can one be replaced there while a file in it is read
        yield lambda: False
        return
    try:
        yield lambda: not is_at(folder, held)
    finally:
        os.close(held)
