"""Helpers for gates as blocks of rows of the weights."""

from collections.abc import Callable

import numpy as np

from rnn_goldens.cells import Array, Case, Network, Weights
from rnn_goldens.deviations.alteration import AfterAllOthers, Alteration, in_steps
from rnn_goldens.golden.built_in_cells import CELLS, LAYOUTS

GATE_ORDER = {cell: LAYOUTS[cell].gates for cell in CELLS if len(LAYOUTS[cell].gates) > 1}
"""By standard cell with several gates, the letters of the gates in the order of the rows."""

GATED = tuple(GATE_ORDER)

BIASES = ("bias_ih", "bias_hh")

Change = Callable[[str, Array, Case], Array]
"""``change(name, array, case)`` returns the new value of a weight."""


def only(names: str | tuple[str, ...], change: Callable[[Array, Case], Array]) -> Change:
    """Return a change that applies only to weights with these names."""
    chosen = (names,) if isinstance(names, str) else names
    return lambda name, array, case: change(array, case) if name in chosen else array


def blocks(array: Array, case: Case) -> Array:
    """Return the rows by gate: (gates, hidden, …)."""
    return array.reshape(len(case.cell.gates), case.config.hidden_size, *array.shape[1:])


def in_gate(gate: str, change: Callable[[Array], Array]) -> Change:
    """Return a change of the rows of one gate, in weights and biases."""

    def changed(_name: str, array: Array, case: Case) -> Array:
        by_gate = blocks(array, case).copy()
        at = case.cell.gates.index(gate)
        by_gate[at] = change(by_gate[at])
        return by_gate.reshape(array.shape)

    return changed


def read_as(order: str) -> Change:
    """Return a change that reads the rows of gates in another order."""

    def changed(_name: str, array: Array, case: Case) -> Array:
        right = case.cell.gates
        return blocks(array, case)[[order.index(gate) for gate in right]].reshape(array.shape)

    return changed


def gate_biased_by(gate: str, value: float) -> Alteration:
    """Add a value to the argument of a gate's activation; an infinite value keeps the gate open or closed."""

    def weights(right: Network, case: Case, suffix: str) -> Weights:
        w = right.weights(case, suffix)
        added = np.zeros(len(w["weight_hh"]))
        blocks(added, case)[case.cell.gates.index(gate)] = value
        return {**w, "bias_ih": w.get("bias_ih", 0) + added}

    return in_steps(AfterAllOthers, weights=weights)
