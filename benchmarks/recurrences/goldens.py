"""The goldens of recurrences, in each precision and under each contract."""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import rnn_goldens
from benchmarks.recurrences.kernels.contracts import CONTRACTS, HALF, TF32
from rnn_goldens import Golden
from rnn_goldens.error_analysis.profile_tolerance import has_tf32
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.recurrences import RECURRENCES
from rnn_goldens.golden.rounding_profile import FLOAT32, profile_named
from rnn_goldens.golden.tolerance import in_use

_TF32 = profile_named([TF32])

ALGORITHMS = ("any", "step")
"""What a tolerance allows: every algorithm, or steps and scans only."""


class Condition(NamedTuple):
    """A precision and a contract. Those other than tf32 differ in half precisions only."""

    precision: str
    contract: str

    @property
    def columns(self) -> tuple[str, str]:
        """The precision, and the contract if the precision has several."""
        return self.precision, self.contract if self.precision in HALF or self.contract == TF32 else ""

    def __str__(self) -> str:
        return ", ".join(filter(None, self.columns))


CONDITIONS = tuple(
    Condition(p, contract)
    for p in PRECISIONS
    for contract in (CONTRACTS if p in HALF else (CONTRACTS[0], TF32) if p == FLOAT32 else CONTRACTS[:1])
)


def goldens(precision: str, ids: Iterable[str] = (), *, gradients: bool = False) -> list[Golden]:
    """Return the goldens of recurrences in a precision; all, or those with the given ids."""
    return rnn_goldens.select(cell=tuple(RECURRENCES), ids=tuple(ids) or None, dtype=precision, gradients=gradients)


def under(golden: Golden, algorithm: str, contract: str) -> Golden:
    """Return the golden with the tolerance of an algorithm and a contract."""
    profile = profile_named([algorithm, contract])
    return replace(golden, profile=profile, tolerance=in_use(golden.tolerance, profile, golden.dtype))


def conditions_of(golden: Golden, precisions: Iterable[str]) -> list[Condition]:
    """Return the conditions in some precisions under which a golden has a tolerance."""
    return [c for c in CONDITIONS if c.precision in precisions and (c.contract != TF32 or has_tf32(golden, _TF32))]
