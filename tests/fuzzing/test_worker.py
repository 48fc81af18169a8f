"""An implementation in a process of its own: what it returns, and whatever it does instead, is an answer."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from rnn_goldens import Unsupported, load
from rnn_goldens.errors import RnnGoldensError, WrongUse
from rnn_goldens.fuzzing.worker import Worker
from rnn_goldens.plugin.guard import ImplementationFailed

GOLDEN = load("documented/mini-batch", dtype="float32")

NETS = """
import os, signal, sys, time
import pytest
from rnn_goldens import Unsupported
from rnn_goldens.implementations.numpy_cells import run as right

def refuses(golden):
    raise Unsupported("one direction only")

def raises(golden):
    raise IndexError("two directions")

def exits(golden):
    sys.exit(0)

def skips(golden):
    pytest.skip("no device")

def ends(golden):
    os._exit(0)

def is_killed(golden):
    os.kill(os.getpid(), signal.SIGSEGV)

def hangs(golden):
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGALRM, signal.SIGTERM])
    time.sleep(1000)

def writes(golden):
    outputs = right(golden)
    golden.stored.x.setflags(write=True)
    golden.stored.x[...] = 7
    return outputs

def nothing(golden):
    out, h_n = right(golden)
    return out, None

def one(golden):
    return right(golden)[0]

def misused(golden):
    return golden.weights_as("nobody's")

asked = 0

def right_but_the_second_time(golden):
    global asked
    asked += 1
    if asked == 2:
        os._exit(3)
    return right(golden)
"""

Started = Callable[..., Worker]


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Started]:
    """Start a worker with a network of the module."""
    module = f"nets_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{module}.py").write_text(NETS, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    workers: list[Worker] = []

    def start(name: str, time_limit: float = 60.0) -> Worker:
        workers.append(Worker(f"{module}:{name}", time_limit))
        return workers[-1]

    yield start
    for worker in workers:
        worker.close()


def test_outputs_are_those_of_the_implementation(started: Started) -> None:
    worker = started("right")
    for _ in range(2):
        GOLDEN.check(*worker(GOLDEN.question()))


def test_outputs_have_the_precision_that_they_came_in(started: Started) -> None:
    out, _ = started("right")(load("documented/mini-batch", dtype="float16").question())
    assert out.dtype == "float16"


def test_what_is_refused_is_refused(started: Started) -> None:
    with pytest.raises(Unsupported, match="one direction only"):
        started("refuses")(GOLDEN.question())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("raises", "raised IndexError: two directions"),
        ("exits", "raised SystemExit: 0"),
        ("skips", "raised Skipped: no device"),
        ("ends", "ended its process, which exited with code 0"),
        ("is_killed", "ended its process, which was killed by signal SIGSEGV"),
        ("writes", "wrote into x: inputs and weights are its caller's"),
        ("nothing", "returned no numbers: h_n is None"),
        ("one", "raised TypeError: the implementation returned one array"),
        ("misused", "raised rnn_goldens.errors.UnknownName: no convention"),
    ],
)
def test_whatever_it_does_instead_is_said_and_it_is_asked_again(started: Started, name: str, said: str) -> None:
    worker = started(name)
    for _ in range(2):
        with pytest.raises(ImplementationFailed) as failed:
            worker(GOLDEN.question())
        assert str(failed.value).startswith(f"{GOLDEN.id} in float32: nets_")
        assert said in str(failed.value)


def test_an_error_says_where_it_was_raised_and_nothing_of_this_package(started: Started) -> None:
    with pytest.raises(ImplementationFailed) as failed:
        started("raises")(GOLDEN.question())
    said = str(failed.value)
    assert 'raise IndexError("two directions")' in said
    assert "worker.py" not in said


def test_what_hangs_is_ended_when_its_time_is_over(started: Started) -> None:
    begin = time.monotonic()
    with pytest.raises(ImplementationFailed, match=r"hangs gave no outputs within 0\.5 s"):
        started("hangs", time_limit=0.5)(GOLDEN.question())
    assert time.monotonic() - begin < 30


def test_a_process_that_ended_is_started_again(started: Started) -> None:
    worker = started("right_but_the_second_time")
    worker(GOLDEN.question())
    with pytest.raises(ImplementationFailed, match="exited with code 3"):
        worker(GOLDEN.question())
    assert np.array_equal(worker(GOLDEN.question())[0].values, load(GOLDEN.id, dtype="float32").out)


def test_what_can_not_be_imported_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "raises_at_once.py").write_text("raise OSError('no such device')", "utf-8")
    (tmp_path / "ends_at_once.py").write_text("import os\nos._exit(0)", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(RnnGoldensError, match="importing raises_at_once failed: no such device"):
        Worker("raises_at_once:run")
    with pytest.raises(RnnGoldensError, match="'ends_at_once:run' ended its process, which exited with code 0"):
        Worker("ends_at_once:run")
    with pytest.raises(WrongUse, match="math has no 'none'"):
        Worker("math:none")


def test_what_hangs_when_it_is_imported_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hangs_at_import.py").write_text("import time\ntime.sleep(60)\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(RnnGoldensError, match=r"'hangs_at_import:run' is not imported within 1 s"):
        Worker("hangs_at_import:run", 1)
