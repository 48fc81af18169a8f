"""A golden's gradients asked again: what deviations of the backward pass give there, and wrong outputs' gradients."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np

from rnn_goldens.diagnosis.asked import Asked, Cause
from rnn_goldens.diagnosis.autograd import Slopes
from rnn_goldens.diagnosis.likeness import Arrays, off_by
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS
from rnn_goldens.judging.given import Given

if TYPE_CHECKING:
    from rnn_goldens.cells import Case
    from rnn_goldens.deviations import Deviation, Wrong
    from rnn_goldens.golden.data import GoldenData


class AskedGradients(Asked):
    """A golden, and the gradients that came. Causes are of the backward pass; or of the outputs, differentiated."""

    of = GRADIENTS
    passes = 2

    def __init__(self, golden: "GoldenData", got: Arrays, *, outputs_right: bool = False) -> None:
        """Where the outputs are known to be right, nothing that would make them wrong is a cause."""
        super().__init__(golden, got)
        self.outputs_right = outputs_right

    def candidates(self) -> Iterator[Iterable[Cause]]:
        """Those of the backward pass, then of the outputs: whoever differentiates wrong ones gets their gradients."""
        yield self.befalling()
        if not self.outputs_right and not self.tells_nothing():
            yield Asked(self.golden, {}).befalling()

    def catalogue(self) -> "Sequence[Deviation]":
        """Of the backward pass."""
        from rnn_goldens.deviations.backward import BACKWARD_DEVIATIONS

        return BACKWARD_DEVIATIONS

    def explained_by(self, cause: Cause) -> bool:
        """Whether a network that is wrong so gives what came."""
        if is_of_outputs(cause):
            return not self.outputs_right and not self.rounds(cause) and self._slopes.are_those_of(cause)
        return super().explained_by(cause)

    def fitted_by(self, cause: Cause) -> bool:
        """Whether it does, or what came is nearer to that than to what is right."""
        return self.explained_by(cause) if is_of_outputs(cause) else super().fitted_by(cause)

    def shows(self, cause: Cause, dtype: type, enough: float) -> bool:
        """Whether a network that is wrong so gives gradients that are so many tolerances off, or more."""
        if is_of_outputs(cause):
            return self._slopes.shows(cause)
        found = self.given(cause, dtype)
        return off_by(self.right, {name: found[name] for name in self.got}) >= enough

    def rounds(self, cause: Cause) -> bool:
        """Whether it rounds to a narrow type."""
        return super().rounds(cause) or set(cause) <= _narrow()

    def tells_nothing(self) -> bool:
        """Whether all gradients are zero, and should not be: whatever is detached leaves that."""
        return not any(array.any() for array in self.got.values()) and not self.is_right()

    def _run(self, wrong: "Wrong", case: "Case") -> Arrays:
        return wrong.gradients(
            case, {name: array.astype(case.x.dtype) for name, array in self.golden.cotangents.items()}
        )

    @cached_property
    def _slopes(self) -> Slopes:
        return Slopes(self.golden, self.got, self.right)


def asking(golden: "GoldenData", got: Arrays, of: str, *, outputs_right: bool = False) -> Asked:
    """What asks a golden again of which outputs, or gradients, came."""
    return Asked(golden, got) if of == OUTPUTS else AskedGradients(golden, got, outputs_right=outputs_right)


def is_of_outputs(cause: Cause) -> bool:
    """Whether all of it is wrong in the forward pass."""
    return set(cause) <= _of_outputs()


@np.errstate(all="ignore")
def accumulated(given: Given) -> list[Cause]:
    """Of gradients that are wrong in a second call alone, the one cause there is: all were added to the first's."""
    cause = ("gradients_accumulated",)
    return [cause] if given.numbers and AskedGradients(given.golden, given.numbers).explained_by(cause) else []


@cache
def _narrow() -> frozenset[str]:
    from rnn_goldens.deviations.backward.numerics import ROUNDING

    return frozenset(deviation.name for deviation in ROUNDING)


@cache
def _of_outputs() -> frozenset[str]:
    from rnn_goldens.deviations import DEVIATIONS

    return frozenset(deviation.name for deviation in DEVIATIONS)
