"""The networks and recurrences of ``rnn_goldens.cells``, in NumPy, forward and backward.

Networks compute in the golden's precision. Recurrences compute in float32 in half precisions, and round their results
once.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnn_goldens import cells
from rnn_goldens.cells import Case, Network, case_of, recurrence, recurrence_backward
from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.golden.precision import PRECISIONS, precision


def run(golden: Inputs) -> tuple[NDArray[Any], ...]:
    """Return the output at each time step, then the last states.

    Raises Unsupported for a network in bfloat16 without ml_dtypes, and for a custom cell whose equations are not
    available.
    """
    if golden.is_network:
        return Network().run(_case(golden))
    with np.errstate(all="ignore"):  # a decay of e^-8192 underflows
        found = recurrence.run(recurrence.recurrence_case(golden, _wide(golden)))
    return tuple(_rounded(golden, found[name]) for name in golden.layout.outputs)


def gradients(golden: Inputs) -> Mapping[str, NDArray[Any]]:
    """Return the gradients by name. Raises the same exceptions as ``run``."""
    if golden.is_network:
        case = _case(golden)
        return cells.gradients(case, {name: array.astype(case.x.dtype) for name, array in golden.cotangents.items()})
    wide = _wide(golden)
    cotangents = {name: array.astype(wide) for name, array in golden.cotangents.items()}
    with np.errstate(all="ignore"):
        found = recurrence_backward.gradients(recurrence.recurrence_case(golden, wide), cotangents)
    return {name: _rounded(golden, array) for name, array in found.items()}


def _case(golden: Inputs) -> Case:
    try:
        return case_of(golden, arithmetic(golden.dtype))
    except WrongUse as error:
        raise Unsupported(str(error)) from None


def arithmetic(name: str) -> DTypeLike:
    """Return the NumPy type for a precision; raises Unsupported for bfloat16 without ml_dtypes."""
    if name != "bfloat16":
        return precision(name).carrier
    try:
        import ml_dtypes
    except ModuleNotFoundError:
        raise Unsupported("NumPy has no bfloat16: install ml_dtypes") from None
    dtype: DTypeLike = np.dtype(ml_dtypes.bfloat16)
    return dtype


def _wide(golden: Inputs) -> DTypeLike:
    return np.float32 if golden.is_wide_inside else PRECISIONS[golden.dtype].carrier


def _rounded(golden: Inputs, array: NDArray[Any]) -> NDArray[Any]:
    return PRECISIONS[golden.dtype].round(array.astype(np.float64))
