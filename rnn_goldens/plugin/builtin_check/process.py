"""Another process that this one answers for: how it is started, how it ends with this one, and how it is waited for."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Ended:
    """How a process came to its end.

    Attributes:
        code: its exit code.
        is_hung: whether it was killed for hanging.
        is_told: whether it, or this process, was told to end, or interrupted.
    """

    code: int
    is_hung: bool
    is_told: bool


def wait(process: subprocess.Popen[bytes], hangs: Callable[[], bool] = lambda: False) -> Ended:
    """Wait for its end. A run that is interrupted says so itself, and is waited for: not long, if this one is to end.

    Args:
        process: the run.
        hangs: is called once a second, and says whether it is to be killed.
    """
    interrupted: list[float] = []
    told_to_end: list[float] = []
    is_hung = is_told = False

    def end(*_: object) -> None:
        process.send_signal(signal.SIGINT)
        told_to_end.append(time.monotonic())

    before = signal.signal(signal.SIGINT, lambda *_: interrupted.append(time.monotonic()))
    ended = signal.signal(signal.SIGTERM, end)
    try:
        while True:
            try:
                code = process.wait(1)
                return Ended(code, is_hung and code < 0, is_told or bool(interrupted or told_to_end))
            except subprocess.TimeoutExpired:
                if hangs():
                    process.kill()
                    is_hung = True
                is_told = is_told or bool(interrupted or told_to_end)
                if interrupted and time.monotonic() - interrupted[0] > _FORWARD_AFTER:
                    process.send_signal(signal.SIGINT)
                    interrupted.clear()
                if told_to_end and time.monotonic() - told_to_end[0] > _END_AFTER:
                    process.kill()
    finally:
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGTERM, ended)
