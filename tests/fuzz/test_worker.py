"""An implementation in a separate process: its outputs are returned, and every other behaviour is an error."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from rnn_goldens import Unsupported, load
from rnn_goldens.errors import RnnGoldensError, WrongUse
from rnn_goldens.fuzz.worker import Worker
from rnn_goldens.plugin.implementation import ImplementationFailed

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

calls = 0

def right_but_the_second_time(golden):
    global calls
    calls += 1
    if calls == 2:
        os._exit(3)
    return right(golden)
"""

Started = Callable[..., Worker]


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Started]:
    """A function that starts a worker with a function of ``NETS``."""
    module = f"nets_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{module}.py").write_text(NETS, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    workers: list[Worker] = []

    def start(name: str, time_limit: float = 60.0, outputs: tuple[str, ...] = ()) -> Worker:
        workers.append(Worker(f"{module}:{name}", time_limit, outputs))
        return workers[-1]

    yield start
    for worker in workers:
        worker.close()


def test_the_worker_returns_the_outputs_of_the_implementation(started: Started) -> None:
    worker = started("right")
    for _ in range(2):
        GOLDEN.check(*worker(GOLDEN.for_implementation()))


@pytest.mark.parametrize("name", ["right", "one", "nothing"])
def test_only_the_outputs_to_compare_are_required(started: Started, name: str) -> None:
    outputs = started(name, outputs=("out",))(GOLDEN.for_implementation())
    assert outputs[1] is None
    GOLDEN.check(*outputs, outputs=["out"])


def test_outputs_keep_their_precision(started: Started) -> None:
    out, _ = started("right")(load("documented/mini-batch", dtype="float16").for_implementation())
    assert out is not None
    assert out.dtype == "float16"


def test_a_refusal_raises_unsupported(started: Started) -> None:
    with pytest.raises(Unsupported, match="one direction only"):
        started("refuses")(GOLDEN.for_implementation())


@pytest.mark.sampled(every=3)
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("raises", "raised IndexError: two directions"),
        ("exits", "raised SystemExit: 0"),
        ("skips", "raised Skipped: no device"),
        ("ends", "ended its process, which exited with code 0"),
        ("is_killed", "ended its process, which was killed by signal SIGSEGV"),
        ("writes", "wrote into x: inputs and weights belong to the caller"),
        ("nothing", "returned no numbers: h_n is None"),
        ("one", "raised TypeError: the implementation returned one array"),
        ("misused", "raised rnn_goldens.errors.UnknownName: no convention"),
    ],
)
def test_other_behaviour_is_an_error_and_the_worker_stays_usable(started: Started, name: str, message: str) -> None:
    worker = started(name)
    for _ in range(2):
        with pytest.raises(ImplementationFailed) as failed:
            worker(GOLDEN.for_implementation())
        assert str(failed.value).startswith(f"{GOLDEN.id} in float32: nets_")
        assert message in str(failed.value)
        assert ('raise IndexError("two directions")' in str(failed.value)) == (name == "raises")
        assert "worker.py" not in str(failed.value)  # a traceback has no lines of this package


@pytest.mark.slow
def test_a_hanging_implementation_is_killed_after_the_time_limit(started: Started) -> None:
    begin = time.monotonic()
    with pytest.raises(ImplementationFailed, match=r"hangs returned no outputs within 2 s"):
        started("hangs", time_limit=2)(GOLDEN.for_implementation())
    assert time.monotonic() - begin < 30


def test_a_process_that_ended_is_restarted(started: Started) -> None:
    worker = started("right_but_the_second_time")
    worker(GOLDEN.for_implementation())
    with pytest.raises(ImplementationFailed, match="exited with code 3"):
        worker(GOLDEN.for_implementation())
    out, _ = worker(GOLDEN.for_implementation())
    assert out is not None
    assert np.array_equal(out.values, load(GOLDEN.id, dtype="float32").out)


def test_an_implementation_that_cannot_be_imported_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "raises_at_once.py").write_text("raise OSError('no such device')", "utf-8")
    (tmp_path / "ends_at_once.py").write_text("import os\nos._exit(0)", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(RnnGoldensError, match="importing raises_at_once failed: no such device"):
        Worker("raises_at_once:run")
    with pytest.raises(RnnGoldensError, match="'ends_at_once:run' ended its process, which exited with code 0"):
        Worker("ends_at_once:run")
    with pytest.raises(WrongUse, match="math has no 'none'"):
        Worker("math:none")


@pytest.mark.slow
def test_an_import_that_hangs_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hangs_at_import.py").write_text("import time\ntime.sleep(60)\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("rnn_goldens.fuzz.worker.IMPORT_LIMIT", 1.0)
    with pytest.raises(RnnGoldensError, match=r"'hangs_at_import:run' was not imported within 1 s"):
        Worker("hangs_at_import:run", 0.5)


@pytest.mark.slow
def test_an_import_may_take_longer_than_a_golden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slow_to_import.py").write_text("import time\ntime.sleep(1)\ndef run(golden): ...\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    Worker("slow_to_import:run", 0.2).close()
