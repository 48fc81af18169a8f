"""The primitives of a network in NumPy, in the type of the arrays: the executable definition, without optimizations.

Vectors are rows: (batch, units). A value that is the same for all units may be (batch, 1) or a Python number. A
deviation overrides one method.
"""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

State = tuple[Array, ...]
"""h, or h and c: (batch, hidden) for one layer and direction, (layers·directions, batch, hidden) for a network."""

Weights = Mapping[str, Array]
"""Weights of a network by PyTorch's names, or of one layer and direction by names without suffix: ``weight_ih``…"""


class Arithmetic:
    """The primitives: each method computes the primitive of the same name."""

    def product(self, v: Array, matrix: Array) -> Array:
        """The matrix times each row of v."""
        return (v @ matrix.T).astype(v.dtype, copy=False)

    def affine(self, v: Array, matrix: Array, bias: Array) -> Array:
        """The matrix times each row of v, plus the bias."""
        total: Array = self.product(v, matrix) + bias
        return total

    def vector(self, vector: Array, index: int, blocks: int) -> Array:
        """One of ``blocks`` equal blocks of a bias."""
        return self.block(vector, index, blocks)

    def block(self, z: Array, index: int, blocks: int) -> Array:
        """One of ``blocks`` equal blocks of units."""
        size = z.shape[-1] // blocks
        return z[..., index * size : (index + 1) * size]

    def same(self, z: Array) -> Array:
        """The argument z, unchanged."""
        return z

    def constant(self, value: Fraction) -> Array:
        """A number, which takes the type of the other operand."""
        return float(value)  # type: ignore[return-value] # a float64 array would widen the other operand

    def sum(self, *terms: Array) -> Array:
        """The sum of the terms, from the first to the last."""
        first, *rest = terms
        for term in rest:
            first = first + of_type(term, first)
        return first

    def negative(self, z: Array) -> Array:
        """The argument z with the opposite sign."""
        return np.negative(z)

    def multiply(self, a: Array, b: Array) -> Array:
        """The product of a and b."""
        result: Array = of_type(a, b) * of_type(b, a)
        return result

    def scaled(self, z: Array, factor: Fraction) -> Array:
        """The argument z times a number."""
        scaled: Array = z * of_type(float(factor), z)
        return scaled

    def divide(self, a: Array, b: Array) -> Array:
        """The quotient a / b."""
        result: Array = of_type(a, b) / of_type(b, a)
        return result

    def mix(self, z: Array, a: Array, b: Array) -> Array:
        """The mixture z a + (1 - z) b."""
        mixed: Array = (1 - z) * of_type(b, z) + z * of_type(a, z)
        return mixed

    def sigmoid(self, z: Array) -> Array:
        """1 / (1 + e^-z), in at least float32 and rounded once, as half-precision kernels do."""
        wide = z.astype(np.result_type(np.float32, z.dtype), copy=False)
        with np.errstate(over="ignore"):  # e^-z is infinite where the sigmoid is zero
            sigmoid: Array = 1 / (1 + np.exp(-wide))
        return sigmoid.astype(z.dtype)

    def tanh(self, z: Array) -> Array:
        """The hyperbolic tangent."""
        return np.tanh(z)

    def relu(self, z: Array) -> Array:
        """max(0, z)."""
        return np.maximum(z, 0)

    def exp(self, z: Array) -> Array:
        """e^z."""
        return np.exp(z)

    def log(self, z: Array) -> Array:
        """The natural logarithm."""
        return np.log(z)

    def softplus(self, z: Array) -> Array:
        """log(1 + e^z), without overflow, in at least float32 and rounded once."""
        wide = z.astype(np.result_type(np.float32, z.dtype), copy=False)
        softplus: Array = np.maximum(wide, 0) + np.log1p(np.exp(-np.abs(wide)))
        return softplus.astype(z.dtype)

    def maximum(self, a: Array, b: Array) -> Array:
        """The larger of a and b."""
        larger: Array = np.maximum(of_type(a, b), of_type(b, a))
        return larger

    def clip(self, z: Array, low: Fraction, high: Fraction) -> Array:
        """The argument z, limited to the range from low to high."""
        clipped: Array = np.minimum(np.maximum(z, of_type(float(low), z)), of_type(float(high), z))
        return clipped

    def thresholded_relu(self, z: Array, threshold: Fraction) -> Array:
        """The argument z above the threshold, 0 up to it."""
        return np.where(z > of_type(float(threshold), z), z, np.zeros_like(z))

    def mean(self, z: Array) -> Array:
        """The mean over the units, (batch, 1)."""
        return np.asarray(z.sum(axis=-1, keepdims=True) * (1 / z.shape[-1]), z.dtype)

    def sqrt(self, z: Array) -> Array:
        """√z."""
        return np.asarray(np.sqrt(z))

    def rsqrt(self, z: Array) -> Array:
        """1 / √z; of a number, a number, which takes the type of the other operand."""
        return 1 / math.sqrt(z) if isinstance(z, float) else np.asarray(1 / np.sqrt(z))


class Slopes(Arithmetic):
    """The primitives of the rules of ``adjoint``."""

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


class Transposed(Slopes):
    """The primitives that only a backward pass uses. g is a cotangent, (batch, units)."""

    def transposed(self, g: Array, matrix: Array, index: int, blocks: int) -> Array:
        """The cotangent of v, from the cotangent g of the product of v and one of ``blocks`` blocks of a matrix."""
        rows = len(matrix) // blocks
        return np.asarray(g @ matrix[index * rows : (index + 1) * rows], g.dtype)

    def joined(self, *parts: Array) -> Array:
        """The blocks of units, concatenated."""
        return np.concatenate(parts, axis=-1)

    def spread(self, g: Array, z: Array) -> Array:
        """The cotangent of each unit of z, from the cotangent g of the mean of z."""
        units = z.shape[-1]  # z is a vector in the mean of a weight, whose cotangent differs by sequence
        return np.broadcast_to(g * (1 / units), (*g.shape[:-1], units)).astype(g.dtype)

    def total(self, g: Array) -> Array:
        """The cotangent of a value that is the same for all units: (batch, 1)."""
        return np.asarray(g.sum(axis=-1, keepdims=True, dtype=_wide(g)), g.dtype)

    def only(self, within: Array, g: Array) -> Array:
        """The cotangent g for the sequences in the mask ``within``, zero for other sequences."""
        return g if within.all() else np.where(within[:, None], g, np.zeros_like(g))

    def nothing(self, like: Array) -> Array:
        """An array of zeros."""
        return np.zeros_like(like)

    def outer(self, gs: Sequence[Array], vs: Sequence[Array]) -> Array:
        """The sum of g vᵀ over all steps and sequences: the gradient of a matrix."""
        return np.asarray(np.concatenate(gs).T @ np.concatenate(vs), gs[0].dtype)

    def added_up(self, gs: Sequence[Array]) -> Array:
        """The sum of g over all steps and sequences: the gradient of a bias."""
        return np.asarray(np.concatenate(gs).sum(axis=0, dtype=_wide(gs[0])), gs[0].dtype)


def of_type(number: Any, like: Any) -> Any:  # noqa: ANN401 - a number or an array
    """Return a float in the type of the array ``like``: NumPy would convert a bfloat16 array to float32."""
    return like.dtype.type(number) if isinstance(number, float) and not isinstance(like, float) else number


def _wide(g: Array) -> np.dtype[np.generic]:
    """Return the type that sums are computed in: at least float32, as in kernels for half precisions."""
    return np.result_type(np.float32, g.dtype)
