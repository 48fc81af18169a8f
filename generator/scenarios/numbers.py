"""Numbers for scenarios, drawn from a hash of their name: permanent, independent of library versions."""

import hashlib
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

Draw = Callable[[str, str, tuple[int, ...]], Float64]
"""(key of the numbers, array name, shape) → numbers."""


DRAWN_AGAIN = {
    "exact/two-layers": " again",
    "exact/long": " again 7",
    "sizes-rnn-tanh/hidden-129": " again 2",
    "sizes-gru/hidden-129": " again 6",
    "sizes-lstm/hidden-129": " again 2",
    "sizes-rnn-relu/hidden-209": " again 2",
    "sizes-gru/bidirectional-two-layers-hidden-9-no-state": " again 1",
    "sizes-gru/bidirectional-two-layers-hidden-33-no-state": " again 3",
    "sizes-rnn-tanh/steps-9-no-state": " again 4",
    "sizes-rnn-tanh/steps-65-no-state": " again 6",
    "sizes-rnn-tanh/batch-129-no-state": " again 1",
    "sizes-lstm/steps-9-no-state": " again 1",
    "sizes-gru/lengths-bidirectional-batch-129-no-state": " again 3",
    "sizes-lstm/lengths-bidirectional-batch-129-no-state": " again 4",
    "sizes-gru/hidden-33-no-bias-one-step": " again 4",
    "sizes-rnn-tanh/hidden-33-no-bias-one-step": " again 3",
    "sizes-lstm/hidden-33-no-bias-one-step": " again 7",
    "sizes-lstm/batch-65-no-state": " again 2",
    "sizes-lstm/batch-129-no-state": " again 6",
    "sizes-lstm/lengths-bidirectional-steps-129-no-state": " again 3",
    "sizes-rnn-tanh/nine-of-each-no-bias-lengths-bidirectional": " again 1",
    "sizes-gru/input-384-no-state": " again 3",
    "sizes-lstm/input-384-no-state": " again 2",
    "exact-backward/one-step": " again 396",
    "exact-backward/one-step-with-state": " again 9",
    "exact-backward/one-unit": " again 1",
    "exact-backward/square": " again 13",
    "exact-backward/plain": " again 79",
    "exact-backward/one-sequence": " again 212",
    "exact-backward/with-state": " again 129",
    "exact-backward/unbatched": " again 11",
    "exact-backward/unbatched-no-state": " again 60",
    "exact-backward/lengths": " again 44",
    "exact-backward/lengths-no-state": " again 375",
    "exact-backward/lengths-all-short": " again 215",
    "exact-backward/lengths-bidirectional": " again 72",
    "exact-backward/two-layers": " again 1",
    "exact-backward/two-layers-no-state": " again 61",
    "exact-backward/two-layers-square": " again 41",
    "exact-backward/three-layers": " again 1",
    "exact-backward/bidirectional": " again 43",
    "exact-backward/bidirectional-no-state": " again 39",
    "exact-backward/bidirectional-unbatched": " again 63",
    "exact-backward/bidirectional-two-layers": " again 136",
    "exact-backward/lengths-bidirectional-two-layers": " again 391",
    "exact-backward/bidirectional-two-layers-unbatched": " again 22",
    "exact-backward/back-through-time": " again 3",
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
    """Return integers from -limit to limit that repeat along each axis: large arrays that compress well.

    Periods that are not powers of two distinguish all vectors and tiles.
    """
    drawn = integers(name, tuple(min(n, period) for n, period in zip(shape, periods, strict=True)), limit)
    return drawn[np.ix_(*(np.arange(n) % period for n, period in zip(shape, periods, strict=True)))]
