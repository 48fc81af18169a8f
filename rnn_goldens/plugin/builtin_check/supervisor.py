"""A run of ``rnn-goldens check``, in two processes: whatever ends the one that calls implementations is noticed.

An implementation may end the process that calls it, and make its exit code 0. So the process that answers for a run is
never that one. It looks at what the run left behind in a folder, and takes nothing for passed that is not there::

    check, report → run ──── asked.json ───→ check_here → pytest.main → test_golden.py
                     ↑                                                       │ plugin.py, and the plugin of everybody
                     └─── now, results.json, drawn.json ←────────────────────┘
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TextIO

from rnn_goldens.exit_codes import FINDING, WRONG_USE
from rnn_goldens.plugin.builtin_check import COMMAND
from rnn_goldens.plugin.builtin_check.process import alive, command_line, end_with_parent, wait
from rnn_goldens.result import KNOWN, NOT_JUDGED, PASSED, REFUSED, Drawn, is_compared

Document = dict[str, Any]

ASKED, RESULTS, DRAWN = "asked.json", "results.json", "drawn.json"
"""Files in the folder: what is asked, what was found, and what pages show of it."""

NOW = "now"
"""The file in which the process notes what it asks; the names of those of xdist's workers begin so."""

_HOME = Path(__file__).parent

_BROKEN = 3
"""What pytest exits with after an internal error, as xdist has when its workers die faster than it can ask them."""

_PYTEST_TO_EXIT = {0: 0, 1: FINDING, 2: WRONG_USE, 3: _BROKEN, 4: WRONG_USE, 5: WRONG_USE}
"""pytest: passed, failed, collection error or interrupted, internal error, usage error, nothing collected."""

NOT_INHERITED = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD")
"""What a project sets for tests of its own."""

Progress = Callable[[int, int], None]
"""Is called with how many goldens were judged, and how many were asked."""

_BETWEEN = 1.0


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
    drawn: Mapping[str, Drawn] = field(default_factory=dict)


_TEST = _HOME / "test_golden.py"


def run(
    implementation: str,
    arguments: Sequence[str],
    *,
    captured: bool = False,
    progress: Progress | None = None,
) -> Finished:
    """Check an implementation in another process, and wait for it.

    Args:
        implementation: as ``check`` takes it; ``-- COMMAND`` for a program.
        arguments: for pytest.
        captured: whether to keep what it prints; it goes to the terminal otherwise.
        progress: of what is captured, is told about once a second how many goldens of how many were judged.
    """
    with tempfile.TemporaryDirectory(prefix="rnn-goldens-") as name, alive() as held:
        folder = Path(name)
        asked = [implementation, list(arguments)]
        (folder / ASKED).write_text(json.dumps(asked), "utf-8")
        command = command_line([COMMAND, str(folder), str(held)])
        environment = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
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
            code, printed = wait(subprocess.Popen(command, env=environment, pass_fds=pass_fds)), ("", "")
        document, drawn, now = _document(folder / RESULTS), _document(folder / DRAWN) or {}, _now(folder)
    trouble = _trouble(code, document, now)
    if code == 0 and not trouble and not _all_good(document):
        trouble = "no output was compared, or a golden failed that is not listed as a known failure"
    if trouble or code not in (0, WRONG_USE, _BROKEN):
        code = FINDING
    elif code == _BROKEN:  # of a file that cannot be written, which is seen last
        code = WRONG_USE
    return Finished(code, document, trouble, *printed, drawn)


def check_here(folder: Path, alive: int) -> NoReturn:
    """Check in this process, which another one watches over, what that one has written into a folder."""
    end_with_parent(alive)
    import pytest

    from rnn_goldens.implementations import check_name, resolve
    from rnn_goldens.programs.command import is_command

    implementation, arguments = json.loads((folder / ASKED).read_text("utf-8"))
    (check_name if is_command(implementation) else resolve)(implementation)  # wrong use is said before pytest starts
    status = pytest.main(
        [
            *("-c", str(_HOME / "pytest.ini"), "--rootdir", str(_HOME)),
            *("-o", f"cache_dir={Path.cwd() / '.pytest_cache'}"),
            *("-p", "rnn_goldens.plugin.builtin_check.plugin"),
            *arguments,
            f"--rnn-goldens-watched={folder}",  # last, for the last one counts
            f"--rnn-goldens-implementation={implementation}",
            str(_TEST),
        ]
    )
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_PYTEST_TO_EXIT[int(status)])  # whatever threads an implementation left, and wants to be waited for


def _wait_and_tell(process: subprocess.Popen[bytes], folder: Path, progress: Progress | None) -> int:
    try:
        while True:
            try:
                return process.wait(None if progress is None else _BETWEEN)
            except subprocess.TimeoutExpired:
                results = (_document(folder / RESULTS) or {}).get("results_so_far", [])
                if results and progress is not None:
                    progress(sum(result["outcome"] != NOT_JUDGED for result in results), len(results))
    except BaseException:
        process.kill()
        process.wait()
        raise


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
    good = [result for result in results if result["outcome"] in (PASSED, REFUSED)]
    listed = [result for result in results if result["outcome"] == KNOWN and "known" in result]
    compared = any(map(is_compared, results))
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
    from rnn_goldens.plugin.results_file import GOING_ON

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
