"""Computes gradients whose elements are proven to be the exact results, correctly rounded to float64."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.cells import Case, Cotangents
from rnn_goldens.generator.balls import rounded
from rnn_goldens.generator.exact import in_balls, steps, with_enough_bits
from rnn_goldens.generator.gradients.balls import BackwardBalls


def correctly_rounded_gradients(case: Case, cotangents: Cotangents) -> tuple[dict[str, NDArray[np.float64]], int]:
    """Return the gradients by array name, and the working precision in bits that proved them.

    Raises:
        Undecided: no working precision decides them.
        Tied: an argument with a nonzero cotangent is exactly on a kink.
    """

    def run(count: Callable[[int], None]) -> dict[str, NDArray[np.float64]]:
        network = BackwardBalls()
        network.count = count
        return {name: rounded(array) for name, array in network.gradients(in_balls(case), cotangents).items()}

    return with_enough_bits(run, "gradients", 2 * steps(case))
