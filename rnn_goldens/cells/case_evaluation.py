"""Evaluates a case, a network or a recurrence, in NumPy, forward and backward."""

from collections.abc import Mapping

import numpy as np

from rnn_goldens.cells.backward import Backward
from rnn_goldens.cells.case import AnyCase
from rnn_goldens.cells.network import Network
from rnn_goldens.cells.numpy_primitives import Array
from rnn_goldens.cells.recurrence import RecurrenceCase, run
from rnn_goldens.cells.recurrence_backward import RecurrenceBackward


@np.errstate(all="ignore")  # some goldens saturate or overflow on purpose
def outputs(case: AnyCase) -> dict[str, Array]:
    """Return the outputs at each time step and the compared last states by name, in the type of the case's arrays."""
    if isinstance(case, RecurrenceCase):
        return run(case)
    return dict(zip(case.cell.layout.outputs, Network().run(case), strict=True))


@np.errstate(all="ignore")
def gradients(case: AnyCase, cotangents: Mapping[str, Array]) -> dict[str, Array]:
    """Return the gradients of the sum of all outputs times their cotangents, by name of the array and shaped like it.

    ``cotangents`` are named ``d_out`` or ``d_S_n``; a missing one is zero. Initial states have gradients if given.
    """
    if isinstance(case, RecurrenceCase):
        return RecurrenceBackward().gradients(case, cotangents)
    return Backward().gradients(case, cotangents)
