"""Choices that Hypothesis makes and shrinks: numbers, sizes and features. A smaller number stands for a simpler choice.

The numbers of drawn goldens come from one table. Each has at most 6 significant bits, so that all four precisions can
represent it, also multiplied by a power of two. Most sizes are small, about one golden in three is large in one
dimension.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from hypothesis import strategies as st

from rnn_goldens.fuzz.bounds import Bounds, Sizes
from rnn_goldens.golden.shapes import Config

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

_CHOICE = st.integers(0, 10)
"""All choices use one strategy, so that Hypothesis can replace one by another.

It treats an integer up to 10 as a branch: it shrinks the integer first and draws later choices again.
"""


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


SMALL = Sizes(layers=3, time=6, batch=3, hidden=4, input=3)
"""The largest sizes of most goldens."""

LARGE = (None, None, None, None, None, None, None, "time", "input", "hidden", "batch")
"""Choices of the dimension that is large; None: all are small."""

EDGES = (5, 7, 9, 16, 17, 33, 40, 65, 72, 101, 129)
"""Sizes at which kernels may switch to another code path: at or near multiples of vector and tile sizes."""


@dataclass(frozen=True)
class Shape:
    """The sizes and features of a golden."""

    config: Config  # the configuration of the network
    batch: tuple[int, ...]  # (rows,), or () if unbatched
    time: int  # the number of time steps
    lengths: list[int] | None  # the length of each row; None if all are equal
    has_state: bool  # whether there is an initial state


def shape(draw: Draw, bounds: Bounds) -> Shape:
    """Draw a shape within bounds. The number of choices is constant, so that shrinking one does not change others."""
    large, edge = _large(draw, bounds), choice(draw)

    def size(name: str) -> int:
        small, most = getattr(SMALL, name), getattr(bounds.sizes, name)
        usual, edges = one_of(draw, range(1, min(small, most) + 1)), _edges(small, most)
        return edges[edge % len(edges)] if name == large else usual

    def has(feature: str) -> bool:
        is_drawn = one_of(draw, (False, True))
        return feature in bounds.having or (is_drawn and feature not in bounds.lacking)

    layers = size("layers")
    if "multilayer" in bounds.having:
        layers = max(layers, 2)
    elif "multilayer" in bounds.lacking or large not in (None, "hidden"):
        layers = 1
    elif large == "hidden":
        layers = min(layers, 2)  # so that an upper layer has many inputs
    bidirectional, unbatched, ragged = has("bidirectional"), has("unbatched"), has("lengths")
    unbatched = unbatched and "lengths" not in bounds.having and large != "batch"
    ragged = ragged and not unbatched and bounds.sizes.time > 1
    time, rows, hidden, inputs = (size(name) for name in ("time", "batch", "hidden", "input"))
    time = max(time, 2) if ragged else time
    state, bias = has("state"), has("bias")
    padding = [choice(draw) * (1 + time // SMALL.time) % time for _ in range(SMALL.batch)]
    lengths = [time - padding[row % len(padding)] for row in range(rows)]
    config = Config(inputs, hidden, layers, bidirectional, bias)
    return Shape(config, () if unbatched else (rows,), time, lengths if ragged else None, state)


def _large(draw: Draw, bounds: Bounds) -> str | None:
    """Draw the dimension that is large, or None."""
    chosen = one_of(draw, LARGE)
    is_kept_small = "multilayer" in bounds.having or ("unbatched" in bounds.having and chosen == "batch")
    if chosen is None or is_kept_small or getattr(bounds.sizes, chosen) <= getattr(SMALL, chosen):
        return None
    return chosen


@cache
def _edges(small: int, most: int) -> tuple[int, ...]:
    """Return the edge sizes above the small ones, and the largest size."""
    return tuple(sorted({size for size in (*EDGES, most) if small < size <= most}))
