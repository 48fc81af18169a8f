"""Numbers for scenarios, drawn from a hash of their name: permanent, independent of library versions."""

import hashlib
import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

Draw = Callable[[str, str, tuple[int, ...]], Float64]
"""(key of the numbers, array name, shape) → numbers."""


_AGAIN: Mapping[str, Mapping[str, int]] = {
    "exact": {"two-layers": 0, "long": 7},
    "sizes-rnn-tanh": {
        "hidden-129": 2, "steps-9-no-state": 4, "steps-65-no-state": 6, "batch-129-no-state": 1,
        "hidden-33-no-bias-one-step": 3, "nine-of-each-no-bias-lengths-bidirectional": 1,
    },
    "sizes-gru": {
        "hidden-129": 6, "bidirectional-two-layers-hidden-9-no-state": 1,
        "bidirectional-two-layers-hidden-33-no-state": 3, "lengths-bidirectional-batch-129-no-state": 3,
        "hidden-33-no-bias-one-step": 4, "input-384-no-state": 3,
    },
    "sizes-lstm": {
        "hidden-129": 2, "steps-9-no-state": 1, "lengths-bidirectional-batch-129-no-state": 4,
        "hidden-33-no-bias-one-step": 7, "batch-65-no-state": 2, "batch-129-no-state": 6,
        "lengths-bidirectional-steps-129-no-state": 3, "input-384-no-state": 2,
    },
    "sizes-rnn-relu": {"hidden-209": 2},
    "exact-backward": {
        "one-step": 396, "one-step-with-state": 9, "one-unit": 1, "square": 13, "plain": 79, "one-sequence": 212,
        "with-state": 129, "unbatched": 11, "unbatched-no-state": 60, "lengths": 44, "lengths-no-state": 375,
        "lengths-all-short": 215, "lengths-bidirectional": 72, "two-layers": 1, "two-layers-no-state": 61,
        "two-layers-square": 41, "three-layers": 1, "bidirectional": 43, "bidirectional-no-state": 39,
        "bidirectional-unbatched": 63, "bidirectional-two-layers": 136, "lengths-bidirectional-two-layers": 391,
        "bidirectional-two-layers-unbatched": 22, "back-through-time": 3,
    },
}  # fmt: skip
DRAWN_AGAIN = {
    f"{folder}/{name}": f" again {count}" if count else " again"
    for folder, of_folder in _AGAIN.items()
    for name, count in of_folder.items()
}
"""Suffixes for ids that are drawn again: the first numbers left units or gradients at zero, were on a kink of a relu,
grew without bound, or detected too few deviations."""


def key_of(golden_id: str, name: str) -> str:
    """Return the name that the numbers of an array of a golden are drawn from."""
    again = DRAWN_AGAIN.get(golden_id, "")
    return f"{golden_id} {name}{again}" if golden_id.startswith("exact") else f"{golden_id}{again} {name}"


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
    """Return integers that repeat along each axis, so that they compress; no period is a power of two: tiles differ."""
    drawn = integers(name, tuple(min(n, period) for n, period in zip(shape, periods, strict=True)), limit)
    return drawn[np.ix_(*(np.arange(n) % period for n, period in zip(shape, periods, strict=True)))]
