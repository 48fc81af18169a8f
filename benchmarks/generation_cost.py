"""Measures the cost of certifying: the whole corpus, with gradients and without, and one golden of growing size.

Uses two cores. Exits with 1 if generating the corpus exceeds a limit of time or memory.
"""

import json
import os
import resource
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import page, process_cost
from benchmarks.benchmark import Measured
from benchmarks.process_cost import SAMPLE_EVERY, reports_memory

if TYPE_CHECKING:
    from rnn_goldens.generator.scenario import Scenario

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
    start, folder, nothing = time.perf_counter(), Path(sys.argv[1]), dict(d_out=None, d_h_n=None, d_c_n=None)
    backward = sys.argv[2] != "outputs only"
    if not backward:
        SCENARIOS = [replace(scenario, **nothing, gradient_purpose="") for scenario in SCENARIOS]
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

BASE = {"time": 10, "hidden": 8, "layers": 1, "batch": 2}
GROWTH: Mapping[str, Sequence[int]] = {
    "time": (10, 50, 200, 800),
    "hidden": (8, 32, 128),
    "layers": (1, 2, 4, 8),
    "batch": (2, 8, 32),
}
GROWTH_WITH_GRADIENTS: Mapping[str, Sequence[int]] = {
    "time": (10, 50, 200),
    "hidden": (8, 16, 32),
    "layers": (1, 2, 4),
    "batch": (2, 8, 32),
}
LETTERS = {"time": "T", "hidden": "H", "layers": "L", "batch": "B"}

REPEATS = 5


def measured() -> Measured:
    """Return the section, and the limits that are exceeded."""
    cores, load = keep_to_cores(), os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "generate.py"
        program.write_text(GENERATE)
        costs = {what: whole_corpus(program, what) for what in (OUTPUTS, SCRATCH, AGAIN)}
    grown, grown_back = list(growth(GROWTH)), list(growth(GROWTH_WITH_GRADIENTS, gradients=True))
    return Measured(report(costs, grown, grown_back, cores, load), limits_exceeded(costs))


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


def growth(grows: Mapping[str, Sequence[int]], *, gradients: bool = False) -> Iterator[tuple[str, int, float]]:
    """Yield the name of a size, its value and the CPU seconds of one golden of that size."""
    os.environ["OMP_NUM_THREADS"] = "1"  # read by BLAS and torch when imported; waiting threads use CPU time too
    one_golden(*BASE.values())  # imports torch, which is not measured
    for what, values in grows.items():
        for size in values:
            grown = {**BASE, what: size}
            yield what, size, min(one_golden(*grown.values(), gradients=gradients) for _ in range(REPEATS))


def one_golden(time: int, hidden: int, layers: int, batch: int = 2, *, gradients: bool = False) -> float:
    """Return the CPU seconds that certifying one golden of a size takes, in all precisions that it allows."""
    from rnn_goldens.generator.certify import certify

    scenario = sized("lstm", time, hidden, layers, batch)
    if gradients:
        scenario = with_cotangents(scenario)
    before = resource.getrusage(resource.RUSAGE_SELF)
    certify(scenario)
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def sized(cell: str, time: int, hidden: int, layers: int, batch: int = 2) -> "Scenario":
    """Return a scenario of a size, with an initial state."""
    from rnn_goldens.generator.scenarios.variants import Variant, rounded
    from rnn_goldens.golden.shapes import Config

    config = Config(input_size=4, hidden_size=hidden, num_layers=layers)
    variant = Variant("sized", "sized", "To be timed.", config, time=time, batch=batch, state=True)
    return variant.scenario("benchmark", cell, rounded(max(1 / hidden**0.5, 1 / 16), states=0.5))


def with_cotangents(scenario: "Scenario") -> "Scenario":
    """Return the scenario with a cotangent for every output."""
    from rnn_goldens.golden.built_in_cells import LAYOUTS
    from rnn_goldens.golden.shapes import output_shapes

    shapes = output_shapes(LAYOUTS[str(scenario.cell)], scenario.shape, scenario.inputs["x"].shape)
    ones = {output: np.ones(shape) for output, shape in shapes.items()}
    return replace(
        scenario, d_out=ones["out"], d_h_n=ones["h_n"], d_c_n=ones.get("c_n"), gradient_purpose="To be timed."
    )


def report(
    costs: Mapping[str, Cost],
    grown: Sequence[tuple[str, int, float]],
    grown_back: Sequence[tuple[str, int, float]],
    cores: int,
    load: float,
) -> str:
    """Return the section of the page."""
    rows = []
    for what, cost in costs.items():
        rows.append((what, *(f"{cost[name]:{how}}" if name in cost else "" for name, how in FIGURES.items())))
        if LIMITS[what]:
            rows.append(("at most", *(f"{LIMITS[what][name]:g}" if name in LIMITS[what] else "" for name in FIGURES)))
    base = ", ".join(f"{LETTERS[what]} = {size}" for what, size in BASE.items())
    return "\n".join(
        [
            "## Generating the corpus\n\n"
            "The whole corpus was certified, checked against all known bugs and written: outputs only, with gradients, "
            "and again with "
            f"nothing changed, which certifies no golden, on {cores} cores. "
            f"The machine's load was {load:.0f} at the start.\n",
            page.table(("whole corpus", *FIGURES), rows),
            "“Beyond imports” starts when the generator is imported. “Memory” is the peak of the process and its pool "
            f"together (PSS, sampled every {SAMPLE_EVERY:g} "
            f"s){'' if reports_memory() else '; not available on this system'}.\n\n"
            f"One LSTM golden as it grows, in CPU milliseconds with one thread (least of {REPEATS}), from {base}:\n",
            _grown("CPU, ms", grown),
            "The same with gradients:\n",
            _grown("with gradients, CPU, ms", grown_back),
        ]
    )


def _grown(what: str, grown: Sequence[tuple[str, int, float]]) -> str:
    sizes = [(f"{LETTERS[kind]} = {size}", f"{1000 * seconds:.0f}") for kind, size, seconds in grown]
    return page.table(("size", what), sizes)
