"""LSTM and GRU equations with a gate in the wrong place."""

import numpy as np

from rnn_goldens.cells import Array, Case
from rnn_goldens.cells.equations import gru, gru_reset_before
from rnn_goldens.cells.notation import Term, Weight, clip, mix, sigmoid, tanh
from rnn_goldens.cells.program import Equations
from rnn_goldens.deviations.alteration import Alteration, in_equations, in_weights
from rnn_goldens.deviations.blocks import gate_biased_by, in_gate
from rnn_goldens.deviations.correct_equations import affine, gates
from rnn_goldens.deviations.deviation import Deviation

LSTM, GRU = ("lstm",), ("gru",)


def _output_without_tanh(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, ...]:
    i, f, g, o = gates(x, h, w, *"ifgo")
    c = f * c + i * g
    return o * c, c


def _output_gate_inside_tanh(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, ...]:
    i, f, g, o = gates(x, h, w, *"ifgo")
    c = f * c + i * g
    return tanh(o * c), c


def _output_of_last_cell(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, ...]:
    i, f, g, o = gates(x, h, w, *"ifgo")
    return o * tanh(c), f * c + i * g


def _cell_kept_after_tanh(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, ...]:
    i, f, g, o = gates(x, h, w, *"ifgo")
    c = tanh(f * c + i * g)
    return o * c, c


def _candidate_added(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, ...]:
    i, f, g, o = gates(x, h, w, *"ifgo")
    c = f * c + i + g
    return o * tanh(c), c


def _candidate_by_sigmoid(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, ...]:
    i, f, o = gates(x, h, w, *"ifo")
    c = f * c + i * sigmoid(affine(x, h, w, "g"))
    return o * tanh(c), c


def _candidate_without_tanh(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, ...]:
    i, f, o = gates(x, h, w, *"ifo")
    c = f * c + i * affine(x, h, w, "g")
    return o * tanh(c), c


def _cell_clipped(limit: int) -> Equations:
    def equations(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, ...]:
        i, f, g, o = gates(x, h, w, *"ifgo")
        c = clip(f * c + i * g, -limit, limit)
        return o * tanh(c), c

    return equations


def _output_gate_without_sigmoid(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, ...]:
    i, f, g = gates(x, h, w, *"ifg")
    c = f * c + i * g
    return affine(x, h, w, "o") * tanh(c), c


def _reset_on_input(x: Term, h: Term, w: Weight) -> tuple[Term, ...]:
    r, z = gates(x, h, w, *"rz")
    n = tanh(r * (w.W_in @ x + w.b_in) + (w.W_hn @ h + w.b_hn))
    return (mix(z, h, n),)


def _reset_on_both(x: Term, h: Term, w: Weight) -> tuple[Term, ...]:
    r, z = gates(x, h, w, *"rz")
    n = tanh(r * affine(x, h, w, "n"))
    return (mix(z, h, n),)


def _candidate(x: Term, h: Term, w: Weight, r: Term) -> Term:
    """Return the right candidate of a GRU."""
    return tanh(w.W_in @ x + w.b_in + r * (w.W_hn @ h + w.b_hn))


def _candidate_not_scaled(x: Term, h: Term, w: Weight) -> tuple[Term, ...]:
    r, z = gates(x, h, w, *"rz")
    return (_candidate(x, h, w, r) + z * h,)


def _state_not_scaled(x: Term, h: Term, w: Weight) -> tuple[Term, ...]:
    r, z = gates(x, h, w, *"rz")
    return ((1 - z) * _candidate(x, h, w, r) + h,)


def _reset_state_mixed_in(x: Term, h: Term, w: Weight) -> tuple[Term, ...]:
    r, z = gates(x, h, w, *"rz")
    return (mix(z, r * h, _candidate(x, h, w, r)),)


