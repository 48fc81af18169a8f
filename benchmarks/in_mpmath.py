"""Computes the outputs of a network with mpmath's numbers."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import mpmath
import numpy as np
from numpy.typing import NDArray

from rnn_goldens.cells import Array, Case, Network


class InMpmath(Network):
    """A network that computes element by element with mpmath's numbers."""

    def product(self, v: Array, matrix: Array) -> Array:
        """Return the matrix times each row of v, by mpmath's dot product."""
        return np.array([[mpmath.fdot(row, vector) for row in matrix] for vector in v], dtype=object)

    def sigmoid(self, z: Array) -> Array:
        """Return 1 / (1 + e^-z)."""
        return _sigmoid(z)

    def tanh(self, z: Array) -> Array:
        """Return the hyperbolic tangent of z."""
        return _tanh(z)

    def relu(self, z: Array) -> Array:
        """Return z where it is positive, else 0."""
        return _relu(z)


def answer(case: Case, bits: int) -> list[NDArray[np.float64]]:
    """Return the outputs of a network, out first, computed with ``bits`` bits and rounded once, without a proof."""
    with mpmath.workprec(bits):
        weights = {name: _numbers(array) for name, array in case.weights.items()}
        in_mpmath = replace(case, weights=weights, x=_numbers(case.x), state=tuple(map(_numbers, case.state)))
        return [output.astype(np.float64) for output in InMpmath().run(in_mpmath)]


def _each(function: Callable[[Any], Any]) -> Callable[..., Array]:
    each: Callable[..., Array] = np.frompyfunc(function, 1, 1)
    return each


_numbers = _each(mpmath.mpf)
_sigmoid = _each(lambda z: 1 / (1 + mpmath.exp(-z)))
_tanh = _each(mpmath.tanh)
_relu = _each(lambda z: max(z, 0))
