"""The errors of an implementation at some arguments of an activation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.exhaustive.arguments import Float64
from rnn_goldens.exhaustive.networks import Activation
from rnn_goldens.golden.precision import PRECISIONS, Precision
from rnn_goldens.judging.outputs import NotNumbers, read, states_apart


@dataclass(frozen=True)
class Finding:
    """The errors at some arguments.

    Attributes:
        visited: how many arguments.
        wrong: at how many of them an output is further off than a correct one can be.
        ulp: the largest error of the activation's own output, in units in the last place of the exact result.
        at: the argument there.
        fraction: the largest error of any output, as a fraction of what is allowed.
        fraction_at: the argument there.
    """

    visited: int
    wrong: int
    ulp: float
    at: float
    fraction: float
    fraction_at: float

    @classmethod
    def of(cls, activation: Activation, golden: Golden, outputs: Sequence[object]) -> "Finding | None":
        """What outputs show; None if they cannot be compared with the golden, row by row."""
        try:
            apart = states_apart(golden.layout, *outputs).items()
            given = {name: read(output).values for name, output in apart}
        except (NotNumbers, TypeError):
            return None
        wanted: dict[str, Float64] = {name: getattr(golden.stored, name) for name in given}
        if any(want is None or given[name].shape != want.shape for name, want in wanted.items()):
            return None
        precision = PRECISIONS[golden.dtype]
        where = golden.stored.c0 if activation.of_state else golden.stored.x
        assert where is not None  # an activation of the state has one
        where = where.ravel()
        with np.errstate(all="ignore"):
            fractions = [_fractions(golden, name, given[name], want, precision) for name, want in wanted.items()]
            fraction = np.max([_known(f).reshape(len(where)) for f in fractions], axis=0)
            ulps = _ulps(given[activation.shows], wanted[activation.shows], precision)
        ulp, furthest = int(np.argmax(ulps)), int(np.argmax(fraction))
        return cls(
            visited=len(where),
            wrong=int((fraction > 1).sum()),
            ulp=float(ulps[ulp]),
            at=float(where[ulp]),
            fraction=float(fraction[furthest]),
            fraction_at=float(where[furthest]),
        )

    def __and__(self, other: Self) -> "Finding":
        """Both together."""
        worse = max(self, other, key=lambda finding: finding.ulp)
        further = max(self, other, key=lambda finding: finding.fraction)
        visited, wrong = self.visited + other.visited, self.wrong + other.wrong
        return Finding(visited, wrong, worse.ulp, worse.at, further.fraction, further.fraction_at)


def _ulps(got: Float64, want: Float64, precision: Precision) -> Float64:
    """Errors in units in the last place, the smallest subnormal number's at least."""
    _, exponents = np.frexp(want)
    unit = np.ldexp(1.0, np.maximum(exponents, precision.min_exponent + 1) - precision.bits)
    return _known(np.abs(got - want) / unit).ravel()


def _fractions(golden: Golden, name: str, got: Float64, want: Float64, precision: Precision) -> Float64:
    error = np.where(got == want, 0.0, np.abs(got - want))
    return error / golden.tolerance.allowed(name, want, precision)


def _known(error: Float64) -> Float64:
    """A NaN is as far off as can be."""
    return np.where(np.isnan(error), np.inf, error)
