"""``rnn_goldens.cells``, run in the golden's precision: an RNN from scratch in NumPy, there and back."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnn_goldens import cells
from rnn_goldens.cells import Case, Network, case_of
from rnn_goldens.checkable.golden import Question
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.golden.precision import precision


def run(golden: Question) -> tuple[NDArray[Any], ...]:
    """Return out, h_n (and c_n).

    Refuses bfloat16 where ml_dtypes, which gives NumPy that type, is not installed; and a cell of someone's own whose
    equations are not to be had.
    """
    return Network().run(_case(golden))


def gradients(golden: Question) -> Mapping[str, NDArray[Any]]:
    """Return the gradients by name, for a question's cotangents. Refuses what ``run`` does."""
    case = _case(golden)
    return cells.gradients(case, {name: array.astype(case.x.dtype) for name, array in golden.cotangents.items()})


def _case(golden: Question) -> Case:
    try:
        return case_of(golden, arithmetic(golden.dtype))
    except WrongUse as error:
        raise Unsupported(str(error)) from None


def arithmetic(name: str) -> DTypeLike:
    """The NumPy type that computes in a precision."""
    if name != "bfloat16":
        return precision(name).carrier
    try:
        import ml_dtypes
    except ModuleNotFoundError:
        raise Unsupported("NumPy has no bfloat16: install ml_dtypes") from None
    dtype: DTypeLike = np.dtype(ml_dtypes.bfloat16)
    return dtype
