"""Rounding to fewer bits in float64 arrays, for deviations of both passes."""

from collections.abc import Callable

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.golden.precision import precision

Round = Callable[[Array], Array]


def to(name: str) -> Round:
    """Return a function that rounds to a precision."""
    return lambda values: precision(name).round(values).astype(np.float64)


def to_tf32(values: Array) -> Array:
    """Round to 11 significant bits, the precision of TF32."""
    fraction, exponent = np.frexp(values)
    return np.asarray(np.ldexp(np.rint(np.ldexp(fraction, 11)), exponent - 11))


def toward_zero(name: str) -> Round:
    """Return a function that rounds to a precision toward zero, in an array of the same type."""

    def rounded(values: Array) -> Array:
        _, exponents = np.frexp(values)
        unit = np.ldexp(1.0, np.maximum(exponents, precision(name).min_exponent + 1) - precision(name).bits)
        return np.asarray(np.trunc(values / unit) * unit, values.dtype)

    return rounded
