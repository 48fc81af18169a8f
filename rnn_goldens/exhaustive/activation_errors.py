"""Measures the errors of an implementation at arguments of an activation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.comparison.outputs import NotNumbers, read
from rnn_goldens.comparison.returned import by_name
from rnn_goldens.exhaustive.arguments import Float64
from rnn_goldens.exhaustive.networks import Activation
from rnn_goldens.golden.precision import PRECISIONS, Precision


@dataclass(frozen=True)
class ActivationErrors:
    """The errors at some arguments.

    Attributes:
        visited: the number of arguments.
        wrong: the number of arguments with an output outside its tolerance.
        ulp: the largest error of the activation's output, in units in the last place of the exact result.
        at: the argument with that error.
        fraction: the largest error of any output, as a fraction of the tolerance.
        fraction_at: the argument with that error.
    """

    visited: int
    wrong: int
    ulp: float
    at: float
    fraction: float
    fraction_at: float

    @classmethod
    def of(cls, activation: Activation, golden: Golden, outputs: Sequence[object]) -> "ActivationErrors | None":
        """Compare outputs with a golden row by row. Returns None if they cannot be compared."""
        try:
            apart = by_name(golden.layout, *outputs).items()
            actual = {name: read(output).values for name, output in apart}
        except (NotNumbers, TypeError):
            return None
        expected = golden.stored.expected
        if {name: array.shape for name, array in actual.items()} != {n: want.shape for n, want in expected.items()}:
            return None
        precision = PRECISIONS[golden.dtype]
        where = golden.stored.c0 if activation.of_state else golden.stored.x
        assert where is not None  # the golden has c0 if c is the argument
        where = where.ravel()
        with np.errstate(all="ignore"):
            fractions = [_fractions(golden, name, actual[name], want, precision) for name, want in expected.items()]
            fraction = np.max([_nan_as_infinity(f).reshape(len(where)) for f in fractions], axis=0)
            ulps = _ulps(actual[activation.shows], expected[activation.shows], precision)
        ulp, furthest = int(np.argmax(ulps)), int(np.argmax(fraction))
        return cls(
            visited=len(where),
            wrong=int((fraction > 1).sum()),
            ulp=float(ulps[ulp]),
            at=float(where[ulp]),
            fraction=float(fraction[furthest]),
            fraction_at=float(where[furthest]),
        )

    def __and__(self, other: Self) -> "ActivationErrors":
        """Combine the errors at two sets of arguments."""
        worse = max(self, other, key=lambda errors: errors.ulp)
        further = max(self, other, key=lambda errors: errors.fraction)
        visited, wrong = self.visited + other.visited, self.wrong + other.wrong
        return ActivationErrors(visited, wrong, worse.ulp, worse.at, further.fraction, further.fraction_at)


def _ulps(got: Float64, want: Float64, precision: Precision) -> Float64:
    """Return errors in units in the last place; the unit is at least the smallest subnormal number."""
    _, exponents = np.frexp(want)
    unit = np.ldexp(1.0, np.maximum(exponents, precision.min_exponent + 1) - precision.bits)
    return _nan_as_infinity(np.abs(got - want) / unit).ravel()


def _fractions(golden: Golden, name: str, got: Float64, want: Float64, precision: Precision) -> Float64:
    error = np.where(got == want, 0.0, np.abs(got - want))
    return error / golden.tolerance.allowed(name, want, precision)


def _nan_as_infinity(error: Float64) -> Float64:
    return np.where(np.isnan(error), np.inf, error)
