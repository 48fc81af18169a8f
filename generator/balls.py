"""The primitives in ball arithmetic: a ball is a midpoint and a radius that is sure to hold the exact value.

Arb, through python-flint, at the working precision that is set; arrays are of objects, shaped as NumPy's are.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, arb_mat, ctx
from numpy.typing import NDArray

from rnn_goldens.cells import Array, Network, State


class Undecided(Exception):
    """A ball too wide to tell what its value rounds to, or on which side of a kink it lies."""


class NoNumber(Undecided):
    """A ball that may be anything: as far as is known there is no value."""


class Balls(Network):
    """A network whose numbers are balls. A relu network over dyadic numbers comes out with radius zero.

    Attributes:
        count: is called with one at each step of each layer and direction.
    """

    count: Callable[[int], None] = staticmethod(lambda _: None)

    def product(self, v: Array, matrix: Array) -> Array:
        """The matrix times each row of v."""
        rows, columns = matrix.shape
        product = arb_mat(rows, columns, matrix.ravel().tolist()) * arb_mat(columns, len(v), v.T.ravel().tolist())
        return np.array(product.entries(), dtype=object).reshape(rows, len(v)).T

    def emit(self, state: State, within: Array) -> Array:
        """H, and a ball around zero, of no size, beyond a sequence's end."""
        self.count(1)
        return np.where(within, state[0], np.array(arb(0), dtype=object))

    def constant(self, value: Fraction) -> Array:
        """A number."""
        ball: Array = number(value)
        return ball

    def scaled(self, z: Array, factor: Fraction) -> Array:
        """Z times a number."""
        return np.asarray(z * number(factor))

    def mix(self, z: Array, a: Array, b: Array) -> Array:
        """Z a + (1 - z) b, in the form that names z, and so its radius, once."""
        return np.asarray(b + z * (a - b))

    def sigmoid(self, z: Array) -> Array:
        """1 / (1 + e^-z)."""
        return _sigmoid(z)

    def tanh(self, z: Array) -> Array:
        """The hyperbolic tangent."""
        return _tanh(z)

    def relu(self, z: Array) -> Array:
        """max(0, z)."""
        return _larger(z, arb(0))

    def exp(self, z: Array) -> Array:
        """e^z."""
        return _exp(z)

    def log(self, z: Array) -> Array:
        """The natural logarithm."""
        return _log(z)

    def softplus(self, z: Array) -> Array:
        """log(1 + e^z)."""
        return _softplus(z)

    def maximum(self, a: Array, b: Array) -> Array:
        """The larger of the two."""
        return _larger(a, b)

    def clip(self, z: Array, low: Fraction, high: Fraction) -> Array:
        """Z, but no less than low and no more than high."""
        return -_larger(-_larger(z, number(low)), -number(high))

    def mean(self, z: Array) -> Array:
        """The mean over the units, (batch, 1)."""
        return np.asarray(z.sum(axis=-1, keepdims=True) / z.shape[-1])

    def rsqrt(self, z: Array) -> Array:
        """1 / √z."""
        return _rsqrt(z)


BITS_OF_A_SIGN = 6144
"""From so many bits on, what may be zero is taken for it."""


def balls(array: NDArray[np.float64]) -> Array:
    """Of radius zero."""
    return _ball(array)


def rounded(array: Array) -> NDArray[np.float64]:
    """The float64 next to each; raises Undecided if the ends of a ball have different ones."""
    floats: NDArray[np.float64] = _rounded(array).astype(np.float64)
    return floats


def each(function: Callable[..., Any], arguments: int = 1) -> Callable[..., Array]:
    """A function of numbers, element by element."""
    elementwise: Callable[..., Array] = np.frompyfunc(function, arguments, 1)
    return elementwise


def number(value: Fraction) -> Any:  # noqa: ANN401 - a ball is no array, and meets arrays of any shape
    """The ball around a number: of radius zero, if it is dyadic."""
    return arb(value.numerator) / value.denominator


def _larger_one(a: arb, b: arb) -> arb:
    difference = a - b
    if difference >= 0:
        return a
    if difference <= 0:
        return b
    raise Undecided(f"{a} may lie on either side of {b}, where a kink is")


def _rounded_one(ball: arb) -> float:
    if ball.is_exact():
        return float(ball)
    if ball.is_nan():
        raise NoNumber("a division by zero, or a root of zero or less, or a logarithm of it")
    low, high = float(ball.lower()), float(ball.upper())
    if low != high:
        raise Undecided(f"{ball} may round to {low!r} or {high!r}")
    if ball.contains(0):  # terms cancel, exactly or to less than any float64: zero, whose sign more bits may tell
        if ctx.prec < BITS_OF_A_SIGN:
            raise Undecided(f"{ball} may round to either zero")
        return 0.0
    return low


_ball = each(arb)
_sigmoid = each(lambda z: 1 / (1 + (-z).exp()))
_tanh = each(lambda z: z.tanh())
_exp = each(lambda z: z.exp())
_log = each(lambda z: z.log())
_softplus = each(lambda z: z.exp().log1p())
_rsqrt = each(lambda z: z.rsqrt())
_larger = each(_larger_one, 2)
_rounded = each(_rounded_one)
