"""Builds the command of a child process, waits for the process, and ends it when its parent ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Thread

from rnn_goldens.exit_codes import FINDING

_PROGRAM = """
import os, sys
sys.path[:] = sys.argv.pop(1).split(os.pathsep)
from rnn_goldens.command_line import main
main()
"""

_END_AFTER = 5.0
"""Seconds that a run has to end after SIGTERM; then it is killed."""

_FORWARD_AFTER = 10.0
"""Ctrl-C interrupts parent and child; if the child still runs after this many seconds, it gets another SIGINT."""


def command_line(arguments: Sequence[str]) -> list[str]:
    """Return the command that runs ``rnn-goldens`` with these arguments and this process's import path."""
    return [sys.executable, "-c", _PROGRAM, os.pathsep.join(sys.path), *arguments]


@contextmanager
def alive() -> Iterator[int]:
    """Yield the read end of a pipe whose write end only this process has."""
    read, write = os.pipe()
    try:
        yield read
    finally:
        os.close(read)
        os.close(write)


def end_with_parent(alive: int) -> None:
    """End this process as soon as its parent ends: ``alive`` is the read end of the parent's pipe."""

    def wait() -> None:
        os.read(alive, 1)
        os._exit(FINDING)

    if sys.platform != "win32":
        Thread(target=wait, daemon=True).start()


def wait(process: subprocess.Popen[bytes]) -> int:
    """Wait for a run to end; returns its exit code.

    After SIGINT, waits until the run has reported the interruption. After SIGTERM, kills a run that does not end soon.
    """
    interrupted: list[float] = []
    terminated: list[float] = []

    def end(*_: object) -> None:
        process.send_signal(signal.SIGINT)
        terminated.append(time.monotonic())

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
                if terminated and time.monotonic() - terminated[0] > _END_AFTER:
                    process.kill()
    finally:
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGTERM, ended)