def _gru_candidate_by_sigmoid(x: Term, h: Term, w: Weight) -> tuple[Term, ...]:
    r, z = gates(x, h, w, *"rz")
    n = sigmoid(w.W_in @ x + w.b_in + r * (w.W_hn @ h + w.b_hn))
    return (mix(z, h, n),)


def _candidate_of_input_if_no_bias(x: Term, h: Term, w: Weight) -> tuple[Term, ...]:
    if isinstance(w.b_hn, Term):
        return gru(x, h, w)
    z = sigmoid(affine(x, h, w, "z"))
    return (mix(z, h, tanh(w.W_in @ x)),)


def _one_gate_for_another(order: str, wrong: str, used: str, sign: int = 1) -> Alteration:
    """Use the rows of one gate for another; with sign -1 the gate is 1 minus the other."""

    def change(_name: str, array: Array, _case: Case) -> Array:
        by_gate = np.split(array, len(order))
        by_gate[order.index(wrong)] = sign * by_gate[order.index(used)]
        return np.concatenate(by_gate)

    return in_weights(change)


DEVIATIONS = (
    Deviation(
        "lstm_forget_bias_plus_1",
        "Adds 1 to the forget gate's bias.",
        gate_biased_by("f", 1),
        LSTM,
        stands_for=("coremltools#309",),
    ),
    Deviation("lstm_input_gate_open", "Leaves out the input gate: i = 1.", gate_biased_by("i", np.inf), LSTM),
    Deviation("lstm_forget_gate_open", "Leaves out the forget gate: f = 1.", gate_biased_by("f", np.inf), LSTM),
    Deviation("lstm_output_gate_open", "Leaves out the output gate: o = 1.", gate_biased_by("o", np.inf), LSTM),
    Deviation("lstm_cell_forgets_everything", "Leaves out f c: c = i g.", gate_biased_by("f", -np.inf), LSTM),
    Deviation(
        "lstm_forget_gate_complemented",
        "Uses 1 - f for the forget gate.",
        in_weights(in_gate("f", np.negative)),
        LSTM,
    ),
    Deviation(
        "lstm_forget_gate_is_input_gate",
        "Uses the input gate for the forget gate, too.",
        _one_gate_for_another("ifgo", "f", "i"),
        LSTM,
    ),
    Deviation(
        "lstm_gates_coupled",
        "Uses 1 - f for the input gate, as a coupled LSTM does.",
        _one_gate_for_another("ifgo", "i", "f", -1),
        LSTM,
        dialects=("lstm_coupled_input",),
    ),
    Deviation(
        "lstm_gates_coupled_by_input",
        "Uses 1 - i for the forget gate, as ONNX couples them.",
        _one_gate_for_another("ifgo", "f", "i", -1),
        LSTM,
        dialects=("lstm_input_forget",),
    ),
    Deviation("lstm_output_without_tanh", "Outputs h = o c.", in_equations(lstm=_output_without_tanh), LSTM),
    Deviation(
        "lstm_output_gate_inside_tanh", "Outputs h = tanh(o c).", in_equations(lstm=_output_gate_inside_tanh), LSTM
    ),
    Deviation(
        "lstm_output_of_last_cell",
        "Outputs h = o tanh(c) of the previous step.",
        in_equations(lstm=_output_of_last_cell),
        LSTM,
    ),
    Deviation(
        "lstm_cell_kept_after_tanh",
        "Passes tanh(c) instead of c to the next step.",
        in_equations(lstm=_cell_kept_after_tanh),
        LSTM,
    ),
    Deviation(
        "lstm_candidate_added_to_input_gate",
        "Computes c = f c + i + g: adds the input gate and the candidate instead of multiplying them.",
        in_equations(lstm=_candidate_added),
        LSTM,
        stands_for=("torchrecurrent#22",),
    ),
    Deviation(
        "lstm_candidate_by_sigmoid",
        "Computes the candidate g with a sigmoid.",
        in_equations(lstm=_candidate_by_sigmoid),
        LSTM,
    ),
    Deviation(
        "lstm_candidate_without_tanh",
        "Leaves out the tanh of the candidate g.",
        in_equations(lstm=_candidate_without_tanh),
        LSTM,
    ),
    Deviation("lstm_cell_clipped", "Clips c to ±1.", in_equations(lstm=_cell_clipped(1)), LSTM),
    *(
        Deviation(
            f"lstm_cell_clipped_at_{limit}", f"Clips c to ±{limit}.", in_equations(lstm=_cell_clipped(limit)), LSTM
        )
        for limit in (2, 3, 5, 10)
    ),
    Deviation(
        "lstm_output_gate_without_sigmoid",
        "Leaves out the sigmoid of the output gate.",
        in_equations(lstm=_output_gate_without_sigmoid),
        LSTM,
    ),
    Deviation("lstm_forget_bias_minus_1", "Subtracts 1 from the forget gate's bias.", gate_biased_by("f", -1), LSTM),
    Deviation(
        "gru_reset_before_product",
        "Applies the reset gate before the product: tanh(W_in x + b_in + W_hn (r h) + b_hn).",
        in_equations(gru=gru_reset_before),
        GRU,
        stands_for=(
            "onnxscript#2852",
            "burn#2701",
            "root PR5367",
            "keras PR9112",
            "keras#8860",
            "onnx-tensorflow#853",
            "pytorch#8153",
        ),
        dialects=("gru_reset_before",),
    ),
    Deviation(
        "gru_reset_unused",
        "Does not use the reset gate: r = 1.",
        gate_biased_by("r", np.inf),
        GRU,
        stands_for=("GRU-D#2",),
    ),
    Deviation("gru_reset_complemented", "Uses 1 - r for the reset gate.", in_weights(in_gate("r", np.negative)), GRU),
    Deviation(
        "gru_reset_on_input",
        "Applies the reset gate to the input part of the candidate: tanh(r x_n + h_n).",
        in_equations(gru=_reset_on_input),
        GRU,
    ),
    Deviation(
        "gru_reset_on_both",
        "Applies the reset gate to both parts of the candidate: tanh(r (x_n + h_n)).",
        in_equations(gru=_reset_on_both),
        GRU,
    ),
    Deviation(
        "gru_candidate_without_state_if_no_bias",
        "Without biases, never fills the buffer of W_hn h: the candidate depends on the input only.",
        in_equations(gru=_candidate_of_input_if_no_bias),
        GRU,
        stands_for=("onnxruntime PR3797",),
    ),
    Deviation(
        "gru_z_complemented",
        "Swaps z and 1 - z: h = z n + (1 - z) h.",
        in_weights(in_gate("z", np.negative)),
        GRU,
        stands_for=("mindspore#149",),
    ),
    Deviation(
        "gru_z_is_r", "Uses the reset gate for the update gate, too.", _one_gate_for_another("rzn", "z", "r"), GRU
    ),
    Deviation(
        "gru_r_is_z", "Uses the update gate for the reset gate, too.", _one_gate_for_another("rzn", "r", "z"), GRU
    ),
    Deviation("gru_state_not_mixed_in", "Leaves out z: h = n.", gate_biased_by("z", -np.inf), GRU),
    Deviation(
        "gru_candidate_not_scaled",
        "Leaves out the factor 1 - z: h = n + z h.",
        in_equations(gru=_candidate_not_scaled),
        GRU,
    ),
    Deviation(
        "gru_state_not_scaled",
        "Leaves out the factor z: h = (1 - z) n + h.",
        in_equations(gru=_state_not_scaled),
        GRU,
    ),
    Deviation(
        "gru_mixes_reset_state",
        "Uses the state times the reset gate in the update: h = (1 - z) n + z r h.",
        in_equations(gru=_reset_state_mixed_in),
        GRU,
    ),
    Deviation(
        "gru_candidate_by_sigmoid",
        "Computes the candidate n with a sigmoid.",
        in_equations(gru=_gru_candidate_by_sigmoid),
        GRU,
    ),
)
