"""How far a correct implementation can be from the certified answer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.precision import Precision


@dataclass(frozen=True)
class Exact:
    """Every partial sum fits ``bits`` significant bits, so any summation order gives the same numbers: no tolerance.

    Attributes:
        bits: for each dot product, the sum of its terms' absolute values is at most ``2**bits`` times the largest
            power of two that divides every term. Precisions with at least so many bits compute without rounding.
    """

    bits: int

    kind = "exact"

    def allowed(self, output: str, values: NDArray[np.float64], precision: Precision) -> NDArray[np.float64]:  # noqa: ARG002
        """Largest allowed absolute error of each element of an output (``out``, ``h_n`` or ``c_n``): zero."""
        return np.zeros_like(values)
