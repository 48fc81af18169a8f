"""Networks of one unit and one step that isolate an activation: its argument is an input, its result an output."""

from dataclasses import dataclass

import numpy as np

from rnn_goldens.cells import BUILT_IN_CELLS, Case
from rnn_goldens.exhaustive.arguments import Float64
from rnn_goldens.golden.built_in_cells import LAYOUTS
from rnn_goldens.golden.shapes import Config

OPEN, CLOSED = 32.0, -32.0
"""Biases that open a gate (1) or close it (almost 0) in any precision."""


@dataclass(frozen=True)
class Activation:
    """An activation of a cell, and the network that isolates it.

    Attributes:
        cell: the cell.
        name: the activation in words.
        shows: the output that is the activation's result, or depends on it most directly.
        weights: the weights that are not zero, by their names in the equations: ``W_ii``, ``b_if``, ``b_hn``.
        state: the initial state, one number for h and one for c; None for no initial state.
        of_state: whether the argument is the cell state and the input is zero.
    """

    cell: str
    name: str
    shows: str
    weights: dict[str, float]
    state: tuple[float, ...] | None = None
    of_state: bool = False

    def case(self, arguments: Float64) -> Case:
        """Return the case with one row per argument."""
        rows, cell = len(arguments), BUILT_IN_CELLS[self.cell]
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
    Activation("gru", "sigmoid of r", "out", {"W_ir": 1, "b_iz": CLOSED, "b_hn": 1}),
    Activation("gru", "sigmoid of z", "out", {"W_iz": 1}, state=(1,)),
    Activation("gru", "tanh of n", "out", {"W_in": 1, "b_iz": CLOSED}),
)
"""All activations except relu, which is exact. The gate r is visible only through a tanh: the output is tanh(r)."""
