"""Measures CPU time and memory of certifying one large golden, each in a process of its own."""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from benchmarks.benchmark import Measured
    from rnn_goldens import RecurrenceScenario, Scenario

GOLDENS = (
    *(("lstm", steps, 8, False) for steps in (200, 800)),
    *(("lstm", 20, units, True) for units in (64, 128)),
    *(("gated_delta", size, size, back) for back in (False, True) for size in (16, 32, 64)),
    ("gated_delta", 64, 128, False),
)
"""Cell, time steps, units (or d_k and d_v), and whether with gradients."""


def measured(most: int = 128, other: str = "") -> "Measured":
    """Return the section: CPU seconds and peak memory of this checkout, and of another one."""
    from benchmarks import page
    from benchmarks.benchmark import Measured

    trees = [str(page.ROOT), *([other] if other else [])]
    chosen = [golden for golden in GOLDENS if golden[2] <= most]
    rows = [
        (*golden[:3], "yes" if golden[3] else "", *(of for t in trees for of in cost(t, *golden))) for golden in chosen
    ]
    header = ("cell", "steps", "units", "gradients", *("CPU/s", "MB") * len(trees))
    return Measured(
        "## Certifying a large golden\n\n"
        "CPU seconds and peak memory of one process with one thread, without confirmation by implementations: an LSTM "
        "of two sequences; the gated delta rule with one head, whose units are d_k and d_v.\n\n"
        + page.table(header, rows)
    )


def cost(tree: str, cell: str, steps: int, units: int, gradients: bool) -> tuple[str, str]:
    """Return CPU seconds and megabytes of certifying a golden with the code of a checkout."""
    command = [sys.executable, __file__, cell, str(steps), str(units), str(int(gradients))]
    environment = {**os.environ, "PYTHONPATH": tree, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=Path(tree), env=environment, capture_output=True, text=True, check=True)
    seconds, megabytes = done.stdout.split()
    return seconds, megabytes


def scenario(cell: str, steps: int, units: int, gradients: bool) -> "Scenario | RecurrenceScenario":
    """Return a scenario of a size, with numbers of eight bits."""
    from rnn_goldens import RecurrenceScenario, Scenario

    numbers = np.random.default_rng(1)
    fields: dict[str, Any] = {"id": "large/golden", "purpose": "To be timed."}
    if gradients:
        fields["gradient_purpose"] = "To be timed."

    def draw(*shape: int, by: float = 1.0) -> NDArray[np.float64]:
        return np.round(numbers.integers(-64, 65, shape) * by * 4) / 256

    if cell == "lstm":
        by = units**-0.5
        weights = {f"weight_{of}_l0": draw(4 * units, units, by=by) for of in ("ih", "hh")}
        weights |= {f"bias_{of}_l0": draw(4 * units) for of in ("ih", "hh")}
        back: dict[str, Any] = {"d_out": draw(2, steps, units)} if gradients else {}
        return Scenario(cell=cell, weights=weights, x=draw(2, steps, units), **fields, **back)
    inputs = {name: draw(1, steps, 1, units, by=units**-0.5) for name in "qk"} | {"v": draw(1, steps, 1, units)}
    gates = {"g": -np.abs(draw(1, steps, 1, by=0.1)), "beta": np.abs(draw(1, steps, 1))}
    sizes = {"heads": 1, "query_heads": 1, "d_k": units, "d_v": units}
    if gradients:
        fields["cotangents"] = {"d_o": draw(1, steps, 1, units)}
    precisions = ["float64", "float32"]
    return RecurrenceScenario(cell=cell, config=sizes, inputs={**inputs, **gates}, precisions=precisions, **fields)


def main(cell: str, steps: str, units: str, gradients: str) -> None:
    """Certify a golden; print CPU seconds and megabytes."""
    from rnn_goldens import certify

    declared = scenario(cell, int(steps), int(units), gradients == "1").in_arrays()
    began = time.process_time()
    certify(declared, confirm=False)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{time.process_time() - began:.2f} {megabytes:.0f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
