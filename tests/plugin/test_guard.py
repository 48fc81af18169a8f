"""What an implementation does in our process stays with the golden that it was asked."""

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
from making import MakeGolden

from rnn_goldens import Golden, Unsupported
from rnn_goldens.implementations.numpy_cells import run as right
from rnn_goldens.judging.outputs import Output
from rnn_goldens.plugin.guard import Guard, ImplementationFailed, TimeIsUp, interrupting

NOTED = "made/for-a-test in float64\n"


@pytest.fixture
def golden(make_golden: MakeGolden) -> Golden:
    return make_golden(dtype="float64")


def no_gradients(*_: Any) -> Any:
    raise Unsupported("no gradients")


def guard(run: Any, seconds: float | None = None, now: Path | None = None) -> Guard:
    return Guard(run, seconds, [], now, None, no_gradients)


def test_a_question_is_passed_on_as_it_is(golden: Golden) -> None:
    question, asked = golden.question(), []

    def run(given: Any) -> Any:
        asked.append(given)
        return right(given)

    asking = guard(run)
    assert len(asking(question)) == 2
    assert asked == [question]
    asking.close()


def test_of_a_golden_the_question_alone_is_passed_on(golden: Golden) -> None:
    asked: list[Any] = []

    def run(given: Any) -> Any:
        asked.append(given)
        return right(given)

    guard(run)(golden)
    assert not isinstance(asked[0], Golden)


def test_what_takes_too_long_has_failed(golden: Golden) -> None:
    with pytest.raises(ImplementationFailed, match=r"^the implementation gave no outputs within 0\.05 s$"):
        guard(lambda _: time.sleep(60), 0.05)(golden.question())


def test_what_writes_into_its_inputs_has_failed(golden: Golden) -> None:
    def run(question: Any) -> Any:
        ctypes.memset(question.x.ctypes.data, 1, 8)
        return right(question)

    message = r"^made/for-a-test in float64: the implementation wrote into x"
    with pytest.raises(ImplementationFailed, match=message):
        guard(run)(golden)


def test_what_is_asked_stands_in_a_file_while_it_is_and_outputs_are_read_by_then(
    golden: Golden, tmp_path: Path
) -> None:
    now, seen = tmp_path / "now", []

    def run(question: Any) -> Any:
        seen.append(now.read_text("utf-8"))
        return right(question)

    asking = guard(run, 60, now)
    outputs = asking(golden.question())
    assert seen == [NOTED]
    assert now.read_text("utf-8") == ""
    assert [type(output) for output in outputs] == [Output, Output]
    asking.close()


def test_what_is_no_output_is_given_as_it_is(golden: Golden, tmp_path: Path) -> None:
    for given in (None, ("text", "more")):
        asking = guard(lambda _, given=given: given, None, tmp_path / "now")
        assert asking(golden.question()) == given
        asking.close()


HANGS = """
import signal, sys, time
from pathlib import Path
from rnn_goldens import load
from rnn_goldens.plugin.guard import Guard

def run(question):
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    time.sleep(60)

Guard(run, 0.1, [], Path(sys.argv[1]), None, run)(load("documented/single-sequence").question())
"""


def test_what_can_not_be_interrupted_is_ended_and_it_is_written_down_where_it_was(tmp_path: Path) -> None:
    now = tmp_path / "now"
    done = subprocess.run([sys.executable, "-c", HANGS, str(now)], check=False, timeout=60)
    assert done.returncode == 1
    asked, *where = now.read_text("utf-8").splitlines()
    assert asked == "documented/single-sequence in float32"
    assert any('"<string>", line 9 in run' in line for line in where)


@pytest.fixture
def no_alarm() -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, signal.SIG_IGN)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("no_alarm")
def test_an_alarm_of_others_that_is_nearer_goes_first() -> None:
    signal.setitimer(signal.ITIMER_REAL, 30)
    with interrupting(60):
        assert 29 < signal.getitimer(signal.ITIMER_REAL)[0] <= 30
        assert signal.getsignal(signal.SIGALRM) is signal.SIG_IGN


@pytest.mark.usefixtures("no_alarm")
def test_an_alarm_of_others_that_is_later_rings_when_it_should() -> None:
    signal.setitimer(signal.ITIMER_REAL, 60, 5)
    with pytest.raises(TimeIsUp), interrupting(0.5):
        time.sleep(30)
    left, interval = signal.getitimer(signal.ITIMER_REAL)
    assert 50 < left < 59.6
    assert interval == 5
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_IGN


def test_without_a_limit_nothing_is_set() -> None:
    with interrupting(None):
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    with interrupting(60):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 59
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_an_implementation_may_catch_it_once_and_no_more() -> None:
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
