"""Runs ``rnn-goldens check`` in a child process, so that its exit code does not depend on the implementation.

An implementation may end the process that calls it, with exit code 0. The supervisor reads the results that the child
wrote into a folder, and counts a golden as passed only if they list it as passed. These files are exchanged::

    check, report → run ──── run.json ─────→ check_here → pytest.main → test_golden.py
                     └─── now, results.json, drawn.json ←───────────────────┘
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from types import MappingProxyType
from typing import Any, NoReturn

from rnn_goldens.errors import FINDING, WRONG_USE
from rnn_goldens.golden_result import KNOWN, PASSED, REFUSED, UNCHECKED, Drawn, is_compared
from rnn_goldens.plugin import CHECK_HERE
from rnn_goldens.programs.misbehaviour import ended

Document = dict[str, Any]

REQUEST, RESULTS, DRAWN = "run.json", "results.json", "drawn.json"
"""Files in the folder: the request, the results, and pictures for pages."""

NOW = "now"
"""File that names the golden being run; each xdist worker has its own, whose name ends with the worker's id."""

_HOME = Path(__file__).parent

_INTERNAL_ERROR = 3
"""pytest's exit code for an internal error, for example when workers die faster than xdist can start tests."""

_PYTEST_TO_EXIT = {0: 0, 1: FINDING, 2: WRONG_USE, 3: _INTERNAL_ERROR, 4: WRONG_USE, 5: WRONG_USE}
"""The exit code of ``check`` for each exit code of pytest.

pytest's codes mean: passed, failed, interrupted or collection error, internal error, usage error, no tests.
"""

NOT_INHERITED = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD")
"""Environment variables that a project sets for its own tests; the child process does not get them."""

_PROGRAM = """
import os, sys
sys.path[:] = sys.argv.pop(1).split(os.pathsep)
from rnn_goldens.command_line import main
main()
"""

_END_AFTER = 5.0
"""Seconds that a run has to end after SIGTERM; then it is killed."""

_FORWARD_AFTER = 10.0
"""Ctrl-C interrupts parent and child; if the child still runs after this many seconds, it gets another SIGINT."""

Progress = Callable[[int, int], None]
"""Called with the number of goldens compared so far and the number selected."""


@dataclass(frozen=True)
class Finished:
    """A run that has ended.

    Attributes:
        code: exit code; 0 only if a golden was compared, and each one passed, was refused or is a known failure.
        document: the results file; None if the run did not begin.
        trouble: why the run is not complete or not successful, if the run itself has not reported this; else "".
        stdout, stderr: the output of the run, if captured.
        drawn: by test, the details of wrong results for pages, if requested.
    """

    code: int
    document: Document | None
    trouble: str
    stdout: str = ""
    stderr: str = ""
    drawn: Mapping[str, Drawn] = field(default_factory=dict)


def run(
    implementation: str,
    arguments: Sequence[str],
    *,
    captured: bool = False,
    progress: Progress | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Finished:
    """Check an implementation, named as for ``check``, in a child process, and wait for it. ``arguments`` are pytest's.

    The output goes to the terminal unless ``captured``; then ``progress`` is called about once a second, with the
    numbers of goldens compared and selected. ``environment`` are further variables of the child process.
    """
    with tempfile.TemporaryDirectory(prefix="rnn-goldens-") as name, alive() as pipe:
        folder = Path(name)
        request = [implementation, list(arguments)]
        (folder / REQUEST).write_text(json.dumps(request), "utf-8")
        command = [sys.executable, "-c", _PROGRAM, os.pathsep.join(sys.path), CHECK_HERE, str(folder), str(pipe)]
        inherited = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        pass_fds = () if sys.platform == "win32" else (pipe,)
        out, err = folder / "stdout", folder / "stderr"  # a process that an implementation leaves may keep a pipe open
        with out.open("wb") as stdout, err.open("wb") as stderr:
            streams = (stdout, stderr) if captured else (None, None)
            process = subprocess.Popen(
                command, stdout=streams[0], stderr=streams[1], env={**inherited, **environment}, pass_fds=pass_fds
            )
            code = _wait_with_progress(process, folder, progress) if captured else wait(process)
        document, drawn = _document(folder / RESULTS), _document(folder / DRAWN) or {}
        now, *printed = (_text(path) for path in (folder / NOW, out, err))
    trouble = _trouble(code, document, now.strip())
    if code == 0 and not trouble and not _all_good(document):
        trouble = "no output was compared, or a golden failed that is not listed as a known failure"
    if trouble or code not in (0, WRONG_USE, _INTERNAL_ERROR):
        code = FINDING
    elif code == _INTERNAL_ERROR:  # the results file could not be written
        code = WRONG_USE
    return Finished(code, document, trouble, printed[0], printed[1], drawn)


def check_here(folder: Path, alive: int) -> NoReturn:
    """Run the check that the supervisor, the parent process, has requested in a folder."""
    end_with_parent(alive)
    import pytest

    from rnn_goldens.implementations import check_name, resolve
    from rnn_goldens.programs.command import is_command

    implementation, arguments = json.loads((folder / REQUEST).read_text("utf-8"))
    (check_name if is_command(implementation) else resolve)(implementation)  # report wrong use before pytest starts
    status = pytest.main(
        [
            *("-c", str(_HOME / "pytest.ini"), "--rootdir", str(_HOME)),
            *("-o", f"cache_dir={Path.cwd() / '.pytest_cache'}"),
            *("-p", "rnn_goldens.plugin.builtin_check.test_golden"),
            *arguments,
            f"--rnn-goldens-watched={folder}",  # after the user's arguments: the last value counts
            f"--rnn-goldens-implementation={implementation}",
            str(_HOME / "test_golden.py"),
        ]
    )
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_PYTEST_TO_EXIT[int(status)])  # without waiting for threads that an implementation left


