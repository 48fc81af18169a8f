"""A deviation of a recurrence: a named bug, as a small change of the definition in ``cells``."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.cells.recurrence import RIGHT, MatrixArithmetic, RecurrenceCase, packed, run
from rnn_goldens.cells.recurrence_equations import Equations
from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.deviations.wrong_pass import WrongPass
from rnn_goldens.golden.recurrences import RECURRENCES

Outputs = dict[str, Array]
"""Outputs and compared last states by name."""

Wrong = Callable[[RecurrenceCase], Outputs]

Change = Callable[[Array], Array]

CELLS = tuple(RECURRENCES)
ATTENTION = ("linear_attention", "gated_linear_attention", "delta_rule", "gated_delta")
GATED = ("gated_linear_attention", "gated_delta")
DELTA = ("delta_rule", "gated_delta")

CHUNK = 64
"""The usual number of steps in a chunk."""

SMALLER = (16, 32)
"""Other numbers of steps in a chunk."""


@dataclass(frozen=True, eq=False)
class Edit:
    """A change of the forward pass of a recurrence.

    Attributes:
        case: changes the inputs, weights, initial states or options.
        equations: other equations of a time step.
        operations: other primitives, or more of them.
        outputs: changes the outputs and last states: a function of the case, before it was changed, and of them.
    """

    case: Callable[[RecurrenceCase], RecurrenceCase] | None = None
    equations: Equations | None = None
    operations: MatrixArithmetic = RIGHT
    outputs: Callable[[RecurrenceCase, Outputs], Outputs] | None = None

    def __call__(self, case: RecurrenceCase) -> Outputs:
        """Return the wrong outputs of a case."""
        found = run(self.case(case) if self.case else case, self.operations, self.equations)
        return self.outputs(case, found) if self.outputs else found


def in_equations(equations: Equations, operations: MatrixArithmetic = RIGHT) -> Edit:
    """Return the use of other equations; ``operations`` has the primitives that only they use."""
    return Edit(equations=equations, operations=operations)


def in_arrays(**changes: Change) -> Edit:
    """Return a change of inputs, weights or initial states, by name: ``q``, ``R_z``, ``S0``."""

    def changed(case: RecurrenceCase) -> RecurrenceCase:
        arrays = {**case.inputs, **case.weights, **case.states}
        return case.with_arrays(**{name: change(arrays[name]) for name, change in changes.items()})

    return Edit(changed)


def in_outputs(**changes: Change) -> Edit:
    """Return a change of outputs or last states, by name: ``o``, ``S_n``."""
    return Edit(outputs=lambda _, found: found | {name: change(found[name]) for name, change in changes.items()})


@dataclass(frozen=True, eq=False)
class WrongForward(WrongPass):
    """A wrong forward pass of recurrences.

    Attributes:
        wrong: an ``Edit``, or another function of the case.
        takes_packed: whether ``wrong`` gets packed sequences as one case; else it gets one sequence at a time.
    """

    wrong: Wrong
    takes_packed: bool = False

    @np.errstate(all="ignore")  # wrong equations may overflow
    def outputs_by_name(self, case: RecurrenceCase) -> Outputs:
        """Return the wrong outputs of a case by name, in the type of its arrays."""
        if self.takes_packed:
            return self.wrong(case)
        return packed([self.wrong(one) for one in case.sequences()], case.config)


def in_chunks_of(size: int, name: str) -> str:
    """Return the name of a bug in chunks of a size; a name without a size is of chunks of 64 steps."""
    return name if size == CHUNK else f"{name}_in_chunks_of_{size}"


def of_recurrences(
    name: str,
    sentence: str,
    wrong: Wrong,
    cells: tuple[str, ...],
    needs: tuple[str, ...] = (),
    stands_for: tuple[str, ...] = (),
    *,
    fix: str = "",
    takes_packed: bool = False,
) -> Deviation:
    """Return a deviation of the forward pass of recurrences; ``WrongForward`` has ``wrong`` and ``takes_packed``."""
    return Deviation(name, sentence, WrongForward(wrong, takes_packed), cells, needs, stands_for, fix)
