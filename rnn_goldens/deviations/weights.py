"""Weights used in the wrong shape or place, or with their gates in a wrong order; changes of parts of the weights."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np

from rnn_goldens.cells import Array, Case, Network, Weights
from rnn_goldens.deviations.alteration import (
    REVERSE,
    AfterAllOthers,
    Alteration,
    direction,
    in_case,
    in_steps,
    in_weights,
    in_x,
)
from rnn_goldens.deviations.table_rows import table
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
    """A part of a network, without which a network lacks the features that it ``needs``.

    The name begins the names of deviations, and the words end their sentences. ``has`` returns whether the layer and
    direction with a suffix belong to the part.
    """

    name: str
    words: str
    has: Callable[[str], bool]
    needs: tuple[str, ...]


EVERY = Part("", "", lambda _: True, ())
UPPER = Part("upper_", " of layers above the first", lambda suffix: not suffix.startswith("l0"), ("multilayer",))
REVERSED = Part("reverse_", " of the reverse direction", lambda s: direction(s) == REVERSE, ("bidirectional",))


def _each_gate_transposed(array: Array, case: Case) -> Array:
    by_gate = blocks(array, case)
    square = by_gate.shape[1] == by_gate.shape[2]
    return by_gate.swapaxes(1, 2).reshape(array.shape) if square else array


def _reshaped(array: Array, _case: Case) -> Array:
    return array.reshape(array.shape[::-1]).T


def _zero(array: Array, _case: Case) -> Array:
    return np.zeros_like(array)


def _first_gate(array: Array, case: Case) -> Array:
    return np.concatenate([blocks(array, case)[0]] * len(blocks(array, case)))


def _ih_and_hh_swapped(right: Network, case: Case, suffix: str) -> Weights:
    w = dict(right.weights(case, suffix))
    if w["weight_ih"].shape == w["weight_hh"].shape:
        w["weight_ih"], w["weight_hh"] = w["weight_hh"], w["weight_ih"]
    return w


def _state_before_input(right: Network, case: Case, suffix: str) -> Weights:
    """Return the columns for x and for h if the two are joined as (h, x)."""
    w = right.weights(case, suffix)
    joined, hidden = np.concatenate([w["weight_ih"], w["weight_hh"]], axis=1), w["weight_hh"].shape[1]
    return {**w, "weight_ih": joined[:, hidden:], "weight_hh": joined[:, :hidden]}


def _from_start_of_storage(case: Case) -> Case:
    """Fill every array from the start of one shared storage: matrices, then biases."""
    ordered = sorted(case.weights, key=lambda name: name.startswith("bias"))
    storage = np.concatenate([case.weights[name].ravel() for name in ordered])
    return replace(case, weights={n: storage[: w.size].reshape(w.shape) for n, w in case.weights.items()})


_GATED = {"cells": GATED}

EVERYWHERE = table(make=in_weights)(
    state_before_input_in_one_product=(
        "Multiplies the joined (W_ih, W_hh) by (h, x) instead of (x, h).",
        in_steps(weights=_state_before_input),
    ),
    w_hh_transposed=(
        "Multiplies by the transpose of each gate's W_hh.",
        *(_each_gate_transposed, "weight_hh"),
        {"stands_for": ("hls4ml PR780",)},
    ),
    w_ih_transposed=(
        "Multiplies by the transpose of each gate's W_ih, where W_ih is square (input size = hidden size).",
        *(_each_gate_transposed, "weight_ih"),
    ),
    w_hh_reshaped=(
        "Reshapes the stacked W_hh instead of transposing it: right shape, values in other places.",
        *(_reshaped, "weight_hh"),
        _GATED,
    ),
    w_ih_reshaped=(
        "Reshapes the stacked W_ih instead of transposing it: right shape, values in other places.",
        *(_reshaped, "weight_ih"),
    ),
    w_hh_diagonal=(
        "Uses only the diagonal of each gate's W_hh, as if units were independent.",
        lambda array, case: (blocks(array, case) * np.eye(case.config.hidden_size, array.shape[1])).reshape(
            array.shape
        ),
        "weight_hh",
    ),
    w_hh_ignored=(
        "Leaves out W_hh h: the state affects the next step only where the equations use it without a matrix.",
        *(_zero, "weight_hh"),
    ),
    w_ih_ignored=("Leaves out W_ih x: the input has no effect.", _zero, "weight_ih"),
    w_hh_columns_reversed=(
        "Multiplies W_hh by h with the units of h in reverse order.",
        lambda array, _case: array[:, ::-1],
        "weight_hh",
        _GATED,
    ),
    w_hh_of_first_gate=("Uses the first gate's W_hh for every gate.", _first_gate, "weight_hh", _GATED),
    w_ih_of_first_gate=("Uses the first gate's W_ih for every gate.", _first_gate, "weight_ih", _GATED),
    w_ih_and_w_hh_swapped=(
        "Multiplies x by W_hh and h by W_ih, where their shapes allow it (input size = hidden size).",
        in_steps(weights=_ih_and_hh_swapped),
    ),
    inputs_reversed=("Reads the features of x in reverse order.", in_x(lambda x: x[..., ::-1])),
    weights_read_without_storage_offset=(
        "Loads every weight from the start of the storage that they share in a checkpoint: only the first is right.",
        in_case(_from_start_of_storage),
        {"stands_for": ("candle#2351",)},
    ),
)

IN_PARTS = table(reports={"reverse_lstm_gates_ifog": ("jax PR36572",)})(
    **{
        f"{part.name}{name}": (
            sentence.format(part.words),
            in_weights(change, *names, where=part.has),
            {"needs": part.needs, **more},
        )
        for part in (UPPER, REVERSED)
        for name, sentence, change, names, more in (
            (
                "w_hh_transposed",
                "Multiplies by the transpose of each gate's W_hh{}.",
                *(_each_gate_transposed, ("weight_hh",)),
                {},
            ),
            (
                "w_ih_reshaped",
                "Reshapes the stacked W_ih{} instead of transposing it: values in other places.",
                *(_reshaped, ("weight_ih",)),
                {},
            ),
            *(
                (
                    f"{cell}_gates_{order}",
                    f"Reads the rows of the weights{{}} as the gates {', '.join(order)}.",
                    *(read_as(order), ()),
                    {"cells": (cell,)},
                )
                for cell, order in (("lstm", "iofg"), ("lstm", "ifog"), ("gru", "zrn"))
            ),
        )
    }
)
"""Bugs in separate code of upper layers or of the reverse direction."""

WEIGHTS = (*EVERYWHERE, *IN_PARTS)


_KNOWN = {
    ("lstm", "iofg"): "ONNX's order",
    ("lstm", "igof"): "weights in ONNX's order, read in PyTorch's",
    ("lstm", "igfo"): "the order of TensorFlow's BasicLSTMCell",
    ("lstm", "ifog"): "Core ML's order",
    ("lstm", "figo"): "i and f swapped",
    ("gru", "zrn"): "the order of ONNX and Keras",
}

_ORDERS = [
    (cell, ", ".join(right), "".join(order))
    for cell, right in GATE_ORDER.items()
    for order in permutations(right)
    if "".join(order) != right
]
"""The cell, its order of gates, and each wrong order."""


GATE_ORDERS = table(
    reports={
        "lstm_gates_igof": ("CrispASR PR106",),
        "lstm_gates_ifog": ("coremltools PR93",),
        "lstm_gates_figo": ("xlstm#98",),
        "gru_bias_gates_zrn": ("keras#8720",),
    }
)(
    **{
        f"{cell}_gates_{order}": (
            f"Reads the rows of the weights as the gates {', '.join(order)} instead of {right}"
            + (f" ({_KNOWN[cell, order]})." if (cell, order) in _KNOWN else "."),
            in_weights(read_as(order)),
            {"cells": (cell,), "fix": f"take the blocks of hidden_size rows for {right}, in weights and biases"},
        )
        for cell, right, order in _ORDERS
    },
    **{
        f"{cell}_bias_gates_{order}": (
            f"Has the right gate order in weights, but reads the rows of the biases as {', '.join(order)}.",
            in_weights(read_as(order), *BIASES),
            {"cells": (cell,), "needs": ("bias",)},
        )
        for cell, _, order in _ORDERS
    },
    gates_by_unit=(
        "Reads the rows as all gates of the first unit, then all of the second, instead of gate by gate.",
        in_weights(
            lambda array, case: (
                array.reshape(case.config.hidden_size, -1, *array.shape[1:]).swapaxes(0, 1).reshape(array.shape)
            )
        ),
        {"cells": tuple(GATE_ORDER)},
    ),
    gates_of_w_hh_not_reordered=(
        "Reorders the rows of W_ih to i, o, f, g, but not those of W_hh and the biases.",
        in_weights(read_as("iofg"), "weight_ih"),
        {"cells": ("lstm",)},
    ),
    gru_w_ih_alone_reordered=(
        "Reorders the rows of W_ih to z, r, n, but not those of W_hh and the biases.",
        in_weights(read_as("zrn"), "weight_ih"),
        {"cells": ("gru",)},
    ),
)
