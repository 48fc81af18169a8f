"""What certifying costs: the whole corpus, with gradients and without, and one golden as its sizes grow.

    python -m benchmarks.generation_cost         # from the checkout; --write renews docs/results/generation.md

On two cores. Exits with 1 if the corpus takes longer, or more memory, than it may.
"""

import argparse
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
from benchmarks.process_cost import LOOK_EVERY, tells_memory

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
from rnn_goldens.generator.reuse import Certified
from rnn_goldens.generator.scenarios import SCENARIOS

if __name__ == "__main__":
    start, folder, nothing = time.perf_counter(), Path(sys.argv[1]), dict(d_out=None, d_h_n=None, d_c_n=None)
    backward = sys.argv[2] != "outputs alone"
    if not backward:
        SCENARIOS = [replace(scenario, **nothing, gradient_purpose="") for scenario in SCENARIOS]
    certified = Certified(folder / "certified")
    outcomes = generate(SCENARIOS, folder / "v1", adequate=True, backward=backward, certified=certified)
    made = sum(outcome.became == "new" for outcome in outcomes)
    print(json.dumps({"made": made, "beyond imports, s": time.perf_counter() - start}))
"""

Cost = Mapping[str, float]
"""By figure, what a run of the generator took; a figure that this system does not tell is left out."""

OUTPUTS, SCRATCH, AGAIN = "outputs alone", "from scratch", "nothing changed"

FIGURES = {"made": ".0f", "wall, s": ".1f", "beyond imports, s": ".1f", "CPU, s": ".1f", "memory, MB": ".0f"}
"""What is measured of a run, and how it is written."""

LIMITS: Mapping[str, Cost] = {
    OUTPUTS: {},
    SCRATCH: {"wall, s": 120, "memory, MB": 2000},
    AGAIN: {"beyond imports, s": 10, "memory, MB": 2000},
}

BASE = {"time": 10, "hidden": 8, "layers": 1, "batch": 2}
GROWTH: Mapping[str, Sequence[int]] = {
    "time": (10, 50, 200, 800),
    "hidden": (8, 32, 128),
    "layers": (1, 2, 4, 8),
    "batch": (2, 8, 32),
}
GROWTH_BACK: Mapping[str, Sequence[int]] = {
    "time": (10, 50, 200),
    "hidden": (8, 16, 32),
    "layers": (1, 2, 4),
    "batch": (2, 8, 32),
}
LETTERS = {"time": "T", "hidden": "H", "layers": "L", "batch": "B"}

REPEATS = 5


def main() -> None:
    """Run, print, and exit with 1 if a limit is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write docs/results/generation.md")
    arguments = parser.parse_args()
    cores, load = keep_to_cores(), os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "generate.py"
        program.write_text(GENERATE)
        costs = {what: whole_corpus(program, what) for what in (OUTPUTS, SCRATCH, AGAIN)}
    grown, grown_back = list(growth(GROWTH)), list(growth(GROWTH_BACK, gradients=True))
    text = report(costs, grown, grown_back, cores, load)
    print(text)
    if arguments.write:
        page.write("generation.md", text)
    if exceeded := limits_exceeded(costs):
        sys.exit("\n".join(exceeded))


def keep_to_cores() -> int:
    """Keep this process and those it starts to two cores, where the system has that; how many they have then."""
    if not hasattr(os, "sched_setaffinity"):
        return os.cpu_count() or 1
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    return len(os.sched_getaffinity(0))


def whole_corpus(program: Path, what: str) -> Cost:
    """Generate beside the program, in a process of its own, with its pool; outputs alone in a folder of their own."""
    folder = program.parent / "outputs" if what == OUTPUTS else program.parent
    folder.mkdir(exist_ok=True)
    made = process_cost.run([sys.executable, str(program), str(folder), what])
    cost = {**json.loads(made.printed), "wall, s": made.wall, "CPU, s": made.cpu}
    return cost | ({"memory, MB": made.memory / 1e6} if tells_memory() else {})


