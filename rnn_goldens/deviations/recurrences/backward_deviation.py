"""A deviation of the backward pass of recurrences: outputs are right, gradients are wrong."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnn_goldens.cells.recurrence import Arrays, RecurrenceCase
from rnn_goldens.cells.recurrence_backward import Gradients, RecurrenceBackward
from rnn_goldens.cells.recurrence_equations import Equations
from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.deviations.recurrences.backward_equations import RIGHT
from rnn_goldens.deviations.wrong_pass import WrongPass
from rnn_goldens.golden.expected import GRADIENTS

Wrong = Equations | type[RecurrenceBackward]
"""Equations with right values and wrong derivatives, or a wrong loop over the steps."""


@dataclass(frozen=True, eq=False)
class WrongBackward(WrongPass):
    """A wrong backward pass of recurrences.

    Attributes:
        wrong: the wrong equations, or the wrong loop.
    """

    wrong: Wrong

    @property
    def of(self) -> str:
        """GRADIENTS."""
        return GRADIENTS

    def loop(self, cell: str) -> RecurrenceBackward:
        """Return the wrong backward pass of a recurrence."""
        if isinstance(self.wrong, type):
            loop: RecurrenceBackward = self.wrong(RIGHT.get(cell))
            return loop
        return RecurrenceBackward(self.wrong)

    @np.errstate(all="ignore")  # a wrong backward pass may overflow
    def gradients(self, case: RecurrenceCase, cotangents: Arrays) -> Gradients:
        """Return the wrong gradients of a case, in the type of its arrays."""
        return self.loop(case.cell).gradients(case, cotangents)


def declared_for(default: tuple[str, ...]) -> Callable[..., Deviation]:
    """Return a function that declares a deviation, of the given recurrences unless others are named."""

    def declared(
        name: str,
        sentence: str,
        wrong: Wrong,
        *needs: str,
        cells: tuple[str, ...] = default,
        stands_for: tuple[str, ...] = (),
    ) -> Deviation:
        return Deviation(name, sentence, WrongBackward(wrong), cells, needs, stands_for)

    return declared


def in_loop(
    loop: type[RecurrenceBackward] = RecurrenceBackward, /, **methods: Callable[..., Any]
) -> type[RecurrenceBackward]:
    """Return a loop in which functions replace methods: they take the right loop, then the method's arguments."""
    if unknown := [name for name in methods if not hasattr(loop, name)]:
        raise TypeError(f"{loop.__name__} has no method {unknown[0]!r}")
    wrong = type("Overriding", (loop,), {"replaced": methods})
    for name, function in methods.items():
        setattr(wrong, name, _method(wrong, function))
    return wrong


def _method(owner: type[RecurrenceBackward], function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *arguments: function(super(owner, self), *arguments)
