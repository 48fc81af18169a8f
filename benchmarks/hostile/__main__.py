"""Bytes that anybody may have written, by the million: each reader returns or says what is wrong, soon.

python -m benchmarks.hostile                    # a share of the inputs, a fixed seed; fails if something is found
python -m benchmarks.hostile --million --write  # all, some half an hour on two cores; docs/results/hostile-files.md
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks import page
from benchmarks.hostile.one import SLOW, Tally

INPUTS = {
    "golden, JSON": 200_000,
    "golden, HDF5": 100_000,
    "gradients, JSON": 100_000,
    "index": 150_000,
    "answers of programs": 250_000,
    "report": 100_000,
    "kill matrix": 100_000,
    "known failures": 200_000,
}
SHARE = 100
"""CI asks one in so many."""

MOST_MEBIBYTES = 256

HEADER = """\
# Bytes that anybody may have written

<!-- Written by `python -m benchmarks.hostile --million --write`; do not edit. -->

Each reader is given bytes, and has to return or to raise its one error, in {seconds:g} s of CPU and {mebibytes} MiB
more than before. Where it is Python, [atheris](https://github.com/google/atheris) makes inputs from what led to new
branches; HDF5's are real files, changed at random. Memory is what a process had at most after all inputs, above what
it had before the first, with the process that reads HDF5.

"""


@dataclass(frozen=True)
class Result:
    """What became of a reader's inputs, and how long all took."""

    name: str
    tally: Tally
    minutes: float
    ended: str

    @property
    def problems(self) -> list[str]:
        """What is wrong, one line each."""
        found = [f"{self.name}: {what}: {data[:200]}" for data, what in self.tally.findings]
        if self.tally.mebibytes > MOST_MEBIBYTES:
            found.append(f"{self.name}: {self.tally.mebibytes:.0f} MiB")
        return [*found, f"{self.name}: {self.ended}"] if self.ended else found


def main() -> None:
    """Run, print, and write what is asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--million", action="store_true", help="all inputs")
    parser.add_argument("--write", action="store_true", help="write the page")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    share = 1 if given.million else SHARE
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda name: run(name, INPUTS[name] // share, given.seed), INPUTS))
    text = HEADER.format(seconds=SLOW, mebibytes=MOST_MEBIBYTES) + _table(results)
    print(text)
    if given.write:
        page.write("hostile-files.md", text + f"\n{page.versions('atheris', 'h5py', 'msgspec', 'numpy')}\n")
    problems = [problem for result in results for problem in result.problems]
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


def run(name: str, inputs: int, seed: int) -> Result:
    """Give a reader so many inputs, in a process of its own."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "tally.json")
        command = [sys.executable, "-m", "benchmarks.hostile.one", name, str(inputs), str(seed), str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        tally = Tally(**json.loads(file.read_text())) if file.exists() else Tally()
    cut_short = tally.inputs < inputs
    ended = f"ended after {tally.inputs} inputs, exit {done.returncode}: {done.stderr[-500:]}" if cut_short else ""
    return Result(name, tally, (time.monotonic() - began) / 60, ended)


def _table(results: list[Result]) -> str:
    rows = [
        (r.name, f"{r.tally.inputs:,}", f"{r.tally.refused:,}", len(r.tally.findings), f"{r.tally.longest:.2f}",
         f"{r.tally.mebibytes:.0f}", f"{r.minutes:.1f}")
        for r in results
    ]  # fmt: skip
    total = ("together", f"{sum(r.tally.inputs for r in results):,}", f"{sum(r.tally.refused for r in results):,}",
             sum(len(r.tally.findings) for r in results), "", "", "")  # fmt: skip
    head = ("reader", "inputs", "refused", "findings", "longest, s", "MiB", "minutes")
    return page.table(head, [*rows, total])


if __name__ == "__main__":
    main()
