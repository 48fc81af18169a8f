"""Goldens are generated and checked on real Dask clusters; some tests kill processes of a cluster."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Executor
from importlib import import_module
from itertools import islice
from pathlib import Path
from types import ModuleType

import pytest
from cluster.dask_processes import Processes, dask_processes, wait_until
from factories.scenarios import changed, scenario

from rnn_goldens.cluster import cluster
from rnn_goldens.corpus import open_corpus
from rnn_goldens.errors import InvalidFile, WorkersFailed, WrongUse
from rnn_goldens.generator.generate import generate
from rnn_goldens.generator.index import CorpusIdentity
from rnn_goldens.generator.pool import in_order
from rnn_goldens.generator.reproducibility import check
from rnn_goldens.generator.scenario import Refused

pytestmark = pytest.mark.slow

WORK = """
import os, signal, time
from rnn_goldens.errors import InvalidFile

def takes_longer_the_earlier(number):
    time.sleep((20 - number) / 100)
    return number

def finds_the_third_invalid(number):
    if number == 3:
        raise InvalidFile("three.h5", ["is the third", "is odd"])
    return number

def kills_its_process(number):
    os.kill(os.getpid(), signal.SIGKILL)

def returns_its_process(number):
    time.sleep(0.1)
    return os.getpid()

at_work = 0

def counts_concurrent_calls(number):
    global at_work
    at_work += 1
    time.sleep(0.05)
    found, at_work = at_work, at_work - 1
    return found
"""

MINE = """
import numpy as np
from rnn_goldens import Scenario

VERSION = "1.0.0"

class OnlyThisFileKnows:
    def __init__(self, numbers):
        self.numbers = numbers

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.numbers, dtype)

def one(number):
    random = np.random.default_rng(number)
    shapes = {"weight_ih_l0": (4, 3), "weight_hh_l0": (4, 4)}
    return Scenario(
        id=f"mine/drawn-{number}",
        purpose="One of many.",
        cell="rnn_tanh",
        weights={name: OnlyThisFileKnows(random.integers(-64, 65, shape) / 64) for name, shape in shapes.items()},
        x=OnlyThisFileKnows(random.integers(-64, 65, (2, 5, 3)) / 64),
    )

