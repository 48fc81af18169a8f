"""Measures the cost of certifying the whole corpus on two cores, and of a run in which nothing has changed."""

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks import page, process_cost
from benchmarks.benchmark import Measured
from benchmarks.process_cost import SAMPLE_EVERY, reports_memory

CORES = 2

GENERATE = """
import sys
from pathlib import Path
from rnn_goldens.generator.generate import generate
from rnn_goldens.generator.certification_cache import CertificationCache
from rnn_goldens.generator.scenarios import SCENARIOS

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    outcomes = generate(SCENARIOS, folder / "v2", adequate=True, certified=CertificationCache(folder / "certified"))
    print(sum(outcome.status == "new" for outcome in outcomes))
"""

Cost = Mapping[str, float]
"""The measured figures of a run of the generator, by name. A figure that this system does not report is missing."""

SCRATCH, AGAIN = "from scratch", "nothing changed"
"""Runs of the generator: in an empty folder, and a second time in the same folder."""

FIGURES = {"new": ".0f", "wall, s": ".1f", "CPU, s": ".1f", "memory, MB": ".0f"}
"""Measured figures of a run and their formats."""

LIMITS: Mapping[str, Cost] = {
    SCRATCH: {"wall, s": 120, "memory, MB": 2000},
    AGAIN: {"wall, s": 10, "memory, MB": 2000},
}
"""The largest figures allowed, by run."""


def measured() -> Measured:
    """Return the section, and the limits that are exceeded."""
    cores, load = keep_to_cores(), os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "generate.py"
        program.write_text(GENERATE)
        costs = {what: whole_corpus(program) for what in (SCRATCH, AGAIN)}
    return Measured(report(costs, cores, load), limits_exceeded(costs))


def keep_to_cores() -> int:
    """Limit this process and its children to two cores if the system can; return how many cores they may use."""
    if not hasattr(os, "sched_setaffinity"):
        return os.cpu_count() or 1
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    return len(os.sched_getaffinity(0))


def whole_corpus(program: Path) -> Cost:
    """Generate the corpus in a separate process, in the program's folder."""
    run = process_cost.run([sys.executable, str(program), str(program.parent)])
    cost = {"new": float(run.printed), "wall, s": run.wall, "CPU, s": run.cpu}
    return cost | ({"memory, MB": run.memory / 1e6} if reports_memory() else {})


def limits_exceeded(costs: Mapping[str, Cost]) -> list[str]:
    """Return one line for each exceeded limit."""
    return [
        f"whole corpus, {what}: {figure}: {costs[what][figure]:{FIGURES[figure]}}, at most {limit:g} is allowed"
        for what, limits in LIMITS.items()
        for figure, limit in limits.items()
        if costs[what].get(figure, 0) > limit
    ]


def report(costs: Mapping[str, Cost], cores: int, load: float) -> str:
    """Return the section of the page."""
    rows = []
    for what, figures in costs.items():
        for name, row in ((what, figures), ("at most", LIMITS[what])):
            rows.append((name, *(f"{row[figure]:{how}}" if figure in row else "" for figure, how in FIGURES.items())))
    return "\n".join(
        [
            "## Generating the corpus\n\n"
            "The whole corpus was certified with its gradients, checked against all known bugs and written, and again "
            f"with nothing changed, which certifies no golden, on {cores} cores. The machine's load was {load:.0f} at "
            "the start.\n",
            page.table(("whole corpus", *FIGURES), rows),
            f"“Memory” is the peak of the process and its pool together (PSS, sampled every {SAMPLE_EVERY:g} "
            f"s){'' if reports_memory() else '; not available on this system'}.\n",
        ]
    )
