"""The networks and recurrences of ``rnn_goldens.cells``, in NumPy, forward and backward; or with a user's step.

Networks compute in the golden's precision. Recurrences compute in float32 in half precisions, and round their results
once.

A user's step is a function ``(x_t, state, weights) → state``, which is unrolled over time, layers, directions and
lengths. ``x_t`` is (batch, input); the state is h (batch, hidden), or ``(h, c)`` for an LSTM; the weights are those of
one layer and direction, under PyTorch's names without suffix: ``weight_ih``, ``weight_hh`` and, where the golden has
biases, ``bias_ih`` and ``bias_hh``. All are NumPy arrays of the golden's precision; the step may return arrays of any
library.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnn_goldens import cells
from rnn_goldens.cells import AnyCase, Array, Case, Network, State, Weights, case_of, golden_case
from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.comparison.array_conversion import NotNumbers, read
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.golden.precision import PRECISIONS, precision
from rnn_goldens.plurals import counted

Step = Callable[[Array, Any, Weights], Any]


def run(golden: Inputs) -> tuple[NDArray[Any], ...]:
    """Return the output at each time step, then the last states.

    Raises Unsupported for a network in bfloat16 without ml_dtypes, and for a custom cell whose equations are not
    available.
    """
    found = cells.outputs(_case(golden))
    if golden.is_integer:
        return tuple(golden.rounded(found[name], name) for name in golden.layout.outputs)
    return tuple(_rounded(golden, found[name]) for name in golden.layout.outputs)


def gradients(golden: Inputs) -> Mapping[str, NDArray[Any]]:
    """Return the gradients by name. Raises the same exceptions as ``run``."""
    case = _case(golden)
    cotangents = {name: array.astype(case.dtype) for name, array in golden.cotangents.items()}
    return {name: _rounded(golden, array) for name, array in cells.gradients(case, cotangents).items()}


def _case(golden: Inputs) -> AnyCase:
    try:
        if golden.is_integer:  # the definition computes with integers
            return golden_case(golden, np.float64)
        return golden_case(golden, np.float32 if golden.is_wide_inside else arithmetic(golden.dtype))
    except WrongUse as error:
        raise Unsupported(str(error)) from None


def _rounded(golden: Inputs, array: NDArray[Any]) -> NDArray[Any]:
    return PRECISIONS[golden.dtype].round(array.astype(np.float64)) if golden.is_wide_inside else array


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


def of_step(step: Step) -> Callable[[Inputs], tuple[Array, ...]]:
    """Return an implementation that computes each time step with the function."""
    network = _Stepping(step)
    return lambda golden: network.run(case_of(golden, arithmetic(golden.dtype)))


class _Stepping(Network):
    def __init__(self, step: Step) -> None:
        self.of_user = step

    def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:  # noqa: ARG002
        own = tuple(part.copy() for part in state)  # the step may write into it
        found = self.of_user(layer_input[:, t], own if len(own) > 1 else own[0], w)
        after = tuple(found) if len(state) > 1 else (found,)
        if len(after) != len(state):
            raise TypeError(f"the step returned {counted(len(after), 'state')} of a cell that has {len(state)}")
        parts = zip(after, state, case.cell.states, strict=True)
        return tuple(_like(part, before, name) for part, before, name in parts)


def _like(part: object, before: Array, name: str) -> Array:
    try:
        values: Array = read(part).values
    except NotNumbers as reason:
        raise TypeError(f"the step's {name} {reason}") from None
    if values.shape != before.shape:
        raise ValueError(f"the step returned {name} of shape {values.shape} for {name} of shape {before.shape}")
    return values.astype(before.dtype)
