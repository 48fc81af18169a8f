"""Choices that Hypothesis makes and shrinks: a smaller number stands for a simpler choice.

The numbers of drawn goldens come from one table. Each has at most 6 significant bits, so that all four precisions can
represent it, also multiplied by a power of two.
"""

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

from hypothesis import strategies as st

_PARTS, _LARGEST = 16, 2


def _simplicity(number: float) -> tuple[bool, int, float, bool]:
    """Return a sort key: 0, powers of two (nearest to 1 first), other numbers by odd factor; positive first."""
    numerator, denominator = abs(number).as_integer_ratio()
    odd = numerator // (numerator & -numerator) if numerator else 0
    return number != 0, odd, abs(math.log2(abs(number))) if odd == 1 else float(denominator), number < 0


TABLE = tuple(sorted((n / _PARTS for n in range(-_LARGEST * _PARTS, _LARGEST * _PARTS + 1)), key=_simplicity))
"""Multiples of 1/16 from -2 to 2, from simple to less simple: 0, 1, -1, 2, …"""

MAX_VALUES = 23
"""The largest number of values drawn for one array; a larger array repeats them."""

T = TypeVar("T")
Draw = Callable[[st.SearchStrategy[Any]], Any]

_MAX_CHOICES = 11
"""Hypothesis treats an integer up to 10 as a branch: it shrinks the integer first and draws later choices again."""

_CHOICE = st.integers(0, _MAX_CHOICES - 1)
"""All choices use one strategy, so that Hypothesis can replace one by another."""


def one_of(draw: Draw, options: Sequence[T]) -> T:
    """Draw one of the options, which start with the simplest. Does not draw if there is only one."""
    return options[choice(draw) % len(options)] if len(options) > 1 else options[0]


def choice(draw: Draw) -> int:
    """Draw an integer from 0 to 10."""
    return int(draw(_CHOICE))


def several(draw: Draw, count: int) -> list[float]:
    """Draw numbers from the table."""
    values: list[float] = draw(_several(count))
    return values


@cache
def _several(count: int) -> st.SearchStrategy[list[float]]:
    return st.lists(st.sampled_from(TABLE), min_size=count, max_size=count)
