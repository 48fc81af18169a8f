"""Runs every mistake in every kind of run and checks that no wrong golden is reported as passed.

Each mistake in ``mistakes`` runs on the four documented goldens: by ``rnn-goldens check``, by ``rnn-goldens
report`` and in a user's project, with and without two xdist workers. The exit code, the results file and the JUnit
file of each run are compared with the goldens that the mistake logged.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from benchmarks import page
from benchmarks.benchmark import Measured
from benchmarks.mistakes import IMPLEMENTATIONS, TESTS, Mistake

TEST_OF_IMPLEMENTATION = """
def test_it(rnn_golden, rnn_implementation):
    rnn_golden.check(*rnn_implementation(rnn_golden))
"""
OPTIONS = ["-k", "documented", "--rnn-goldens-time-limit=0.5", "-p", "no:cacheprovider", "-q", "--tb=no"]
FILES = ["--rnn-goldens-report=results.json", "--junitxml=junit.xml"]
TWO = ["-n", "2"]
SECONDS = 120
"""Time limit of a run."""

RUNS = ("check", "check -n 2", "report", "report -n 2", "pytest", "pytest -n 2")

HEADER = """\
## Unchecked goldens do not pass

Each mistake below was run on the four documented goldens by each command ([the
code](../../benchmarks/mistakes.py)): none made a wrong golden count as passed. One exit code is wrong: a user's own
pytest exits with 0 if the implementation ends the process with exit code 0 ({below}); its results file says that the
run was cut short.

An entry is the exit code and the outcomes in the results file; for `report`, those in `conformance.json` in four
precisions, if it was written. *cut short*: the results file says that the run is not complete. Mistakes with the same
entries share a row.
"""


@dataclass(frozen=True)
class RunReport:
    """The report of a run: exit code, the outcome of each golden and precision in all files, and text for the table."""

    code: int
    outcomes: tuple[tuple[str, str], ...]
    text: str


def measured() -> Measured:
    """Return the section, and the runs that report a wrong golden as passed, or a right one as failed."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # child processes would inherit an ignored signal
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        of_implementations = list(pool.map(_of_implementation, IMPLEMENTATIONS))
        of_tests = list(pool.map(_of_test, TESTS))
    errors = [line for _, _, found in (*of_implementations, *of_tests) for line in found]
    return Measured(_page(of_implementations, of_tests), errors)


Row = tuple[Mistake, list[str], list[str]]
"""A mistake, its entries in the table, and the errors in its reports."""


def _of_implementation(mistake: Mistake) -> Row:
    implementation = ["--rnn-goldens-implementation=net:run"]
    return _row(
        mistake,
        {
            "check": ["-m", "rnn_goldens", "check", "net:run", *OPTIONS, *FILES],
            "check -n 2": ["-m", "rnn_goldens", "check", "net:run", *OPTIONS, *FILES, *TWO],
            "report": ["-m", "rnn_goldens", "report", "net:run", *OPTIONS[:2], "--time-limit", "0.5"],
            "report -n 2": ["-m", "rnn_goldens", "report", "net:run", *OPTIONS[:2], "--time-limit", "0.5", *TWO],
            "pytest": ["-m", "pytest", *OPTIONS, *FILES, *implementation],
            "pytest -n 2": ["-m", "pytest", *OPTIONS, *FILES, *implementation, *TWO],
        },
        {"net.py": mistake.module, "test_net.py": TEST_OF_IMPLEMENTATION},
    )


def _of_test(mistake: Mistake) -> Row:
    return _row(
        mistake,
        {
            "pytest": ["-m", "pytest", *OPTIONS, *FILES],
            "pytest -n 2": ["-m", "pytest", *OPTIONS, *FILES, *TWO],
        },
        {"test_net.py": mistake.module},
    )


def _row(mistake: Mistake, runs: dict[str, list[str]], files: dict[str, str]) -> Row:
    entries, errors = [], []
    for name, command in runs.items():
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            for file, content in files.items():
                (home / file).write_text(content, "utf-8")
            (home / "pytest.ini").write_text("[pytest]\n", "utf-8")
            run_report = _run(command, home)
            found = _errors(mistake, run_report, home, of_user=name.startswith("pytest"))
        entries.append(run_report.text)
        errors += [f"{mistake.name}, {name}: {text}" for text in found]
    return mistake, entries, errors


