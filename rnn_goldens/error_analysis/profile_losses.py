"""Losses of the arithmetics tf32 and wgsl, which a profile declares, in multiples of float32's roundoff.

Under tf32, both operands of a product are rounded to 11 bits. A given operand of at most 11 bits loses nothing; a
computed one may have all digits of float32. Under wgsl, functions and quotients have the errors of WGSL's table of
accuracies, which replace the losses of the rounding model where they are larger.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from rnn_goldens.error_analysis.rounding_model import Site, arguments
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.rounding_profile import TF32, TF32_BITS, WGSL
from rnn_goldens.golden.stored_arrays import Float64
from rnn_goldens.golden.tolerance import HALF_SAFETY

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

Flags = Sequence[bool]


def accumulated_in(arithmetic: str, site: Site, accumulated: Accumulated, *, computed: Flags) -> Accumulated:
    """Return the loss of accumulation of an operation in float32, under tf32 or wgsl.

    ``accumulated`` is its loss where each operation rounds in float32. An operand of a product that was ``computed``
    may have all digits of float32.
    """
    if arithmetic == TF32:
        return accumulated + lost_in_operands(site, computed=computed)
    if more := _WGSL.get(site.operation.primitive):
        y = np.abs(site.computed.values[site.k])
        return np.maximum(accumulated, more(y, *arguments(site.computed, site.k)))
    return accumulated


def lost_in_operands(site: Site, *, computed: Flags) -> Accumulated:
    """Return what a product loses under tf32, because its operands are rounded; 0 for other operations."""
    if site.operation.primitive != "matmul":
        return 0.0
    return of_operands(*arguments(site.computed, site.k), computed=computed)


def of_operands(a: Float64, b: Float64, *, computed: Flags) -> Float64:
    """Return what the matrix product of two arrays, each given or computed, loses under tf32."""
    (a, lost_a), (b, lost_b) = (
        (np.abs(one), np.abs(one) * (1.0 if long else is_long(one))) for one, long in zip((a, b), computed, strict=True)
    )
    lost: Float64 = OPERAND * (lost_a @ b + a @ lost_b)
    return lost


def is_long(array: Float64) -> Float64:
    """Return 1 for each number with more than 11 significant bits, which tf32 rounds, and 0 for the others."""
    scaled = np.ldexp(np.frexp(array)[0], TF32_BITS)
    return np.asarray(scaled != np.rint(scaled), np.float64)


def _relative_of_exp(z: Float64) -> Float64:
    """Return the relative error of e^z."""
    return ULP * (3 + 2 * np.abs(z))


def _sigmoid(y: Float64, z: Float64) -> Float64:
    """Return the larger loss of 1 / (1 + e^-z) and (1 + tanh(z/2)) / 2. An error of e^-z counts y (1 - y) times."""
    return np.asarray(np.maximum(_relative_of_exp(z) * y * (1 - y) + QUOTIENT * y, TANH / 2))


def _softplus(y: Float64, z: Float64) -> Float64:
    """Return the loss of log(1 + e^z), where an error of e^z counts sigmoid(z) = 1 - e^-y times."""
    return np.asarray(_relative_of_exp(z) * (1 - np.exp(-y)) + 2.0**-21 / FLOAT32 * np.maximum(y, 1))


def _mean(y: Float64, z: Float64) -> Float64:
    """Return the loss of a mean: that of its sum, and of a division by n."""
    size = np.abs(z).sum(axis=-2, keepdims=True) / z.shape[-2]
    return np.asarray(z.shape[-2] * size + QUOTIENT * y)


_WGSL: Mapping[str, Callable[..., Accumulated]] = {
    "tanh": lambda _y, _z: TANH,
    "exp": lambda y, z: _relative_of_exp(z) * y,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "divide": lambda y, *_: QUOTIENT * y,
    "spread": lambda y, *_: QUOTIENT * y,
    "sqrt": lambda y, _: (INVERSE_SQRT + QUOTIENT) * y,
    "mean": _mean,
}
"""Losses under wgsl by primitive, of the result's absolute value y and the arguments.

Those of log, 3 ulp or 2^-21, and of rsqrt, 2 ulp, are below the rounding model's.
"""
