"""Measures the cost of large corpora: certifying, listing and checking 100, 1,000 and 10,000 goldens.

The scenarios are those of examples/ten_thousand.py.
"""

import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import page
from benchmarks.benchmark import Measured
from benchmarks.generation_cost import keep_to_cores
from benchmarks.process_cost import SAMPLE_EVERY, Run, run

SCENARIOS = Path(__file__).parents[1] / "examples" / "ten_thousand.py"
COUNTS = (100, 1_000, 10_000)
BEYOND = 100_000
"""Number of goldens of the extrapolated row."""

COMMAND = (sys.executable, "-m", "rnn_goldens")


@dataclass(frozen=True)
class Cost:
    """The cost of a corpus.

    Attributes:
        count: number of goldens.
        generate, listed, checked: cost of ``generate``, ``list`` and ``check numpy`` under pytest-xdist.
        index: bytes of the index.
        folder: bytes of all files.
    """

    count: int
    generate: Run
    listed: Run
    checked: Run
    index: int
    folder: int


def measured(counts: Sequence[int] = COUNTS) -> Measured:
    """Return the section for at least two numbers of goldens."""
    cores, costs = keep_to_cores(), []
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            costs.append(cost(count, Path(folder), cores))
    return Measured(report(costs, cores))


def cost(count: int, folder: Path, cores: int) -> Cost:
    """Generate ``count`` goldens in an empty folder, list them and check NumPy against them."""
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
    """Return the figures of a corpus for each table."""
    size = (cost.index / 1e6, cost.folder / 1e6)
    spent = (_of(cost.generate) + size, _of(cost.listed), _of(cost.checked))
    return dict(zip(TABLES, spent, strict=True))


def _of(run: Run) -> tuple[float, ...]:
    return run.wall, run.cpu, run.memory / 1e6


def beyond(one: Cost, other: Cost, count: int) -> dict[str, tuple[float, ...]]:
    """Return the figures of a larger corpus, extrapolated linearly from those of two corpora."""
    steps = (count - other.count) / (other.count - one.count)
    before, after = figures(one), figures(other)
    return {
        table: tuple(b + steps * (b - a) for a, b in zip(before[table], after[table], strict=True)) for table in TABLES
    }


def report(costs: Sequence[Cost], cores: int) -> str:
    """Return the section of the page."""
    rows = {f"{cost.count:,}": figures(cost) for cost in costs}
    rows[f"{BEYOND:,}, computed"] = beyond(costs[-2], costs[-1], BEYOND)
    parts = [
        (table, columns, [(count, *map(page.written, values[table])) for count, values in rows.items()])
        for table, columns in TABLES.items()
    ]
    return "\n".join(
        [
            "## A large corpus\n\n"
            f"{costs[0].count:,} to {costs[-1].count:,} small goldens "
            "([examples/ten_thousand.py](../../examples/ten_thousand.py): three cells, two sequences of five steps, "
            "hidden size 4) were certified, listed by `rnn-goldens list`, and checked by `rnn-goldens "
            "check numpy -n 2` "
            "in float32: costs grow about linearly with the number of goldens. "
            f"It was measured on {cores} cores.\n",
            *(f"{part}:\n\n{page.table(('goldens', *columns), part_rows)}" for part, columns, part_rows in parts),
            "The last row of each table is extrapolated from the two rows above. “Memory” is the peak of the command "
            f"and its processes together (PSS, sampled every {SAMPLE_EVERY:g} s).\n\n{_a_golden(costs[-1], cores)}",
        ]
    )


def _a_golden(cost: Cost, cores: int) -> str:
    each = 1000 * cost.generate.cpu / cost.count
    return (
        f"At {cost.count:,} a golden costs {each:.0f} ms of CPU: expected values, tolerance, confirmation by torch and "
        f"NumPy in each precision, and both files. That is {1000 / each:.0f} per second and core, on {cores} cores.\n"
    )
