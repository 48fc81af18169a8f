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
COMMAND = (sys.executable, "-m", "rnn_goldens")


@dataclass(frozen=True)
class Cost:
    """The cost of a corpus.

    Attributes:
        count: number of goldens.
        generate, list, check: cost of ``generate``, ``list`` and ``check numpy`` under pytest-xdist.
        index: bytes of the index.
        folder: bytes of all files.
    """

    count: int
    generate: Run
    list: Run
    check: Run
    index: int
    folder: int


def measured(counts: Sequence[int]) -> Measured:
    """Return the section, for some numbers of goldens."""
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


def report(costs: Sequence[Cost], cores: int) -> str:
    """Return the section of the page."""
    rows = [
        (f"{cost.count:,}", what, *map(page.written, (run.wall, run.cpu, run.memory / 1e6)))
        for what in ("generate", "list", "check")
        for cost in costs
        for run in (getattr(cost, what),)
    ]
    sizes = [(f"{cost.count:,}", page.written(cost.index / 1e6), page.written(cost.folder / 1e6)) for cost in costs]
    each = 1000 * costs[-1].generate.cpu / costs[-1].count
    return "\n".join(
        [
            "## A large corpus\n\n"
            f"{costs[0].count:,} to {costs[-1].count:,} small goldens "
            "([examples/ten_thousand.py](../../examples/ten_thousand.py): three cells, two sequences of five steps, "
            "hidden size 4) were certified by `rnn-goldens generate`, listed by `list`, and checked by "
            f"`check numpy -n {cores}` in float32, on {cores} cores: costs grow about linearly with the number of "
            "goldens.\n",
            page.table(("goldens", "command", "wall, s", "CPU, s", "memory, MB"), rows),
            page.table(("goldens", "index, MB", "folder, MB"), sizes),
            "“Memory” is the peak of the command and its processes together (PSS, sampled every "
            f"{SAMPLE_EVERY:g} s). At {costs[-1].count:,} a golden costs {each:.0f} ms of CPU to certify: expected "
            "values, tolerance, confirmation by torch and NumPy in each precision, and both files.\n",
        ]
    )
