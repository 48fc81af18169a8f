"""Whether any way of misbehaving, in any way of running, says of a golden that it passed though it was not right.

Each mistake in ``misbehaviours`` is run for real, over the four documented goldens: by ``rnn-goldens check`` and
``report`` and in a project of a user's, in one process and in two of xdist. What each says, by its exit code, its
results file and its JUnit file, is held against what the misbehaving code itself wrote down.

    python -m benchmarks.nothing_unchecked    # from the checkout; --write renews docs/results/nothing-unchecked.md
"""

import argparse
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
from benchmarks.misbehaviours import IMPLEMENTATIONS, TESTS, Misbehaviour

PAGE = "nothing-unchecked.md"

TEST_OF_IMPLEMENTATION = """
def test_it(rnn_golden, rnn_implementation):
    rnn_golden.check(*rnn_implementation(rnn_golden))
"""
OPTIONS = ["-k", "documented", "--rnn-goldens-time-limit=0.5", "-p", "no:cacheprovider", "-q", "--tb=no"]
FILES = ["--rnn-goldens-report=results.json", "--junitxml=junit.xml"]
TWO = ["-n", "2"]
SECONDS = 120
"""No run takes as long, whatever it is made to do."""

WAYS = ("check", "check -n 2", "report", "report -n 2", "pytest", "pytest -n 2")

HEADER = """\
# Nothing passes that was not checked

<!-- Written by `python -m benchmarks.nothing_unchecked --write`; do not edit. -->

Each line is an honest mistake, each column a way of running it over the four documented goldens ([the
code](../../benchmarks/misbehaviours.py)). An entry is the exit code, and what the results file says of the goldens;
for `report`, what `conformance.json` says of them in four precisions, if it was written. *cut short*: the results
file says of itself that its run is not complete. The JUnit file says of each golden the same, or nothing.

No entry says passed of a golden that was not right, with one exception: the exit code of a user's own pytest whose
process is ended with exit code 0 ({below}). Its results file says that it was cut short. Where what is done is right,
the goldens pass.
"""


@dataclass(frozen=True)
class Said:
    """What a run said: its exit code, outcomes by golden and precision in any file, and a text for the table."""

    code: int
    outcomes: tuple[tuple[str, str], ...]
    text: str


