"""The recurrences of ``rnn_goldens.cells``, in NumPy, forward and backward.

In half precisions they compute in float32 and round their results once.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnn_goldens.cells import recurrence
from rnn_goldens.cells.recurrence_backward import gradients as gradients_of_case
from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.golden.precision import PRECISIONS


def run(golden: Inputs) -> tuple[NDArray[Any], ...]:
    """Return the outputs and the compared last states."""
    with np.errstate(all="ignore"):  # a decay of e^-8192 underflows
        found = recurrence.run(recurrence.recurrence_case(golden, _wide(golden)))
    return tuple(_rounded(golden, found[name]) for name in golden.layout.outputs)


def gradients(golden: Inputs) -> Mapping[str, NDArray[Any]]:
    """Return the gradients by name."""
    wide = _wide(golden)
    cotangents = {name: array.astype(wide) for name, array in golden.cotangents.items()}
    with np.errstate(all="ignore"):
        found = gradients_of_case(recurrence.recurrence_case(golden, wide), cotangents)
    return {name: _rounded(golden, array) for name, array in found.items()}


def _wide(golden: Inputs) -> DTypeLike:
    return np.float64 if golden.dtype == "float64" else np.float32


def _rounded(golden: Inputs, array: NDArray[Any]) -> NDArray[Any]:
    return PRECISIONS[golden.dtype].round(array.astype(np.float64))
