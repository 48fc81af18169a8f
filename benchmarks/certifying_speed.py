"""Compares the speed of certification with that of mpmath, for growing numbers of time steps, units and layers.

Uses one core for about two minutes. Exits with 1 if mpmath computes other values with the same number of bits.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import generation_cost, page
from benchmarks.benchmark import Measured
from benchmarks.generation_cost import sized

if TYPE_CHECKING:
    from rnn_goldens.generator.scenario import Scenario

CELLS = ("lstm", "gru")
GROWTH = {"time": (10, 50, 200), "hidden": (8, 32, 64), "layers": (1, 2, 4)}
BASE = {what: generation_cost.BASE[what] for what in GROWTH}
REPEATS = 3


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
    """

    cell: str
    size: dict[str, int]
    bits: int
    answer: float
    certified: float
    mpmath: float


def measured() -> Measured:
    """Return the section, without a table if mpmath has other values."""
    return Measured(report([speed(cell, size) for cell in CELLS for size in sizes()]))


def sizes() -> Iterator[dict[str, int]]:
    """Yield the base size, and each size that is larger in one dimension."""
    yield BASE
    for what, grown in GROWTH.items():
        for size in grown:
            if size != BASE[what]:
                yield {**BASE, what: size}


def speed(cell: str, size: dict[str, int]) -> Speed:
    """Return the least CPU time of each method, measured several times in turn."""
    from benchmarks import in_mpmath
    from rnn_goldens.generator.certify import certify
    from rnn_goldens.generator.exact import correctly_rounded

    scenario = sized(cell, **size)
    ours, bits = correctly_rounded(scenario.case())
    theirs = in_mpmath.answer(scenario.case(), bits)
    if not all(np.array_equal(our, their) for our, their in zip(ours, theirs, strict=True)):
        sys.exit(f"{cell} {size}: mpmath with {bits} bits has other values")
    certify(scenario)  # imports torch, which is not measured
    methods: Sequence[Callable[[Scenario], object]] = (
        lambda scenario: correctly_rounded(scenario.case()),
        certify,
        lambda scenario: in_mpmath.answer(scenario.case(), bits),
    )
    spent = [[cpu(partial(method, sized(cell, **size))) for method in methods] for _ in range(REPEATS)]
    return Speed(cell, size, bits, *map(min, zip(*spent, strict=True)))


def cpu(work: Callable[[], object]) -> float:
    """Return the CPU seconds that this process spends on some work."""
    start = time.process_time()
    work()
    return time.process_time() - start


def report(speeds: Sequence[Speed]) -> str:
    """Return the section of the page."""
    import mpmath

    header = ("cell", *BASE, "bits", "certified/s", "answers/s", "mpmath/s", "speed-up")
    rows = [
        (
            s.cell,
            *s.size.values(),
            s.bits,
            *(page.written(1 / seconds) for seconds in (s.certified, s.answer, s.mpmath)),
            f"{s.mpmath / s.answer:.1f}",
        )
        for s in speeds
    ]
    ratios = [s.mpmath / s.answer for s in speeds]
    return "\n".join(
        [
            "## Certifying one golden, compared with mpmath\n\n"
            "Certification was compared with mpmath at the same precision: computing the expected values takes a "
            "fraction of mpmath's "
            f"time. The table shows goldens per second on one core (least CPU time of {REPEATS} runs), with two "
            "sequences each.\n\n"
            f"1 core, mpmath on {mpmath.libmp.BACKEND}'s "
            "integers.\n",
            page.table(header, rows),
            "“certified”: expected values, tolerance, and confirmation by torch and NumPy in each precision. "
            "“answers”: "
            "the expected values only, proven to be correctly rounded. “mpmath”: the same equations with as many bits, "
            "dot products by `fdot`, without a proof; the float64 values were always equal. "
            f"mpmath takes {min(ratios):.1f} to {max(ratios):.1f} times as long as “answers”.\n",
        ]
    )