def _wait_with_progress(process: subprocess.Popen[bytes], folder: Path, progress: Progress | None) -> int:
    def show() -> None:
        results = (_document(folder / RESULTS) or {}).get("results_so_far", [])
        if results and progress is not None:
            progress(sum(result["outcome"] != UNCHECKED for result in results), len(results))

    try:
        return _polled(process, show if progress is not None else lambda: None)
    except BaseException:
        process.kill()
        process.wait()
        raise


def _polled(process: subprocess.Popen[bytes], tick: Callable[[], None]) -> int:
    """Wait for a run to end, calling ``tick`` about once a second; returns its exit code."""
    while True:
        try:
            return process.wait(1)
        except subprocess.TimeoutExpired:
            tick()


def _text(path: Path) -> str:
    """Return the content of a file; "" if there is none."""
    return path.read_text("utf-8", "replace") if path.is_file() else ""


def _document(path: Path) -> Document | None:
    try:
        document: Document = json.loads(_text(path))
    except ValueError:
        return None
    return document


def _all_good(document: Document | None) -> bool:
    results = document["results"] if document is not None and document["complete"] else []
    is_good = [r["outcome"] in (PASSED, REFUSED) or (r["outcome"] == KNOWN and "known" in r) for r in results]
    return any(map(is_compared, results)) and all(is_good)


def _trouble(code: int, document: Document | None, now: str) -> str:
    """Return why a run is not complete; "" if it is complete, or if the run has reported the reason.

    ``now`` is the golden that was running when the process ended, with a traceback if it took too long; else "".
    """
    if document is not None and document["complete"]:
        return ""
    how = ended(code) if code < 0 else f"ended with exit code {code}"
    incomplete = "not all goldens were compared:"
    if code == _INTERNAL_ERROR:
        hint = "with -n, workers may have died faster than xdist could start tests"
        return f"{incomplete} pytest had an internal error\n  {hint}"
    if document is None:
        return "" if code > 0 else f"nothing was checked: the checking process {how} before it ran a golden"
    from rnn_goldens.plugin.report_file import RUNNING

    if code > 0 and (document["why"] != RUNNING or (code == WRONG_USE and not now)):  # the run has reported it
        return ""
    golden, *where = now.splitlines() or [""]
    what = f"the process {how} while it ran {golden}\n  with -n 2 the goldens after it are still run"
    if where:  # faulthandler's traceback
        what = "\n".join([f"the implementation did not return for {golden}", *where])
    return f"{incomplete} {what if golden else document['why']}"


@contextmanager
def alive() -> Iterator[int]:
    """Yield the read end of a pipe whose write end only this process has."""
    read, write = os.pipe()
    try:
        yield read
    finally:
        os.close(read)
        os.close(write)


def end_with_parent(alive: int) -> None:
    """End this process as soon as its parent ends: ``alive`` is the read end of the parent's pipe."""

    def wait() -> None:
        os.read(alive, 1)
        os._exit(FINDING)

    if sys.platform != "win32":
        Thread(target=wait, daemon=True).start()


def wait(process: subprocess.Popen[bytes]) -> int:
    """Wait for a run to end; returns its exit code.

    After SIGINT, waits until the run has reported the interruption. After SIGTERM, kills a run that does not end soon.
    """
    received: dict[int, float] = {}

    def note(number: int, _: object) -> None:
        received.setdefault(number, time.monotonic())
        if number == signal.SIGTERM:
            process.send_signal(signal.SIGINT)

    def tick() -> None:
        now = time.monotonic()
        if now - received.get(signal.SIGINT, now) > _FORWARD_AFTER:
            process.send_signal(signal.SIGINT)
            del received[signal.SIGINT]
        if now - received.get(signal.SIGTERM, now) > _END_AFTER:
            process.kill()

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return _polled(process, tick)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
