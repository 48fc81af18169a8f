"""Misbehaviour of an implementation in the process of pytest affects only the golden that is being run."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from factories.goldens import MakeGolden

from rnn_goldens import Golden, Unsupported
from rnn_goldens.comparison.array_conversion import Output
from rnn_goldens.implementations.numpy_cells import run as right
from rnn_goldens.plugin.implementation import Guard, ImplementationFailed, TimeIsUp, interrupting

RUNNING = "made/for-a-test in float64\n"


@pytest.fixture
def golden(make_golden: MakeGolden) -> Golden:
    return make_golden(dtype="float64")


def no_gradients(*_: Any) -> Any:
    raise Unsupported("no gradients")


def guard(run: Any, seconds: float | None = None, now: Path | None = None) -> Guard:
    return Guard(run, seconds, [], now, no_gradients)


def test_only_the_inputs_of_a_golden_are_passed_on_and_unchanged(golden: Golden) -> None:
    inputs, received = golden.for_implementation(), list[Any]()

    def run(values: Any) -> Any:
        received.append(values)
        return right(values)

    guarded = guard(run)
    assert len(guarded(inputs)) == 2
    assert received == [inputs]
    guarded(golden)
    assert not isinstance(received[1], Golden)
    guarded.close()


def test_a_call_that_takes_too_long_fails(golden: Golden) -> None:
    with pytest.raises(ImplementationFailed, match=r"^the implementation returned no outputs within 0\.05 s$"):
        guard(lambda _: time.sleep(60), 0.05)(golden.for_implementation())


def test_an_implementation_that_writes_into_its_inputs_fails(golden: Golden) -> None:
    def run(inputs: Any) -> Any:
        ctypes.memset(inputs.x.ctypes.data, 1, 8)
        return right(inputs)

    message = r"^made/for-a-test in float64: the implementation wrote into x"
    with pytest.raises(ImplementationFailed, match=message):
        guard(run)(golden)


def test_the_golden_being_run_is_in_a_file_and_outputs_are_read_within_the_call(golden: Golden, tmp_path: Path) -> None:
    now, contents = tmp_path / "now", []

    def run(inputs: Any) -> Any:
        contents.append(now.read_text("utf-8"))
        return right(inputs)

    guarded = guard(run, 60, now)
    outputs = guarded(golden.for_implementation())
    assert contents == [RUNNING]
    assert now.read_text("utf-8") == ""
    assert [type(output) for output in outputs] == [Output, Output]
    guarded.close()


def test_values_that_are_not_arrays_are_returned_unchanged(golden: Golden, tmp_path: Path) -> None:
    for values in (None, ("text", "more")):
        guarded = guard(lambda _, values=values: values, None, tmp_path / "now")
        assert guarded(golden.for_implementation()) == values
        guarded.close()


HANGS = """
import signal, sys, time
from pathlib import Path
from rnn_goldens import load
from rnn_goldens.plugin.implementation import Guard

def run(inputs):
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    time.sleep(60)

Guard(run, 0.1, [], Path(sys.argv[1]), run)(load("documented/single-sequence").for_implementation())
"""


def test_a_call_that_cannot_be_interrupted_is_ended_with_a_traceback(tmp_path: Path) -> None:
    now = tmp_path / "now"
    done = subprocess.run([sys.executable, "-c", HANGS, str(now)], check=False, timeout=60)
    assert done.returncode == 1
    running, *where = now.read_text("utf-8").splitlines()
    assert running == "documented/single-sequence in float32"
    assert any('"<string>", line 9 in run' in line for line in where)


@pytest.fixture
def ignored_alarm() -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, signal.SIG_IGN)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("ignored_alarm")
def test_an_earlier_alarm_of_the_caller_is_kept() -> None:
    signal.setitimer(signal.ITIMER_REAL, 30)
    with interrupting(60):
        assert 29 < signal.getitimer(signal.ITIMER_REAL)[0] <= 30
        assert signal.getsignal(signal.SIGALRM) is signal.SIG_IGN


@pytest.mark.usefixtures("ignored_alarm")
def test_a_later_alarm_of_the_caller_is_restored() -> None:
    signal.setitimer(signal.ITIMER_REAL, 60, 5)
    with pytest.raises(TimeIsUp), interrupting(0.5):
        time.sleep(30)
    left, interval = signal.getitimer(signal.ITIMER_REAL)
    assert 50 < left < 59.6
    assert interval == 5
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_IGN


def test_without_a_limit_no_alarm_is_set() -> None:
    with interrupting(None):
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    with interrupting(60):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 59
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_an_implementation_can_catch_the_first_interrupt_only() -> None:
    caught = []

    def stubborn() -> None:
        try:
            time.sleep(30)
        except TimeIsUp:
            caught.append(os.getpid())
        time.sleep(30)

    begin = time.monotonic()
    with pytest.raises(TimeIsUp), interrupting(0.2):
        stubborn()
    assert len(caught) == 1
    assert time.monotonic() - begin < 20
