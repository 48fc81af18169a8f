"""The rounding model: the largest rounding error of each primitive in any correct implementation.

A loss is two numbers per element: multiples of the roundoff of accumulation and of storage. Every result that some
implementation stores is rounded once when it is stored; a sum may be added in any order.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Protocol

import numpy as np

from rnn_goldens.cells.step_program import Operation
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.stored_arrays import Float64

ACTIVATION_ULPS = 8
"""Largest error of a tanh or sigmoid in roundoffs, relative to max(|y|, 1); real runtimes reach 5.5."""

FLUSHED = 2.0**-13
"""Twice float16's smallest normal number: below it, an implementation without subnormals may store zero instead.

bfloat16, float32 and float64 flush only much smaller numbers; the bound allows them the same number of roundoffs.
"""

MAX_TERMS = 6
"""The largest number of terms for which every order of summation is tried."""

Loss = tuple[Float64 | float, Float64 | float]
"""Roundoffs of accumulation and of storage."""


@dataclass(frozen=True)
class Storing:
    """A storage model: the error of storing a value, in multiples of its roundoff.

    Attributes:
        flushing: whether small numbers may be lost entirely, because float16 may flush them to zero.
    """

    flushing: bool

    def __call__(self, value: Float64) -> Float64:
        """Return the error of storing each value."""
        size = np.abs(value)
        return np.where(size < FLUSHED, size / PRECISIONS["float16"].roundoff, size) if self.flushing else size

    def up_to(self, most: Float64) -> Float64:
        """Return the largest error of storing values up to a magnitude."""
        flushed = np.minimum(most, FLUSHED) / PRECISIONS["float16"].roundoff
        return np.maximum(most, flushed) if self.flushing else most


FLUSHING, UNFLUSHED = Storing(flushing=True), Storing(flushing=False)


class Computed(Protocol):
    """Values, (…, batch, heads, rows, columns), and the operations that computed them."""

    @property
    def values(self) -> Sequence[Float64]:
        """All values in the order of computation."""

    @property
    def operations(self) -> Sequence[Operation]:
        """The operation that computed each value."""


def arguments(computed: Computed, k: int) -> list[Float64]:
    """Return the arguments of the operation that computed a value."""
    return [computed.values[of] for of in computed.operations[k].of]


@dataclass(frozen=True, eq=False)
class Site:
    """An operation that may round.

    Attributes:
        computed: all values.
        k: position of the value.
        stored: the storage model.
    """

    computed: Computed
    k: int
    stored: Storing

    @property
    def operation(self) -> Operation:
        """The operation that computes the value."""
        return self.computed.operations[self.k]


def loss(computed: Computed, k: int, stored: Storing) -> Loss | None:
    """Return the loss of the primitive that computes the value at ``k`` in a storage model; None if it is exact."""
    operation = computed.operations[k]
    if not loses(operation):
        return None
    return _LOSSES[operation.primitive](Site(computed, k, stored), computed.values[k], *arguments(computed, k))


def loses(operation: Operation) -> bool:
    """Return whether some precision may round the result of an operation."""
    if operation.primitive == "constant":
        return not is_short(operation.detail[0])
    return operation.primitive in _LOSSES


def is_short(number: Fraction) -> bool:
    """Return whether a constant has at most eight significant bits, so that no precision rounds it."""
    odd = abs(number.numerator) // (number.numerator & -number.numerator or 1)
    return number.denominator & (number.denominator - 1) == 0 and odd < 2**8


_HEADS = -3
"""The axis of heads."""

_MOVED = ("negative", "spread_to", "transpose", "masked")
TERM_BY_TERM = ("matmul", "mean", "total_over", *_MOVED)
"""Primitives whose result is a dot product, or a dot product that was moved: the loss of a sum depends on its terms."""


def terms(computed: Computed, k: int) -> tuple[int, Float64]:
    """Return the number of terms of a dot product and the sum of their absolute values; one term for other values."""
    operation = computed.operations[k]
    if operation.primitive not in TERM_BY_TERM:
        return 1, np.abs(computed.values[k])
    if operation.primitive in _MOVED:
        count, size = terms(computed, operation.of[0])
        if operation.primitive == "transpose":
            size = np.swapaxes(size, -1, -2)
        elif operation.primitive == "masked":
            size = np.where(operation.detail[0], size, 0)
        return count, size
    a, *b = map(np.abs, arguments(computed, k))
    if operation.primitive == "matmul":
        return a.shape[-1], a @ b[0]
    if operation.primitive == "mean":
        return a.shape[-2], a.sum(axis=-2, keepdims=True) / a.shape[-2]
    (axes,) = operation.detail
    count = int(np.prod([a.shape[axis] for axis in axes]))
    if _HEADS in axes:  # terms of the dot products of several heads may be interleaved
        of_each, a = terms(computed, operation.of[0])
        count *= of_each
    return count, a.sum(axis=axes, keepdims=True)


def _sum(site: Site, y: Float64, *summands: Float64) -> Loss:
    """Return the loss of a sum. Terms of its dot products may be interleaved, so each passes through all additions."""
    counts, sizes = zip(*(terms(site.computed, of) for of in site.operation.of), strict=True)
    total = sum(counts)
    if total == len(counts):
        accumulated: Float64 | float = 0.0
    else:  # the loss within a dot product is counted there
        accumulated = sum(
            (total - (count if count > 1 else 0)) * size for count, size in zip(counts, sizes, strict=True)
        )
    return accumulated, any_order([np.broadcast_to(summand, y.shape) for summand in summands], site.stored)


def any_order(summands: Sequence[Float64], stored: Storing) -> Float64:
    """Return the largest error of storing partial sums, over every order; for many terms, an upper bound of it."""
    if len(summands) > MAX_TERMS:
        most = np.abs(np.stack(summands)).sum(axis=0)
        upper_bound: Float64 = (len(summands) - 1) * stored.up_to(most)
        return upper_bound
    totals: dict[tuple[int, ...], Float64] = {(k,): summand for k, summand in enumerate(summands)}
    lost = {part: np.zeros_like(summand) for part, summand in totals.items()}
    for size in range(2, len(summands) + 1):
        for chosen in combinations(range(len(summands)), size):
            totals[chosen] = totals[chosen[:-1]] + summands[chosen[-1]]
            splits = [
                lost[part] + lost[tuple(k for k in chosen if k not in part)]
                for smaller in range(1, size // 2 + 1)
                for part in combinations(chosen, smaller)
            ]
            lost[chosen] = stored(totals[chosen]) + np.maximum.reduce(splits)
    return lost[tuple(range(len(summands)))]


def _dot_product(site: Site, y: Float64, *_: Float64) -> Loss:
    count, size = terms(site.computed, site.k)
    return count * size, site.stored(y)


def _scaled(site: Site, y: Float64, _: Float64) -> Loss:
    """Return the loss of a product with a constant, which may be rounded too."""
    (factor,) = site.operation.detail
    return 0.0, (0 if abs(factor) == 1 else 1 if is_short(factor) else 2) * site.stored(y)


def _clip(site: Site, y: Float64, z: Float64) -> Loss:
    """Return the loss of a clip, whose limits may be rounded."""
    long = not all(map(is_short, site.operation.detail))
    return 0.0, np.where(long & (y != z), site.stored(y), 0)


def _mean(site: Site, y: Float64, *_: Float64) -> Loss:
    """Return the loss of a mean: it stores the sum, the sum times 1 / n, and 1 / n unless n is a power of two."""
    count, size = terms(site.computed, site.k)
    return count * size, (2 if _is_power_of_two(count) else 3) * site.stored(y)


def _spread(site: Site, y: Float64, _: Float64, z: Float64) -> Loss:
    """Return the loss of the cotangents of a mean. They are stored, and so is 1 / n unless n is a power of two."""
    return 0.0, (1 if _is_power_of_two(z.shape[-2]) else 2) * site.stored(y)


def _is_power_of_two(count: int) -> bool:
    return count & (count - 1) == 0


def _mix(site: Site, y: Float64, z: Float64, a: Float64, b: Float64) -> Loss:
    """Return the larger loss of z a + (1 - z) b and b + z (a - b), with stored intermediate results."""
    stored = site.stored
    in_parts, by_difference = 2 * stored((1 - z) * b) + stored(z * a), 2 * stored(z * (a - b))
    return 0.0, stored(y) + np.maximum(in_parts, by_difference)


def _difference(site: Site, y: Float64, g: Float64, a: Float64, b: Float64) -> Loss:
    """Return the larger loss of g (a - b) and g a - g b."""
    stored = site.stored
    return 0.0, stored(y) + np.maximum(stored(g * a) + stored(g * b), stored(y))


def _sigmoid_slope(site: Site, y: Float64, s: Float64, _: Float64) -> Loss:
    """Return the larger loss of s (1 - s) and s - s²; the latter loses more for s near one."""
    return 0.0, site.stored(y) + np.maximum(site.stored(y), site.stored(s * s))


def _tanh_slope(site: Site, y: Float64, t: Float64, _: Float64) -> Loss:
    """Return the larger loss of 1 - t² and (1 - t) (1 + t)."""
    return 0.0, site.stored(y) + np.maximum(2 * site.stored(y), site.stored(t * t))


def _sigmoid(site: Site, y: Float64, _: Float64) -> Loss:
    """Return the loss of a sigmoid, including kernels that store intermediate results in the same precision.

    1 / (1 + e^-z) stores e^-z, which changes y by y (1 - y), and 1 + e^-z, which changes it by y. (1 + tanh(z/2)) / 2
    stores a tanh, which changes y by half of it. These are two implementations, so the larger loss counts. In float16
    e^-z overflows for y below 2^-16; the loss there, y itself, is less than the loss of the tanh.
    """
    return ACTIVATION_ULPS, site.stored(y) + np.maximum(y * (2 - y), np.abs(y - 0.5))


def _softplus(site: Site, y: Float64, _: Float64) -> Loss:
    """Return the loss of a softplus.

    log(1 + e^z) stores e^z, which changes y by sigmoid(z) = 1 - e^-y, and 1 + e^z, which changes it by one.
    max(z, 0) + log(1 + e^-|z|) loses less.
    """
    return ACTIVATION_ULPS * np.maximum(y, 1), site.stored(y) + 2 - np.exp(-y)


_LOSSES: Mapping[str, Callable[..., Loss]] = {
    **dict.fromkeys(("matmul", "total_over"), _dot_product),
    **dict.fromkeys(("constant", "multiply"), lambda site, y, *_: (0.0, site.stored(y))),
    # An outer product stores two values, (β k) vᵀ and k (β v)ᵀ are both correct; the reciprocal in a quotient may be
    # rounded, too.
    **dict.fromkeys(("outer", "divide"), lambda site, y, *_: (0.0, 2 * site.stored(y))),
    "mean": _mean,
    "clip": _clip,
    "sum": _sum,
    "scaled": _scaled,
    "mix": _mix,
    "sigmoid": _sigmoid,
    "tanh": lambda site, y, _: (ACTIVATION_ULPS, site.stored(y)),
    **dict.fromkeys(("exp", "log"), lambda site, y, _: (ACTIVATION_ULPS * np.maximum(np.abs(y), 1), site.stored(y))),
    "softplus": _softplus,
    "sqrt": lambda site, y, _: (ACTIVATION_ULPS * np.abs(y), site.stored(y)),
    "rsqrt": lambda site, y, _: (ACTIVATION_ULPS * np.abs(y), 2 * site.stored(y)),
    # A triangular solve, as a change of its right side: sums of one row, and a store.
    "solved": lambda site, y, a, _: (a.shape[-1] * (np.abs(a) @ np.abs(y)), site.stored(y)),
    "spread": _spread,
    "difference": _difference,
    "sigmoid_slope": _sigmoid_slope,
    "tanh_slope": _tanh_slope,
}
"""Losses by primitive. Primitives not listed only select or move numbers, and are exact."""