def main() -> None:
    """Run all; exit with 1 if something says passed wrongly, or fails what is right."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write docs/results/{PAGE}")
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # started where it is ignored, all it starts would, too
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        of_implementations = list(pool.map(_of_implementation, IMPLEMENTATIONS))
        of_tests = list(pool.map(_of_test, TESTS))
    text = _page(of_implementations, of_tests)
    print(text)
    wrongly = [line for _, _, found in (*of_implementations, *of_tests) for line in found]
    print(*wrongly, f"{len(wrongly)} ways of running say passed wrongly, or fail what is right", sep="\n")
    if arguments.write:
        page.write(PAGE, text)
    if wrongly:
        sys.exit(1)


Row = tuple[Misbehaviour, list[str], list[str]]
"""A misbehaviour, its entries in the table, and what of it is wrong."""


def _of_implementation(misbehaviour: Misbehaviour) -> Row:
    named = ["--rnn-goldens-implementation=net:run"]
    return _row(
        misbehaviour,
        {
            "check": ["-m", "rnn_goldens", "check", "net:run", *OPTIONS, *FILES],
            "check -n 2": ["-m", "rnn_goldens", "check", "net:run", *OPTIONS, *FILES, *TWO],
            "report": ["-m", "rnn_goldens", "report", "net:run", *OPTIONS[:2], "--time-limit", "0.5"],
            "report -n 2": ["-m", "rnn_goldens", "report", "net:run", *OPTIONS[:2], "--time-limit", "0.5", *TWO],
            "pytest": ["-m", "pytest", *OPTIONS, *FILES, *named],
            "pytest -n 2": ["-m", "pytest", *OPTIONS, *FILES, *named, *TWO],
        },
        {"net.py": misbehaviour.module, "test_net.py": TEST_OF_IMPLEMENTATION},
    )


def _of_test(misbehaviour: Misbehaviour) -> Row:
    return _row(
        misbehaviour,
        {
            "pytest": ["-m", "pytest", *OPTIONS, *FILES],
            "pytest -n 2": ["-m", "pytest", *OPTIONS, *FILES, *TWO],
        },
        {"test_net.py": misbehaviour.module},
    )


def _row(misbehaviour: Misbehaviour, ways: dict[str, list[str]], files: dict[str, str]) -> Row:
    entries, wrongly = [], []
    for name, command in ways.items():
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            for file, content in files.items():
                (home / file).write_text(content, "utf-8")
            (home / "pytest.ini").write_text("[pytest]\n", "utf-8")
            said = _run(command, home)
            found = _wrongly(misbehaviour, said, home, of_user=name.startswith("pytest"))
        entries.append(said.text)
        wrongly += [f"{misbehaviour.name}, {name}: {text}" for text in found]
    return misbehaviour, entries, wrongly


def _run(command: Sequence[str], home: Path) -> Said:
    parts = []
    # Its own group, killed in the end, and a file for what it prints: what it forked away may live on and hold a pipe.
    with (home / "printed.txt").open("w") as printed:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=home, stdout=printed, stderr=printed, start_new_session=True
        )
        try:
            process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            parts.append(f"no end in {SECONDS} s")
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
    outcomes += dict(_in_junit(home / "junit.xml")).items()  # of several on one golden the last says what became of it
    return Said(code, tuple(outcomes), ": ".join(filter(None, parts)))


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()) if count) or "none"


def _in_junit(path: Path) -> Iterable[tuple[str, str]]:
    """What a JUnit file says: by the property of each test case, and by whether it failed."""
    if not path.is_file():
        return
    for case in ElementTree.parse(path).iter("testcase"):
        for found in case.iterfind(".//property[@name='rnn_goldens']"):
            entry: dict[str, Any] = json.loads(str(found.get("value")))
            golden = f"{entry['golden']} {entry['dtype']}"
            yield golden, entry["outcome"]
            if entry["outcome"] == "passed" and any(case.find(bad) is not None for bad in ("failure", "error")):
                yield golden, "failed"


def _wrongly(misbehaviour: Misbehaviour, said: Said, home: Path, *, of_user: bool) -> list[str]:
    """What a run said that is not so."""
    noted = (home / "noted.txt").read_text("utf-8").splitlines() if (home / "noted.txt").is_file() else []
    passed = [golden for golden, outcome in said.outcomes if outcome == "passed"]
    if misbehaviour.right:
        others = {outcome for _, outcome in said.outcomes} - {"passed"}
        return [f"what is right does not pass: {said.text}"] if others or said.code else []
    found = [f"{golden} passed" for golden in passed if golden in noted]
    if "" in passed and len(passed) + len(set(noted)) > len(PRECISE) * len(DOCUMENTED):
        found.append("more passed than were right")
    # What a user's own test says so plainly is taken at its word; what an implementation does never is.
    expects = misbehaviour in TESTS and misbehaviour.name in ("`check_fails`", "`pytest.skip()`")
    if said.code == 0 and not expects and not (misbehaviour.ends_python and of_user):
        found.append("exit 0")
    if not noted and said.outcomes and not misbehaviour.name.endswith("imported"):
        found.append("it did not misbehave")
    return found


PRECISE = ("float64", "float32", "bfloat16", "float16")
DOCUMENTED = ("single-sequence", "mini-batch", "mini-batch-ascending", "identity-w-hh")


def _page(of_implementations: Sequence[Row], of_tests: Sequence[Row]) -> str:
    below = ", ".join(m.name for m, _, _ in of_implementations if m.ends_python)
    return "\n".join(
        [
            HEADER.format(below=below),
            "## What an implementation does\n",
            page.table(("misbehaviour", *WAYS), [(m.name, *entries) for m, entries, _ in of_implementations]),
            "## What a test does\n",
            page.table(("misbehaviour", *WAYS[-2:]), [(m.name, *entries) for m, entries, _ in of_tests]),
        ]
    )


if __name__ == "__main__":
    main()
