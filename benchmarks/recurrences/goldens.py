"""The goldens of recurrences, in each precision and under each contract."""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import rnn_goldens
from benchmarks.recurrences.kernels.contracts import CONTRACTS, HALF, TF32
from rnn_goldens import Golden
from rnn_goldens.error_analysis.network_bounds import has_tf32
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.recurrences import RECURRENCES
from rnn_goldens.golden.rounding_profile import ALGORITHMS, FLOAT32, UP_TO_64, Profile, profile_named
from rnn_goldens.golden.tolerance import in_use

_TF32 = profile_named([TF32])


class Condition(NamedTuple):
    """A precision, a contract and an algorithm. Contracts other than tf32 differ in half precisions only."""

    precision: str
    contract: str
    algorithm: str = UP_TO_64

    @property
    def columns(self) -> tuple[str, str]:
        """The precision, and the contract if the precision has several."""
        return self.precision, self.contract if self.precision in HALF or self.contract == TF32 else ""

    @property
    def profile(self) -> Profile:
        """The profile that declares the contract and the algorithm."""
        return profile_named([self.algorithm, self.contract])

    def __str__(self) -> str:
        return ", ".join(filter(None, (*self.columns, self.algorithm)))


CONDITIONS = tuple(
    Condition(p, contract)
    for p in PRECISIONS
    for contract in (CONTRACTS if p in HALF else (CONTRACTS[0], TF32) if p == FLOAT32 else CONTRACTS[:1])
)
"""Those with the default algorithm."""


def by_algorithm(condition: Condition) -> dict[str, Condition]:
    """Return a condition with each algorithm instead of its own."""
    return {algorithm: condition._replace(algorithm=algorithm) for algorithm in ALGORITHMS}


def goldens(precision: str, ids: Iterable[str] = (), *, gradients: bool = False) -> list[Golden]:
    """Return the goldens of recurrences in a precision; all, or those with the given ids."""
    return rnn_goldens.select(cell=tuple(RECURRENCES), ids=tuple(ids) or None, dtype=precision, gradients=gradients)


def under(golden: Golden, condition: Condition) -> Golden:
    """Return the golden with the tolerance under a condition."""
    tolerance = in_use(golden.tolerance, condition.profile, golden.dtype)
    return replace(golden, profile=condition.profile, tolerance=tolerance)


def conditions_of(golden: Golden, precisions: Iterable[str]) -> list[Condition]:
    """Return the conditions in some precisions under which a golden has a tolerance."""
    return [c for c in CONDITIONS if c.precision in precisions and (c.contract != TF32 or has_tf32(golden, _TF32))]
