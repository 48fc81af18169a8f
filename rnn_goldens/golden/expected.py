"""The expected values of outputs or of gradients: one type for both."""

from collections.abc import Mapping
from dataclasses import dataclass, field

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
    _allowed: dict[str, Float64] = field(default_factory=dict, init=False, repr=False)

    def allowed(self, name: str) -> Float64:
        """Return the largest allowed absolute error of each element, computed once: a diagnosis asks for each cause."""
        if name not in self._allowed:
            self._allowed[name] = self.tolerance.allowed(name, self.values[name], PRECISIONS[self.dtype])
        return self._allowed[name]

    def wrong(self, name: str, got: Float64) -> NDArray[np.bool_]:
        """Return a mask of the wrong elements; every element is wrong if the shape is wrong."""
        want = self.values[name]
        if got.shape != want.shape:
            return np.ones(got.shape, bool)
        return ~(abs(got - want) <= self.allowed(name))
