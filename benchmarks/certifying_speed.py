"""Compares the speed of certification with that of mpmath, for growing numbers of time steps, units and layers."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
from numpy.typing import NDArray

from benchmarks import page
from benchmarks.benchmark import Measured
from rnn_goldens.cells import Array, Case, Network

if TYPE_CHECKING:
    from rnn_goldens.generator.scenario import Scenario

CELLS = ("lstm", "gru")
BASE = {"time": 10, "hidden": 8, "layers": 1}
GROWTH = {"time": (50, 200), "hidden": (32, 64), "layers": (2, 4)}
REPEATS = 3


class InMpmath(Network):
    """A network that computes element by element with mpmath's numbers."""

    def product(self, v: Array, matrix: Array) -> Array:
        """Return the matrix times each row of v, by mpmath's dot product."""
        return np.array([[mpmath.fdot(row, vector) for row in matrix] for vector in v], dtype=object)

    def sigmoid(self, z: Array) -> Array:
        """Return 1 / (1 + e^-z)."""
        return _each(lambda one: 1 / (1 + mpmath.exp(-one)))(z)

    def tanh(self, z: Array) -> Array:
        """Return the hyperbolic tangent of z."""
        return _each(mpmath.tanh)(z)

    def relu(self, z: Array) -> Array:
        """Return z where it is positive, else 0."""
        return _each(lambda one: max(one, 0))(z)


def _each(function: Callable[[Any], Any]) -> Callable[..., Array]:
    each: Callable[..., Array] = np.frompyfunc(function, 1, 1)
    return each


def in_mpmath(case: Case, bits: int) -> list[NDArray[np.float64]]:
    """Return the outputs of a network, out first, computed with ``bits`` bits and rounded once, without a proof."""
    numbers = _each(mpmath.mpf)
    with mpmath.workprec(bits):
        weights = {name: numbers(array) for name, array in case.weights.items()}
        converted = replace(case, weights=weights, x=numbers(case.x), state=tuple(map(numbers, case.state)))
        return [output.astype(np.float64) for output in InMpmath().run(converted)]


@dataclass(frozen=True)
class Speed:
    """The speed of one core for one size.

    Attributes:
        cell: cell of the network.
        size: values of the sizes in ``BASE``.
        bits: precision that proved the expected values; mpmath computes with the same precision.
        answer: CPU seconds for the expected values, proven to be correctly rounded.
        certified: CPU seconds for a golden: expected values, tolerance, and confirmation by implementations.
        mpmath: CPU seconds for mpmath's values, which are equal but not proven.
        backward: CPU seconds for a golden with gradients.
    """

    cell: str
    size: dict[str, int]
    bits: int
    answer: float
    certified: float
    mpmath: float
    backward: float


def measured() -> Measured:
    """Return the section; exits if mpmath has other values."""
    return Measured(report([speed(cell, size) for cell in CELLS for size in sizes()]))


def sizes() -> Iterator[dict[str, int]]:
    """Yield the base size, and each size that is larger in one dimension."""
    yield BASE
    yield from ({**BASE, what: size} for what, grown in GROWTH.items() for size in grown)


def speed(cell: str, size: dict[str, int]) -> Speed:
    """Return the least CPU time of each method, measured several times in turn; with gradients once."""
    from rnn_goldens.generator.certify import certify
    from rnn_goldens.generator.exact import correctly_rounded

    scenario = sized(cell, **size)
    ours, bits = correctly_rounded(scenario.case())
    theirs = in_mpmath(scenario.case(), bits)
    if not all(np.array_equal(our, their) for our, their in zip(ours, theirs, strict=True)):
        sys.exit(f"{cell} {size}: mpmath with {bits} bits has other values")
    certify(with_cotangents(sized(cell, 2, 2, 1)))  # imports torch, which is not measured
    methods: Sequence[Callable[[Scenario], object]] = (
        lambda scenario: correctly_rounded(scenario.case()),
        certify,
        lambda scenario: in_mpmath(scenario.case(), bits),
    )
    spent = [[_cpu(partial(method, sized(cell, **size))) for method in methods] for _ in range(REPEATS)]
    backward = _cpu(partial(certify, with_cotangents(sized(cell, **size))))
    answer, certified, theirs_took = map(min, zip(*spent, strict=True))
    return Speed(cell, size, bits, answer, certified, theirs_took, backward)


def _cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def sized(cell: str, time: int, hidden: int, layers: int) -> "Scenario":
    """Return a scenario of a size, with two sequences and an initial state."""
    from rnn_goldens.generator.scenarios.variants import Variant, rounded
    from rnn_goldens.golden.shapes import Config

    config = Config(input_size=4, hidden_size=hidden, num_layers=layers)
    variant = Variant("sized", "sized", "To be timed.", config, time=time, batch=2, state=True)
    return variant.scenario("benchmark", cell, rounded(max(1 / hidden**0.5, 1 / 16), states=0.5))


def with_cotangents(scenario: "Scenario") -> "Scenario":
    """Return the scenario with a cotangent for every output."""
    from rnn_goldens.golden.built_in_cells import LAYOUTS
    from rnn_goldens.golden.shapes import output_shapes

    shapes = output_shapes(LAYOUTS[str(scenario.cell)], scenario.shape, scenario.inputs["x"].shape)
    ones: dict[str, Any] = {f"d_{output}": np.ones(shape) for output, shape in shapes.items()}
    return replace(scenario, **ones, gradient_purpose="To be timed.")


def report(speeds: Sequence[Speed]) -> str:
    """Return the section of the page."""
    header = ("cell", *BASE, "bits", "with gradients/s", "certified/s", "answers/s", "mpmath/s", "speed-up")
    rows = [
        (
            s.cell,
            *s.size.values(),
            s.bits,
            *(page.written(1 / seconds) for seconds in (s.backward, s.certified, s.answer, s.mpmath)),
            f"{s.mpmath / s.answer:.1f}",
        )
        for s in speeds
    ]
    ratios = [s.mpmath / s.answer for s in speeds]
    return "\n".join(
        [
            "## Certifying one golden, compared with mpmath\n\n"
            "Certification was compared with mpmath at the same precision: computing the expected values takes a "
            "fraction of mpmath's time. The table shows goldens per second on one core (least CPU time of "
            f"{REPEATS} runs; with gradients one run), with two sequences each. mpmath ran on {mpmath.libmp.BACKEND}'s "
            "integers.\n",
            page.table(header, rows),
            "“certified”: expected values, tolerance, and confirmation by torch and NumPy in each precision. "
            "“answers”: the expected values only, proven to be correctly rounded. “mpmath”: the same equations with as "
            "many bits, dot products by `fdot`, without a proof; the float64 values were always equal. "
            f"mpmath takes {min(ratios):.1f} to {max(ratios):.1f} times as long as “answers”.\n",
        ]
    )
