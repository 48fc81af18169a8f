"""A single step ``(x_t, state, weights) → state``, unrolled over time, layers, directions and lengths.

``x_t`` is (batch, input); the state is h (batch, hidden), or ``(h, c)`` for an LSTM; the weights are those of one layer
and direction, under PyTorch's names without suffix: ``weight_ih``, ``weight_hh`` and, where the golden has biases,
``bias_ih`` and ``bias_hh``. All are NumPy arrays of the golden's precision; the step may return arrays of any library.
"""

from collections.abc import Callable
from typing import Any

from rnn_goldens.cells import Array, Case, Network, State, Weights, case_of
from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.comparison.outputs import NotNumbers, read
from rnn_goldens.implementations.numpy_cells import arithmetic
from rnn_goldens.plurals import counted

Step = Callable[[Array, Any, Weights], Any]


def wrap(step: Step) -> Callable[[Inputs], tuple[Array, ...]]:
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
