"""Goldens certified a second and core, as time steps, units and layers grow, beside mpmath computing the same answers.

    python -m benchmarks.certifying_speed         # from the checkout; --write renews docs/results/certifying-speed.md

One core, some two minutes. Exits with 1 if mpmath's answer, with the bits that proved ours, is another one anywhere.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import generation_cost, page
from benchmarks.generation_cost import sized

if TYPE_CHECKING:
    from rnn_goldens.generator.scenario import Scenario

CELLS = ("lstm", "gru")
GROWTH = {"time": (10, 50, 200), "hidden": (8, 32, 64), "layers": (1, 2, 4)}
BASE = {what: generation_cost.BASE[what] for what in GROWTH}
REPEATS = 3


@dataclass(frozen=True)
class Speed:
    """How much a core does of one size.

    Attributes:
        cell: of the network.
        size: by name, what is in ``BASE``.
        bits: that proved the answer, and that mpmath computes with.
        answer: CPU seconds for the answer, proven to be correctly rounded.
        certified: for a golden: the answer, its tolerance, and implementations that confirm both.
        mpmath: for mpmath's answer, correctly rounded too, as comparing shows, but not proven.
    """

    cell: str
    size: dict[str, int]
    bits: int
    answer: float
    certified: float
    mpmath: float


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write docs/results/certifying-speed.md")
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # read by BLAS and torch when imported; a thread that waits spends CPU too
    text = report([speed(cell, size) for cell in CELLS for size in sizes()])
    print(text)
    if arguments.write:
        page.write("certifying-speed.md", text)


def sizes() -> Iterator[dict[str, int]]:
    """The smallest, and each of the others that is larger in one way."""
    yield BASE
    for what, grown in GROWTH.items():
        for size in grown:
            if size != BASE[what]:
                yield {**BASE, what: size}


def speed(cell: str, size: dict[str, int]) -> Speed:
    """Do the same work in each way, one after the other, several times; the least time of each."""
    from benchmarks import in_mpmath
    from rnn_goldens.generator.certify import certify
    from rnn_goldens.generator.exact import correctly_rounded

    scenario = sized(cell, **size)
    ours, bits = correctly_rounded(scenario.case())
    theirs = in_mpmath.answer(scenario.case(), bits)
    if not all(np.array_equal(our, their) for our, their in zip(ours, theirs, strict=True)):
        sys.exit(f"{cell} {size}: mpmath with {bits} bits has another answer")
    certify(scenario)  # imports torch, which is not what is measured
    ways: Sequence[Callable[[Scenario], object]] = (
        lambda asked: correctly_rounded(asked.case()),
        certify,
        lambda asked: in_mpmath.answer(asked.case(), bits),
    )
    spent = [[cpu(partial(way, sized(cell, **size))) for way in ways] for _ in range(REPEATS)]
    return Speed(cell, size, bits, *map(min, zip(*spent, strict=True)))


def cpu(work: Callable[[], object]) -> float:
    """Seconds of this process."""
    start = time.process_time()
    work()
    return time.process_time() - start


def report(speeds: Sequence[Speed]) -> str:
    """The page."""
    import mpmath

    header = ("cell", *BASE, "bits", "certified/s", "answers/s", "mpmath/s", "times mpmath")
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
            "# How fast goldens are certified\n\n"
            "Goldens a second on one core (CPU time, least of "
            f"{REPEATS}), two sequences each, as time steps, hidden units and layers grow. Written by\n"
            "`python -m benchmarks.certifying_speed --write`; times are those of one machine.\n\n"
            f"{page.versions('numpy', 'torch', 'python-flint', 'mpmath')}, mpmath on {mpmath.libmp.BACKEND}'s "
            "integers, 1 core.\n",
            page.table(header, rows),
            "“Certified” is the whole: the answer, its tolerance, and torch and NumPy that confirm both in each "
            "precision. “Answers” are those\nalone, proven to be correctly rounded. “mpmath” computes the same "
            "equations with as many bits and rounds once, dot products by\nits own `fdot`; it proves nothing, and gave "
            "the same float64 everywhere. "
            f"It takes {min(ratios):.1f} to {max(ratios):.1f} times as long as “answers”.\n",
        ]
    )


if __name__ == "__main__":
    main()
