"""Measures everything that the pages say, one benchmark after the other, and goes on where it was interrupted."""

import subprocess
import sys
import time
from collections.abc import Sequence

from benchmarks import page, pages
from benchmarks.benchmark import Benchmark
from benchmarks.catalogue import BENCHMARKS


def measure(engines: Sequence[str]) -> int:
    """Run each benchmark whose section is not of this corpus and commit; return 1 if one fails."""
    begin, failed = time.perf_counter(), []
    if engines:
        failed += _timed("engines", [] if "all" in engines else list(engines))
    for one in BENCHMARKS:
        if not (one.page or one.writes):
            continue
        if is_current(one):
            print(f"== {one.name}: is of this corpus and commit", flush=True)
        else:
            failed += _timed(one.name, ["--write"])
    print(f"== everything took {time.perf_counter() - begin:.0f} s")
    print(*(f"FAILED: {name}" for name in failed), sep="\n")
    return 1 if failed else 0


def is_current(benchmark: Benchmark) -> bool:
    """Return whether every part of a page that a benchmark writes is of this corpus and commit."""
    command = f"python -m benchmarks {benchmark.name} --write"
    found = [one for one in pages.stated() if one.command == command]
    return bool(found) and all(one.is_current for one in found)


def _timed(name: str, arguments: Sequence[str]) -> list[str]:
    """Run a benchmark in a process of its own; return its name if it fails."""
    begin = time.perf_counter()
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks", name, *arguments]
    code = subprocess.run(command, cwd=page.ROOT, check=False).returncode
    print(f"== {name} took {time.perf_counter() - begin:.0f} s{' and FAILED' if code else ''}", flush=True)
    return [name] if code else []
