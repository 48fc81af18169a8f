"""Evaluates a case, a network or a recurrence, in NumPy; says whether the equations of a custom cell are certified."""

from collections.abc import Mapping
from weakref import WeakKeyDictionary

import numpy as np

from rnn_goldens.cells import integer_lstm
from rnn_goldens.cells.backward import Backward
from rnn_goldens.cells.custom_cells import cell_of_file
from rnn_goldens.cells.custom_recurrences import recurrence_of_file
from rnn_goldens.cells.network import AnyCase, Network, golden_case
from rnn_goldens.cells.numpy_primitives import Array
from rnn_goldens.cells.recurrence import RecurrenceCase, run
from rnn_goldens.cells.recurrence_backward import RecurrenceBackward
from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.data import GoldenData
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.recurrences import INTEGER_LSTMS
from rnn_goldens.golden.shapes import is_custom_cell
from rnn_goldens.golden.stored_arrays import GoldenArrays


@np.errstate(all="ignore")  # some goldens saturate or overflow on purpose
def outputs(case: AnyCase) -> dict[str, Array]:
    """Return the outputs at each time step and the compared last states by name, in the type of the case's arrays."""
    if isinstance(case, RecurrenceCase):
        return integer_lstm.run(case) if case.cell in INTEGER_LSTMS else run(case)
    return dict(zip(case.cell.layout.outputs, Network().run(case), strict=True))


@np.errstate(all="ignore")
def gradients(case: AnyCase, cotangents: Mapping[str, Array]) -> dict[str, Array]:
    """Return the gradients of the sum of all outputs times their cotangents, by name of the array and shaped like it.

    ``cotangents`` are named ``d_out`` or ``d_S_n``; a missing one is zero. Initial states have gradients if given.
    """
    if isinstance(case, RecurrenceCase):
        return RecurrenceBackward().gradients(case, cotangents)
    return Backward().gradients(case, cotangents)


_REASONS: WeakKeyDictionary[GoldenArrays, str] = WeakKeyDictionary()
"""Cached results, by the stored arrays of a golden, which are the same for all its precisions."""


def no_equations(golden: GoldenData) -> str:
    """Return in one line why the equations of a golden's cell cannot be used; "" if they can be used.

    The outputs of a custom cell in float64 are compared with the stored ones, once for each golden.
    """
    if not is_custom_cell(golden.cell):
        return ""
    if golden.stored not in _REASONS:
        _REASONS[golden.stored] = _reason(golden)
    return _REASONS[golden.stored]


def require_equations(golden: GoldenData) -> None:
    """Raise WrongUse if the equations of a golden's cell cannot be used."""
    if why := no_equations(golden):
        raise WrongUse(f"{golden.id}: {why}")


def _reason(golden: GoldenData) -> str:
    """Return why the equations are not available, or not those that the golden was certified with; "" if they are."""
    cell = golden.cell
    try:
        now = cell_of_file(cell).layout if golden.is_network else recurrence_of_file(cell).recurrence
    except WrongUse as error:
        first, *others = str(error).removeprefix(f"cell {cell!r}: ").splitlines()
        reason = f"{first} {others[-1]}" if others else first  # the last line of a traceback
        return f"the equations of {cell} are not available: {reason}"
    then = golden.layout if golden.is_network else golden.recurrence.recurrence
    if now == then and _reproduces_outputs(golden):
        return ""
    how = "" if now == then else f": they use {now.in_words}, but used {then.in_words}"
    changed = f"the equations of {cell} are not those that {golden.id} was certified with{how}"
    return f"{changed}; if the change is right, generate the golden again"


def _reproduces_outputs(golden: GoldenData) -> bool:
    """Return whether the outputs in float64 are within the tolerance of the golden's widest precision."""
    try:
        computed = outputs(golden_case(golden, np.float64))
    except Exception:  # for example equations for other sizes
        return False
    widest = PRECISIONS[golden.precisions[0]]
    for name, right in golden.stored.expected.items():
        allowed = golden.tolerance.allowed(name, right, widest)
        if not ((computed[name] == right) | (np.abs(computed[name] - right) <= allowed)).all():
            return False
    return True
