"""What is expected of an implementation, outputs or gradients: one type for both."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.tolerance import Float64, Tolerance

OUTPUTS, GRADIENTS = "outputs", "gradients"
"""What a golden has expected values of."""


@dataclass(frozen=True, eq=False)
class Expected:
    """Expected values in one precision.

    Attributes:
        values: float64, by name: of outputs ``out``, ``h_n`` and ``c_n``; of gradients the array's that it is by.
        tolerance: how far a correct implementation can be off.
        dtype: the precision.
    """

    values: Mapping[str, Float64]
    tolerance: Tolerance
    dtype: str

    def allowed(self, name: str) -> Float64:
        """The largest allowed absolute error of each element in the precision."""
        return self.tolerance.allowed(name, self.values[name], PRECISIONS[self.dtype])

    def wrong(self, name: str, got: Float64) -> NDArray[np.bool_]:
        """Which elements are wrong: all, where the shape is."""
        want = self.values[name]
        if got.shape != want.shape:
            return np.ones(got.shape, bool)
        return ~(abs(got - want) <= self.allowed(name))
