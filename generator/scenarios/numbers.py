"""Numbers for scenarios: drawn from a hash of their name, so they are the same for ever, whatever library draws."""

import hashlib
import math

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


def integers(name: str, shape: tuple[int, ...], limit: int) -> Float64:
    """Whole numbers from -limit to limit, each as likely."""
    words = np.frombuffer(hashlib.shake_256(name.encode()).digest(4 * math.prod(shape)), dtype="<u4")
    return (words % (2 * limit + 1)).astype(np.float64).reshape(shape) - limit


def dyadic(name: str, shape: tuple[int, ...], amplitude: float, unit: float = 1 / 64) -> Float64:
    """Multiples of a unit up to an amplitude of at most 255 units: at most eight significant bits."""
    return integers(name, shape, round(amplitude / unit)) * unit


def sparse(name: str, shape: tuple[int, ...], per_row: int) -> Float64:
    """Rows with so many entries of 1 or -1 at places of their own, and zeros: sums stay small, every place counts."""
    columns = shape[1]
    order = np.argsort(integers(f"{name} places", shape, 2**20), axis=1, kind="stable")[:, : min(per_row, columns)]
    signs = np.where(integers(f"{name} signs", order.shape, 2**20) < 0, -1.0, 1.0)
    matrix = np.zeros(shape)
    np.put_along_axis(matrix, order, signs, axis=1)
    return matrix


def periodic(name: str, shape: tuple[int, ...], periods: tuple[int, ...], limit: int) -> Float64:
    """Whole numbers from -limit to limit that repeat along each axis: a large array that takes little of a file.

    Periods that are no powers of two let no vector or tile be taken for another.
    """
    drawn = integers(name, tuple(min(n, period) for n, period in zip(shape, periods, strict=True)), limit)
    return drawn[np.ix_(*(np.arange(n) % period for n, period in zip(shape, periods, strict=True)))]
