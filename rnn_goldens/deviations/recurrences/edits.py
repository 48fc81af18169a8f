"""Wrong passes of recurrences: edits of the definition in ``cells``, its equations, arrays or loop over the steps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.cells.matrix_primitives import MatrixArithmetic
from rnn_goldens.cells.recurrence import RIGHT, Arrays, RecurrenceCase, packed, run
from rnn_goldens.cells.recurrence_backward import Gradients, RecurrenceBackward
from rnn_goldens.cells.recurrence_notation import Equations
from rnn_goldens.deviations.deviation import OF_ALL_RECURRENCES
from rnn_goldens.deviations.needs import LONGER_THAN
from rnn_goldens.deviations.recurrences.equation_parts import RIGHT as DIFFERENTIATED
from rnn_goldens.deviations.table_rows import Row
from rnn_goldens.deviations.wrong_pass import WrongPass, overriding
from rnn_goldens.golden.expected import GRADIENTS

Outputs = dict[str, Array]
"""Outputs and compared last states by name."""

Wrong = Callable[[RecurrenceCase], Outputs]

Change = Callable[[Array], Array]

CELLS, WEIGHTED = OF_ALL_RECURRENCES
ATTENTION = ("linear_attention", "gated_linear_attention", "delta_rule", "gated_delta")
GATED = ("gated_linear_attention", "gated_delta")
DELTA = ("delta_rule", "gated_delta")
GATED_DELTA = ("gated_delta",)

CHUNK = 64
"""The usual number of steps in a chunk."""

SMALLER = (16, 32)
"""Other numbers of steps in a chunk."""


def declared(layout: str, what: str) -> str:
    """Return how to fix what is right in a layout of its own."""
    return f"if the kernel {what}, declare it: rnn_goldens.kernel(FUNCTION, {layout})"


def in_chunks_of(size: int, name: str) -> str:
    """Return the name of a bug in chunks of a size; a name without a size is of chunks of 64 steps."""
    return name if size == CHUNK else f"{name}_in_chunks_of_{size}"


def for_each_chunk_size(
    name: str,
    sentence: str,
    make: Callable[[int], Any],
    attributes: Callable[[int], Mapping[str, Any]] = lambda size: {"needs": (LONGER_THAN[size],)},
) -> Mapping[str, Row]:
    """Return the row of a bug for each number of steps in a chunk, which ``{}`` in the sentence stands for."""
    sizes = (CHUNK, *SMALLER)
    return {in_chunks_of(size, name): (sentence.format(size), make(size), attributes(size)) for size in sizes}


# The forward pass.


class Forward(WrongPass):
    """A wrong forward pass: a function of a case, which has one sequence unless ``takes_packed``."""

    takes_packed = False

    def __call__(self, case: RecurrenceCase) -> Outputs:
        """Return the wrong outputs of a case."""
        raise NotImplementedError

    @np.errstate(all="ignore")  # wrong equations may overflow
    def outputs_by_name(self, case: RecurrenceCase) -> Outputs:
        """Return the wrong outputs of a case by name, in the type of its arrays."""
        return self(case) if self.takes_packed else packed([self(one) for one in case.sequences()], case.config)


@dataclass(frozen=True, eq=False)
class Edit(Forward):
    """A change of the forward pass of a recurrence.

    Attributes:
        case: changes the inputs, weights, initial states or options.
        equations: other equations of a time step.
        operations: other primitives, or more of them.
        outputs: changes the outputs and last states: a function of the case, before it was changed, and of them.
        wrong: returns outputs and last states of the case in another way than ``run``.
    """

    case: Callable[[RecurrenceCase], RecurrenceCase] | None = None
    equations: Equations | None = None
    operations: MatrixArithmetic = RIGHT
    outputs: Callable[[RecurrenceCase, Outputs], Outputs] | None = None
    wrong: Wrong | None = None
    takes_packed: bool = False

    def __call__(self, case: RecurrenceCase) -> Outputs:
        """Return the wrong outputs of a case."""
        if self.wrong:
            return self.wrong(case)
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


# The backward pass.


@dataclass(frozen=True, eq=False)
class WrongBackward(WrongPass):
    """Equations of recurrences with right values and wrong derivatives, or a wrong loop back over the steps."""

    wrong: Equations | type[RecurrenceBackward]

    @property
    def of(self) -> str:
        """GRADIENTS."""
        return GRADIENTS

    def loop(self, cell: str) -> RecurrenceBackward:
        """Return the wrong backward pass of a recurrence."""
        if isinstance(self.wrong, type):
            loop: RecurrenceBackward = self.wrong(DIFFERENTIATED.get(cell))
            return loop
        return RecurrenceBackward(self.wrong)

    @np.errstate(all="ignore")  # a wrong backward pass may overflow
    def gradients(self, case: RecurrenceCase, cotangents: Arrays) -> Gradients:
        """Return the wrong gradients of a case, in the type of its arrays."""
        return self.loop(case.cell).gradients(case, cotangents)


def in_loop(
    loop: type[RecurrenceBackward] = RecurrenceBackward, /, **methods: Callable[..., Any]
) -> type[RecurrenceBackward]:
    """Return a loop in which functions replace methods: they take the right loop, then the method's arguments."""
    return overriding(loop, methods)


def in_results(
    loop: type[RecurrenceBackward] = RecurrenceBackward, /, **changes: Callable[..., Any]
) -> type[RecurrenceBackward]:
    """Return a loop in which functions change what methods return: they take that, then the method's arguments."""
    return in_loop(loop, **{name: _of_result(name, change) for name, change in changes.items()})


def _of_result(name: str, change: Callable[..., Any]) -> Callable[..., Any]:
    return lambda right, *arguments: change(getattr(right, name)(*arguments), *arguments)
