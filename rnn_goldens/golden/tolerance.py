"""How far a correct implementation can be from the certified answer."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.golden.precision import PRECISIONS, Precision

Float64 = NDArray[np.float64]

HALF_SAFETY = 1.5
"""Half precisions round so coarsely that products of two roundings, which a first-order bound leaves out, count."""


@dataclass(frozen=True)
class Exact:
    """Every partial sum fits ``bits`` significant bits, so any summation order gives the same numbers: no tolerance.

    Attributes:
        bits: for each dot product, the sum of its terms' absolute values is at most ``2**bits`` times the largest
            power of two that divides every term. Precisions with at least so many bits compute without rounding.
    """

    bits: int

    kind = "exact"
    in_words = "none: every number is exact in this precision, whatever the order of the sums"

    def allowed(self, output: str, values: Float64, precision: Precision) -> Float64:  # noqa: ARG002
        """Largest allowed absolute error of each element of an output (``out``, ``h_n`` or ``c_n``): zero."""
        return 0 * abs(values)

    def copied(self) -> "Exact":
        """The same: it holds nothing that can be written to."""
        return self


@dataclass(frozen=True, eq=False)
class Bound:
    """A worst-case bound on the error of any correct implementation, to first order in the unit roundoff.

    Attributes:
        accumulation: per output, the bound's coefficient of the roundoff that sums and activations are computed with.
        storage: per output, its coefficient of the roundoff that intermediate results are stored with.
    """

    accumulation: Mapping[str, Float64]
    storage: Mapping[str, Float64]

    kind = "bound"
    in_words = "for each number, the most that rounding can make of it in a correct implementation"

    def allowed(self, output: str, values: Float64, precision: Precision) -> Float64:
        """Largest allowed absolute error of each element of an output (``out``, ``h_n`` or ``c_n``)."""
        bound = roundoff_sum(self.accumulation[output], self.storage[output], precision)
        return bound + precision.roundoff * abs(values) + precision.smallest

    def copied(self) -> "Bound":
        """The same in memory of its own."""
        kinds = (self.accumulation, self.storage)
        return Bound(*({name: array.copy() for name, array in kind.items()} for kind in kinds))


def roundoff_sum(accumulation: Float64, storage: Float64, precision: Precision) -> Float64:
    """The bound that two coefficients give in a precision; half precisions accumulate in float32, as kernels do."""
    half = precision.bits < PRECISIONS["float32"].bits
    roundoff = PRECISIONS["float32"].roundoff if half else precision.roundoff
    return (HALF_SAFETY if half else 1.0) * (accumulation * roundoff + storage * precision.roundoff)


Tolerance = Exact | Bound

LARGEST_TOLERANCE = 0.1
"""Of an output: beyond this a first-order bound does not hold, and the precision is left out of the golden."""

LARGEST_TOLERANCE_OF_GRADIENTS = 0.25
"""In units of the largest gradient: what is looser says too little, and the precision is left out."""


def loosest(tolerance: Tolerance, expected: Mapping[str, Float64], precision: Precision) -> float:
    """The largest allowed error of any element."""
    return max(float(tolerance.allowed(name, array, precision).max(initial=0)) for name, array in expected.items())


def loosest_of_gradients(tolerance: Tolerance, expected: Mapping[str, Float64], precision: Precision) -> float:
    """The same in units of the largest gradient; zero if all gradients are."""
    largest = max(float(abs(array).max(initial=0)) for array in expected.values())
    return loosest(tolerance, expected, precision) / largest if largest else 0.0
