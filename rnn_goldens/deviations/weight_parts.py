"""Changes of parts of the weights, for other deviations: rows of a gate, upper layers, the reverse direction."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rnn_goldens.cells import Array, Case, Network, Weights
from rnn_goldens.deviations.alteration import REVERSE, AfterAllOthers, Alteration, direction, in_steps
from rnn_goldens.golden.built_in_cells import CELLS, LAYOUTS

GATE_ORDER = {cell: LAYOUTS[cell].gates for cell in CELLS if len(LAYOUTS[cell].gates) > 1}
"""By standard cell with several gates, the letters of the gates in the order of the rows."""

GATED = tuple(GATE_ORDER)

BIASES = ("bias_ih", "bias_hh")

Change = Callable[[Array, Case], Array]
"""``change(array, case)`` returns the new value of a weight."""


def blocks(array: Array, case: Case) -> Array:
    """Return the rows by gate: (gates, hidden, …)."""
    return array.reshape(len(case.cell.gates), case.config.hidden_size, *array.shape[1:])


def in_gate(gate: str, change: Callable[[Array], Array]) -> Change:
    """Return a change of the rows of one gate, in weights and biases."""

    def changed(array: Array, case: Case) -> Array:
        by_gate = blocks(array, case).copy()
        at = case.cell.gates.index(gate)
        by_gate[at] = change(by_gate[at])
        return by_gate.reshape(array.shape)

    return changed


def read_as(order: str) -> Change:
    """Return a change that reads the rows of gates in another order."""
    return lambda array, case: blocks(array, case)[list(map(order.index, case.cell.gates))].reshape(array.shape)


def gate_plus(gate: str, value: float) -> Alteration:
    """Add a value to the argument of a gate's activation; an infinite value keeps the gate open or closed."""

    def weights(right: Network, case: Case, suffix: str) -> Weights:
        w = right.weights(case, suffix)
        added = np.zeros(len(w["weight_hh"]))
        blocks(added, case)[case.cell.gates.index(gate)] = value
        return {**w, "bias_ih": w.get("bias_ih", 0) + added}

    return in_steps(AfterAllOthers, weights=weights)


@dataclass(frozen=True)
class Part:
    """A part of a network.

    Attributes:
        name: prefix of the names of deviations.
        words: end of the sentences of deviations.
        has: returns whether the layer and direction with a suffix belong to the part.
        needs: features without which a network does not have the part.
    """

    name: str
    words: str
    has: Callable[[str], bool]
    needs: tuple[str, ...]


EVERY = Part("", "", lambda _: True, ())
UPPER = Part("upper_", " of layers above the first", lambda suffix: not suffix.startswith("l0"), ("multilayer",))
REVERSED = Part("reverse_", " of the reverse direction", lambda s: direction(s) == REVERSE, ("bidirectional",))
