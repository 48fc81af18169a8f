"""Work on a real cluster of Dask's, some of whose processes are killed."""

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
from dask_processes import Processes, dask_processes, wait_until
from made_scenarios import changed, scenario

from rnn_goldens.cluster import cluster
from rnn_goldens.corpus import open_corpus
from rnn_goldens.errors import InvalidFile, WorkersFailed, WrongUse
from rnn_goldens.generator.check import check
from rnn_goldens.generator.generate import generate
from rnn_goldens.generator.index import Whose
from rnn_goldens.generator.pool import in_order
from rnn_goldens.generator.scenario import Refused

pytestmark = pytest.mark.slow

WORK = """
import os, signal, time
from rnn_goldens.errors import InvalidFile

def takes_the_longer_the_earlier(number):
    time.sleep((20 - number) / 100)
    return number

def finds_the_third_invalid(number):
    if number == 3:
        raise InvalidFile("three.h5", ["is the third", "is odd"])
    return number

def kills_its_process(number):
    os.kill(os.getpid(), signal.SIGKILL)

def tells_its_process(number):
    time.sleep(0.1)
    return os.getpid()

at_work = 0

def tells_how_many_are_at_work(number):
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

PAGE = Path(__file__).parents[1] / "docs/scaling.md"

MISSING = "import sys; sys.modules[{!r}] = None"
"""A module's absence, as Python finds it, for a ``sitecustomize.py``."""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the module of the work, which the workers find as these tests do."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "work_for_a_cluster.py").write_text(WORK)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield folder


@pytest.fixture
def asked(work: Path) -> ModuleType:
    """The module of the work."""
    assert (work / "work_for_a_cluster.py").exists()
    return import_module("work_for_a_cluster")


