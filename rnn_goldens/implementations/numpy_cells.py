"""The networks of ``rnn_goldens.cells``, in NumPy and in the golden's precision, forward and backward."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnn_goldens import cells
from rnn_goldens.cells import Case, Network, case_of
from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.golden.precision import precision


def run(golden: Inputs) -> tuple[NDArray[Any], ...]:
    """Return out, h_n (and c_n).

    Raises Unsupported for bfloat16 without ml_dtypes, and for a custom cell whose equations are not available.
    """
    return Network().run(_case(golden))


def gradients(golden: Inputs) -> Mapping[str, NDArray[Any]]:
    """Return the gradients by name. Raises the same exceptions as ``run``."""
    case = _case(golden)
    return cells.gradients(case, {name: array.astype(case.x.dtype) for name, array in golden.cotangents.items()})


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
