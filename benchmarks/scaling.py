"""What a large corpus costs: certifying, listing and checking a hundred, a thousand and ten thousand goldens.

    python -m benchmarks.scaling         # from the checkout; --write renews docs/results/scaling.md

On two cores, some ten minutes where nothing else runs. The scenarios are those of examples/ten_thousand.py.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import page
from benchmarks.generation_cost import keep_to_cores
from benchmarks.process_cost import LOOK_EVERY, Run, run

SCENARIOS = Path(__file__).parents[1] / "examples" / "ten_thousand.py"
COUNTS = (100, 1_000, 10_000)
BEYOND = 100_000
"""Computed, not measured."""

COMMAND = (sys.executable, "-m", "rnn_goldens")


@dataclass(frozen=True)
class Cost:
    """What a corpus costs.

    Attributes:
        count: of its goldens.
        generate, listed, checked: what ``generate``, ``list`` and ``check numpy`` under pytest-xdist cost.
        index: bytes of its index.
        folder: bytes of all its files.
    """

    count: int
    generate: Run
    listed: Run
    checked: Run
    index: int
    folder: int


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write docs/results/scaling.md")
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS, help="how many goldens; two or more")
    arguments = parser.parse_args()
    cores = keep_to_cores()
    costs = []
    for count in arguments.counts:
        with tempfile.TemporaryDirectory() as folder:
            costs.append(cost(count, Path(folder), cores))
    text = report(costs, cores)
    print(text)
    if arguments.write:
        page.write("scaling.md", text)


def cost(count: int, folder: Path, cores: int) -> Cost:
    """Make so many goldens in an empty folder, list them and check NumPy against them."""
    os.environ["COUNT"] = str(count)
    corpus = folder / "goldens"
    generate = run([*COMMAND, "generate", "--scenarios", str(SCENARIOS), "--into", str(corpus)], folder)
    listed = run([*COMMAND, "list", "--corpus", str(corpus)], folder)
    checked = run([*COMMAND, "check", "numpy", f"--rnn-goldens-corpus={corpus}", "-q", "-n", str(cores)], folder)
    if f"{count} passed" not in checked.printed:
        sys.exit(f"{checked.printed}not every golden was checked")
    sizes = {path: path.stat().st_size for path in corpus.rglob("*.*")}
    return Cost(count, generate, listed, checked, sizes[corpus / "index.json"], sum(sizes.values()))


SPENT = ("wall, s", "CPU, s", "memory, MB")
TABLES = {"Certifying": (*SPENT, "index, MB", "folder, MB"), "Listing": SPENT, "Checking": SPENT}


def figures(cost: Cost) -> dict[str, tuple[float, ...]]:
    """By table, what the page says of a corpus besides how many goldens it has."""
    size = (cost.index / 1e6, cost.folder / 1e6)
    spent = (_of(cost.generate) + size, _of(cost.listed), _of(cost.checked))
    return dict(zip(TABLES, spent, strict=True))


def _of(run: Run) -> tuple[float, ...]:
    return run.wall, run.cpu, run.memory / 1e6


def beyond(one: Cost, other: Cost, count: int) -> dict[str, tuple[float, ...]]:
    """The figures of a larger corpus, on the straight line through those of two."""
    steps = (count - other.count) / (other.count - one.count)
    before, after = figures(one), figures(other)
    return {
        table: tuple(b + steps * (b - a) for a, b in zip(before[table], after[table], strict=True)) for table in TABLES
    }


def report(costs: Sequence[Cost], cores: int) -> str:
    """The page."""
    found = {f"{cost.count:,}": figures(cost) for cost in costs}
    found[f"{BEYOND:,}, computed"] = beyond(costs[-2], costs[-1], BEYOND)
    parts = [
        (table, columns, [(count, *map(page.written, told[table])) for count, told in found.items()])
        for table, columns in TABLES.items()
    ]
    return "\n".join(
        [
            "# What a large corpus costs\n\n"
            "Small goldens, drawn from a seed ([examples/ten_thousand.py](../../examples/ten_thousand.py): three "
            "cells, two sequences\nof five steps, hidden size 4), certified with the process pool, listed by "
            "`rnn-goldens list`, and checked by\n`rnn-goldens check numpy -n 2` in float32. Written by "
            "`python -m benchmarks.scaling --write`; times are those of one machine.\n\n"
            f"{page.versions('numpy', 'torch', 'python-flint', 'h5py', 'pytest-xdist')}, {cores} cores.\n",
            *(f"## {part}\n\n{page.table(('goldens', *columns), part_rows)}" for part, columns, part_rows in parts),
            "The last row of each table is not measured: it is on the straight line through the two rows above. "
            "“Memory” is that of the\ncommand and all processes it starts, where it was largest: the sum of their "
            f"proportional set sizes (PSS), looked at every {LOOK_EVERY:g} s.\nWhere “wall” is more than "
            f"“CPU” divided by the cores, the machine did something else as well.\n\n{_a_golden(costs[-1], cores)}",
        ]
    )


def _a_golden(cost: Cost, cores: int) -> str:
    each = 1000 * cost.generate.cpu / cost.count
    return (
        f"At {cost.count:,} a golden costs {each:.0f} ms of CPU: answer, tolerance, confirmation by torch and NumPy in "
        "each of its precisions,\n"
        f"schema, both files. That is {1000 / each:.0f} a second and core, of which there were {cores}.\n"
    )


if __name__ == "__main__":
    main()
