"""A deviation of a recurrence: a named bug, as a small change of the definition in ``cells``."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.cells.recurrence import RIGHT, MatrixArithmetic, RecurrenceCase, packed, run
from rnn_goldens.cells.recurrence_equations import Equations
from rnn_goldens.golden.recurrences import BY_HEAD, BY_KEY, RECURRENCES

Outputs = dict[str, Array]
"""Outputs and compared last states by name."""

Wrong = Callable[[RecurrenceCase], Outputs]

Change = Callable[[Array], Array]

CELLS = tuple(RECURRENCES)
ATTENTION = ("linear_attention", "gated_linear_attention", "delta_rule", "gated_delta")
GATED = ("gated_linear_attention", "gated_delta")
DELTA = ("delta_rule", "gated_delta")


def sequence_count(case: RecurrenceCase) -> int:
    """Return the number of packed sequences, or of batch rows."""
    return len(next(iter(case.states.values())))


def _rows(case: RecurrenceCase) -> int:
    return len(next(iter(case.inputs.values())))


def _option(case: RecurrenceCase, name: str) -> Any:  # noqa: ANN401 - a number or a word
    return case.config.option(name) if name in case.config.recurrence.options else None


FEATURES: Mapping[str, Callable[[RecurrenceCase], bool]] = {
    "state": lambda case: case.state_given,
    "rows": lambda case: _rows(case) > 1,
    "one_sequence": lambda case: sequence_count(case) == 1,
    "sequences": lambda case: sequence_count(case) > 1,
    "packed": lambda case: case.offsets is not None and sequence_count(case) > 1,
    "several_steps": lambda case: any(one.time > 1 for one in case.sequences()),
    "several_chunks": lambda case: any(one.time > 64 for one in case.sequences()),  # noqa: PLR2004 - the chunk size
    "several_heads": lambda case: case.config.get("heads", 1) > 1,
    "grouped_queries": lambda case: case.config.get("query_heads", 1) > case.config.get("heads", 1),
    "unequal_sizes": lambda case: case.config.get("d_k") != case.config.get("d_v"),
    "decay_by_key": lambda case: case.config.get("decay", BY_HEAD) == BY_KEY,
    "scale_option": lambda case: _option(case, "scale") is not None,
    "default_scale": lambda case: _option(case, "scale") is None,
    "silu": lambda case: _option(case, "activation") == "silu",
    "no_activation": lambda case: _option(case, "activation") == "none",
    "wide_kernel": lambda case: case.config.get("width", 0) > 4,  # noqa: PLR2004 - kernels with four taps are common
    "shorter_than_window": lambda case: any(one.time < case.config.get("past", 0) for one in case.sequences()),
}
"""Features of a case that a deviation can need, by name: whether a case has it."""


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
        return with_arrays(case, **{name: change(arrays[name]) for name, change in changes.items()})

    return Edit(changed)


def in_outputs(**changes: Change) -> Edit:
    """Return a change of outputs or last states, by name: ``o``, ``S_n``."""
    return Edit(outputs=lambda _, found: found | {name: change(found[name]) for name, change in changes.items()})


def with_arrays(case: RecurrenceCase, **arrays: Array) -> RecurrenceCase:
    """Return a case with other inputs, weights or initial states, by name."""
    parts = (case.inputs, case.weights, case.states)
    inputs, weights, states = ({name: arrays.get(name, array) for name, array in part.items()} for part in parts)
    return replace(case, inputs=inputs, weights=weights, states=states)


@dataclass(frozen=True, eq=False)
class RecurrenceDeviation:
    """A named bug of the forward pass of recurrences.

    Attributes:
        name: permanent name, in lower case with underscores.
        sentence: description of the bug.
        wrong: the wrong forward pass: an ``Edit``, or another function of the case.
        cells: names of the recurrences that the deviation applies to.
        needs: names of ``FEATURES`` without which the deviation has no effect.
        stands_for: reports of the bug in real implementations, as ``repository#number``.
        fix: how to fix the bug, if the sentence does not show that.
        takes_packed: whether ``wrong`` gets packed sequences as one case; else it gets one sequence at a time.
    """

    name: str
    sentence: str
    wrong: Wrong
    cells: tuple[str, ...]
    needs: tuple[str, ...] = ()
    stands_for: tuple[str, ...] = ()
    fix: str = ""
    takes_packed: bool = False

    def applies_to(self, cell: str) -> bool:
        """Return whether the deviation applies to a recurrence."""
        return cell in self.cells

    def fix_for(self, _: Collection[str] = ()) -> str:
        """Return how to fix the bug."""
        return self.fix

    def has_needs(self, case: RecurrenceCase) -> bool:
        """Return whether a case has all features that the deviation needs."""
        return all(FEATURES[name](case) for name in self.needs)

    @np.errstate(all="ignore")  # wrong equations may overflow
    def run(self, case: RecurrenceCase) -> Outputs:
        """Return the wrong outputs of a case, in the type of its arrays."""
        if self.takes_packed:
            return self.wrong(case)
        return packed([self.wrong(one) for one in case.sequences()], case.config)