@pytest.fixture(scope="module")
def processes(work: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """A cluster of three workers, one of which has four threads; nobody kills them."""
    with dask_processes(tmp_path_factory.mktemp("dask") / "cluster") as started:
        for threads in ("1", "1", "4"):
            started.add_worker("--nthreads", threads, path=work)
        yield started


@pytest.fixture
def executor(processes: Processes) -> Iterator[Executor]:
    with cluster(processes.address) as executor:
        yield executor


def as_shown(text: str) -> str:
    """A message without what is another one in each run."""
    return re.sub(r"tcp://[\w.]+:\d+|^'[^']*'|\d+ s\b", "…", text)


def is_on_the_page(error: BaseException) -> bool:
    """Whether the page on scaling shows this message."""
    shown = re.findall(r"^Error: (.*)$", PAGE.read_text("utf-8"), re.MULTILINE)
    return as_shown(str(error)) in map(as_shown, shown)


def bytes_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_corpus_made_while_a_worker_is_killed_is_to_the_byte_the_one_made_alone(tmp_path: Path) -> None:
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


def test_results_come_in_the_order_of_the_items_and_from_every_worker(executor: Executor, asked: ModuleType) -> None:
    assert list(in_order(asked.takes_the_longer_the_earlier, range(20), executor)) == list(range(20))
    assert len(set(in_order(asked.tells_its_process, range(30), executor))) == 3


def test_threads_of_one_worker_take_turns(executor: Executor, asked: ModuleType) -> None:
    assert set(in_order(asked.tells_how_many_are_at_work, range(60), executor)) == {1}


def test_the_first_error_ends_it_and_comes_as_it_was_raised(executor: Executor, asked: ModuleType) -> None:
    results = in_order(asked.finds_the_third_invalid, range(20), executor)
    assert list(islice(results, 3)) == [0, 1, 2]
    with pytest.raises(InvalidFile) as raised:
        next(results)
    assert str(raised.value) == str(InvalidFile("three.h5", ["is the third", "is odd"]))
    assert raised.value.problems == ("is the third", "is odd")
    assert list(in_order(asked.takes_the_longer_the_earlier, [19, 18], executor)) == [19, 18]


def test_a_corpus_is_checked_there_too_and_one_refused_scenario_is_one_error(
    executor: Executor, tmp_path: Path
) -> None:
    whose, good = Whose("made", "1.0.0"), [scenario(), changed(scenario(bias=False), id="made/no-bias")]
    generate(good, tmp_path / "corpus", whose=whose, executor=executor)
    corpus = open_corpus(tmp_path / "corpus")
    assert check(good, corpus, tmp_path / "scratch", whose=whose, executor=executor) == []
    refused = changed(scenario(time=5), id="made/bad", declared=("chaotic",))
    with pytest.raises(Refused, match="made/bad: chaotic is what can be checked in float64 alone"):
        generate([*good, refused], tmp_path / "corpus", whose=whose, executor=executor)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus", "scratch"]
    assert open_corpus(tmp_path / "corpus") == corpus


def test_a_cluster_that_loses_all_its_workers_is_not_waited_for_for_ever(
    tmp_path: Path, work: Path, asked: ModuleType
) -> None:
    with dask_processes(tmp_path / "dask") as started:
        started.add_worker(path=work)
        with cluster(started.address, patience=2) as executor:
            results = in_order(asked.tells_its_process, range(500), executor)
            next(results)
            started.workers[0].kill()
            with pytest.raises(WorkersFailed, match=r"the cluster has had no worker for 2 s; start some") as raised:
                list(results)
            assert is_on_the_page(raised.value)
            with pytest.raises(WorkersFailed, match="no worker for 2 s"):
                list(in_order(asked.tells_its_process, range(2), executor))


def test_a_scheduler_that_is_killed_is_one_error(tmp_path: Path, work: Path, asked: ModuleType) -> None:
    with dask_processes(tmp_path / "dask") as started:
        started.add_worker(path=work)
        with cluster(started.address) as executor:
            results = in_order(asked.tells_its_process, range(500), executor)
            next(results)
            started.scheduler.kill()
            with pytest.raises(WorkersFailed, match="the scheduler of the cluster is gone") as raised:
                list(results)
            assert is_on_the_page(raised.value)


def test_work_that_kills_one_worker_after_the_other_is_not_asked_for_ever(
    tmp_path: Path, work: Path, asked: ModuleType
) -> None:
    with dask_processes(tmp_path / "dask") as started, cluster(started.address) as executor:
        for _ in range(5):
            started.add_worker("--nthreads", "1", path=work)
        with pytest.raises(WorkersFailed, match="the same work killed several workers one after the other"):
            list(in_order(asked.kills_its_process, [0], executor))


@pytest.mark.parametrize(
    ("lacks", "said"),
    [
        ("version", "this worker has rnn-goldens 9.9; install on scheduler and workers what is here: pip install"),
        ("flint", "this worker can not do it: certifying needs python-flint: pip install 'rnn-goldens\\[generate\\]'"),
    ],
)
def test_a_worker_that_is_no_help_says_what_it_lacks_in_one_line(tmp_path: Path, lacks: str, said: str) -> None:
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
        with cluster(started.address) as executor, pytest.raises(WorkersFailed, match=said) as raised:
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
def test_what_is_no_address_is_refused_at_once(address: str) -> None:
    with pytest.raises(WrongUse, match=f"^{address!r} is no address of a scheduler") as raised, cluster(address):
        pass
    assert is_on_the_page(raised.value)


def test_an_address_where_nobody_answers_or_somebody_else_is_refused_in_time(processes: Processes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"tcp://127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises(WrongUse, match=f"^{address}: no Dask scheduler answers there within 1 s$") as raised:
            cluster(address, answer=1).__enter__()
    assert is_on_the_page(raised.value)
    with pytest.raises(WrongUse, match=f"^{address}: no Dask scheduler answers there within 1 s$"):
        cluster(address, answer=1).__enter__()
    log = (processes.folder / "worker-0.log").read_text()
    worker = log.partition("Start worker at:")[2].split()[0]
    with pytest.raises(WrongUse, match="a worker of a Dask cluster answers there; its scheduler is asked"):
        cluster(worker).__enter__()


def test_the_command_says_what_to_install(tmp_path: Path) -> None:
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
