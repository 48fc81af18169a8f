"""What an implementation in a half precision computes in float32, and what it rounds: three contracts."""

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.golden.precision import PRECISIONS

CONTRACTS = ("float32-inside", "operands-stored", "all-stored")
"""Outputs are rounded once; the operands of products of matrices, too; the states that are carried, too.

All other values are float32: accumulators, sums of logarithms, and states by the first two contracts.
"""

HALF = ("bfloat16", "float16")
"""The precisions that contracts are about: float32 and float64 compute everything in their own type."""


def inside(precision: str) -> str:
    """Return the type that an implementation computes in."""
    return "float32" if precision in HALF else precision


def rounded_once(array: NDArray[np.floating], precision: str) -> NDArray[np.float64]:
    """Return numbers rounded to a precision, as float64."""
    return PRECISIONS[precision].round(array.astype(np.float64)).astype(np.float64)
