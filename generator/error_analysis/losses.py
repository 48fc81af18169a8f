"""What each primitive may lose by rounding, in any implementation that is correct.

A loss is two numbers an element: so many roundoffs of accumulation, and so many of storage. Every result that some
implementation stores is rounded once where it is stored; a sum may be added up in any order.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

import numpy as np

from rnn_goldens.cells.program import Operation
from rnn_goldens.generator.error_analysis.graph import Computed, arguments, rows
from rnn_goldens.golden.arrays import Float64
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
"""Roundoffs of accumulation, and of storage."""


@dataclass(frozen=True)
class Storing:
    """What storing a value loses, in roundoffs of it.

    Attributes:
        flushing: whether all of it may be lost where float16 flushes small numbers to zero.
    """

    flushing: bool

    def __call__(self, value: Float64) -> Float64:
        """Of each value."""
        size = np.abs(value)
        return np.where(size < FLUSHED, size / PRECISIONS["float16"].roundoff, size) if self.flushing else size

    def up_to(self, most: Float64) -> Float64:
        """The most that values of no more than that lose."""
        flushed = np.minimum(most, FLUSHED) / PRECISIONS["float16"].roundoff
        return np.maximum(most, flushed) if self.flushing else most


FLUSHING, UNFLUSHED = Storing(flushing=True), Storing(flushing=False)


@dataclass(frozen=True, eq=False)
class Site:
    """Where something may be lost.

    Attributes:
        computed: the values it is among.
        k: which of them.
        stored: what storing a value loses.
    """

    computed: Computed
    k: int
    stored: Storing

    @property
    def operation(self) -> Operation:
        """What computes the value."""
        operation = self.computed.operations[self.k]
        assert operation is not None
        return operation


def loss(computed: Computed, k: int, stored: Storing = FLUSHING) -> Loss | None:
    """What the primitive that computes a value may lose, or None if it loses nothing."""
    operation = computed.operations[k]
    if operation is None or not loses(operation):
        return None
    return _LOSSES[operation.primitive](Site(computed, k, stored), computed.values[k], *arguments(computed, k))


def loses(operation: Operation) -> bool:
    """Whether some precision may round what an operation computes."""
    if operation.primitive == "constant":
        return not is_short(operation.detail[0])
    return operation.primitive in _LOSSES


def is_short(number: Fraction) -> bool:
    """Whether a constant has at most eight significant bits, so that no precision rounds it."""
    odd = abs(number.numerator) // (number.numerator & -number.numerator or 1)
    return number.denominator & (number.denominator - 1) == 0 and odd < 2**8


def terms(computed: Computed, k: int) -> tuple[int, Float64]:
    """How many numbers are added up to a value, and the sum of their absolute values: one, if it is no dot product."""
    operation = computed.operations[k]
    if operation is not None and operation.primitive == "negative":
        return terms(computed, operation.of[0])
    if operation is not None and operation.primitive in ("product", "transposed"):
        (v,), matrix = arguments(computed, k), np.abs(rows(operation, computed.w))
        return v.shape[-1], np.abs(v) @ (matrix.T if operation.primitive == "product" else matrix)
    if operation is not None and operation.primitive in ("mean", "total"):
        (z,) = arguments(computed, k)
        size = np.abs(z).sum(axis=-1, keepdims=True)
        return z.shape[-1], size if operation.primitive == "total" else size / z.shape[-1]
    return 1, np.abs(computed.values[k])


def _sum(site: Site, y: Float64, *summands: Float64) -> Loss:
    """Terms of different dot products may be added up in turn: each then passes through as many sums as there are."""
    counts, sizes = zip(*(terms(site.computed, of) for of in site.operation.of), strict=True)
    total = sum(counts)
    if total == len(counts):
        accumulated: Float64 | float = 0.0
    else:  # what a dot product loses alone is its own
        accumulated = sum(
            (total - (count if count > 1 else 0)) * size for count, size in zip(counts, sizes, strict=True)
        )
    return accumulated, any_order([np.broadcast_to(summand, y.shape) for summand in summands], site.stored)


def any_order(summands: Sequence[Float64], stored: Storing = FLUSHING) -> Float64:
    """The most that storing partial sums may lose, over every order of adding up; of many terms, no less than that."""
    if len(summands) > MOST_TERMS:
        most = np.abs(np.stack(summands)).sum(axis=0)
        no_less: Float64 = (len(summands) - 1) * stored.up_to(most)
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


def _dot_product(site: Site, y: Float64, *_: Float64) -> Loss:
    count, size = terms(site.computed, site.k)
    return count * size, site.stored(y)


def _stored(site: Site, y: Float64, *_: Float64) -> Loss:
    return 0.0, site.stored(y)


def _quotient(site: Site, y: Float64, *_: Float64) -> Loss:
    """The reciprocal may be rounded too."""
    return 0.0, 2 * site.stored(y)


def _scaled(site: Site, y: Float64, _: Float64) -> Loss:
    """The factor may be rounded too."""
    (factor,) = _numbers(site)
    return 0.0, (0 if abs(factor) == 1 else 1 if is_short(factor) else 2) * site.stored(y)


def _clip(site: Site, y: Float64, z: Float64) -> Loss:
    """A limit may be rounded."""
    long = not all(is_short(limit) for limit in _numbers(site))
    return 0.0, np.where(long & (y != z), site.stored(y), 0)


def _numbers(site: Site) -> tuple[Fraction, ...]:
    return site.operation.detail


def _mean(site: Site, y: Float64, *_: Float64) -> Loss:
    """The sum is stored, its product with 1 / n, and that, unless it is a power of two."""
    count, size = terms(site.computed, site.k)
    return count * size, (2 if _is_power_of_two(count) else 3) * site.stored(y)


def _spread(site: Site, y: Float64, _: Float64, z: Float64) -> Loss:
    """What each unit gets of a mean is stored, and 1 / n, unless it is a power of two."""
    return 0.0, (1 if _is_power_of_two(z.shape[-1]) else 2) * site.stored(y)


def _is_power_of_two(count: int) -> bool:
    return count & (count - 1) == 0


def _mix(site: Site, y: Float64, z: Float64, a: Float64, b: Float64) -> Loss:
    """Both z a + (1 - z) b and b + z (a - b) are right, and store what is between: the one that loses more counts."""
    stored = site.stored
    in_parts, by_difference = 2 * stored((1 - z) * b) + stored(z * a), 2 * stored(z * (a - b))
    return 0.0, stored(y) + np.maximum(in_parts, by_difference)


def _difference(site: Site, y: Float64, g: Float64, a: Float64, b: Float64) -> Loss:
    """Both g (a - b) and g a - g b are right: the one that loses more counts."""
    stored = site.stored
    return 0.0, stored(y) + np.maximum(stored(g * a) + stored(g * b), stored(y))


def _sigmoid_slope(site: Site, y: Float64, s: Float64, _: Float64) -> Loss:
    """Both s (1 - s) and s - s² are right, and the latter loses more where s is near one."""
    return 0.0, site.stored(y) + np.maximum(site.stored(y), site.stored(s * s))


def _tanh_slope(site: Site, y: Float64, t: Float64, _: Float64) -> Loss:
    """Both 1 - t² and (1 - t) (1 + t) are right."""
    return 0.0, site.stored(y) + np.maximum(2 * site.stored(y), site.stored(t * t))


def _sigmoid(site: Site, y: Float64, _: Float64) -> Loss:
    """As other activations, and for kernels that store in their own precision what they compute on the way.

    1 / (1 + e^-z) stores e^-z, which moves y by y (1 - y), and 1 + e^-z, which moves it by y. (1 + tanh(z/2)) / 2
    stores a tanh, which moves y by half of it. Each is one implementation, so the larger counts. In float16 e^-z
    overflows where y is below 2^-16; what is lost there, y itself, is less than what the tanh loses.
    """
    return ACTIVATION_ULPS, site.stored(y) + np.maximum(y * (2 - y), np.abs(y - 0.5))


def _tanh(site: Site, y: Float64, _: Float64) -> Loss:
    return ACTIVATION_ULPS, site.stored(y)


def _exp(site: Site, y: Float64, _: Float64) -> Loss:
    return ACTIVATION_ULPS * np.maximum(np.abs(y), 1), site.stored(y)


def _log(site: Site, y: Float64, _: Float64) -> Loss:
    return ACTIVATION_ULPS * np.maximum(np.abs(y), 1), site.stored(y)


def _softplus(site: Site, y: Float64, _: Float64) -> Loss:
    """log(1 + e^z) stores e^z, which moves y by sigmoid(z) = 1 - e^-y, and 1 + e^z, which moves it by one.

    max(z, 0) + log(1 + e^-|z|) loses less.
    """
    return ACTIVATION_ULPS * np.maximum(y, 1), site.stored(y) + 2 - np.exp(-y)


def _rsqrt(site: Site, y: Float64, _: Float64) -> Loss:
    return ACTIVATION_ULPS * np.abs(y), 2 * site.stored(y)


_LOSSES: Mapping[str, Callable[..., Loss]] = {
    "product": _dot_product,
    "mean": _mean,
    "constant": _stored,
    "clip": _clip,
    "sum": _sum,
    "multiply": _stored,
    "scaled": _scaled,
    "divide": _quotient,
    "mix": _mix,
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "exp": _exp,
    "log": _log,
    "softplus": _softplus,
    "rsqrt": _rsqrt,
    "transposed": _dot_product,
    "total": _dot_product,
    "spread": _spread,
    "difference": _difference,
    "sigmoid_slope": _sigmoid_slope,
    "tanh_slope": _tanh_slope,
}
"""By primitive; one that is not here chooses among numbers or moves them, and loses nothing."""
