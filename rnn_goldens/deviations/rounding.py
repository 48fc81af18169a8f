"""Rounding to fewer bits, in float64 arrays: what deviations of both passes do to numbers."""

from collections.abc import Callable

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.golden.precision import precision

Round = Callable[[Array], Array]


def to(name: str) -> Round:
    """Round to a precision."""
    return lambda values: precision(name).round(values).astype(np.float64)


def to_tf32(values: Array) -> Array:
    """Round to 11 significant bits: what TF32 keeps of a float32."""
    fraction, exponent = np.frexp(values)
    return np.asarray(np.ldexp(np.rint(np.ldexp(fraction, 11)), exponent - 11))
