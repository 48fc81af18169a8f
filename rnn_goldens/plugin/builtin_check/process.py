"""Another process that this one answers for: how it is started, how it ends with this one, and how it is waited for."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Thread

from rnn_goldens.exit_codes import FINDING

_WAY_IN = """
import os, sys
sys.path[:] = sys.argv.pop(1).split(os.pathsep)
from rnn_goldens.command_line import main
main()
"""

_END_AFTER = 5.0
"""Whoever tells this process to end is not kept waiting longer by a run that does not mind being interrupted."""

_FORWARD_AFTER = 10.0
"""A terminal interrupts both processes; if the other still runs after so many seconds, it was not told."""


def command_line(arguments: Sequence[str]) -> list[str]:
    """What runs ``rnn-goldens`` with these arguments, and finds the modules that this process finds."""
    return [sys.executable, "-c", _WAY_IN, os.pathsep.join(sys.path), *arguments]


@contextmanager
def alive() -> Iterator[int]:
    """The end to read of a pipe whose other end nobody but this process holds."""
    read, write = os.pipe()
    try:
        yield read
    finally:
        os.close(read)
        os.close(write)


def end_with_parent(alive: int) -> None:
    """End this process as soon as the one that watches over it has ended: ``alive`` is the pipe that it held open."""

    def wait() -> None:
        os.read(alive, 1)
        os._exit(FINDING)

    if sys.platform != "win32":
        Thread(target=wait, daemon=True).start()


def wait(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end of a run; return its exit code.

    A run that is interrupted says so itself, and is waited for: not long, if this process is to end.
    """
    interrupted: list[float] = []
    told_to_end: list[float] = []

    def end(*_: object) -> None:
        process.send_signal(signal.SIGINT)
        told_to_end.append(time.monotonic())

    before = signal.signal(signal.SIGINT, lambda *_: interrupted.append(time.monotonic()))
    ended = signal.signal(signal.SIGTERM, end)
    try:
        while True:
            try:
                return process.wait(1)
            except subprocess.TimeoutExpired:
                if interrupted and time.monotonic() - interrupted[0] > _FORWARD_AFTER:
                    process.send_signal(signal.SIGINT)
                    interrupted.clear()
                if told_to_end and time.monotonic() - told_to_end[0] > _END_AFTER:
                    process.kill()
    finally:
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGTERM, ended)
