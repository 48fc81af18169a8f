"""The expected values of outputs or of gradients: one type for both."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.tolerance import Float64, Tolerance

OUTPUTS, GRADIENTS = "outputs", "gradients"
"""The two kinds of expected values."""


@dataclass(frozen=True, eq=False)
class Expected:
    """Expected values in one precision.

    Attributes:
        values: float64, by name: ``out``, ``h_n`` and ``c_n``, or the names of the arrays that the gradients belong to.
        tolerance: the largest error of a correct implementation.
        dtype: name of the precision.
    """

    values: Mapping[str, Float64]
    tolerance: Tolerance
    dtype: str

    def allowed(self, name: str) -> Float64:
        """Return the largest allowed absolute error of each element."""
        return self.tolerance.allowed(name, self.values[name], PRECISIONS[self.dtype])

    def wrong(self, name: str, got: Float64) -> NDArray[np.bool_]:
        """Return a mask of the wrong elements; every element is wrong if the shape is wrong."""
        want = self.values[name]
        if got.shape != want.shape:
            return np.ones(got.shape, bool)
        return ~(abs(got - want) <= self.allowed(name))
