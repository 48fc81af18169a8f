"""Which networks no precision has to round, in whatever order an implementation adds: of sums, products, kinks."""

from dataclasses import dataclass

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.cells.program import Operation
from rnn_goldens.generator.error_analysis.graph import Graph
from rnn_goldens.generator.error_analysis.losses import terms
from rnn_goldens.golden.precision import PRECISIONS, Precision


@dataclass(frozen=True)
class Needs:
    """What a precision must have so that no sum is rounded.

    Each partial sum of a dot product is a multiple of its terms' common least bit, and at most the sum of their
    absolute values.

    Attributes:
        bits: significant bits.
        largest: the largest sum of absolute values.
        least_bit: the smallest common least bit, a power of two.
    """

    bits: int = 1
    largest: float = 0.0
    least_bit: float = 1.0

    def __or__(self, other: "Needs") -> "Needs":
        """What both need."""
        least_bit = min(self.least_bit, other.least_bit)
        return Needs(max(self.bits, other.bits), max(self.largest, other.largest), least_bit)

    def met_by(self, precision: Precision) -> bool:
        """Whether a precision rounds nothing on the way."""
        if self.bits > precision.bits:
            return False
        largest = float(np.ldexp(2 - 2.0 ** (1 - self.bits), precision.max_exponent))
        return self.largest <= largest and self.least_bit >= 2.0**precision.min_exponent


_TOO_MANY = 1 << 20
"""Bits, more than any precision has: of a sum beyond float64's largest number."""


def needs_of(total: float, bit: float) -> Needs:
    """What sums of absolute values up to ``total``, of multiples of ``bit``, need."""
    if total == 0:
        return Needs()
    if not np.isfinite(total):
        return Needs(_TOO_MANY, np.inf, bit)
    return Needs(max(1, (int(np.ceil(total / bit)) - 1).bit_length()), total, bit)


_CHOOSES = ("where_larger", "where_within", "only", "choose", "joined")
_ROUNDS_NOTHING = ("vector", "block", "negative", "same", "relu", "maximum", *_CHOOSES)
FITS = ("product", "transposed", "sum", "multiply", "scaled", "constant", "clip")
"""Primitives whose results no precision rounds that has enough bits; those of all others every precision rounds."""

_MULTIPLIES = ("product", "transposed", "block", "negative", "same", "multiply", "scaled")
"""Primitives that make multiples of what their arguments are multiples of."""


def needs_of_all(graph: Graph) -> Needs | None:
    """What all that is computed needs, or None if some of it always rounds.

    It is computed in float64: where 53 bits are met, that is exact too, what is found included.
    """
    found = Needs()
    for k, operation in enumerate(graph.operations):
        if operation is not None and always_rounds(operation):
            return None
        if operation is not None and operation.primitive in FITS:
            found |= needs_of_value(graph, k, operation)
    return found


def always_rounds(operation: Operation) -> bool:
    """Whether every precision rounds what an operation computes."""
    numbers = operation.detail if operation.primitive in ("scaled", "constant", "clip") else ()
    known = operation.primitive in (*_ROUNDS_NOTHING, *FITS)
    return not known or any(float(number) != number for number in numbers)


def needs_of_value(graph: Graph, k: int, operation: Operation) -> Needs:
    """What one of the values needs."""
    if operation.primitive in ("constant", "clip"):
        numbers = np.array([float(number) for number in operation.detail])
        return needs_of(float(np.abs(numbers).max()), least_bit(numbers))
    summands = operation.of if operation.primitive == "sum" else (k,)
    size = sum((terms(graph, summand)[1] for summand in summands), np.zeros(1))
    return needs_of(float(np.max(size)), min(_bit(graph, summand) for summand in summands))


def _bit(graph: Graph, k: int) -> float:
    """The largest power of two that a value, and all that it is a sum of, is a multiple of."""
    operation = graph.operations[k]
    if operation is None or operation.primitive not in _MULTIPLIES:
        return least_bit(graph.values[k])
    bits = [_bit(graph, of) for of in operation.of]
    bits += [least_bit(graph.w[name]) for name in operation.weights]
    bits += [least_bit(np.array([float(operation.detail[0])]))] if operation.primitive == "scaled" else []
    return float(np.prod(bits))


def least_bit(array: Array) -> float:
    """The largest power of two that every element is a multiple of; infinite if all are zero."""
    mantissas, exponents = np.frexp(array[array != 0])
    whole = (mantissas * 2.0**53).astype(np.int64)
    bits = np.ldexp((whole & -whole).astype(np.float64), exponents - 53)
    return float(bits.min(initial=np.inf))


def exact_precisions(graph: Graph) -> tuple[tuple[str, ...], int]:
    """The precisions that round nothing on the way, and the bits that are needed; none, and 0, if all of them do."""
    found = needs_of_all(graph)
    if found is None:
        return (), 0
    return tuple(p.name for p in PRECISIONS.values() if found.met_by(p)), found.bits
