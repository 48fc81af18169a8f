"""What a process writes is told from what one that was killed has left: it is locked as long as it is written."""

import os
import sys
from contextlib import suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl


def hold(descriptor: int, *, at_once: bool = False) -> bool:
    """Lock an open file or folder until it is closed, or its process ends; whether that could be done.

    Args:
        descriptor: of the file or folder.
        at_once: do not wait for another that holds it.

    Returns:
        False if another holds it, or the system has no such locks, as Windows.
    """
    if sys.platform == "win32":
        return False
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | (fcntl.LOCK_NB if at_once else 0))
        return True
    return False


def is_at(path: Path, descriptor: int) -> bool:
    """Whether an open file or folder is the one that stands at a path: it may have gone there, or been replaced."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
