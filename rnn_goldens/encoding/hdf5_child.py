"""A process that reads HDF5 and can be lost: bytes of a file come in, its JSON or what is wrong with it goes out.

It can open no file and write none, has little memory, and the system ends it when a file takes longer than it may.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

MOST_SECONDS = 1.0
"""Of CPU, for a file."""

_MOST_BYTES = 2**28
_HEAD = 8
GOOD, BAD = b"+", b"-"


def send(to: BinaryIO, content: bytes) -> None:
    """Write a message: how long it is, and itself."""
    to.write(len(content).to_bytes(_HEAD) + content)
    to.flush()


def received(source: BinaryIO) -> bytes | None:
    """Read a message; None if there is none, or only a part."""
    head = source.read(_HEAD)
    content = source.read(int.from_bytes(head))
    return content if len(head) == _HEAD and len(content) == int.from_bytes(head) else None


def main() -> None:
    """Answer one message after the other until there are no more."""
    import msgspec

    from rnn_goldens.encoding.hdf5_file import read_tree
    from rnn_goldens.encoding.tree import to_document

    source, answers = sys.stdin.buffer, sys.stdout.buffer
    send(answers, GOOD)
    _limit()
    while (content := received(source)) is not None:
        send(answers, _answer(content, read_tree, lambda tree: msgspec.json.encode(to_document(tree))))


def _answer(content: bytes, read: Callable[[bytes], Any], written: Callable[[Any], bytes]) -> bytes:
    _alarm(MOST_SECONDS)
    try:
        return GOOD + written(read(content))
    except Exception as error:  # h5py's are of many kinds
        said = str(error.args[0]) if isinstance(error, KeyError) else str(error)
        return BAD + (said or type(error).__name__).encode("utf-8", "replace")
    finally:
        _alarm(0)


def _alarm(seconds: float) -> None:
    """Let the system end this process after some more CPU, wherever it is; it has no handler, which would wait."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _limit() -> None:
    """Limits, where the system has them."""
    try:
        import resource
    except ImportError:
        return
    for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        resource.setrlimit(kind, (0, 0))
    if (used := _virtual_memory()) is not None:
        resource.setrlimit(resource.RLIMIT_AS, (used + _MOST_BYTES, used + _MOST_BYTES))


def _virtual_memory() -> int | None:
    """Bytes that this process has asked for; None where the system does not say."""
    try:
        with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123
            return int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None
