"""Choices that Hypothesis makes, each simpler the smaller it is."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

from hypothesis import strategies as st

from rnn_goldens.fuzzing import numbers

T = TypeVar("T")
Draw = Callable[[st.SearchStrategy[Any]], Any]

_MOST = 11
"""Hypothesis takes a whole number up to 10 for a branch: it makes it smaller before all else, anew what follows."""

_CHOICE = st.integers(0, _MOST - 1)
"""All are drawn alike, so that it may try one in place of another, as it does."""


def one_of(draw: Draw, options: Sequence[T]) -> T:
    """One of some options, the simplest first; nothing is drawn where there is one."""
    return options[choice(draw) % len(options)] if len(options) > 1 else options[0]


def choice(draw: Draw) -> int:
    """From 0 to 10."""
    return int(draw(_CHOICE))


def several(draw: Draw, count: int) -> list[float]:
    """So many of the table of numbers."""
    found: list[float] = draw(_several(count))
    return found


@cache
def _several(count: int) -> st.SearchStrategy[list[float]]:
    return st.lists(st.sampled_from(numbers.TABLE), min_size=count, max_size=count)
