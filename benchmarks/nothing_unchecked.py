"""Runs every mistake by every command and checks that no wrong golden is reported as passed.

Each mistake in ``mistakes`` runs on the four documented goldens: by ``rnn-goldens check`` and ``report``, and in a
user's project, with and without two xdist workers. The exit code and the results of each run are compared with the
goldens that the mistake logged. That JUnit files have the same results is the subject of ``tests/plugin``.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks import page
from benchmarks.benchmark import Measured
from benchmarks.mistakes import IMPLEMENTATIONS, TESTS, Mistake

TEST_OF_IMPLEMENTATION = """
def test_it(rnn_golden, rnn_implementation):
    rnn_golden.check(*rnn_implementation(rnn_golden))
"""
GOLDENS = 4
REPORT = ["-k", "documented", "--dtype", "float32", "--time-limit", "0.5"]
OPTIONS = ["-k", "documented", "--rnn-goldens-time-limit=0.5", "-p", "no:cacheprovider", "-q", "--tb=no"]
OPTIONS += ["--rnn-goldens-report=results.json"]
IN_TESTS = {"pytest": ["pytest", *OPTIONS], "pytest -n 2": ["pytest", *OPTIONS, "-n", "2"]}
OF_IMPLEMENTATIONS = {
    "check": ["rnn_goldens", "check", "net:run", *OPTIONS],
    "report": ["rnn_goldens", "report", "net:run", *REPORT],
    **{name: [*command, "--rnn-goldens-implementation=net:run"] for name, command in IN_TESTS.items()},
}
"""The commands of ``python -m`` by name."""

SECONDS = 120
"""Time limit of a run."""

HEADER = """\
## Unchecked goldens do not pass

Each of {count} mistakes below was run on the four documented goldens by each command ([the
code](../../benchmarks/mistakes.py)): none made a wrong golden count as passed. One exit code is wrong: a user's own
pytest exits with 0 if the implementation ends the process with exit code 0 ({ending}); its results file says that the
run was cut short.

An entry is the exit code and the outcomes in the results file; for `report`, those in `conformance.json`, if it was
written. *cut short*: the results file says that the run is not complete.
"""


class RunReport(NamedTuple):
    """The report of a run: exit code, each golden with its outcome, and text for the table."""

    code: int
    outcomes: Sequence[tuple[str, str]]
    text: str


class Row(NamedTuple):
    """A mistake, its row of the table, and the errors in its reports."""

    mistake: Mistake
    cells: Sequence[str]
    errors: Sequence[str]


def measured() -> Measured:
    """Return the section, and the runs that report a wrong golden as passed, or a right one as failed."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # child processes would inherit an ignored signal
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        of_implementations = list(pool.map(partial(_row, OF_IMPLEMENTATIONS), IMPLEMENTATIONS))
        of_tests = list(pool.map(partial(_row, IN_TESTS), TESTS))
    rows = [*of_implementations, *of_tests]
    ending = ", ".join(row.mistake.name for row in of_implementations if row.mistake.ends_python)
    parts = [
        HEADER.format(count=len(rows), ending=ending),
        "Mistakes of an implementation:\n",
        page.table(("mistake", *OF_IMPLEMENTATIONS), [row.cells for row in of_implementations]),
        "Mistakes of a test:\n",
        page.table(("mistake", *IN_TESTS), [row.cells for row in of_tests]),
    ]
    return Measured("\n".join(parts), [line for row in rows for line in row.errors])


def _row(commands: dict[str, list[str]], mistake: Mistake) -> Row:
    files = {"pytest.ini": "[pytest]\n", "test_net.py": mistake.module}
    if mistake in IMPLEMENTATIONS:
        files |= {"net.py": mistake.module, "test_net.py": TEST_OF_IMPLEMENTATION}
    cells, errors = [mistake.name], []
    for name, command in commands.items():
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            for file, content in files.items():
                (home / file).write_text(content, "utf-8")
            report = _run(command, home)
            log = home / "logged.txt"
            logged = set(log.read_text("utf-8").splitlines()) if log.is_file() else set[str]()
        cells.append(report.text)
        by_user = name.startswith("pytest")
        errors += [f"{mistake.name}, {name}: {error}" for error in _errors(mistake, report, logged, by_user=by_user)]
    return Row(mistake, cells, errors)


def _run(command: Sequence[str], home: Path) -> RunReport:
    # A process group that is killed at the end, and a file for the output: forked processes may keep a pipe open.
    with (home / "printed.txt").open("w") as printed:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=home, stdout=printed, stderr=printed, start_new_session=True
        )
        with suppress(subprocess.TimeoutExpired):
            process.wait(SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    code, outcomes, complete = process.wait(), list[tuple[str, str]](), True
    if (conformance := home / "conformance.json").is_file():
        (of_net,) = json.loads(conformance.read_text("utf-8"))["implementations"]
        for outcome in ("passed", "refused", "wrong"):
            outcomes += [("", outcome)] * sum(row[outcome] for row in of_net["results"])
    if (results := home / "results.json").is_file():
        document = json.loads(results.read_text("utf-8"))
        complete = document["complete"]
        entries = document["results" if complete else "results_so_far"]
        outcomes += [(f"{entry['golden']} {entry['dtype']}", entry["outcome"]) for entry in entries]
    counts = sorted(Counter(outcome for _, outcome in outcomes).items())
    counted = ", ".join(f"{count} {outcome}" for outcome, count in counts)
    return RunReport(code, outcomes, f"exit {code}: {counted or 'none'}" + ("" if complete else ", cut short"))


def _errors(mistake: Mistake, report: RunReport, logged: set[str], *, by_user: bool) -> list[str]:
    """Return the errors in the report of a run."""
    passed = [golden for golden, outcome in report.outcomes if outcome == "passed"]
    if mistake.harmless:
        is_right = len(passed) == len(report.outcomes) == GOLDENS and report.code == 0
        return [] if is_right else [f"a right golden does not pass: {report.text}"]
    found = [f"{golden} passed" for golden in passed if golden in logged]
    if len(passed) + len(logged) > GOLDENS:
        found.append("more goldens passed than were right")
    # A user's test may expect a failure or skip explicitly; an implementation may not.
    expects = mistake in TESTS and mistake.name in ("`check_fails`", "`pytest.skip()`")
    if report.code == 0 and not expects and not (mistake.ends_python and by_user):
        found.append("exit 0")
    if not logged and report.outcomes and not mistake.name.endswith("imported"):
        found.append("the mistake did not happen")
    return found