SCENARIOS = [one(number) for number in range(300)]
"""

PAGE = Path(__file__).parents[2] / "docs/own-goldens.md"

MISSING = "import sys; sys.modules[{!r}] = None"
"""Code for a ``sitecustomize.py`` that makes a module impossible to import."""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with ``work_for_a_cluster.py``, which workers and tests can import."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "work_for_a_cluster.py").write_text(WORK)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield folder


@pytest.fixture
def module(work: Path) -> ModuleType:
    """The module ``work_for_a_cluster``."""
    assert (work / "work_for_a_cluster.py").exists()
    return import_module("work_for_a_cluster")


@pytest.fixture(scope="module")
def processes(work: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """A cluster of three workers, one of them with four threads; no test kills its processes."""
    with dask_processes(tmp_path_factory.mktemp("dask") / "cluster") as started:
        for threads in ("1", "1", "4"):
            started.add_worker("--nthreads", threads, path=work)
        yield started


@pytest.fixture
def executor(processes: Processes) -> Iterator[Executor]:
    with cluster(processes.address) as executor:
        yield executor


def as_shown(text: str) -> str:
    """Return a message without the parts that differ between runs."""
    return re.sub(r"tcp://[\w.]+:\d+|^'[^']*'|\d+ s\b", "…", text)


def is_on_the_page(error: BaseException) -> bool:
    """Return whether the page contains the message of an error."""
    shown = re.findall(r"^Error: (.*)$", PAGE.read_text("utf-8"), re.MULTILINE)
    return as_shown(str(error)) in map(as_shown, shown)


def bytes_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_corpus_generated_while_a_worker_is_killed_has_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    command = [sys.executable, "-m", "rnn_goldens", "generate", "--scenarios", "mine.py", "--into"]
    subprocess.run([*command, "alone"], cwd=tmp_path, check=True, capture_output=True)
    with dask_processes(tmp_path / "dask") as started:
        for _ in range(3):
            started.add_worker("--nthreads", "1")
        running = subprocess.Popen([*command, "far", "--dask", started.address], cwd=tmp_path)
        wait_until(lambda: len(list(tmp_path.glob(".rnn-goldens-writing.*/new/far/mine/*.h5"))) > 5)
        started.workers[0].kill()
        assert len(list(tmp_path.glob(".rnn-goldens-writing.*/new/far/mine/*.h5"))) < 200
        assert running.wait() == 0
        assert started.workers[0].wait() == -signal.SIGKILL
    assert len(open_corpus(tmp_path / "far").entries) == 300
    assert bytes_in(tmp_path / "far") == bytes_in(tmp_path / "alone")


def test_results_are_in_the_order_of_the_items_and_from_all_workers(executor: Executor, module: ModuleType) -> None:
    assert list(in_order(module.takes_longer_the_earlier, range(20), executor)) == list(range(20))
    assert len(set(in_order(module.returns_its_process, range(30), executor))) == 3


def test_the_threads_of_one_worker_run_one_call_at_a_time(executor: Executor, module: ModuleType) -> None:
    assert set(in_order(module.counts_concurrent_calls, range(60), executor)) == {1}


def test_the_first_error_ends_the_work_and_is_raised_unchanged(executor: Executor, module: ModuleType) -> None:
    results = in_order(module.finds_the_third_invalid, range(20), executor)
    assert list(islice(results, 3)) == [0, 1, 2]
    with pytest.raises(InvalidFile) as raised:
        next(results)
    assert str(raised.value) == str(InvalidFile("three.h5", ["is the third", "is odd"]))
    assert raised.value.problems == ("is the third", "is odd")
    assert list(in_order(module.takes_longer_the_earlier, [19, 18], executor)) == [19, 18]


def test_a_corpus_is_checked_on_the_cluster_and_a_refused_scenario_is_one_error(
    executor: Executor, tmp_path: Path
) -> None:
    identity, good = CorpusIdentity("made", "1.0.0"), [scenario(), changed(scenario(bias=False), id="made/no-bias")]
    generate(good, tmp_path / "corpus", identity=identity, executor=executor)
    corpus = open_corpus(tmp_path / "corpus")
    assert check(good, corpus, tmp_path / "scratch", identity=identity, executor=executor) == []
    refused = changed(scenario(time=5), id="made/bad", declared=("chaotic",))
    with pytest.raises(Refused, match="made/bad: chaotic means that only float64 can be checked"):
        generate([*good, refused], tmp_path / "corpus", identity=identity, executor=executor)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus", "scratch"]
    assert open_corpus(tmp_path / "corpus") == corpus


def test_losing_all_workers_is_an_error_after_a_time_limit(tmp_path: Path, work: Path, module: ModuleType) -> None:
    with dask_processes(tmp_path / "dask") as started:
        started.add_worker(path=work)
        with cluster(started.address, patience=2) as executor:
            results = in_order(module.returns_its_process, range(500), executor)
            next(results)
            started.workers[0].kill()
            with pytest.raises(WorkersFailed, match=r"the cluster has had no worker for 2 s; start some") as raised:
                list(results)
            assert is_on_the_page(raised.value)
            with pytest.raises(WorkersFailed, match="no worker for 2 s"):
                list(in_order(module.returns_its_process, range(2), executor))


def test_a_scheduler_that_is_killed_is_one_error(tmp_path: Path, work: Path, module: ModuleType) -> None:
    with dask_processes(tmp_path / "dask") as started:
        started.add_worker(path=work)
        with cluster(started.address) as executor:
            results = in_order(module.returns_its_process, range(500), executor)
            next(results)
            started.scheduler.kill()
            with pytest.raises(WorkersFailed, match="the scheduler of the cluster has stopped") as raised:
                list(results)
            assert is_on_the_page(raised.value)


def test_work_that_kills_its_workers_is_not_retried_forever(tmp_path: Path, work: Path, module: ModuleType) -> None:
    with dask_processes(tmp_path / "dask") as started, cluster(started.address) as executor:
        for _ in range(5):
            started.add_worker("--nthreads", "1", path=work)
        with pytest.raises(WorkersFailed, match="the same work killed several workers one after the other"):
            list(in_order(module.kills_its_process, [0], executor))


@pytest.mark.parametrize(
    ("lacks", "message"),
    [
        ("version", "this worker has rnn-goldens 9.9; install the same version on scheduler and workers: pip install"),
        ("flint", "this worker cannot do the work: certifying needs python-flint: pip install 'rnn-goldens"),
    ],
)
def test_an_unsuitable_worker_is_an_error_that_says_what_it_lacks(tmp_path: Path, lacks: str, message: str) -> None:
    other = tmp_path / "other"
    other.mkdir()
    if lacks == "version":
        (other / "rnn_goldens-9.9.dist-info").mkdir()
        metadata = "Metadata-Version: 2.1\nName: rnn-goldens\nVersion: 9.9\n"
        (other / "rnn_goldens-9.9.dist-info/METADATA").write_text(metadata)
    else:
        (other / "sitecustomize.py").write_text(MISSING.format(lacks))
    with dask_processes(tmp_path / "dask") as started:
        started.add_worker(path=other)
        with cluster(started.address) as executor, pytest.raises(WorkersFailed, match=message) as raised:
            generate([scenario()], tmp_path / "corpus", executor=executor)
    assert is_on_the_page(raised.value)
    assert not (tmp_path / "corpus").exists()


def test_a_scheduler_without_this_package_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(MISSING.format("rnn_goldens"))
    with dask_processes(tmp_path / "dask", path=tmp_path) as started:
        started.add_worker()
        with cluster(started.address) as executor, pytest.raises(WorkersFailed, match="No module named 'rnn_goldens"):
            generate([scenario()], tmp_path / "corpus", executor=executor)


@pytest.mark.parametrize(
    "address", ["", "here", "here:there", "http://127.0.0.1:80", "tcp://127.0.0.1", "inproc://1/2/3"]
)
def test_an_invalid_address_is_an_error(address: str) -> None:
    with pytest.raises(WrongUse, match=f"^{address!r} is not the address of a scheduler") as raised, cluster(address):
        pass
    assert is_on_the_page(raised.value)


def test_an_address_without_a_scheduler_is_an_error(processes: Processes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"tcp://127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises(WrongUse, match=f"^{address}: no Dask scheduler answers there within 1 s$") as raised:
            cluster(address, answer=1).__enter__()
    assert is_on_the_page(raised.value)
    with pytest.raises(WrongUse, match=f"^{address}: no Dask scheduler answers there within 1 s$"):
        cluster(address, answer=1).__enter__()
    log = (processes.folder / "worker-0.log").read_text()
    worker = log.partition("Start worker at:")[2].split()[0]
    with pytest.raises(WrongUse, match="a worker of a Dask cluster answers there; use the address of its scheduler"):
        cluster(worker).__enter__()


def test_the_command_prints_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(MISSING.format("distributed"))
    (tmp_path / "mine.py").write_text(MINE)
    command = [sys.executable, "-m", "rnn_goldens", "generate", "--scenarios", "mine.py", "--into", "far"]
    done = subprocess.run(
        [*command, "--dask", "tcp://127.0.0.1:8786"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == "Error: a Dask cluster needs distributed: pip install 'rnn-goldens[dask]'\n"
    assert done.stderr in PAGE.read_text("utf-8")
    assert not (tmp_path / "far").exists()
