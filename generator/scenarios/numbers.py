"""Numbers for scenarios, drawn from a hash of their name: permanent, independent of library versions."""

import hashlib
import math

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


def integers(name: str, shape: tuple[int, ...], limit: int) -> Float64:
    """Return integers from -limit to limit, uniformly distributed."""
    words = np.frombuffer(hashlib.shake_256(name.encode()).digest(4 * math.prod(shape)), dtype="<u4")
    return (words % (2 * limit + 1)).astype(np.float64).reshape(shape) - limit


def dyadic(name: str, shape: tuple[int, ...], amplitude: float, unit: float = 1 / 64) -> Float64:
    """Return multiples of a unit up to an amplitude of at most 255 units: at most eight significant bits."""
    return integers(name, shape, round(amplitude / unit)) * unit


def sparse(name: str, shape: tuple[int, ...], per_row: int) -> Float64:
    """Return rows with ``per_row`` entries of 1 or -1 at random columns, and zeros, so that sums stay small."""
    columns = shape[1]
    order = np.argsort(integers(f"{name} places", shape, 2**20), axis=1, kind="stable")[:, : min(per_row, columns)]
    signs = np.where(integers(f"{name} signs", order.shape, 2**20) < 0, -1.0, 1.0)
    matrix = np.zeros(shape)
    np.put_along_axis(matrix, order, signs, axis=1)
    return matrix


def periodic(name: str, shape: tuple[int, ...], periods: tuple[int, ...], limit: int) -> Float64:
    """Return integers from -limit to limit that repeat along each axis: large arrays that compress well.

    Periods that are not powers of two distinguish all vectors and tiles.
    """
    drawn = integers(name, tuple(min(n, period) for n, period in zip(shape, periods, strict=True)), limit)
    return drawn[np.ix_(*(np.arange(n) % period for n, period in zip(shape, periods, strict=True)))]
