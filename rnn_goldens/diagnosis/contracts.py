"""The looser contract that the failing outputs or gradients of a recurrence satisfy."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rnn_goldens.comparison.actual import Actual
from rnn_goldens.comparison.verdict import verdict_on
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.rounding_profile import (
    ALGORITHMS,
    ALL,
    FLOAT32,
    IEEE,
    INSIDE,
    MEANINGS,
    OPERANDS,
    TF32,
    UP_TO_64,
    Profile,
)
from rnn_goldens.golden.tolerance import Contracts

_PARTS = ("half", "arithmetic", "algorithm")

_HALVES = (INSIDE, OPERANDS, ALL)
"""From the strictest to the loosest."""


@dataclass(frozen=True)
class Contract:
    """The declared contract, by which a golden fails, and a looser one that it satisfies, or is refused under."""

    declared: Profile
    satisfied: Profile
    is_refused: bool = False

    @property
    def sentence(self) -> str:
        """What the satisfied contract allows, and how to declare it."""
        meaning = "; ".join(MEANINGS[name] for name in _named(self.satisfied).split(","))
        also = f" (if states are rounded as well: {ALL})" if self.satisfied.half == OPERANDS else ""
        option = f"--rnn-goldens-profile={_named(self.satisfied)}"
        return f"right by another contract: {meaning}. If yours allows that, declare {option}{also}"

    @property
    def of_all(self) -> str:
        """A sentence on all failures of a run."""
        parts = [(getattr(self.declared, part), getattr(self.satisfied, part)) for part in _PARTS]
        changed = [before for before, after in parts if before not in (after, IEEE)]
        declared = ",".join(changed or self.declared.parts) or "the default"
        refused = ", or are refused by it" if self.is_refused else ""
        satisfied = _named(self.satisfied)
        return (
            f"all that fail by {declared} pass by {satisfied}{refused}; if your contract allows that, declare "
            f"--rnn-goldens-profile={satisfied}"
        )


def _named(profile: Profile) -> str:
    return ",".join(profile.parts) or UP_TO_64


def satisfied_by(actual: Actual, causes: Sequence[Sequence[str]]) -> Contract | None:
    """Return the first looser contract that wrong outputs or gradients satisfy; None if there is none.

    A contract whose promise one of the causes breaks is not named, even where the values are within its tolerance.
    """
    if not isinstance(actual.expected.tolerance, Contracts):
        return None
    from rnn_goldens.error_analysis.network_bounds import has_tf32

    profile, keeps_states = actual.golden.profile, any(n.startswith("state_kept_in") for cause in causes for n in cause)
    for other in _looser(profile, actual.golden.dtype):
        only_chunks = (other.arithmetic, other.half) == (profile.arithmetic, profile.half)
        promises_states = other.half == OPERANDS or other.arithmetic == TF32  # in float32
        broken = (only_chunks and causes) or (promises_states and keeps_states)
        if not broken and verdict_on(actual.under(other)).passed:
            refused = other.rounds_operands(actual.golden.dtype) and not has_tf32(actual.golden, other)
            return Contract(profile, other, is_refused=refused)
    return None


def _looser(profile: Profile, dtype: str) -> Iterator[Profile]:
    """Yield the looser contracts that may change the tolerance in a precision, the strictest first."""
    is_half = PRECISIONS[dtype].bits < PRECISIONS[FLOAT32].bits
    halves = _HALVES[_HALVES.index(profile.half) :] if is_half else (profile.half,)
    for arithmetic in dict.fromkeys((profile.arithmetic, TF32 if dtype == FLOAT32 else profile.arithmetic)):
        for half in halves:
            for algorithm in ALGORITHMS[ALGORITHMS.index(profile.algorithm) :]:
                if (other := Profile(arithmetic, algorithm, half)) != profile:
                    yield other


def of_all(contracts: Sequence[Contract | None]) -> Contract | None:
    """Return the strictest contract that all failures satisfy; None if one satisfies none."""
    found = [contract for contract in contracts if contract is not None]
    if len(found) < len(contracts) or all(contract.is_refused for contract in found):
        return None
    satisfied = [contract.satisfied for contract in found]
    algorithm = max((one.algorithm for one in satisfied), key=ALGORITHMS.index)
    arithmetic = next((one.arithmetic for one in satisfied if one.arithmetic == TF32), satisfied[0].arithmetic)
    half = max((one.half for one in satisfied), key=_HALVES.index)
    # a golden that satisfies another contract without tf32 may be refused by it
    refused = any(contract.is_refused or contract.satisfied.arithmetic != arithmetic for contract in found)
    return Contract(found[0].declared, Profile(arithmetic, algorithm, half), is_refused=refused)
