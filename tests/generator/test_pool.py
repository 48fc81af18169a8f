"""Work in many processes: all processes end when the work ends or is killed."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rnn_goldens.generator.pool import AHEAD, in_order

WORK = """
import contextlib, os, signal, sys, time
from multiprocessing import parent_process
from pathlib import Path
from rnn_goldens.generator.pool import in_order

def takes_long(number):
    (Path(__file__).parent / f"begun-{number}").touch()
    end = time.monotonic() + 60
    while time.monotonic() < end:
        sum(range(100_000))

def is_wrong_at_once_or_takes_long(number):
    if number == 0:
        raise ValueError("the first one is wrong")
    takes_long(number)

def kills_its_process(number):
    os.kill(os.getpid(), signal.SIGKILL)

def raises_an_error_that_cannot_be_pickled(number):
    error = ValueError("it holds a file")
    error.file = open(__file__)
    raise error

def takes_longer_the_earlier(number):
    time.sleep((16 - number) / 100)
    return number

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a terminal, even if the tests ignore the signal
    print(list(in_order(globals()[sys.argv[1]], range(16))))
"""

FEW = """
import os
from rnn_goldens.generator.pool import in_order

def process(_):
    return os.getpid()

if __name__ == "__main__":
    for parallel in (False, True):
        print({pid == os.getpid() for pid in in_order(process, range(3), parallel=parallel)})
"""

SECONDS = 10
"""Time limit for operations that take a second on an idle machine."""

Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """A function that starts work in a new process group."""
    started: list[subprocess.Popen[str]] = []
    (tmp_path / "work.py").write_text(WORK)

    def start(work: str) -> "subprocess.Popen[str]":
        command = [sys.executable, str(tmp_path / "work.py"), work]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True))
        return started[-1]

    yield start
    for running in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_work_that_is_killed_leaves_no_process(start: Start, tmp_path: Path, number: signal.Signals) -> None:
    running = start("takes_long")
    wait_for_work(tmp_path)
    assert len(group(running.pid)) > 1
    running.send_signal(number)
    _, errors = running.communicate(timeout=SECONDS)
    assert running.returncode == -number
    assert is_of_one_process(errors) if number == signal.SIGINT else "Traceback" not in errors
    assert not left_of_group(running.pid)


def test_ctrl_c_ends_every_process(start: Start, tmp_path: Path) -> None:
    running = start("takes_long")
    wait_for_work(tmp_path)
    os.killpg(running.pid, signal.SIGINT)
    assert running.communicate(timeout=SECONDS)[1].endswith("\nKeyboardInterrupt\n")
    assert running.returncode == -signal.SIGINT
    assert not left_of_group(running.pid)


def is_of_one_process(errors: str) -> bool:
    return errors.count("Traceback (most recent call last)") == 1 and errors.endswith("\nKeyboardInterrupt\n")


@pytest.mark.parametrize(
    ("work", "code", "end"),
    [
        ("is_wrong_at_once_or_takes_long", 1, "ValueError: the first one is wrong"),
        ("raises_an_error_that_cannot_be_pickled", 1, "TypeError: cannot pickle .*"),
        ("kills_its_process", 1, "rnn_goldens.errors.WorkersFailed: a worker process was killed.*"),
    ],
)
def test_an_error_ends_all_work(start: Start, work: str, code: int, end: str) -> None:
    running = start(work)
    _, errors = running.communicate(timeout=SECONDS)
    assert re.search(f"^{end}$", errors, re.MULTILINE)
    assert running.returncode == code
    assert not left_of_group(running.pid)


def test_results_are_in_the_order_of_the_items(start: Start) -> None:
    running = start("takes_longer_the_earlier")
    assert running.communicate(timeout=SECONDS) == (f"{list(range(16))}\n", "")
    assert running.returncode == 0
    assert not left_of_group(running.pid)


def test_an_executor_runs_one_call_at_a_time_and_is_not_shut_down() -> None:
    at_work = 0

    def concurrent_calls(_: int) -> int:
        nonlocal at_work
        at_work += 1
        time.sleep(0.01)
        found, at_work = at_work, at_work - 1
        return found

    with ThreadPoolExecutor(4) as executor:
        assert list(in_order(concurrent_calls, range(20), executor)) == [1] * 20
        assert executor.submit(abs, -1).result() == 1


def test_the_number_of_pending_calls_is_limited() -> None:
    submitted: list[int] = []
    with ThreadPoolExecutor(1) as executor:
        results = in_order(submitted.append, range(5 * AHEAD), executor)
        next(results)
        assert isinstance(results, Generator)
        results.close()
    assert 1 <= len(submitted) <= AHEAD + 1


def wait_for_work(folder: Path) -> None:
    end = time.monotonic() + 30
    while not list(folder.glob("begun-*")):
        assert time.monotonic() < end, "no work was begun"
        time.sleep(0.02)


def left_of_group(group_id: int) -> list[str]:
    """Return the processes of a group that are left after the time limit."""
    end = time.monotonic() + SECONDS
    while (left := group(group_id)) and time.monotonic() < end:
        time.sleep(0.05)
    return left


def group(group_id: int) -> list[str]:
    listed = subprocess.run(["ps", "-e", "-o", "pgid=,stat=,args="], capture_output=True, text=True, check=True).stdout
    running = [line.split(maxsplit=2) for line in listed.splitlines()]
    return [" ".join(args) for pgid, stat, *args in running if pgid == str(group_id) and not stat.startswith("Z")]


def test_few_items_are_worked_on_here_unless_processes_are_worth_it(tmp_path: Path) -> None:
    (tmp_path / "few.py").write_text(FEW)
    done = subprocess.run([sys.executable, tmp_path / "few.py"], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["{True}", "{False}"]
