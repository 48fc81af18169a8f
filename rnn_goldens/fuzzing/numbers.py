"""The numbers of drawn goldens: in a table from simple to less simple, so that a smaller place is a simpler number.

Each has at most 6 significant bits, so that it is a number of all four precisions, also times a power of two.
"""

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

_PARTS = 16
_LARGEST = 2


def _simplicity(number: float) -> tuple[bool, int, float, bool]:
    """Zero, then ones, powers of two, and what has more bits; near one before far from it, positive before negative."""
    numerator, denominator = abs(number).as_integer_ratio()
    odd = numerator // (numerator & -numerator) if numerator else 0
    return number != 0, odd, abs(np.log2(abs(number))) if odd == 1 else float(denominator), number < 0


TABLE: Float64 = np.array(
    sorted((n / _PARTS for n in range(-_LARGEST * _PARTS, _LARGEST * _PARTS + 1)), key=_simplicity), np.float64
)
"""Zero, one, minus one, halves, two, ... up to two, in sixteenths."""

MOST = 23
"""Numbers that are drawn for one array; a larger one repeats them, which no row of it is as long as."""


def array(places: list[int], shape: tuple[int, ...]) -> Float64:
    """The numbers at some places of the table, counted from one, over and over."""
    return np.resize(TABLE[np.array(places) - 1], shape)
