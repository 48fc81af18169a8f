"""How far something is that takes minutes, in one line of a terminal that goes when it is done."""

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rnn_goldens.visible import visible


@contextmanager
def progress_of(name: str) -> Iterator[Callable[[int, int], None] | None]:
    """A function of how many goldens were judged and how many there are; None where nobody looks at stderr."""
    if not sys.stderr.isatty():
        yield None
        return
    _line(f"{name}: starting")
    try:
        yield lambda judged, of: _line(f"{name}: {judged} of {of} goldens")
    finally:
        _line("")


def _line(text: str) -> None:
    width = shutil.get_terminal_size().columns - 1
    sys.stderr.write(f"\r\x1b[K{visible(text)[:width]}")
    sys.stderr.flush()
