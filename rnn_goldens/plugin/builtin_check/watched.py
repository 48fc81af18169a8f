"""A run of ``rnn-goldens check`` in a process of its own, so that whatever ends that process is noticed.

An implementation may end the process that calls it, and make its exit code 0. So the process that answers for a run is
never the one that calls implementations: it looks at what the run left behind, and takes nothing for passed that is not
there.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any, TextIO

from rnn_goldens.exit_codes import FINDING, WRONG_USE
from rnn_goldens.plugin.builtin_check import COMMAND

Document = dict[str, Any]

RESULTS, DRAWN = "results.json", "drawn.json"
_BROKEN = 3
"""What pytest exits with after an internal error, as xdist has when its workers die faster than it can ask them."""

NOW = "now"
"""The file in which the process notes what it asks; the names of those of xdist's workers begin so."""

WAY_IN = """
import os, sys
sys.path[:] = sys.argv.pop(1).split(os.pathsep)
from rnn_goldens.command_line import main
main()
"""
_NOT_INHERITED = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD")
"""What a project sets for tests of its own."""

Progress = Callable[[int, int], None]
"""Is called with how many goldens were judged, and how many were asked."""

_BETWEEN = 1.0

_END_AFTER = 5.0
"""Whoever tells this process to end is not kept waiting longer by a run that does not mind being interrupted."""

_FORWARD_AFTER = 10.0
"""A terminal interrupts both processes; if the other still runs after so many seconds, it was not told."""


@dataclass(frozen=True)
class Finished:
    """A run that is over.

    Attributes:
        code: what ``check`` exits with: 0 only if every golden that was asked passed, was refused or is known to fail.
        document: the results file, or None if the run did not begin.
        trouble: what keeps it from having judged all that was asked, in words; "" if nothing does, or it said so.
        stdout, stderr: what it printed, if that was captured.
        drawn: by test, what pages show of wrong outputs, if that was asked for.
    """

    code: int
    document: Document | None
    trouble: str
    stdout: str = ""
    stderr: str = ""
    drawn: Document = field(default_factory=dict)


@dataclass(frozen=True)
class Suite:
    """A test that is run in place of ``test_golden``.

    Attributes:
        test: its file.
        plugin: the module that pytest needs for it.
    """

    test: Path
    plugin: str


def run(
    implementation: str,
    arguments: Sequence[str],
    *,
    captured: bool = False,
    suite: Suite | None = None,
    progress: Progress | None = None,
) -> Finished:
    """Check an implementation in another process, and wait for it.

    Args:
        implementation: as ``check`` takes it; ``-- COMMAND`` for a program.
        arguments: for pytest.
        captured: whether to keep what it prints; it goes to the terminal otherwise.
        suite: another test than that of the corpus.
        progress: of what is captured, is told about once a second how many goldens of how many were judged.
    """
    with tempfile.TemporaryDirectory(prefix="rnn-goldens-") as name, alive() as held:
        folder = Path(name)
        way_in = [sys.executable, "-c", WAY_IN, os.pathsep.join(sys.path)]
        options = [] if suite is None else ["--suite", str(suite.test), "--plugin", suite.plugin]
        command = [*way_in, COMMAND, *options, str(folder), str(held), "--", implementation, *arguments]
        environment = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
        pass_fds = () if sys.platform == "win32" else (held,)
        if captured:  # in files: a process that an implementation left behind may hold a pipe open for ever
            with (
                (folder / "stdout").open("w+", encoding="utf-8", errors="replace") as out,
                (folder / "stderr").open("w+", encoding="utf-8", errors="replace") as err,
            ):
                process = subprocess.Popen(command, stdout=out, stderr=err, env=environment, pass_fds=pass_fds)
                code = _wait_and_tell(process, folder, progress)
                printed = _content(out), _content(err)
        else:
            code, printed = wait(subprocess.Popen(command, env=environment, pass_fds=pass_fds)).code, ("", "")
        document, drawn, now = _document(folder / RESULTS), _document(folder / DRAWN) or {}, _now(folder)
    trouble = _trouble(code, document, now)
    if code == 0 and not trouble and not _all_good(document):
        trouble = "no output was compared, or a golden failed that is not listed as a known failure"
    if code == _BROKEN and not trouble:
        code = WRONG_USE  # of a file that can not be written, which is seen last
    if (code == 0 and not _all_good(document)) or code not in (0, WRONG_USE) or trouble:
        code = FINDING
    return Finished(code, document, trouble, *printed, drawn)


