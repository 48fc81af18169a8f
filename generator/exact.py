"""The answer, each element proven to be the exact result correctly rounded to float64.

The definition is run in ball arithmetic. Precision doubles until both ends of every ball round to the same float64.
"""

from dataclasses import dataclass, replace

import numpy as np
from flint import ctx
from numpy.typing import NDArray

from rnn_goldens.cells import Case
from rnn_goldens.generator.balls import Balls, Undecided, balls, rounded
from rnn_goldens.generator.scenario import Refused, Scenario

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


def exact_answer(scenario: Scenario) -> Answer:
    """What a network has to answer to a scenario.

    Raises:
        Refused: no working precision decides it: a ball whose ends round to two neighbouring float64, however narrow
            it gets, or a relu's tie that is not exactly zero in ball arithmetic. (A ball of radius zero half-way
            between two float64 is no such case: it rounds to even.)
    """
    case, bits = scenario.case(), FIRST_BITS
    while bits <= LAST_BITS:
        try:
            with ctx.workprec(bits):
                out, h_n, *c_n = (rounded(output) for output in Balls().run(_in_balls(case)))
        except Undecided as undecided:
            reason = undecided
        else:
            return Answer(out, h_n, c_n[0] if c_n else None, bits)
        bits *= 2
    raise Refused(f"{scenario.id}: not decided with {LAST_BITS} bits: {reason}")


def _in_balls(case: Case) -> Case:
    weights = {name: balls(array) for name, array in case.weights.items()}
    return replace(case, weights=weights, x=balls(case.x), state=tuple(balls(part) for part in case.state))
