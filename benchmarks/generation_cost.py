"""Measures the cost of certifying the whole corpus, with gradients and without, on two cores."""

import json
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
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from rnn_goldens.generator.generate import generate
from rnn_goldens.generator.certification_cache import CertificationCache
from rnn_goldens.generator.scenarios import SCENARIOS

if __name__ == "__main__":
    start, folder = time.perf_counter(), Path(sys.argv[1])
    of_network, of_recurrence = dict(d_out=None, d_h_n=None, d_c_n=None), dict(cotangents={})
    backward = sys.argv[2] != "outputs only"
    if not backward:
        nothing = [of_network if hasattr(one, "d_out") else of_recurrence for one in SCENARIOS]
        SCENARIOS = [replace(one, **no, gradient_purpose="") for one, no in zip(SCENARIOS, nothing)]
    certified = CertificationCache(folder / "certified")
    outcomes = generate(SCENARIOS, folder / "v1", adequate=True, backward=backward, certified=certified)
    new = sum(outcome.status == "new" for outcome in outcomes)
    print(json.dumps({"new": new, "beyond imports, s": time.perf_counter() - start}))
"""

Cost = Mapping[str, float]
"""The measured figures of a run of the generator, by name. A figure that this system does not report is missing."""

OUTPUTS, SCRATCH, AGAIN = "outputs only", "from scratch", "nothing changed"
"""Runs of the generator: without gradients, with gradients, and with gradients a second time in the same folder."""

FIGURES = {"new": ".0f", "wall, s": ".1f", "beyond imports, s": ".1f", "CPU, s": ".1f", "memory, MB": ".0f"}
"""Measured figures of a run and their formats."""

LIMITS: Mapping[str, Cost] = {
    OUTPUTS: {},
    SCRATCH: {"wall, s": 120, "memory, MB": 2000},
    AGAIN: {"beyond imports, s": 10, "memory, MB": 2000},
}
"""The largest figures allowed, by run."""


def measured() -> Measured:
    """Return the section, and the limits that are exceeded."""
    cores, load = keep_to_cores(), os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "generate.py"
        program.write_text(GENERATE)
        costs = {what: whole_corpus(program, what) for what in (OUTPUTS, SCRATCH, AGAIN)}
    return Measured(report(costs, cores, load), limits_exceeded(costs))


def keep_to_cores() -> int:
    """Limit this process and its children to two cores if the system can; return how many cores they may use."""
    if not hasattr(os, "sched_setaffinity"):
        return os.cpu_count() or 1
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    return len(os.sched_getaffinity(0))


def whole_corpus(program: Path, what: str) -> Cost:
    """Generate the corpus in a separate process; a run without gradients has a separate folder, too."""
    folder = program.parent / "outputs" if what == OUTPUTS else program.parent
    folder.mkdir(exist_ok=True)
    run = process_cost.run([sys.executable, str(program), str(folder), what])
    cost = {**json.loads(run.printed), "wall, s": run.wall, "CPU, s": run.cpu}
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
    for what, cost in costs.items():
        rows.append((what, *(f"{cost[name]:{how}}" if name in cost else "" for name, how in FIGURES.items())))
        if LIMITS[what]:
            rows.append(("at most", *(f"{LIMITS[what][name]:g}" if name in LIMITS[what] else "" for name in FIGURES)))
    return "\n".join(
        [
            "## Generating the corpus\n\n"
            "The whole corpus was certified, checked against all known bugs and written: outputs only, with gradients, "
            f"and again with nothing changed, which certifies no golden, on {cores} cores. "
            f"The machine's load was {load:.0f} at the start.\n",
            page.table(("whole corpus", *FIGURES), rows),
            "“Beyond imports” starts when the generator is imported. “Memory” is the peak of the process and its pool "
            f"together (PSS, sampled every {SAMPLE_EVERY:g} "
            f"s){'' if reports_memory() else '; not available on this system'}.\n",
        ]
    )
