"""A deviation of the backward pass of recurrences: outputs are right, gradients are wrong."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np

from rnn_goldens.cells.recurrence import RecurrenceCase
from rnn_goldens.deviations.recurrences.backward_kernel import AttentionBackward, BackwardKernel, Gradients, Values
from rnn_goldens.deviations.recurrences.backward_scan_kernels import (
    CausalConvBackward,
    MinGruBackward,
    RgLruBackward,
    SelectiveScanBackward,
    SlstmBackward,
)
from rnn_goldens.deviations.recurrences.deviation import ATTENTION, FEATURES

BACKWARD_KERNELS: Mapping[str, type[BackwardKernel]] = {
    **dict.fromkeys(ATTENTION, AttentionBackward),
    "selective_scan": SelectiveScanBackward,
    "slstm": SlstmBackward,
    "rg_lru": RgLruBackward,
    "min_gru": MinGruBackward,
    "causal_conv": CausalConvBackward,
}
"""The right backward kernels by recurrence."""

CHUNK = 64
"""The usual number of steps in a chunk."""


@dataclass(frozen=True, eq=False)
class BackwardRecurrenceDeviation:
    """A named bug of the backward pass of recurrences.

    Attributes:
        name: permanent name, in lower case with underscores.
        sentence: description of the bug.
        wrong: the wrong kernel, or a class that overrides methods of ``BackwardKernel`` for kernels of all cells.
        cells: the recurrences that the deviation applies to.
        needs: names of ``FEATURES`` without which the deviation has no effect.
        stands_for: reports of the bug in real implementations, as ``repository#number``.
        fix: how to fix the bug, if the sentence does not show that.
    """

    name: str
    sentence: str
    wrong: type[BackwardKernel]
    cells: tuple[str, ...]
    needs: tuple[str, ...] = ()
    stands_for: tuple[str, ...] = ()
    fix: str = ""

    def applies_to(self, cell: str) -> bool:
        """Return whether the deviation applies to a recurrence."""
        return cell in self.cells

    def fix_for(self, _: Collection[str] = ()) -> str:
        """Return how to fix the bug."""
        return self.fix

    def has_needs(self, case: RecurrenceCase) -> bool:
        """Return whether a case has all features that the deviation needs."""
        return all(FEATURES[name](case) for name in self.needs)

    def kernel(self, cell: str) -> type[BackwardKernel]:
        """Return the wrong kernel of a recurrence."""
        right = BACKWARD_KERNELS[cell]
        return self.wrong if issubclass(self.wrong, right) else type("Deviating", (self.wrong, right), {})

    @np.errstate(all="ignore")  # a wrong kernel may overflow
    def gradients(self, case: RecurrenceCase, cotangents: Values) -> Gradients:
        """Return the wrong gradients of a case, in the type of its arrays."""
        return self.kernel(case.cell)(case.config).gradients(case, cotangents)


def declared_for(default: tuple[str, ...]) -> Callable[..., BackwardRecurrenceDeviation]:
    """Return a function that declares a deviation, of the given recurrences unless others are named."""

    def declared(
        name: str,
        sentence: str,
        wrong: type[BackwardKernel],
        *needs: str,
        cells: tuple[str, ...] = default,
        stands_for: tuple[str, ...] = (),
    ) -> BackwardRecurrenceDeviation:
        return BackwardRecurrenceDeviation(name, sentence, wrong, cells, needs, stands_for)

    return declared
