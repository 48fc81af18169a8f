"""The largest distance of a correct implementation from the expected values."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.golden.precision import PRECISIONS, Precision

Float64 = NDArray[np.float64]

HALF_SAFETY = 1.5
"""Factor for half precisions: they round so coarsely that second-order terms, which the bound omits, matter."""


@dataclass(frozen=True)
class Exact:
    """Zero tolerance: every partial sum fits in ``bits`` significant bits, so the order of summation has no effect.

    Attributes:
        bits: for each dot product, the sum of its terms' absolute values is at most ``2**bits`` times the largest
            power of two that divides every term. A precision with at least ``bits`` bits computes without rounding.
    """

    bits: int

    kind = "exact"
    in_words = "none: every value is exact in this precision, in any order of summation"

    def allowed(self, output: str, values: Float64, precision: Precision) -> Float64:  # noqa: ARG002
        """Return the largest allowed absolute error of each element: zero."""
        return 0 * abs(values)

    def copied(self) -> "Exact":
        """Return this object: it is immutable."""
        return self


@dataclass(frozen=True, eq=False)
class Bound:
    """A worst-case bound on the error of any correct implementation, to first order in the unit roundoff.

    Attributes:
        accumulation: by output, the coefficient of the roundoff of sums and activations.
        storage: by output, the coefficient of the roundoff of stored intermediate results.
    """

    accumulation: Mapping[str, Float64]
    storage: Mapping[str, Float64]

    kind = "bound"
    in_words = "for each element, the largest rounding error of a correct implementation"

    def allowed(self, output: str, values: Float64, precision: Precision) -> Float64:
        """Return the largest allowed absolute error of each element of an output."""
        bound = roundoff_sum(self.accumulation[output], self.storage[output], precision)
        return bound + precision.roundoff * abs(values) + precision.smallest

    def copied(self) -> "Bound":
        """Return a deep copy."""
        kinds = (self.accumulation, self.storage)
        return Bound(*({name: array.copy() for name, array in kind.items()} for kind in kinds))


def roundoff_sum(accumulation: Float64, storage: Float64, precision: Precision) -> Float64:
    """Return the bound from two coefficients in a precision. Half precisions accumulate in float32, as kernels do."""
    half = precision.bits < PRECISIONS["float32"].bits
    roundoff = PRECISIONS["float32"].roundoff if half else precision.roundoff
    return (HALF_SAFETY if half else 1.0) * (accumulation * roundoff + storage * precision.roundoff)


Tolerance = Exact | Bound

LARGEST_TOLERANCE = 0.1
"""The largest tolerance of an output. A larger first-order bound is invalid, so the golden omits the precision."""

LARGEST_TOLERANCE_OF_GRADIENTS = 0.25
"""The largest tolerance of a gradient, relative to the largest gradient. A precision that exceeds it is omitted."""


def loosest(tolerance: Tolerance, expected: Mapping[str, Float64], precision: Precision) -> float:
    """Return the largest allowed error of any element."""
    return max(float(tolerance.allowed(name, array, precision).max(initial=0)) for name, array in expected.items())


def loosest_of_gradients(tolerance: Tolerance, expected: Mapping[str, Float64], precision: Precision) -> float:
    """Return the largest allowed error relative to the largest gradient; 0 if all gradients are zero."""
    largest = max(float(abs(array).max(initial=0)) for array in expected.values())
    return loosest(tolerance, expected, precision) / largest if largest else 0.0