def _run(command: Sequence[str], home: Path) -> RunReport:
    parts = []
    # A process group that is killed at the end, and a file for the output: forked processes may keep a pipe open.
    with (home / "printed.txt").open("w") as printed:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=home, stdout=printed, stderr=printed, start_new_session=True
        )
        try:
            process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            parts.append(f"timed out after {SECONDS} s")
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    code = process.wait()
    parts.append(f"exit {code}")
    outcomes = []
    if (conformance := home / "conformance.json").is_file():
        (of_net,) = json.loads(conformance.read_text("utf-8"))["implementations"]
        counts = Counter({name: sum(r[name] for r in of_net["results"]) for name in ("passed", "refused", "wrong")})
        parts.append(_counted(counts))
        outcomes += [("", "passed")] * counts["passed"]
    if (results := home / "results.json").is_file():
        document = json.loads(results.read_text("utf-8"))
        entries = document["results" if document["complete"] else "results_so_far"]
        parts.append(
            _counted(Counter(entry["outcome"] for entry in entries)) + ("" if document["complete"] else ", cut short")
        )
        outcomes += [(f"{entry['golden']} {entry['dtype']}", entry["outcome"]) for entry in entries]
    outcomes += dict(_in_junit(home / "junit.xml")).items()  # the last outcome of a golden counts
    return RunReport(code, tuple(outcomes), ": ".join(filter(None, parts)))


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()) if count) or "none"


def _in_junit(path: Path) -> Iterable[tuple[str, str]]:
    """Yield the outcomes in a JUnit file: the property of each test case, and whether the case failed."""
    if not path.is_file():
        return
    for case in ElementTree.parse(path).iter("testcase"):
        for found in case.iterfind(".//property[@name='rnn_goldens']"):
            entry: dict[str, Any] = json.loads(str(found.get("value")))
            golden = f"{entry['golden']} {entry['dtype']}"
            yield golden, entry["outcome"]
            if entry["outcome"] == "passed" and any(case.find(bad) is not None for bad in ("failure", "error")):
                yield golden, "failed"


def _errors(mistake: Mistake, run_report: RunReport, home: Path, *, of_user: bool) -> list[str]:
    """Return the errors in the report of a run."""
    logged = (home / "logged.txt").read_text("utf-8").splitlines() if (home / "logged.txt").is_file() else []
    passed = [golden for golden, outcome in run_report.outcomes if outcome == "passed"]
    if mistake.harmless:
        others = {outcome for _, outcome in run_report.outcomes} - {"passed"}
        return [f"a right golden does not pass: {run_report.text}"] if others or run_report.code else []
    found = [f"{golden} passed" for golden in passed if golden in logged]
    if "" in passed and len(passed) + len(set(logged)) > len(PRECISE) * len(DOCUMENTED):
        found.append("more goldens passed than were right")
    # A user's test may expect a failure or skip explicitly; an implementation may not.
    expects = mistake in TESTS and mistake.name in ("`check_fails`", "`pytest.skip()`")
    if run_report.code == 0 and not expects and not (mistake.ends_python and of_user):
        found.append("exit 0")
    if not logged and run_report.outcomes and not mistake.name.endswith("imported"):
        found.append("the mistake did not happen")
    return found


PRECISE = ("float64", "float32", "bfloat16", "float16")
DOCUMENTED = ("single-sequence", "mini-batch", "mini-batch-ascending", "identity-w-hh")


def _page(of_implementations: Sequence[Row], of_tests: Sequence[Row]) -> str:
    below = ", ".join(m.name for m, _, _ in of_implementations if m.ends_python)
    count = len(of_implementations) + len(of_tests)
    return "\n".join(
        [
            HEADER.format(below=below),
            f"{count} mistakes. Mistakes of an implementation:\n",
            page.table(("mistake", *RUNS), _grouped(of_implementations)),
            "Mistakes of a test:\n",
            page.table(("mistake", *RUNS[-2:]), _grouped(of_tests)),
        ]
    )


def _grouped(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """Return the rows of the table, one for all mistakes with the same entries."""
    together: dict[tuple[str, ...], list[str]] = {}
    for mistake, entries, _ in rows:
        together.setdefault(tuple(entries), []).append(mistake.name)
    return [("; ".join(names), *entries) for entries, names in together.items()]
