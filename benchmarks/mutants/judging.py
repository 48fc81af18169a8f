"""What the tests say of each mutant."""

import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from benchmarks.mutants.making import Mutant
from benchmarks.mutants.modules import TESTS, TOP

BUILD = TOP / "build" / "mutants"
REMEMBERED = BUILD / "killers.json"

SECONDS = 120.0
"""What the tests have for one mutant."""


class NotRight(Exception):
    """The tests fail before anything is changed."""


@dataclass(frozen=True)
class Judged:
    """A mutant, and the test that kills it; "" if none does."""

    mutant: Mutant
    killer: str


@dataclass
class Touched:
    """Which tests run which lines.

    Attributes:
        seconds: how long each test takes.
        lines: by module, the tests that ran each line.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    lines: dict[str, dict[int, list[str]]] = field(default_factory=dict)

    def tests_of(self, mutant: Mutant) -> list[str]:
        """The tests that run the function a mutant changes, the quickest first; all, of what no function holds."""
        lines, asked = self.lines[mutant.module], mutant.function
        if asked is None:
            run = {test for test in self.seconds if test.startswith(TESTS[mutant.module])}
        else:
            run = {test for line, tests in lines.items() if asked[0] <= line <= asked[1] for test in tests if test}
        return sorted(run, key=lambda test: self.seconds.get(test, 0))


class Worker:
    """A process with a copy of the package, see ``worker.py``."""

    def __init__(self, number: int) -> None:
        folder = BUILD / f"copy-{number}"
        shutil.rmtree(folder, ignore_errors=True)
        _copy(folder)
        subprocess.run([sys.executable, "-m", "compileall", "-q", folder / "rnn_goldens"], check=True)
        environment = {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [sys.executable, "-m", "benchmarks.mutants.worker", str(folder)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder, env=environment
        )

    def ask(self, **job: Any) -> Any:  # noqa: ANN401 - JSON
        """What becomes of a job."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


def _copy(folder: Path) -> None:
    """A copy of the checkout: what is mutated and its tests as files, the rest as links."""
    for name in ("rnn_goldens", "tests"):
        shutil.copytree(TOP / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("benchmarks", "docs", "examples", "fixtures", "generator", "pyproject.toml", "schema"):
        (folder / name).symlink_to(TOP / name)


def judged(mutants: Iterable[Mutant], processes: int, *, anew: bool = True) -> Iterator[Judged]:
    """What the tests say of each, in the order given; what killed one before is asked first.

    Args:
        mutants: of one module or several.
        processes: how many are asked at once.
        anew: whether what was killed before, with the same text of its module, is asked at all.

    Raises:
        NotRight: the tests fail before anything is changed.
    """
    mutants = list(mutants)
    workers = [Worker(number) for number in range(processes)]
    remembered = _remembered()
    killers: dict[tuple[str, int], list[str]] = defaultdict(list)
    free: SimpleQueue[Worker] = SimpleQueue()
    try:
        touched = _touched(workers[0], dict.fromkeys(mutant.module for mutant in mutants))
        for worker in workers:
            free.put(worker)

        def judge(mutant: Mutant) -> Judged:
            if not anew and (known := remembered.get(_key(mutant), "")):
                return Judged(mutant, known)
            tests, place = touched.tests_of(mutant), (mutant.module, mutant.line)
            likely = [remembered.get(_key(mutant), ""), *reversed(killers[place])]
            first = [test for test in dict.fromkeys(likely) if test in touched.seconds]
            ordered = list(dict.fromkeys([*first, *tests]))
            if not ordered:
                return Judged(mutant, "")
            worker = free.get()
            try:
                seconds = SECONDS + 3 * sum(touched.seconds.get(test, 0) for test in ordered)
                killer = worker.ask(
                    kind="mutant", module=mutant.module, source=mutant.source, tests=ordered, seconds=seconds
                )
            finally:
                free.put(worker)
            killers[place].append(killer)
            return Judged(mutant, killer)

        with ThreadPoolExecutor(processes) as pool:
            for found in pool.map(judge, mutants):
                remembered[_key(found.mutant)] = found.killer
                REMEMBERED.write_text(json.dumps(remembered, indent=0), "utf-8")
                yield found
    finally:
        for worker in workers:
            worker.close()


def _touched(worker: Worker, modules: Iterable[str]) -> Touched:
    by_tests: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for module in modules:
        by_tests[TESTS[module]].append(module)
    together = Touched()
    for tests, of_these in by_tests.items():
        found: Mapping[str, Any] | None = worker.ask(kind="touched", tests=tests, modules=of_these, seconds=1200)
        if not found or found["failed"]:
            raise NotRight(f"the tests fail before anything is changed: {found and found['failed']}")
        together.seconds |= found["seconds"]
        for module, lines in found["lines"].items():
            together.lines[module] = {int(line): tests for line, tests in lines.items()}
    return together


def _remembered() -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(REMEMBERED.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def _key(mutant: Mutant) -> str:
    return sha256(f"{mutant.module}\n{mutant.source}".encode()).hexdigest()[:16]
