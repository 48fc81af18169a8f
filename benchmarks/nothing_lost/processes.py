"""Processes that are ended at some moment: forked from one that has imported everything, so that each takes little."""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

Work = Callable[[], object]

INTERRUPTED, FAILED = 130, 1

_EVENTS = ("open", "os.", "shutil.", "fcntl.")
"""What Python calls operations on files."""


def begun(work: Work) -> int:
    """Do work in a process of its own; its id. It ends with 0, or with 130 if it was interrupted.

    What else it raises is shown, and ends it with 1.
    """
    sys.stdout.flush()
    if process := os.fork():
        return process
    code, at_work = FAILED, True

    def interrupt(*_: object) -> None:
        if at_work:  # not while this process ends, which is no part of the work
            raise KeyboardInterrupt

    try:
        signal.signal(signal.SIGINT, interrupt)
        work()
        at_work = False
        code = 0
    except KeyboardInterrupt:
        code = INTERRUPTED
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else FAILED
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(BaseException):
            sys.stderr.flush()
        os._exit(code)


def ended(process: int) -> int:
    """Wait for a process; its exit code, negative if a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def ended_after(work: Work, seconds: float, number: signal.Signals) -> int:
    """Do work in a process that gets a signal after so many seconds; its exit code."""
    process = begun(work)
    time.sleep(seconds)
    os.kill(process, number)  # it is there, or was there and has not been waited for
    return ended(process)


def seconds_of(work: Work) -> float:
    """How long work takes in a process of its own."""
    begin = time.monotonic()
    if code := ended(begun(work)):
        raise RuntimeError(f"ended with {code}")
    return time.monotonic() - begin


def killed_at(work: Work, operation: int, below: Path) -> int:
    """Do work in a process that is killed at its n-th operation on files below a folder; its exit code."""
    return ended(begun(lambda: _counting(work, below, operation)))


def operations_of(work: Work, below: Path) -> int:
    """How many operations on files below a folder work takes."""
    read, write = os.pipe()
    code = ended(begun(lambda: os.write(write, str(_counting(work, below, 0)).encode())))
    os.close(write)
    with os.fdopen(read) as pipe:
        if code:
            raise RuntimeError(f"ended with {code}")
        return int(pipe.read())


def _counting(work: Work, below: Path, at: int) -> int:
    count = 0

    def look(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        if event.startswith(_EVENTS) and any(
            str(below) in os.fsdecode(path) for path in arguments if isinstance(path, str | bytes | os.PathLike)
        ):
            count += 1
            if count == at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(look)
    work()
    return count
