"""Gates that are read in a wrong order: a deviation for each wrong order."""

from itertools import permutations

from rnn_goldens.deviations.alteration import in_weights
from rnn_goldens.deviations.table_rows import table
from rnn_goldens.deviations.weight_parts import BIASES, GATE_ORDER, read_as

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


DEVIATIONS = table(
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
