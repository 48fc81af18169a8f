"""Measures the speed of certification for growing numbers of time steps, units and layers."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import page
from benchmarks.benchmark import Measured

if TYPE_CHECKING:
    from rnn_goldens.generator.scenario import Scenario

CELLS = ("lstm", "gru")
BASE = {"time": 10, "hidden": 8, "layers": 1}
GROWTH = {"time": (50, 200), "hidden": (32, 64), "layers": (2, 4)}
REPEATS = 3


@dataclass(frozen=True)
class Speed:
    """The speed of one core for one size.

    Attributes:
        cell: cell of the network.
        size: values of the sizes in ``BASE``.
        bits: precision that proved the expected values.
        answer: CPU seconds for the expected values, proven to be correctly rounded.
        certified: CPU seconds for a golden: expected values, tolerance, and confirmation by implementations.
        backward: CPU seconds for a golden with gradients.
    """

    cell: str
    size: dict[str, int]
    bits: int
    answer: float
    certified: float
    backward: float


def measured() -> Measured:
    """Return the section."""
    return Measured(report([speed(cell, size) for cell in CELLS for size in sizes()]))


def sizes() -> Iterator[dict[str, int]]:
    """Yield the base size, and each size that is larger in one dimension."""
    yield BASE
    yield from ({**BASE, what: size} for what, grown in GROWTH.items() for size in grown)


def speed(cell: str, size: dict[str, int]) -> Speed:
    """Return the least CPU time of each stage, measured several times; with gradients once."""
    from rnn_goldens.cells.network import recorded
    from rnn_goldens.generator.ball_evaluation import proven
    from rnn_goldens.generator.certification import certify

    def least(work: "Callable[[Scenario], object]", runs: int) -> float:
        return min(_cpu(partial(work, sized(cell, **size))) for _ in range(runs))

    certify(with_cotangents(sized(cell, 2, 2, 1)))  # imports torch, which is not measured
    _, bits = proven(recorded(sized(cell, **size).case()))
    answer = least(lambda scenario: proven(recorded(scenario.case())), REPEATS)
    backward = least(lambda scenario: certify(with_cotangents(scenario)), 1)
    return Speed(cell, size, bits, answer, least(certify, REPEATS), backward)


def _cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def sized(cell: str, time: int, hidden: int, layers: int) -> "Scenario":
    """Return a scenario of a size, with two sequences and an initial state."""
    from rnn_goldens.generator.scenarios.templates import Call, Variant, rounded
    from rnn_goldens.golden.shapes import Config

    config = Config(input_size=4, hidden_size=hidden, num_layers=layers)
    variant = Variant("sized", "sized", "To be timed.", Call(config, time=time, batch=2, state=True))
    return variant.scenario("benchmark", cell, rounded(max(1 / hidden**0.5, 1 / 16), states=0.5))


def with_cotangents(scenario: "Scenario") -> "Scenario":
    """Return the scenario with a cotangent for every output."""
    from rnn_goldens.golden.built_in_cells import LAYOUTS

    shapes = scenario.shape.array_shapes(LAYOUTS[str(scenario.cell)], scenario.stored.x.shape).outputs
    ones: dict[str, Any] = {f"d_{output}": np.ones(shape) for output, shape in shapes.items()}
    return replace(scenario, **ones, gradient_purpose="To be timed.")


def report(speeds: Sequence[Speed]) -> str:
    """Return the section of the page."""
    header = ("cell", *BASE, "bits", "expected values/s", "certified/s", "with gradients/s")
    rows = [
        (s.cell, *s.size.values(), s.bits, *(page.written(1 / each) for each in (s.answer, s.certified, s.backward)))
        for s in speeds
    ]
    return "\n".join(
        [
            "## Certifying one golden\n\n"
            f"Goldens per second on one core (least CPU time of {REPEATS} runs; with gradients one run), with two "
            "sequences each. “Expected values”: proven to be correctly rounded, with so many bits. “Certified”: "
            "expected values, tolerance, and confirmation by torch and NumPy in each precision.\n",
            page.table(header, rows),
        ]
    )
