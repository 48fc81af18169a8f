"""What an implementation in a half precision computes in float32, and what it rounds: three contracts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.golden.precision import PRECISIONS

A = TypeVar("A")

CONTRACTS = ("float32-inside", "operands-stored", "all-stored")
"""Outputs are rounded once; the operands of products of matrices, too; the states that are carried, too.

All other values are float32: accumulators, sums of logarithms, and states by the first two contracts.
"""

HALF = ("bfloat16", "float16")
"""The precisions that contracts are about: float32 and float64 compute everything in their own type."""


@dataclass(frozen=True)
class Rounding(Generic[A]):
    """The roundings of a contract, for arrays of one library.

    Attributes:
        operand: rounds an operand of a product of matrices.
        state: rounds a state that is carried to the next step or chunk.
    """

    operand: Callable[[A], A]
    state: Callable[[A], A]


def rounding(precision: str, contract: str, stored: Callable[[A, str], A]) -> Rounding[A]:
    """Return the roundings of a contract; ``stored`` rounds an array to a precision and keeps its type."""
    if contract not in CONTRACTS:
        raise ValueError(f"contract is {contract!r}, but must be one of {', '.join(CONTRACTS)}")

    def rounded(x: A) -> A:
        return stored(x, precision)

    level = CONTRACTS.index(contract) if precision in HALF else 0
    return Rounding(rounded if level else _same, rounded if level == CONTRACTS.index("all-stored") else _same)


def inside(precision: str) -> str:
    """Return the type that an implementation computes in."""
    return "float32" if precision in HALF else precision


def rounded_once(array: NDArray[np.floating], precision: str) -> NDArray[np.float64]:
    """Return numbers rounded to a precision, as float64."""
    return PRECISIONS[precision].round(array.astype(np.float64)).astype(np.float64)


def _same(x: A) -> A:
    return x
