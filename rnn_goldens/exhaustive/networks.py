"""Networks of one unit and one step, in which one activation's argument is the input and its result is an output."""

from dataclasses import dataclass

import numpy as np

from rnn_goldens.cells import DEFINED, Case
from rnn_goldens.exhaustive.arguments import Float64
from rnn_goldens.golden.shapes import LAYOUTS, Config

OPEN, SHUT = 32.0, -32.0
"""As a gate's bias: the gate is 1, or all but 0, whatever the precision."""


@dataclass(frozen=True)
class Activation:
    """One activation of a cell, and the network that shows it.

    Attributes:
        cell: the cell.
        name: which one, in words.
        shows: the output that is its result, or the next to it.
        weights: by the equations' names, those that are not zero: ``W_ii``, ``b_if``, ``b_hn``.
        state: the initial state, one number for each of its parts; None if none is given.
        of_state: whether the argument is the cell state, and the input is zero.
    """

    cell: str
    name: str
    shows: str
    weights: dict[str, float]
    state: tuple[float, ...] | None = None
    of_state: bool = False

    def case(self, arguments: Float64) -> Case:
        """The network, asked one row for each argument."""
        rows, cell = len(arguments), DEFINED[self.cell]
        swept = arguments[:, None, None]
        state = [np.full((1, rows, 1), part) for part in self.state or (0.0,) * len(cell.states)]
        if self.of_state:
            state[-1] = arguments[None, :, None]
        x = np.zeros_like(swept) if self.of_state else swept
        return Case(cell, Config(1, 1), self._stacked(), x, tuple(state), None, self.state is not None)

    def _stacked(self) -> dict[str, Float64]:
        gates = LAYOUTS[self.cell].gates
        weights = {f"{kind}_{side}_l0": np.zeros(len(gates)) for kind in ("weight", "bias") for side in ("ih", "hh")}
        for name, value in self.weights.items():
            kind, side, gate = {"W": "weight", "b": "bias"}[name[0]], f"{name[2]}h", name[3]
            weights[f"{kind}_{side}_l0"][gates.index(gate)] = value
        return {name: array[:, None] if name.startswith("weight") else array for name, array in weights.items()}


ACTIVATIONS = (
    Activation("rnn_tanh", "tanh", "out", {"W_ih": 1}),
    Activation("lstm", "sigmoid of i", "c_n", {"W_ii": 1, "b_ig": OPEN}),
    Activation("lstm", "sigmoid of f", "c_n", {"W_if": 1}, state=(0, 1)),
    Activation("lstm", "tanh of g", "c_n", {"W_ig": 1, "b_ii": OPEN}),
    Activation("lstm", "sigmoid of o", "out", {"W_io": 1, "b_if": OPEN}, state=(0, OPEN)),
    Activation("lstm", "tanh of c", "out", {"b_if": OPEN, "b_io": OPEN}, state=(0, 0), of_state=True),
    Activation("gru", "sigmoid of r", "out", {"W_ir": 1, "b_iz": SHUT, "b_hn": 1}),
    Activation("gru", "sigmoid of z", "out", {"W_iz": 1}, state=(1,)),
    Activation("gru", "tanh of n", "out", {"W_in": 1, "b_iz": SHUT}),
)
"""Each activation there is. r shows through a tanh alone: the output is tanh(r)."""
