"""Computes outputs whose elements are proven to be the exact results, correctly rounded to float64.

The definition is run in ball arithmetic. The working precision is doubled until both ends of every ball round to the
same float64.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from flint import ctx
from numpy.typing import NDArray

from rnn_goldens.cells import Case, Cell, Network
from rnn_goldens.generator.balls import Balls, NoNumber, Undecided, balls, rounded
from rnn_goldens.generator.scenario import Refused, Scenario
from rnn_goldens.progress import counting

Numbers = TypeVar("Numbers")

FIRST_BITS, LAST_BITS = 192, 192 * 2**8


@dataclass(frozen=True, eq=False)
class Answer:
    """Certified outputs.

    Attributes:
        outputs: by name, as in a golden; each element is the exact result, correctly rounded.
        bits: the working precision that proved them.
    """

    outputs: dict[str, NDArray[np.float64]]
    bits: int


def certified_outputs(scenario: Scenario, cell: Cell | None = None) -> Answer:
    """Return the certified outputs of a scenario; with ``cell``, of this cell instead of the scenario's.

    Raises:
        Refused: the equations have no value; or no working precision decides the value: the ends of a ball round to
            two neighbouring float64 numbers however narrow the ball is, or a relu's argument is zero but its ball has
            a radius. (A ball of radius zero half-way between two float64 numbers is decided: it rounds to even.)
    """
    try:
        outputs, bits = correctly_rounded(scenario.case(cell))
    except NoNumber as reason:
        raise Refused(
            f"{scenario.id}: its equations have no value{_first_place(scenario.case(cell))}: {reason}"
        ) from None
    except Undecided as undecided:
        raise Refused(f"{scenario.id}: undecided with {LAST_BITS} bits: {undecided}") from None
    names = (cell or scenario.defined).layout.outputs
    return Answer(dict(zip(names, outputs, strict=True)), bits)


def correctly_rounded(case: Case) -> tuple[list[NDArray[np.float64]], int]:
    """Return the outputs of a network, out first, and the bits that proved them. Raises Undecided if none suffice."""

    def run(count: Callable[[int], None]) -> list[NDArray[np.float64]]:
        network = Balls()
        network.count = count
        return [rounded(output) for output in network.run(in_balls(case))]

    return with_enough_bits(run, "values", steps(case), lambda why: isinstance(why, NoNumber) and _first_place(case))


def with_enough_bits(
    run: Callable[[Callable[[int], None]], Numbers],
    what: str,
    steps: int,
    in_vain: Callable[[Undecided], object] = lambda _: False,
) -> tuple[Numbers, int]:
    """Run a function in ball arithmetic with more and more bits until it decides; return its result and the bits.

    Args:
        run: the function; its argument is a function that counts steps.
        what: the name of the result, for the progress bar.
        steps: the number of steps.
        in_vain: returns whether more bits cannot help.

    Raises:
        Undecided: no working precision decides it.
    """
    bits = FIRST_BITS
    while True:
        try:
            with ctx.workprec(bits):
                return run(counting(f"exact {what}, {bits} bits", steps)), bits
        except Undecided as why:
            if bits >= LAST_BITS or in_vain(why):
                raise
        bits *= 2


def steps(case: Case) -> int:
    """Return the number of steps of all layers and directions."""
    return int(case.x.shape[-2]) * case.config.num_layers * case.config.num_directions


def _first_place(case: Case) -> str:
    """Return the first time step at which out is not finite in float64; "" if there is none, as more bits may help."""
    with np.errstate(all="ignore"):
        out = Network().run(case.as_batch())[0]
    steps = np.flatnonzero(~np.isfinite(out).all(axis=(0, 2)))
    return f" at time step {steps[0]}" if steps.size else ""


def in_balls(case: Case) -> Case:
    """Return the case with balls of radius zero."""
    weights = {name: balls(array) for name, array in case.weights.items()}
    return replace(case, weights=weights, x=balls(case.x), state=tuple(balls(part) for part in case.state))
