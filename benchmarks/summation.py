"""Orders in which correct implementations sum a matrix product: ``start + matrix @ v`` for each row of v.

Each function takes start (batch, rows), v (batch, columns) and matrix (rows, columns) and computes in their type.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

Order = Callable[[Array, Array, Array], Array]

LANES = 8

WIDER: dict[str, type[np.floating[Any]]] = {"float32": np.float64, "float64": np.longdouble}


def first_to_last(start: Array, v: Array, matrix: Array) -> Array:
    """Add in one accumulator, from the first column to the last."""
    return _one_by_one(start, _terms(v, matrix))


def lanes(start: Array, v: Array, matrix: Array) -> Array:
    """Add in eight accumulators of every eighth column, as vector units do, then pairwise; start is added last."""
    terms = list(_terms(v, matrix))
    zero = np.zeros_like(start)
    return start + _tree([_one_by_one(zero, terms[lane::LANES]) for lane in range(LANES)])


def fused(start: Array, v: Array, matrix: Array) -> Array:
    """Add in one accumulator from the first column to the last with fused multiply-add: one rounding for each term."""
    for column in range(v.shape[1]):
        start = fma(v[:, column, None], matrix[:, column], start)
    return start


def wide(start: Array, v: Array, matrix: Array) -> Array:
    """Add in one accumulator of a wider type and round once at the end."""
    wider = WIDER[start.dtype.name]
    return first_to_last(start.astype(wider), v.astype(wider), matrix.astype(wider)).astype(start.dtype)


def fma(a: Array, b: Array, c: Array) -> Array:
    """Return a b + c, rounded once: Boldo and Melquiond, Emulation of FMA and correctly rounded sums (2008).

    Exact unless an intermediate result overflows or is subnormal.
    """
    high, low = _two_product(a, b)
    middle, lowest = _two_sum(c, low)
    top, rest = _two_sum(high, middle)
    fused: Array = top + _sum_to_odd(lowest, rest)
    return fused


def _terms(v: Array, matrix: Array) -> Iterator[Array]:
    return (v[:, column, None] * matrix[:, column] for column in range(v.shape[1]))


def _one_by_one(start: Array, terms: Iterable[Array]) -> Array:
    for term in terms:
        start = start + term
    return start


def _tree(parts: list[Array]) -> Array:
    while len(parts) > 1:
        odd = parts[-1:] if len(parts) % 2 else []
        parts = [a + b for a, b in zip(parts[::2], parts[1::2], strict=False)] + odd
    return parts[0]


def _two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """Return the rounded sum and its rounding error (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _two_product(a: Array, b: Array) -> tuple[Array, Array]:
    """Return the rounded product and its rounding error (Dekker)."""
    product = a * b
    (a_high, a_low), (b_high, b_low) = _split(a), _split(b)
    return product, a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)


def _split(a: Array) -> tuple[Array, Array]:
    """Return two halves of the significant bits (Veltkamp)."""
    factor = a.dtype.type(2 ** ((np.finfo(a.dtype).nmant + 2) // 2) + 1)
    scaled = factor * a
    high = scaled - (scaled - a)
    return high, a - high


def _sum_to_odd(a: Array, b: Array) -> Array:
    """Return the sum; if it is inexact, the neighbour with an odd last bit, so that rounding it again is safe."""
    total, lost = _two_sum(a, b)
    even = total.view(f"i{total.dtype.itemsize}") % 2 == 0
    towards = np.copysign(np.inf, lost).astype(total.dtype)
    return np.where((lost != 0) & even, np.nextafter(total, towards), total)
