"""What each primitive may lose by rounding, in any implementation that is correct.

A loss is two numbers an element: so many roundoffs of accumulation, and so many of storage. Every result that some
implementation stores is rounded once where it is stored; a sum may be added up in any order.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import combinations

import numpy as np

from rnn_goldens.generator.recorded import Float64, Unrolled
from rnn_goldens.golden.precision import PRECISIONS

ACCUMULATION, STORAGE = 0, 1

ACTIVATION_ULPS = 8
"""Roundoffs that a tanh or sigmoid may be off, relative to max(|y|, 1); real runtimes reach 5.5."""

FLUSHED = 2.0**-13
"""Twice float16's smallest normal number: below it, an implementation without subnormals may store zero instead.

bfloat16, float32 and float64 flush only what is far smaller; the bound lets them lose as many of their roundoffs.
"""

MOST_TERMS = 6
"""Of up to so many terms every order is tried."""

Loss = tuple[Float64 | float, Float64 | float]


def loss(unrolled: Unrolled, k: int) -> Float64 | None:
    """What the primitive that computes a value may lose: (2, visits, batch, units), or None if it loses nothing."""
    operation = unrolled.operation(k)
    if operation is None or operation.primitive not in _LOSSES:
        return None
    y = unrolled.values[k]
    lost = _LOSSES[operation.primitive](unrolled, k, y, *unrolled.arguments(k))
    return np.stack([np.broadcast_to(part, y.shape) for part in lost])


def stored(value: Float64) -> Float64:
    """The error of storing a value: a roundoff of it, or all of it where float16 may flush it to zero."""
    size = np.abs(value)
    return np.where(size < FLUSHED, size / PRECISIONS["float16"].roundoff, size)


def is_short(number: Fraction) -> bool:
    """Whether a constant has at most eight significant bits, so that no precision rounds it."""
    odd = abs(number.numerator) // (number.numerator & -number.numerator or 1)
    return number.denominator & (number.denominator - 1) == 0 and odd < 2**8


def terms(unrolled: Unrolled, k: int) -> tuple[int, Float64]:
    """How many numbers are added up to a value, and the sum of their absolute values: one, if it is no dot product."""
    operation = unrolled.operation(k)
    if operation is not None and operation.primitive == "negative":
        return terms(unrolled, operation.of[0])
    if operation is not None and operation.primitive == "block":
        count, whole = terms(unrolled, operation.of[0])
        index, blocks = operation.detail
        return count, np.split(whole, blocks, axis=-1)[index]
    if operation is not None and operation.primitive == "product":
        (v,), matrix = unrolled.arguments(k), unrolled.w[operation.weights[0]]
        return v.shape[-1], np.abs(v) @ np.abs(matrix).T
    if operation is not None and operation.primitive == "mean":
        (z,) = unrolled.arguments(k)
        return z.shape[-1], np.abs(z).mean(axis=-1, keepdims=True)
    return 1, np.abs(unrolled.values[k])


def _sum(unrolled: Unrolled, k: int, y: Float64, *summands: Float64) -> Loss:
    """Terms of different dot products may be added up in turn: each then passes through as many sums as there are."""
    operation = unrolled.operation(k)
    assert operation is not None
    counts, sizes = zip(*(terms(unrolled, of) for of in operation.of), strict=True)
    total = sum(counts)
    if total == len(counts):
        accumulated: Float64 | float = 0.0
    else:  # what a dot product loses alone is its own
        accumulated = sum(
            (total - (count if count > 1 else 0)) * size for count, size in zip(counts, sizes, strict=True)
        )
    return accumulated, any_order([np.broadcast_to(summand, y.shape) for summand in summands])


def any_order(summands: Sequence[Float64]) -> Float64:
    """The most that storing partial sums may lose, over every order of adding up; of many terms, no less than that."""
    if len(summands) > MOST_TERMS:
        most = np.abs(np.stack(summands)).sum(axis=0)
        flushed = np.minimum(most, FLUSHED) / PRECISIONS["float16"].roundoff
        no_less: Float64 = (len(summands) - 1) * np.maximum(most, flushed)
        return no_less
    totals: dict[tuple[int, ...], Float64] = {(k,): summand for k, summand in enumerate(summands)}
    lost = {part: np.zeros_like(summand) for part, summand in totals.items()}
    for size in range(2, len(summands) + 1):
        for chosen in combinations(range(len(summands)), size):
            totals[chosen] = totals[chosen[:-1]] + summands[chosen[-1]]
            ways = [
                lost[part] + lost[tuple(k for k in chosen if k not in part)]
                for smaller in range(1, size // 2 + 1)
                for part in combinations(chosen, smaller)
            ]
            lost[chosen] = stored(totals[chosen]) + np.maximum.reduce(ways)
    return lost[tuple(range(len(summands)))]


def _dot_product(unrolled: Unrolled, k: int, y: Float64, *_: Float64) -> Loss:
    count, size = terms(unrolled, k)
    return count * size, stored(y)


def _stored(_: Unrolled, __: int, y: Float64, *___: Float64) -> Loss:
    return 0.0, stored(y)


def _quotient(_: Unrolled, __: int, y: Float64, *___: Float64) -> Loss:
    """The reciprocal may be rounded too."""
    return 0.0, 2 * stored(y)


def _constant(unrolled: Unrolled, k: int, y: Float64) -> Loss:
    return 0.0, 0.0 if is_short(_numbers(unrolled, k)[0]) else stored(y)


def _scaled(unrolled: Unrolled, k: int, y: Float64, _: Float64) -> Loss:
    """The factor may be rounded too."""
    (factor,) = _numbers(unrolled, k)
    return 0.0, (0 if abs(factor) == 1 else 1 if is_short(factor) else 2) * stored(y)


def _clip(unrolled: Unrolled, k: int, y: Float64, z: Float64) -> Loss:
    """A limit may be rounded."""
    long = not all(is_short(limit) for limit in _numbers(unrolled, k))
    return 0.0, np.where(long & (y != z), stored(y), 0)


def _numbers(unrolled: Unrolled, k: int) -> tuple[Fraction, ...]:
    operation = unrolled.operation(k)
    assert operation is not None
    return operation.detail


def _mean(unrolled: Unrolled, k: int, y: Float64, *_: Float64) -> Loss:
    """The sum is stored, its product with 1 / n, and that, unless it is a power of two."""
    count, size = terms(unrolled, k)
    return count * size, (2 if count & (count - 1) == 0 else 3) * stored(y)


def _mix(_: Unrolled, __: int, y: Float64, z: Float64, a: Float64, b: Float64) -> Loss:
    """Both z a + (1 - z) b and b + z (a - b) are right, and store what is between: the one that loses more counts."""
    in_parts, by_difference = 2 * stored((1 - z) * b) + stored(z * a), 2 * stored(z * (a - b))
    return 0.0, stored(y) + np.maximum(in_parts, by_difference)


def _sigmoid(_: Unrolled, __: int, y: Float64, ___: Float64) -> Loss:
    """As other activations, and for kernels that store in their own precision what they compute on the way.

    1 / (1 + e^-z) stores e^-z, which moves y by y (1 - y), and 1 + e^-z, which moves it by y. (1 + tanh(z/2)) / 2
    stores a tanh, which moves y by half of it. Each is one implementation, so the larger counts. In float16 e^-z
    overflows where y is below 2^-16; what is lost there, y itself, is less than what the tanh loses.
    """
    return ACTIVATION_ULPS, stored(y) + np.maximum(y * (2 - y), np.abs(y - 0.5))


def _tanh(_: Unrolled, __: int, y: Float64, ___: Float64) -> Loss:
    return ACTIVATION_ULPS, stored(y)


def _exp(_: Unrolled, __: int, y: Float64, ___: Float64) -> Loss:
    return ACTIVATION_ULPS * np.maximum(np.abs(y), 1), stored(y)


def _rsqrt(_: Unrolled, __: int, y: Float64, ___: Float64) -> Loss:
    return ACTIVATION_ULPS * np.abs(y), 2 * stored(y)


_LOSSES: Mapping[str, Callable[..., Loss]] = {
    "product": _dot_product,
    "mean": _mean,
    "constant": _constant,
    "clip": _clip,
    "sum": _sum,
    "multiply": _stored,
    "scaled": _scaled,
    "divide": _quotient,
    "mix": _mix,
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "exp": _exp,
    "rsqrt": _rsqrt,
}
"""By primitive; one that is not here chooses among numbers or moves them, and loses nothing."""
