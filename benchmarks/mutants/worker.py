"""Asks the tests about one mutant after the other, each in a process that is forked off with all libraries imported.

    python -m benchmarks.mutants.worker FOLDER    # a job a line on stdin, what became of it a line on stdout, in JSON

FOLDER, where it runs, holds a copy of the checkout, into which the mutants are written; nothing else is touched.
"""

import contextlib
import gc
import importlib
import json
import os
import resource
import select
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

LIBRARIES = (
    *("h5py", "hypothesis", "jax.numpy", "jsonschema", "ml_dtypes", "numpy", "pytest", "rich.console", "torch", "trio"),
    *("_hypothesis_pytestplugin", "_pytest.pytester", "pytest_asyncio.plugin", "pytest_cov.plugin", "xdist.plugin"),
)
"""What pytest and the tests import, and no mutant changes."""

MEMORY = 8 * 2**30
"""Bytes that a mutant may ask for."""

Tell = Callable[[object], NoReturn]
"""Gives an answer, at once."""

FAILED_TO_BEGIN = "none: the tests could not begin"
TOO_SLOW = "none: too slow"


def main() -> None:
    """Answer jobs until stdin ends."""
    folder = Path(sys.argv[1])
    warnings.simplefilter("ignore")  # of forking, by JAX
    for library in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(library)
    gc.freeze()
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    assert "rnn_goldens" not in sys.modules
    for line in sys.stdin:
        job = json.loads(line)
        print(json.dumps(_answer(folder, job)), flush=True)


def _answer(folder: Path, job: dict[str, Any]) -> Any:  # noqa: ANN401 - what each kind of job gives
    if job["kind"] == "touched":
        return _forked(lambda _: _touched(job["tests"], job["modules"], folder), job["seconds"])
    with _written(folder / job["module"], job["source"]):
        killer = _forked(lambda tell: _killer(job["tests"], tell), job["seconds"])
    return killer if killer is not None else TOO_SLOW


def _tell(stream: int, answer: object) -> NoReturn:
    """Answer, and end this process."""
    text = json.dumps(answer).encode()
    while text:
        text = text[os.write(stream, text) :]
    os._exit(0)


@contextlib.contextmanager
def _written(path: Path, text: str) -> Iterator[None]:
    """A file with another text, for as long as this lasts."""
    before, times = path.read_bytes(), path.stat()
    path.write_text(text, "utf-8")
    try:
        yield
    finally:
        path.write_bytes(before)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def _forked(work: Callable[[Tell], Any], seconds: float) -> Any:  # noqa: ANN401 - what work gives
    """What a function gives or tells in a process of its own; None if it takes longer, or dies without a word."""
    end, begin = os.pipe()
    child = os.fork()
    if not child:
        os.close(end)
        os.setsid()
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nowhere, stream)
        with contextlib.suppress(BaseException):
            _tell(begin, work(partial(_tell, begin)))
        os._exit(1)
    os.close(begin)
    text, until = b"", time.monotonic() + seconds
    while select.select([end], [], [], max(until - time.monotonic(), 0))[0] and (more := os.read(end, 2**16)):
        text += more
    os.close(end)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    try:
        return json.loads(text)
    except ValueError:
        return None


ARGUMENTS = ("-x", "-q", "--assert=plain", "-p", "no:cacheprovider", "--rootdir", ".")


class _Asked:
    """A plugin of pytest: the chosen tests alone, in the order given; the first that fails is told at once."""

    def __init__(self, tests: list[str], tell: Tell) -> None:
        self.place = {test: place for place, test in enumerate(tests)}
        self.tell = tell

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = [item for item in items if item.nodeid in self.place]
        items.sort(key=lambda item: self.place[item.nodeid])

    def pytest_runtest_logreport(self, report: Any) -> None:  # noqa: ANN401 - pytest.TestReport
        if report.failed:
            self.tell(report.nodeid)


def _killer(tests: list[str], tell: Tell) -> str:
    """The test that fails, "" if none does."""
    import pytest

    files = dict.fromkeys(test.partition("::")[0] for test in tests)
    code = pytest.main([*ARGUMENTS, *files], plugins=[_Asked(tests, tell)])
    return "" if code == pytest.ExitCode.OK else FAILED_TO_BEGIN


class _Watched:
    """A plugin of pytest: how long each test took, and that each is a context of its own."""

    def __init__(self, switch: Callable[[str], object]) -> None:
        self.switch = switch
        self.seconds: dict[str, float] = {}
        self.failed: list[str] = []

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.switch(nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:  # noqa: ANN401 - pytest.TestReport
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0) + report.duration
        if report.failed:
            self.failed.append(report.nodeid)


def _touched(tests: list[str], modules: list[str], folder: Path) -> dict[str, Any]:
    """Of each test how long it took and which lines of the modules it ran, and which tests failed."""
    import coverage
    import pytest

    measured = coverage.Coverage(data_file=None, include=[str(folder / module) for module in modules])
    watched = _Watched(measured.switch_context)
    measured.start()
    pytest.main([*ARGUMENTS, "-m", "not slow", *tests], plugins=[watched])
    measured.stop()
    data = measured.get_data()
    lines = {module: data.contexts_by_lineno(str(folder / module)) for module in modules}
    return {"seconds": watched.seconds, "failed": watched.failed, "lines": lines}


if __name__ == "__main__":
    main()
