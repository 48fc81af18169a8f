"""Losses of the arithmetics tf32 and wgsl, which a profile declares, in multiples of float32's roundoff.

Under tf32, both operands of a product are rounded to 11 bits. A given operand of at most 11 bits loses nothing; a
computed one may have all digits of float32. Under wgsl, functions and quotients have the errors of WGSL's table of
accuracies, which replace the losses of the rounding model where they are larger.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.error_analysis.graph import Computed, arguments, rows
from rnn_goldens.golden.arrays import Float64
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.profile import TF32, WGSL
from rnn_goldens.golden.tolerance import HALF_SAFETY

TF32_BITS = 11
"""Significant bits of the operands of products under tf32."""

FLOAT32 = PRECISIONS["float32"].roundoff

OPERAND = HALF_SAFETY * 2.0**-TF32_BITS / FLOAT32
"""The relative error of rounding an operand under tf32, in roundoffs of float32, with the safety factor of float16.

Both round to 11 bits, so coarsely that second-order terms matter.
"""

ULP = 2
"""Roundoffs in a unit in the last place, relative to the value: at most."""

TANH = (1 + 2.0**-6) * 1e-5 / FLOAT32
"""The absolute error of a tanh under wgsl, and room for second-order terms."""

LEAST: Mapping[str, float] = {TF32: 0.0, WGSL: TANH * TANH * FLOAT32}
"""The least bound of an element: under wgsl, the product of the errors of two tanh.

It is of second order, but a first-order bound is zero where both factors are, as in a saturated network.
"""

OF_GRADIENTS: Mapping[str, float] = {TF32: 1.0, WGSL: HALF_SAFETY}
"""Factor of the bound of gradients.

Under wgsl, the computed slope of a saturated function may be many times its value. An error that is multiplied with it
is of second order, but larger than those of first order.
"""

QUOTIENT = 2.5 * ULP
"""The relative error of a quotient under wgsl."""

INVERSE_SQRT = 2 * ULP
"""The relative error of an inverse square root under wgsl. A square root is its reciprocal."""

Accumulated = Float64 | float

Flags = NDArray[np.bool_] | bool
"""A condition, of all numbers or by element."""


class Site(Protocol):
    """An operation that may round."""

    @property
    def computed(self) -> Computed:
        """All values."""

    @property
    def k(self) -> int:
        """The position of the value."""


def accumulated_in(arithmetic: str, site: Site, accumulated: Accumulated, *, of_computed: Flags) -> Accumulated:
    """Return the loss of accumulation of an operation in float32, under tf32 or wgsl.

    Args:
        arithmetic: ``tf32`` or ``wgsl``.
        site: the operation.
        accumulated: its loss where each operation rounds in float32.
        of_computed: whether the vector of a product was computed, so that it may have all digits of float32.
    """
    operation = site.computed.operations[site.k]
    assert operation is not None
    if arithmetic == TF32:
        return accumulated + (lost_in_operands(site, computed=of_computed) if operation.primitive in _PRODUCTS else 0.0)
    more = _WGSL.get(operation.primitive)
    return accumulated if more is None else np.maximum(accumulated, more(site))


def lost_in_operands(site: Site, *, computed: Flags) -> Float64:
    """Return what a product of a matrix and a vector, given or computed, loses under tf32: operands are rounded."""
    operation = site.computed.operations[site.k]
    assert operation is not None
    (v,), matrix = arguments(site.computed, site.k), rows(operation, site.computed.w)
    turned = matrix.T if operation.primitive == "product" else matrix
    return of_operands(v, turned, computed=(computed, False))


def of_operands(a: Float64, b: Float64, *, computed: tuple[Flags, Flags]) -> Float64:
    """Return what the matrix product of two arrays, each given or computed, loses under tf32."""
    (a, lost_a), (b, lost_b) = (
        (np.abs(one), np.abs(one) * np.where(long, 1.0, is_long(one)))
        for one, long in zip((a, b), computed, strict=True)
    )
    lost: Float64 = OPERAND * (lost_a @ b + a @ lost_b)
    return lost


def is_long(array: Float64) -> Float64:
    """Return 1 for each number with more than 11 significant bits, which tf32 rounds, and 0 for the others."""
    scaled = np.ldexp(np.frexp(array)[0], TF32_BITS)
    return np.asarray(scaled != np.rint(scaled), np.float64)


def _value(site: Site) -> Float64:
    return np.abs(site.computed.values[site.k])


def _tanh(_: Site) -> float:
    return TANH


def _exp(site: Site) -> Float64:
    (z,) = arguments(site.computed, site.k)
    return _relative_of_exp(z) * _value(site)


def _relative_of_exp(z: Float64) -> Float64:
    """Return the relative error of e^z."""
    return ULP * (3 + 2 * np.abs(z))


def _sigmoid(site: Site) -> Float64:
    """Return the larger loss of 1 / (1 + e^-z) and (1 + tanh(z/2)) / 2. An error of e^-z counts y (1 - y) times."""
    (z,), y = arguments(site.computed, site.k), _value(site)
    return np.asarray(np.maximum(_relative_of_exp(z) * y * (1 - y) + QUOTIENT * y, TANH / 2))


def _softplus(site: Site) -> Float64:
    """Return the loss of log(1 + e^z), where an error of e^z counts sigmoid(z) = 1 - e^-y times."""
    (z,), y = arguments(site.computed, site.k), _value(site)
    return np.asarray(_relative_of_exp(z) * (1 - np.exp(-y)) + 2.0**-21 / FLOAT32 * np.maximum(y, 1))


def _quotient(site: Site) -> Float64:
    return QUOTIENT * _value(site)


def _sqrt(site: Site) -> Float64:
    return (INVERSE_SQRT + QUOTIENT) * _value(site)


def _mean(site: Site) -> Float64:
    """Return the loss of a mean: that of its sum, and of a division by n."""
    (z,) = arguments(site.computed, site.k)
    size = np.abs(z).sum(axis=-1, keepdims=True) / z.shape[-1]
    return np.asarray(z.shape[-1] * size + _quotient(site))


_PRODUCTS = ("product", "transposed")

_WGSL: Mapping[str, Callable[[Site], Accumulated]] = {
    "tanh": _tanh,
    "exp": _exp,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "divide": _quotient,
    "spread": _quotient,
    "sqrt": _sqrt,
    "mean": _mean,
}
"""Losses under wgsl by primitive. Those of log, 3 ulp or 2^-21, and of rsqrt, 2 ulp, are below the rounding model's."""
