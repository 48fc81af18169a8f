"""The derivative of each elementwise primitive.

A rule maps the cotangent g of the result y to the cotangent of an argument. It is written with operators and a few
primitives, so it has two uses: applied to terms it compiles a backward pass, applied to arrays it computes one.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from rnn_goldens.cells.arithmetic import Arithmetic, of_type
from rnn_goldens.cells.arrays import Array

Rule = Callable[..., Any]
"""``rule(of, g, y, *arguments, *detail)``; ``of`` has the primitives that are not operators."""

RULES: Mapping[str, tuple[Rule | None, ...]] = {
    "same": (lambda _of, g, _y, _z: g,),
    "negative": (lambda _of, g, _y, _z: -g,),
    "multiply": (lambda _of, g, _y, _a, b: g * b, lambda _of, g, _y, a, _b: g * a),
    "scaled": (lambda of, g, _y, _z, factor: of.scaled(g, factor),),
    "divide": (lambda _of, g, _y, _a, b: g / b, lambda _of, g, y, _a, b: -(g * y / b)),
    "mix": (
        lambda of, g, _y, _z, a, b: of.difference(g, a, b),
        lambda _of, g, _y, z, _a, _b: g * z,
        lambda _of, g, _y, z, _a, _b: g * (1 - z),
    ),
    "sigmoid": (lambda of, g, y, z: g * of.sigmoid_slope(y, z),),
    "tanh": (lambda of, g, y, z: g * of.tanh_slope(y, z),),
    "exp": (lambda _of, g, y, _z: g * y,),
    "log": (lambda _of, g, _y, z: g / z,),
    "softplus": (lambda of, g, _y, z: g * of.sigmoid(z),),
    "sqrt": (lambda of, g, y, _z: of.scaled(g / y, Fraction(1, 2)),),
    "rsqrt": (lambda of, g, y, _z: of.scaled(g * (y * y * y), Fraction(-1, 2)),),
    "relu": (lambda of, g, _y, z: of.where_larger(g, z, 0),),
    "maximum": (
        lambda of, g, _y, a, b: of.where_larger(g, a, b),
        lambda of, g, _y, a, b: of.where_larger(g, b, a),
    ),
    "clip": (lambda of, g, _y, z, low, high: of.where_within(g, z, low, high),),
    "thresholded_relu": (lambda of, g, _y, z, threshold: of.where_larger(g, z, threshold),),
    "instead": (None, lambda _of, g, _y, _value, _other: g),
    # Primitives of the rules above; the error analysis differentiates these, too.
    "difference": (
        lambda of, v, _y, _g, a, b: of.difference(v, a, b),
        lambda _of, v, _y, g, _a, _b: v * g,
        lambda _of, v, _y, g, _a, _b: -(v * g),
    ),
    "sigmoid_slope": (lambda _of, v, _y, s, _z: v * (1 - 2 * s), None),
    "tanh_slope": (lambda _of, v, _y, t, _z: v * (-2 * t), None),
    "where_larger": (lambda of, v, _y, _g, a, b: of.where_larger(v, a, b), None, None),
    "where_within": (lambda of, v, _y, _g, z, low, high: of.where_within(v, z, low, high), None),
}
"""Rules by primitive, one for each argument; None if the cotangent is zero. At a kink, where the derivative does not
exist, the rules return zero: callers must handle kinks."""


class Slopes(Arithmetic):
    """The primitives of the rules in NumPy. A deviation in a derivative overrides one method."""

    def instead(self, value: Array, other: Array) -> Array:  # noqa: ARG002 - for the backward pass
        """The first argument. Its cotangent is passed to the second argument."""
        return value

    def sigmoid_slope(self, y: Array, z: Array) -> Array:  # noqa: ARG002 - for overrides
        """The derivative of y = sigmoid(z): y (1 - y)."""
        slope: Array = y * (1 - y)
        return slope

    def tanh_slope(self, y: Array, z: Array) -> Array:  # noqa: ARG002 - for overrides
        """The derivative of y = tanh(z): 1 - y²."""
        slope: Array = 1 - y * y
        return slope

    def difference(self, g: Array, a: Array, b: Array) -> Array:
        """The product g (a - b), or g a - g b: both are correct and round differently."""
        product: Array = g * (of_type(a, g) - of_type(b, g))
        return product

    def where_larger(self, g: Array, a: Array, b: Array) -> Array:
        """The cotangent g where a is larger than b, zero elsewhere."""
        return np.where(a > b, g, np.zeros_like(g))

    def where_within(self, g: Array, z: Array, low: Fraction, high: Fraction) -> Array:
        """The cotangent g where z is between the limits, zero elsewhere."""
        return np.where((z > float(low)) & (z < float(high)), g, np.zeros_like(g))


_SLOPES = Slopes()


def derivative(primitive: str, argument: int, y: Array, arguments: list[Array], detail: tuple[Any, ...]) -> Array:
    """Return the derivative of the result of a primitive with a rule by one argument, elementwise."""
    rule = RULES[primitive][argument]
    assert rule is not None
    found: Array = rule(_SLOPES, np.float64(1.0), y, *arguments, *detail)
    return found
