"""Determines whether a graph can be computed without rounding, in any order of summation."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.cells.case_graph import Recorded
from rnn_goldens.cells.graph import Graph
from rnn_goldens.cells.step_program import Operation
from rnn_goldens.error_analysis.loss_policy import SUMS, sides
from rnn_goldens.error_analysis.rounding_model import terms
from rnn_goldens.golden.precision import Precision


@dataclass(frozen=True)
class Needs:
    """The requirements on a precision for sums without rounding.

    Each partial sum of a dot product is a multiple of the common least bit of its terms, and at most the sum of their
    absolute values.
    """

    bits: int = 1  # the number of significant bits
    largest: float = 0.0  # the largest sum of absolute values
    least_bit: float = 1.0  # the smallest common least bit, a power of two

    def __or__(self, other: "Needs") -> "Needs":
        """Combine two requirements."""
        least_bit = min(self.least_bit, other.least_bit)
        return Needs(max(self.bits, other.bits), max(self.largest, other.largest), least_bit)

    def met_by(self, precision: Precision) -> bool:
        """Return whether a precision meets the requirements."""
        if self.bits > precision.bits:
            return False
        largest = float(np.ldexp(2 - 2.0 ** (1 - self.bits), precision.max_exponent))
        return self.largest <= largest and self.least_bit >= 2.0**precision.min_exponent


_TOO_MANY_BITS = 1 << 20
"""More bits than any precision has, for a sum beyond the range of float64."""


def needs_of_sum(total: float, bit: float) -> Needs:
    """Return the requirements of adding multiples of ``bit`` whose absolute values add up to ``total``."""
    if total == 0:
        return Needs()
    if not np.isfinite(total):
        return Needs(_TOO_MANY_BITS, np.inf, bit)
    return Needs(max(1, (int(np.ceil(total / bit)) - 1).bit_length()), total, bit)


_SELECT = (
    "where_larger", "where_within", "only", "choose",
    "rows", "padded", "stacked", "spread_to", "reversed_rows",
)  # fmt: skip
_NEVER_ROUND = (
    "given", "negative", "same", "handed", "relu", "maximum", "transpose", "kept_factor", "masked", *_SELECT
)  # fmt: skip
EXACT_WITH_ENOUGH_BITS = (
    "sum", "multiply", "scaled", "constant", "clip", "thresholded_relu",
    "matmul", "outer", "total_over", "solved", *SUMS,
)  # fmt: skip
"""Primitives that are exact in a precision with enough bits. Primitives not listed here or above always round."""

_WITH_NUMBERS = ("scaled", "constant", "clip", "thresholded_relu")
"""Primitives with numbers of their own, which must be exact, too."""

_MULTIPLY = (
    "negative", "same", "handed", "multiply", "scaled", "matmul", "outer", "transpose", "masked"
)  # fmt: skip
"""Primitives whose results are multiples of the product of their arguments' least bits."""


def needs_of_all(recorded: Iterable[Recorded], also: Collection[str] = ()) -> Needs | None:
    """Return the requirements of several graphs, up to their results; None if an operation always rounds.

    ``also`` are primitives that need not round: e^0 is one. The requirements are computed in float64. If they are at
    most 53 bits, this computation is exact, too.
    """
    needs = Needs()
    for one in recorded:
        for k, operation in enumerate(one.graph.operations[: one.end]):
            if _always_rounds(operation) and operation.primitive not in also:
                return None
            if operation.primitive in (*EXACT_WITH_ENOUGH_BITS, *also):
                needs |= _needs_of_value(one.graph, k, operation)
    return needs


def _always_rounds(operation: Operation) -> bool:
    """Return whether every precision rounds the result of an operation."""
    numbers = operation.detail if operation.primitive in _WITH_NUMBERS else ()
    known = operation.primitive in (*_NEVER_ROUND, *EXACT_WITH_ENOUGH_BITS)
    return not known or any(float(number) != number for number in numbers)


def _needs_of_value(graph: Graph, k: int, operation: Operation) -> Needs:
    """Return the requirements of a value."""
    if operation.primitive in SUMS:
        return _needs_of_gradient(graph, operation)
    if operation.primitive in ("constant", "clip", "thresholded_relu"):
        numbers = np.array([float(number) for number in operation.detail])
        return needs_of_sum(float(np.abs(numbers).max()), least_bit(numbers))
    summands = operation.of if operation.primitive == "sum" else (k,)
    size = sum((terms(graph, summand)[1] for summand in summands), np.zeros(1))
    return needs_of_sum(float(np.max(size)), min(_bit_of_terms(graph, summand) for summand in summands))


def _needs_of_gradient(graph: Graph, operation: Operation) -> Needs:
    """Return the requirements of the gradient of a weight, a sum over time steps and sequences."""
    gs, vs = ([graph.values[k] for k in side] for side in sides(operation))
    size, bit = np.abs(np.concatenate(gs)), min(map(least_bit, gs))
    if not vs:
        return needs_of_sum(float(size.sum(axis=0).max()), bit)
    size = np.einsum("shic,shjc->hij", size, np.abs(np.concatenate(vs)))
    return needs_of_sum(float(size.max()), bit * min(map(least_bit, vs)))


def _bit_of_terms(graph: Graph, k: int) -> float:
    """Return a power of two that a value, or each term of a dot product, is a multiple of."""
    operation = graph.operations[k]
    if operation.primitive not in _MULTIPLY:
        return least_bit(graph.values[k])
    bits = [_bit_of_terms(graph, of) for of in operation.of]
    bits += [least_bit(np.array([float(operation.detail[0])]))] if operation.primitive == "scaled" else []
    return float(np.prod(bits))


def least_bit(array: Array) -> float:
    """Return the largest power of two that every element is a multiple of; infinity if all are zero."""
    mantissas, exponents = np.frexp(array[array != 0])
    integers = (mantissas * 2.0**53).astype(np.int64)
    bits = np.ldexp((integers & -integers).astype(np.float64), exponents - 53)
    return float(bits.min(initial=np.inf))
