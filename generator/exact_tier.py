"""Which relu networks no precision has to round, in whatever order an implementation adds."""

from dataclasses import dataclass

import numpy as np

from rnn_goldens.cells import Array, Case, Network, State, Weights
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
        smallest, largest = (
            2.0**precision.min_exponent,
            float(np.ldexp(2 - 2.0 ** (1 - self.bits), precision.max_exponent)),
        )
        return precision.bits >= self.bits and self.largest <= largest and self.least_bit >= smallest


class _Measuring(Network):
    """Remembers what the dot products of a relu network needed.

    It computes in float64: where 53 bits are met, that is exact too, what is remembered included.
    """

    def __init__(self) -> None:
        self.needs = Needs()

    def rnn_relu(self, x_t: Array, state: State, w: Weights) -> State:
        (h,) = state
        terms = [(w["weight_ih"], x_t), (w["weight_hh"], h)]
        biases = [w[name] for name in ("bias_ih", "bias_hh") if name in w]
        sums = sum(np.abs(v) @ np.abs(matrix).T for matrix, v in terms) + sum(map(np.abs, biases))
        bit = min([least_bit(matrix) * least_bit(v) for matrix, v in terms] + [least_bit(b) for b in biases])
        self.needs |= needs_of(float(np.max(sums)), bit)
        return super().rnn_relu(x_t, state, w)


def needs_of(total: float, bit: float) -> Needs:
    """What sums of absolute values up to ``total``, of multiples of ``bit``, need."""
    if total == 0:
        return Needs()
    return Needs(max(1, (int(np.ceil(total / bit)) - 1).bit_length()), total, bit)


def needs(case: Case) -> Needs:
    """What a relu network needs over a whole case."""
    measuring = _Measuring()
    measuring.run(case)
    return measuring.needs


def least_bit(array: Array) -> float:
    """The largest power of two that every element is a multiple of; infinite if all are zero."""
    mantissas, exponents = np.frexp(array[array != 0])
    whole = (mantissas * 2.0**53).astype(np.int64)
    bits = np.ldexp((whole & -whole).astype(np.float64), exponents - 53)
    return float(bits.min(initial=np.inf))


def exact_precisions(case: Case) -> tuple[tuple[str, ...], int]:
    """The precisions that round nothing on the way, and the bits that are needed."""
    found = needs(case)
    return tuple(p.name for p in PRECISIONS.values() if found.met_by(p)), found.bits
