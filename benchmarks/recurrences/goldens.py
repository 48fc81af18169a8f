"""The goldens of recurrences, in each precision and under each contract."""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import rnn_goldens
from benchmarks.recurrences.kernels.contracts import CONTRACTS, HALF
from rnn_goldens import Golden
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.recurrences import RECURRENCES
from rnn_goldens.golden.rounding_profile import Profile
from rnn_goldens.golden.tolerance import in_use

ALGORITHMS = ("any", "step")
"""What a tolerance allows: every algorithm, or steps and scans only."""


class Condition(NamedTuple):
    """A precision and a contract. Contracts differ in half precisions only."""

    precision: str
    contract: str

    @property
    def columns(self) -> tuple[str, str]:
        """The precision, and the contract of a half precision."""
        return self.precision, self.contract if self.precision in HALF else ""

    def __str__(self) -> str:
        return f"{self.precision}, {self.contract}" if self.precision in HALF else self.precision


CONDITIONS = tuple(
    Condition(p, contract) for p in PRECISIONS for contract in (CONTRACTS if p in HALF else CONTRACTS[:1])
)


def goldens(precision: str, ids: Iterable[str] = (), *, gradients: bool = False) -> list[Golden]:
    """Return the goldens of recurrences in a precision; all, or those with the given ids."""
    return rnn_goldens.select(cell=tuple(RECURRENCES), ids=tuple(ids) or None, dtype=precision, gradients=gradients)


def under(golden: Golden, algorithm: str, contract: str) -> Golden:
    """Return the golden with the tolerance of an algorithm and a contract."""
    profile = Profile(algorithm=algorithm, half=contract)
    return replace(golden, profile=profile, tolerance=in_use(golden.tolerance, profile, golden.dtype))


def contracts_of(precision: str) -> list[str]:
    """Return the contracts that differ in a precision."""
    return [condition.contract for condition in CONDITIONS if condition.precision == precision]
