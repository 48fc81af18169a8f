"""Programs that are checked and start others: whether any process is there after the run, however it ended."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.nothing_lost.row import Row

PROGRAM = Path(__file__).parents[2] / "tests" / "programs" / "tiny_rnn.py"

WHAT = {
    "hangs_with_a_child": "a program that hangs, and its child",
    "hangs_and_minds_no_signal": "a program and its child that ignore SIGTERM and Ctrl-C",
    "hangs_with_a_daemon": "a program and its daemon (double fork, setsid)",
}

_SECONDS = 20.0
"""How long they may take to be there, and to be gone."""


def programs() -> Iterator[Row]:
    """Each of them, in a run that comes to its end, one that Ctrl-C ends, and one that is killed."""
    for told, what in WHAT.items():
        errors = 0
        for number in (None, signal.SIGINT, signal.SIGKILL):
            with TemporaryDirectory() as home:
                errors += bool(_left(Path(home), told, number))
        yield Row(f"{what}: the end, Ctrl-C and kill -9 of the run", 3, None, 0, errors, 0)


def _left(home: Path, told: str, number: signal.Signals | None) -> list[int]:
    """Which processes a run has left that ended by a signal or, without one, by itself."""
    limit = "1" if number is None else "60"
    options = ["-k", "documented/single", f"--rnn-goldens-time-limit={limit}", "-p", "no:cacheprovider"]
    with (home / "printed.txt").open("w") as printed:
        run = subprocess.Popen(
            [sys.executable, "-m", "rnn_goldens", "check", *options, "--", sys.executable, PROGRAM, f"1={told}"],
            env=os.environ | {"PIDS": str(home / "pids.txt")},
            cwd=home,
            stdout=printed,
            stderr=printed,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
        )
        _wait_for(lambda: len(_noted(home)) == 2)  # noqa: PLR2004 - the program and what it started
        if number is not None:
            os.killpg(run.pid, number)
        run.wait(60)
    with suppress(TimeoutError):
        _wait_for(lambda: not _running(home))
    return _running(home)


def _wait_for(what: Callable[[], bool]) -> None:
    end = time.monotonic() + _SECONDS
    while not what():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.05)


def _noted(home: Path) -> list[int]:
    path = home / "pids.txt"
    return [int(line) for line in path.read_text("utf-8").split()] if path.exists() else []


def _running(home: Path) -> list[int]:
    """By the environment of the run: the program, what it started, and who watches over them."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"PIDS={home / 'pids.txt'}\0".encode() in (process / "environ").read_bytes():
                found.append(int(process.name))
    return found
