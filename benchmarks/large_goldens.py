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
    from collections.abc import Callable, Iterable

    from benchmarks.benchmark import Measured
    from rnn_goldens import RecurrenceScenario, Scenario

Golden = tuple[str, int, int, bool]

GOLDENS: tuple[Golden, ...] = (
    *(("lstm", steps, 8, False) for steps in (200, 800)),
    *(("lstm", 20, units, True) for units in (64, 128)),
)
"""Networks: cell, time steps, units, and whether with gradients."""

RECURRENCES: tuple[Golden, ...] = tuple(
    (cell, *size, back)
    for cell in ("gated_delta", "linear_attention", "selective_scan", "rg_lru")
    for back in (False, True)
    for size in ((16, 16), (32, 32), (64, 64), (64, 128), (129, 16), (129, 128), (257, 16), (257, 128))
)
"""Recurrences: cell, time steps, size, and whether with gradients. Those that take too long are left out."""

LIMIT = 100
"""The largest predicted number of seconds that is measured."""

STATES = 16
"""The size n of a selective scan."""


def measured(most: int = 128, steps: int = 257, seconds: float = LIMIT, only: str = "", other: str = "") -> "Measured":
    """Return the section: CPU seconds and peak memory of this checkout, and of another one."""
    from benchmarks import page
    from benchmarks.benchmark import Measured
    from rnn_goldens.generator.predicted_cost import predicted_seconds

    trees = [str(page.ROOT), *([other] if other else [])]

    def row(golden: Golden) -> tuple[object, ...]:
        is_long = predicted_seconds(scenario(*golden)) > seconds
        figures = [f for tree in trees for f in (("", "") if is_long else cost(tree, *golden))]
        return (*golden[:3], "yes" if golden[3] else "", *figures)

    def table(size: str, goldens: "Iterable[Golden]") -> str:
        chosen = [row(g) for g in goldens if g[2] <= most and (g[1] <= steps or g in GOLDENS) and only in g[0]]
        return page.table(("cell", "steps", size, "gradients", *("CPU/s", "MB") * len(trees)), chosen)

    recurrences = f"{OF_RECURRENCES.format(seconds=seconds)}{table('size', RECURRENCES)}"
    return Measured(f"{TITLE}{table('units', GOLDENS)}\n{recurrences}")


TITLE = """## Certifying a large golden

CPU seconds and peak memory of one process with one thread, without confirmation by implementations. An LSTM of two
sequences:

"""

OF_RECURRENCES = f"""Recurrences of one sequence and one head, outputs alone and with gradients. The size is that of
d_k and d_v of attention, else of d; a selective scan has n = {STATES}. Attention and scans have a tolerance for chunks,
too. What is predicted to take longer than {{seconds:g}} s has no figures.

"""


def cost(tree: str, cell: str, steps: int, units: int, gradients: bool) -> tuple[str, str]:
    """Return CPU seconds and megabytes of certifying a golden with the code of a checkout."""
    command = [sys.executable, __file__, cell, str(steps), str(units), str(int(gradients))]
    environment = {**os.environ, "PYTHONPATH": tree, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=Path(tree), env=environment, capture_output=True, text=True, check=True)
    seconds, megabytes = done.stdout.split()
    return seconds, megabytes


def scenario(cell: str, steps: int, units: int, gradients: bool) -> "Scenario | RecurrenceScenario":
    """Return a scenario of a size, with numbers of eight bits."""
    from rnn_goldens import Scenario

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
    return _recurrence(cell, steps, units, draw, gradients=gradients, fields=fields)


def _recurrence(
    cell: str,
    steps: int,
    size: int,
    draw: "Callable[..., NDArray[np.float64]]",
    *,
    gradients: bool,
    fields: dict[str, Any],
) -> "RecurrenceScenario":
    """Return a scenario of a recurrence of one sequence and one head or channel, whose state stays small."""
    from rnn_goldens import RecurrenceScenario
    from rnn_goldens.golden.recurrences import RECURRENCES as BUILT_IN

    of = BUILT_IN[cell]
    sizes = dict.fromkeys(of.sizes, size) | {"heads": 1, "query_heads": 1, "n": STATES, "width": 4, "past": 3}
    given = {name: axes for name, axes in of.inputs.items() if name not in of.conditional}
    sizes = {name: sizes[name] for name in of.sizes}
    negative, small = {"g": 0.1, "A": 1.0, "log_decay": 0.1}, {"q": size**-0.5, "k": size**-0.5}

    def array(name: str, leading: tuple[int, ...], axes: str) -> "NDArray[np.float64]":
        shape = (*leading, *(sizes[axis] for axis in axes.split()))
        by = negative.get(name, small.get(name, size**-0.5 if name.startswith("R_") else 1.0))
        drawn = draw(*shape, by=by)
        return -np.abs(drawn) if name in negative else np.abs(drawn) if name == "beta" else drawn

    if gradients:
        fields["cotangents"] = {f"d_{name}": array(name, (1, steps), axes) for name, axes in of.outputs.items()}
    return RecurrenceScenario(
        cell=cell,
        config=sizes,
        inputs={name: array(name, (1, steps), axes) for name, axes in given.items()},
        weights={name: array(name, (), axes) for name, axes in of.weights.items()},
        precisions=["float64", "float32"],
        **fields,
    )


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