def limits_exceeded(costs: Mapping[str, Cost]) -> list[str]:
    """One line for each limit that was exceeded."""
    return [
        f"whole corpus, {what}: {figure}: {costs[what][figure]:{FIGURES[figure]}}, at most {limit:g} is allowed"
        for what, limits in LIMITS.items()
        for figure, limit in limits.items()
        if costs[what].get(figure, 0) > limit
    ]


def growth(grows: Mapping[str, Sequence[int]], *, gradients: bool = False) -> Iterator[tuple[str, int, float]]:
    """What grows, how far, and the CPU seconds of one golden then."""
    os.environ["OMP_NUM_THREADS"] = "1"  # read by BLAS and torch when imported; a thread that waits spends CPU too
    one_golden(*BASE.values())  # imports torch, which is not what is measured
    for what, how_far in grows.items():
        for size in how_far:
            grown = {**BASE, what: size}
            yield what, size, min(one_golden(*grown.values(), gradients=gradients) for _ in range(REPEATS))


def one_golden(time: int, hidden: int, layers: int, batch: int = 2, *, gradients: bool = False) -> float:
    """CPU seconds to certify one golden of a size, in all precisions its tolerance allows."""
    from rnn_goldens.generator.certify import certify

    scenario = sized("lstm", time, hidden, layers, batch)
    if gradients:
        scenario = with_cotangents(scenario)
    before = resource.getrusage(resource.RUSAGE_SELF)
    certify(scenario)
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def sized(cell: str, time: int, hidden: int, layers: int, batch: int = 2) -> "Scenario":
    """A scenario of a size, with an initial state."""
    from rnn_goldens.generator.scenarios.variants import Variant, rounded
    from rnn_goldens.golden.shapes import Config

    config = Config(input_size=4, hidden_size=hidden, num_layers=layers)
    variant = Variant("sized", "sized", "To be timed.", config, time=time, batch=batch, state=True)
    return variant.scenario("benchmark", cell, rounded(max(1 / hidden**0.5, 1 / 16), states=0.5))


def with_cotangents(scenario: "Scenario") -> "Scenario":
    """The same, with a cotangent for every output."""
    from rnn_goldens.golden.shapes import LAYOUTS, output_shapes

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
    """The page."""
    rows = []
    for what, cost in costs.items():
        rows.append((what, *(f"{cost[name]:{how}}" if name in cost else "" for name, how in FIGURES.items())))
        if LIMITS[what]:
            rows.append(("at most", *(f"{LIMITS[what][name]:g}" if name in LIMITS[what] else "" for name in FIGURES)))
    base = ", ".join(f"{LETTERS[what]} = {size}" for what, size in BASE.items())
    return "\n".join(
        [
            "# What generating costs\n\n"
            "The whole corpus certified, held to the deviations and written: its outputs alone, with gradients, and "
            "again with nothing changed. Written by `python -m benchmarks.generation_cost --write`; times are those of "
            "one machine. `make bench-generation` measures anew and fails where a figure is above what it may be at "
            "most.\n\n"
            f"{page.versions('numpy', 'torch', 'python-flint', 'h5py')}, {cores} cores. "
            f"The machine's load was {load:.0f} when it began: above its cores, wall is more than certifying takes.\n",
            page.table(("whole corpus", *FIGURES), rows),
            "“Beyond imports” starts when the generator is imported; what it imports later counts. “Memory” is that of "
            "the process and its pool together, where it was largest: the sum of their proportional set sizes (PSS), "
            f"in which a page that several processes share is divided among them, looked at every {LOOK_EVERY:g} s"
            f"{'' if tells_memory() else '; this system does not tell it'}.\n\n"
            "## One golden as it grows\n\n"
            f"An LSTM's golden, in CPU milliseconds with one thread (least of {REPEATS}); {base} "
            "but for what grows.\n",
            _grown("CPU, ms", grown),
            "The same with a cotangent for every output.\n",
            _grown("with gradients, CPU, ms", grown_back),
        ]
    )


def _grown(what: str, grown: Sequence[tuple[str, int, float]]) -> str:
    sizes = [(f"{LETTERS[kind]} = {size}", f"{1000 * seconds:.0f}") for kind, size, seconds in grown]
    return page.table(("size", what), sizes)


if __name__ == "__main__":
    main()
