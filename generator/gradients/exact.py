"""The gradients, each element proven to be the exact result correctly rounded to float64."""

import numpy as np
from flint import ctx
from numpy.typing import NDArray

from rnn_goldens.cells import Case, Cotangents
from rnn_goldens.generator.balls import Undecided, rounded
from rnn_goldens.generator.exact import FIRST_BITS, LAST_BITS, in_balls, steps
from rnn_goldens.generator.gradients.balls import BackwardBalls
from rnn_goldens.generator.progress import counting


def correctly_rounded_gradients(case: Case, cotangents: Cotangents) -> tuple[dict[str, NDArray[np.float64]], int]:
    """By the names of the arrays, and the bits that proved them.

    Raises:
        Undecided: no working precision decides them.
        Tied: an argument lies exactly on a kink, and what stands there has a cotangent.
    """
    bits = FIRST_BITS
    while True:
        try:
            network = BackwardBalls()
            network.count = counting(f"exact gradients, {bits} bits", 2 * steps(case))
            with ctx.workprec(bits):
                found = network.gradients(in_balls(case), cotangents)
                return {name: rounded(array) for name, array in found.items()}, bits
        except Undecided:
            if bits >= LAST_BITS:
                raise
        bits *= 2
