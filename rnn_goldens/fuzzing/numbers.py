"""The numbers of drawn goldens, from simple to less simple.

Each has at most 6 significant bits, so that it is a number of all four precisions, also times a power of two.
"""

import math

_PARTS, _LARGEST = 16, 2


def _simplicity(number: float) -> tuple[bool, int, float, bool]:
    """Zero, then ones, powers of two, and what has more bits; near one before far from it, positive before negative."""
    numerator, denominator = abs(number).as_integer_ratio()
    odd = numerator // (numerator & -numerator) if numerator else 0
    return number != 0, odd, abs(math.log2(abs(number))) if odd == 1 else float(denominator), number < 0


TABLE = tuple(sorted((n / _PARTS for n in range(-_LARGEST * _PARTS, _LARGEST * _PARTS + 1)), key=_simplicity))
"""Zero, one, minus one, halves, two, ... up to two, in sixteenths."""

MOST = 23
"""So many are drawn for one array; a larger one has them over and over."""
