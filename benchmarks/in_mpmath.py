"""The answer computed with mpmath: the definition, read with its numbers."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import mpmath
import numpy as np
from numpy.typing import NDArray

from rnn_goldens.cells import Array, Case, Network


class InMpmath(Network):
    """A network whose numbers are mpmath's, one by one, as mpmath is used."""

    def product(self, v: Array, matrix: Array) -> Array:
        """The matrix times each row of v, by mpmath's own dot product."""
        return np.array([[mpmath.fdot(row, given) for row in matrix] for given in v], dtype=object)

    def sigmoid(self, z: Array) -> Array:
        """1 / (1 + e^-z)."""
        return _sigmoid(z)

    def tanh(self, z: Array) -> Array:
        """The hyperbolic tangent."""
        return _tanh(z)

    def relu(self, z: Array) -> Array:
        """max(0, z)."""
        return _relu(z)


def answer(case: Case, bits: int) -> list[NDArray[np.float64]]:
    """The outputs of a network, out first, computed with so many bits and rounded once; nothing is proven."""
    with mpmath.workprec(bits):
        weights = {name: _numbers(array) for name, array in case.weights.items()}
        asked = replace(case, weights=weights, x=_numbers(case.x), state=tuple(map(_numbers, case.state)))
        return [output.astype(np.float64) for output in InMpmath().run(asked)]


def _each(function: Callable[[Any], Any]) -> Callable[..., Array]:
    each: Callable[..., Array] = np.frompyfunc(function, 1, 1)
    return each


_numbers = _each(mpmath.mpf)
_sigmoid = _each(lambda z: 1 / (1 + mpmath.exp(-z)))
_tanh = _each(mpmath.tanh)
_relu = _each(lambda z: max(z, 0))
