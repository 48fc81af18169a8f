"""The answer, each element proven to be the exact result correctly rounded to float64.

The definition is run in ball arithmetic. Precision doubles until both ends of every ball round to the same float64.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from flint import ctx
from numpy.typing import NDArray

from rnn_goldens.cells import Case, Cell, Network
from rnn_goldens.generator.balls import Balls, NoNumber, Undecided, balls, rounded
from rnn_goldens.generator.progress import counting
from rnn_goldens.generator.scenario import Refused, Scenario

Numbers = TypeVar("Numbers")

FIRST_BITS, LAST_BITS = 192, 192 * 2**8


@dataclass(frozen=True, eq=False)
class Answer:
    """The certified answer.

    Attributes:
        out, h_n, c_n: as in a golden; each element is the exact result, correctly rounded.
        bits: the working precision that proved it.
    """

    out: NDArray[np.float64]
    h_n: NDArray[np.float64]
    c_n: NDArray[np.float64] | None
    bits: int

    @property
    def outputs(self) -> dict[str, NDArray[np.float64]]:
        """By name, those there are."""
        named = {"out": self.out, "h_n": self.h_n, "c_n": self.c_n}
        return {name: array for name, array in named.items() if array is not None}


def exact_answer(scenario: Scenario, cell: Cell | None = None) -> Answer:
    """What a network has to answer to a scenario; ``cell`` if it is one that the scenario does not name.

    Raises:
        Refused: the equations give no number; or no working precision decides it: a ball whose ends round to two
            neighbouring float64, however narrow it gets, or a relu's tie that is not exactly zero in ball arithmetic.
            (A ball of radius zero half-way between two float64 is no such case: it rounds to even.)
    """
    try:
        (out, h_n, *c_n), bits = correctly_rounded(scenario.case(cell))
    except NoNumber as reason:
        raise Refused(
            f"{scenario.id}: its equations give no number{_first_place(scenario.case(cell))}: {reason}"
        ) from None
    except Undecided as undecided:
        raise Refused(f"{scenario.id}: not decided with {LAST_BITS} bits: {undecided}") from None
    return Answer(out, h_n, c_n[0] if c_n else None, bits)


def correctly_rounded(case: Case) -> tuple[list[NDArray[np.float64]], int]:
    """The outputs of a network, out first, and the bits that proved them. Raises Undecided if none do."""

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
    """What ``run`` returns in ball arithmetic, and with how many bits: they double until it is decided.

    Args:
        run: is called with what counts steps.
        what: the name of what is computed, for the progress bar.
        steps: how many there are.
        in_vain: whether more bits would decide nothing either.

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
    """How many steps its layers and directions take."""
    return int(case.x.shape[-2]) * case.config.num_layers * case.config.num_directions


def _first_place(case: Case) -> str:
    """Where out is no number in float64 first; "" if it is one everywhere, and may be one with more bits too."""
    with np.errstate(all="ignore"):
        out = Network().run(case.as_batch())[0]
    steps = np.flatnonzero(~np.isfinite(out).all(axis=(0, 2)))
    return f" at time step {steps[0]}" if steps.size else ""


def in_balls(case: Case) -> Case:
    """The same case, of balls of radius zero."""
    weights = {name: balls(array) for name, array in case.weights.items()}
    return replace(case, weights=weights, x=balls(case.x), state=tuple(balls(part) for part in case.state))
