"""Runs deviations of the backward and forward pass on a golden and compares them with the actual gradients."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from rnn_goldens.comparison.actual import Actual
from rnn_goldens.diagnosis.candidates import Candidates, Cause
from rnn_goldens.diagnosis.finite_differences import DirectionalDerivatives
from rnn_goldens.diagnosis.match import Arrays
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS

if TYPE_CHECKING:
    from rnn_goldens.cells import AnyCase
    from rnn_goldens.deviations import Deviation
    from rnn_goldens.deviations.wrong_pass import WrongPass
    from rnn_goldens.golden.data import GoldenData


OVER_CALLS = "gradients_accumulated"
"""The deviation whose first call is right. Wrong gradients of a first call have another cause."""


class GradientCandidates(Candidates):
    """A golden, its actual gradients and the deviations of the backward or forward pass that may explain them."""

    of = GRADIENTS
    passes = 2

    def __init__(self, golden: "GoldenData", got: Arrays, *, outputs_right: bool = False) -> None:
        """If the outputs are known to be right, no deviation of the forward pass is a cause."""
        super().__init__(golden, got)
        self.outputs_right = outputs_right

    def candidates(self) -> Iterator[Iterable[Cause]]:
        """Yield deviations of the backward pass, then of the forward pass: autograd differentiates these, too."""
        yield self.applicable()
        if not self.outputs_right and not self.is_uninformative():
            yield Candidates(self.golden, {}).applicable()

    def catalogue(self) -> "Sequence[Deviation]":
        """Return the deviations of the backward pass that a first call shows."""
        return [deviation for deviation in super().catalogue() if deviation.name != OVER_CALLS]

    def explained_by(self, cause: Cause) -> bool:
        """Return whether a network with these deviations gives the actual gradients."""
        if is_of_outputs(cause):
            return not self.outputs_right and not self.rounds(cause) and self._derivatives.are_those_of(cause)
        return super().explained_by(cause)

    def fitted_by(self, cause: Cause) -> bool:
        """Return whether a cause explains the gradients, or matches them better than the right gradients do."""
        return self.explained_by(cause) if is_of_outputs(cause) else super().fitted_by(cause)

    def is_uninformative(self) -> bool:
        """Return whether all gradients are zero and should not be: any detached tensor may cause that."""
        return not any(array.any() for array in self.got.values()) and not self.is_right()

    def would_fail(self, cause: Cause, dtype: type, enough: float) -> bool:
        """Return whether the gradients of a network with these deviations are off by at least ``enough`` tolerances."""
        if is_of_outputs(cause):
            return self._derivatives.would_fail(cause)
        return super().would_fail(cause, dtype, enough)

    def _run(self, wrong: "WrongPass", case: "AnyCase") -> Arrays:
        return wrong.gradients(case, {name: array.astype(case.dtype) for name, array in self.golden.cotangents.items()})

    @cached_property
    def _derivatives(self) -> DirectionalDerivatives:
        return DirectionalDerivatives(self.golden, self.got, self.expected)


def candidates_of(golden: "GoldenData", got: Arrays, of: str, *, outputs_right: bool = False) -> Candidates:
    """Return the candidates for the actual outputs or gradients of a golden."""
    return Candidates(golden, got) if of == OUTPUTS else GradientCandidates(golden, got, outputs_right=outputs_right)


def is_of_outputs(cause: Cause) -> bool:
    """Return whether all deviations of a cause are in the forward pass."""
    from rnn_goldens.deviations import deviation

    return not any(deviation(name).is_backward for name in cause)


@np.errstate(all="ignore")
def accumulated(actual: Actual) -> list[Cause]:
    """Return the cause of gradients that are wrong only in a second call: accumulation over calls, or no cause."""
    cause = (OVER_CALLS,)
    return [cause] if actual.numbers and GradientCandidates(actual.golden, actual.numbers).explained_by(cause) else []
