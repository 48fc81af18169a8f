"""Gates that are read in a wrong order: a deviation for each wrong order."""

from itertools import permutations

from rnn_goldens.deviations.alteration import in_weights
from rnn_goldens.deviations.blocks import BIASES, GATE_ORDER, read_as
from rnn_goldens.deviations.deviation import Deviation

_KNOWN = {
    ("lstm", "iofg"): ("ONNX's order", ()),
    ("lstm", "igof"): ("weights in ONNX's order, read in PyTorch's", ("CrispASR PR106",)),
    ("lstm", "igfo"): ("the order of TensorFlow's BasicLSTMCell", ()),
    ("lstm", "ifog"): ("Core ML's order", ("coremltools PR93",)),
    ("lstm", "figo"): ("i and f swapped", ("xlstm#98",)),
    ("gru", "zrn"): ("the order of ONNX and Keras", ()),
}


_KNOWN_OF_BIASES = {("gru", "zrn"): ("keras#8720",)}


def _wrong_order(cell: str, order: str) -> Deviation:
    note, stands_for = _KNOWN.get((cell, order), ("", ()))
    return Deviation(
        f"{cell}_gates_{order}",
        f"Reads the rows of the weights as the gates {', '.join(order)} instead of {', '.join(GATE_ORDER[cell])}"
        + (f" ({note})." if note else "."),
        in_weights(read_as(order)),
        cells=(cell,),
        stands_for=stands_for,
        fix=f"take the blocks of hidden_size rows for {', '.join(GATE_ORDER[cell])}, in weights and biases",
    )


def _only_biases(cell: str, order: str, *stands_for: str) -> Deviation:
    change = read_as(order)
    return Deviation(
        f"{cell}_bias_gates_{order}",
        f"Has the right gate order in weights, but reads the rows of the biases as {', '.join(order)}.",
        in_weights(lambda name, array, case: change(name, array, case) if name in BIASES else array),
        cells=(cell,),
        needs=("bias",),
        stands_for=stands_for,
    )


DEVIATIONS = (
    *(
        _wrong_order(cell, "".join(order))
        for cell, right in GATE_ORDER.items()
        for order in permutations(right)
        if "".join(order) != right
    ),
    *(
        _only_biases(cell, "".join(order), *_KNOWN_OF_BIASES.get((cell, "".join(order)), ()))
        for cell, right in GATE_ORDER.items()
        for order in permutations(right)
        if "".join(order) != right
    ),
    Deviation(
        "gates_by_unit",
        "Reads the rows as all gates of the first unit, then all of the second, instead of gate by gate.",
        in_weights(
            lambda _, array, case: (
                array.reshape(case.config.hidden_size, -1, *array.shape[1:]).swapaxes(0, 1).reshape(array.shape)
            )
        ),
        cells=tuple(GATE_ORDER),
    ),
    Deviation(
        "gates_of_w_hh_not_reordered",
        "Reorders the rows of W_ih to i, o, f, g, but not those of W_hh and the biases.",
        in_weights(lambda name, array, case: read_as("iofg")(name, array, case) if name == "weight_ih" else array),
        cells=("lstm",),
    ),
    Deviation(
        "gru_w_ih_alone_reordered",
        "Reorders the rows of W_ih to z, r, n, but not those of W_hh and the biases.",
        in_weights(lambda name, array, case: read_as("zrn")(name, array, case) if name == "weight_ih" else array),
        cells=("gru",),
    ),
)
