"""Runs the deviations of recurrences on a golden and compares them with the actual outputs or gradients."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from rnn_goldens.comparison.actual import Actual
from rnn_goldens.comparison.verdict import verdict_on
from rnn_goldens.diagnosis.candidates import Candidates, Cause
from rnn_goldens.diagnosis.match import Arrays, off_by
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.profile import ALL, ANY, INSIDE, MEANINGS, OPERANDS, Profile

if TYPE_CHECKING:
    from rnn_goldens.cells.recurrence import RecurrenceCase
    from rnn_goldens.golden.data import GoldenData


class RecurrenceCandidates(Candidates):
    """A golden of a recurrence, its actual outputs and the deviations that may explain them."""

    def catalogue(self) -> Sequence[Any]:
        """Return the deviations of the forward pass."""
        from rnn_goldens.deviations.recurrences import RECURRENCE_DEVIATIONS

        return RECURRENCE_DEVIATIONS

    def pairs(self, known: Iterable[Cause], *, wide: bool = False) -> Iterator[Cause]:  # noqa: ARG002 - for networks
        """Yield nothing: deviations of recurrences are not combined."""
        yield from ()

    def rounds(self, cause: Cause) -> bool:
        """Return whether a cause rounds to a narrow type."""
        from rnn_goldens.deviations.recurrences import FAMILIES

        return cause[0] in {deviation.name for deviation in FAMILIES["numerics"]}

    def is_uninformative(self) -> bool:
        """Return whether the outputs are zero everywhere and should not be: many bugs cause that."""
        return not any(array.any() for array in self.got.values()) and not self.is_right()

    @cached_property
    def _applicable(self) -> list[Any]:
        if self.is_uninformative():
            return []
        from rnn_goldens.cells.recurrence import recurrence_case

        case = recurrence_case(self.golden, np.float64)
        return [d for d in self.catalogue() if d.applies_to(self.golden.cell) and d.has_needs(case)]

    def run(self, cause: Cause, dtype: type, *, perturbed: bool = False) -> Arrays:
        """Run a deviation; with inputs off by one rounding error if ``perturbed``."""
        from rnn_goldens.cells.recurrence import recurrence_case

        if len(cause) > 1:
            raise ValueError("deviations of recurrences are not combined")
        case = recurrence_case(self.golden, dtype)
        if perturbed:
            case = case.scaled(1 + PRECISIONS[self.golden.dtype].roundoff)
        with np.errstate(all="ignore"):
            found = self._outputs_of(cause[0], case)
        return {name: np.asarray(part, np.float64) for name, part in found.items() if name in self.expected.values}

    def _outputs_of(self, name: str, case: "RecurrenceCase") -> Arrays:
        from rnn_goldens.deviations.recurrences import recurrence_deviation

        found: Arrays = recurrence_deviation(name).run(case)
        return found


class RecurrenceGradientCandidates(RecurrenceCandidates):
    """A golden of a recurrence, its actual gradients and the deviations of the backward pass."""

    of = GRADIENTS
    passes = 2

    def catalogue(self) -> Sequence[Any]:
        """Return the deviations of the backward pass."""
        from rnn_goldens.deviations.recurrences.backward import BACKWARD_RECURRENCE_DEVIATIONS

        return BACKWARD_RECURRENCE_DEVIATIONS

    def rounds(self, cause: Cause) -> bool:
        """Return whether a cause rounds to a narrow type."""
        from rnn_goldens.deviations.recurrences.backward import BACKWARD_FAMILIES

        return cause[0] in {deviation.name for deviation in BACKWARD_FAMILIES["numerics"]}

    def _outputs_of(self, name: str, case: "RecurrenceCase") -> Arrays:
        from rnn_goldens.deviations.recurrences.backward import backward_recurrence_deviation

        cotangents = {of: array.astype(case.dtype) for of, array in self.golden.cotangents.items()}
        found: Arrays = backward_recurrence_deviation(name).gradients(case, cotangents)
        return found


def recurrence_candidates(golden: "GoldenData", got: Arrays, of: str) -> RecurrenceCandidates:
    """Return the candidates for the actual outputs or gradients of a golden of a recurrence."""
    return RecurrenceCandidates(golden, got) if of == OUTPUTS else RecurrenceGradientCandidates(golden, got)


def would_fail(golden: "GoldenData", cause: Cause, of: str, enough: float) -> bool:
    """Return whether results with this deviation are off by at least ``enough`` tolerances."""
    expected = golden.expected_of(of)
    candidates = recurrence_candidates(golden, expected.values, of)
    if not candidates.can_apply(cause):
        return False
    return all(off_by(expected, candidates.run(cause, dtype)) >= enough for dtype in (np.float64, np.float32))


def contract_satisfied(actual: Actual, found: Sequence[Cause]) -> str:
    """Return a sentence on the first looser contract that failing outputs satisfy; "" if there is none.

    A contract whose promise one of the causes breaks is not named, even where the outputs are within its tolerance.
    """
    profile = actual.golden.profile
    is_half = PRECISIONS[actual.golden.dtype].bits < PRECISIONS["float32"].bits
    halves = (INSIDE, OPERANDS, ALL)
    looser = halves[halves.index(profile.half) :] if is_half else (profile.half,)
    for half in looser:
        if half == OPERANDS and any(name.startswith("state_kept_in") for cause in found for name in cause):
            continue  # it promises states in float32
        for algorithm in dict.fromkeys((profile.algorithm, ANY)):
            other = Profile(profile.arithmetic, algorithm, half)
            if other != profile and verdict_on(actual.under(other)).passed:
                meaning = "; ".join(MEANINGS[name] for name in str(other).split(","))
                also = f" (if states are rounded as well: {ALL})" if half == OPERANDS else ""
                return (
                    f"right by another contract: {meaning}. If yours allows that, declare "
                    f"--rnn-goldens-profile={other}{also}"
                )
    return ""