def _wait_and_tell(process: subprocess.Popen[bytes], folder: Path, progress: Progress | None) -> int:
    try:
        while True:
            try:
                return process.wait(None if progress is None else _BETWEEN)
            except subprocess.TimeoutExpired:
                results = (_document(folder / RESULTS) or {}).get("results_so_far", [])
                if results and progress is not None:
                    progress(sum(result["outcome"] != "not-judged" for result in results), len(results))
    except BaseException:
        process.kill()
        process.wait()
        raise


def end_with_parent(alive: int) -> None:
    """End this process as soon as the one that watches over it has ended: ``alive`` is the pipe that it held open."""

    def wait() -> None:
        os.read(alive, 1)
        os._exit(FINDING)

    if sys.platform != "win32":
        Thread(target=wait, daemon=True).start()


@contextmanager
def alive() -> Iterator[int]:
    """The end to read of a pipe whose other end nobody but this process holds."""
    read, write = os.pipe()
    try:
        yield read
    finally:
        os.close(read)
        os.close(write)


@dataclass(frozen=True)
class Ended:
    """How a process came to its end.

    Attributes:
        code: its exit code.
        is_hung: whether it was killed for hanging.
        is_told: whether it, or this process, was told to end, or interrupted.
    """

    code: int
    is_hung: bool
    is_told: bool


def wait(process: subprocess.Popen[bytes], hangs: Callable[[], bool] = lambda: False) -> Ended:
    """Wait for its end. A run that is interrupted says so itself, and is waited for: not long, if this one is to end.

    Args:
        process: the run.
        hangs: is called once a second, and says whether it is to be killed.
    """
    interrupted: list[float] = []
    told_to_end: list[float] = []
    is_hung = is_told = False

    def end(*_: object) -> None:
        process.send_signal(signal.SIGINT)
        told_to_end.append(time.monotonic())

    before = signal.signal(signal.SIGINT, lambda *_: interrupted.append(time.monotonic()))
    ended = signal.signal(signal.SIGTERM, end)
    try:
        while True:
            try:
                code = process.wait(1)
                return Ended(code, is_hung and code < 0, is_told or bool(interrupted or told_to_end))
            except subprocess.TimeoutExpired:
                if hangs():
                    process.kill()
                    is_hung = True
                is_told = is_told or bool(interrupted or told_to_end)
                if interrupted and time.monotonic() - interrupted[0] > _FORWARD_AFTER:
                    process.send_signal(signal.SIGINT)
                    interrupted.clear()
                if told_to_end and time.monotonic() - told_to_end[0] > _END_AFTER:
                    process.kill()
    finally:
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGTERM, ended)


def _content(file: TextIO) -> str:
    file.seek(0)
    return file.read()


def _document(path: Path) -> Document | None:
    try:
        document: Document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return document


def _now(folder: Path) -> str:
    """What was asked when a run in one process ended, and where its code stood if it took too long."""
    path = folder / NOW
    return path.read_text("utf-8").strip() if path.is_file() else ""


def _all_good(document: Document | None) -> bool:
    if document is None or not document["complete"]:
        return False
    results = document["results"]
    good = [result for result in results if result["outcome"] in ("passed", "refused")]
    listed = [result for result in results if result["outcome"] == "known-failure" and "known" in result]
    compared = any(result["judged_by"] == "comparison" for result in results)
    return compared and len(good) + len(listed) == len(results)


def _trouble(code: int, document: Document | None, now: str) -> str:
    """Why a run has not judged all that was asked, where it could not say so itself."""
    how = f"was killed by signal {_signal(-code)}" if code < 0 else f"ended with exit code {code}"
    if document is not None and document["complete"]:
        return ""
    if code == _BROKEN:
        hint = "with -n, the processes may have died faster than xdist could ask them"
        return f"not all goldens were judged: pytest broke off with an internal error\n  {hint}"
    if document is None:
        return "" if code > 0 else f"nothing was checked: the process that was to check {how} before it asked a golden"
    return _why_incomplete(code, how, document["why"], now)


def _why_incomplete(code: int, how: str, why: str, now: str) -> str:
    from rnn_goldens.plugin.results import GOING_ON

    ended = why != GOING_ON
    if code > 0 and (ended or (code == WRONG_USE and not now)):  # which it has said itself
        return ""
    if not now:
        return f"not all goldens were judged: {why}"
    asked, *where = now.splitlines()
    if where:  # faulthandler's traceback
        return "\n".join([f"not all goldens were judged: asked {asked}, the implementation did not come back", *where])
    hint = "with -n 2 the goldens after it are asked all the same"
    return f"not all goldens were judged: asked {asked}, the process that ran it {how}\n  {hint}"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
