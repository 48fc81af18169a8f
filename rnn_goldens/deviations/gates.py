"""The formulas of LSTM and GRU with a gate at the wrong place."""

from collections.abc import Callable

import numpy as np

from rnn_goldens.cells import Array, Case, Network, State, Weights
from rnn_goldens.deviations.blocks import gate_biased_by, in_gate
from rnn_goldens.deviations.deviation import Deviation, Run, in_steps, in_weights

LSTM, GRU = ("lstm",), ("gru",)


def _lstm(formula: Callable[..., State]) -> Run:
    """``formula(network, i, f, g, o, c)`` of the gates before their activations and the last c: h and c."""

    def lstm(self: Network, x_t: Array, state: State, w: Weights) -> State:
        h, c = state
        return formula(self, *np.split(self.affine(x_t, w, "ih") + self.affine(h, w, "hh"), 4, axis=-1), c)

    return in_steps(lstm=lstm)


def reset_before_product(
    self: Network,
    x_n: Array,
    h_n: Array,  # noqa: ARG001 - a step's arguments
    r: Array,
    h: Array,
    w: Weights,
) -> Array:
    """The candidate of the other dialect: x_n + W_hn (r h) + b_hn."""
    return np.asarray(x_n + np.split(self.affine(r * h, w, "hh"), 3, axis=-1)[2])


def _candidate_forgets_without_bias(self: Network, x_t: Array, state: State, w: Weights) -> State:
    if "bias_hh" not in w:
        w = {**w, "weight_hh": np.concatenate([*np.split(w["weight_hh"], 3)[:2], 0 * np.split(w["weight_hh"], 3)[2]])}
    return Network.gru(self, x_t, state, w)


def _one_gate_for_another(order: str, wrong: str, used: str, sign: int = 1) -> Run:
    """The rows of one gate stand in for another's; with sign -1 the gate is 1 minus the other."""

    def change(_name: str, array: Array, _case: Case) -> Array:
        by_gate = np.split(array, len(order))
        by_gate[order.index(wrong)] = sign * by_gate[order.index(used)]
        return np.concatenate(by_gate)

    return in_weights(change)


def _h_and_c(net: Network, o: Array, c: Array) -> State:
    return net.sigmoid(o) * net.tanh(c), c


def _output_without_tanh(net: Network, i: Array, f: Array, g: Array, o: Array, c: Array) -> State:
    c = net.sigmoid(f) * c + net.sigmoid(i) * net.tanh(g)
    return net.sigmoid(o) * c, c


def _output_gate_inside_tanh(net: Network, i: Array, f: Array, g: Array, o: Array, c: Array) -> State:
    c = net.sigmoid(f) * c + net.sigmoid(i) * net.tanh(g)
    return net.tanh(net.sigmoid(o) * c), c


def _output_of_last_cell(net: Network, i: Array, f: Array, g: Array, o: Array, c: Array) -> State:
    return net.sigmoid(o) * net.tanh(c), net.sigmoid(f) * c + net.sigmoid(i) * net.tanh(g)


def _cell_kept_after_tanh(net: Network, i: Array, f: Array, g: Array, o: Array, c: Array) -> State:
    c = net.tanh(net.sigmoid(f) * c + net.sigmoid(i) * net.tanh(g))
    return net.sigmoid(o) * c, c


def _candidate_by_sigmoid(net: Network, i: Array, f: Array, g: Array, o: Array, c: Array) -> State:
    return _h_and_c(net, o, net.sigmoid(f) * c + net.sigmoid(i) * net.sigmoid(g))


def _candidate_without_tanh(net: Network, i: Array, f: Array, g: Array, o: Array, c: Array) -> State:
    return _h_and_c(net, o, net.sigmoid(f) * c + net.sigmoid(i) * g)


def _cell_clipped(net: Network, i: Array, f: Array, g: Array, o: Array, c: Array) -> State:
    return _h_and_c(net, o, np.clip(net.sigmoid(f) * c + net.sigmoid(i) * net.tanh(g), -1, 1))


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
        "Forgets by 1 - f.",
        in_weights(in_gate("f", np.negative)),
        LSTM,
    ),
    Deviation(
        "lstm_forget_gate_is_input_gate",
        "Uses the input gate for the forget gate too.",
        _one_gate_for_another("ifgo", "f", "i"),
        LSTM,
    ),
    Deviation(
        "lstm_gates_coupled",
        "Takes 1 - f for the input gate, as a coupled LSTM does.",
        _one_gate_for_another("ifgo", "i", "f", -1),
        LSTM,
    ),
    Deviation("lstm_output_without_tanh", "Outputs h = o c.", _lstm(_output_without_tanh), LSTM),
    Deviation("lstm_output_gate_inside_tanh", "Outputs h = tanh(o c).", _lstm(_output_gate_inside_tanh), LSTM),
    Deviation(
        "lstm_output_of_last_cell", "Outputs h = o tanh(c) of the step before.", _lstm(_output_of_last_cell), LSTM
    ),
    Deviation(
        "lstm_cell_kept_after_tanh",
        "Carries tanh(c) instead of c to the next step.",
        _lstm(_cell_kept_after_tanh),
        LSTM,
    ),
    Deviation(
        "lstm_candidate_by_sigmoid", "Computes the candidate g with a sigmoid.", _lstm(_candidate_by_sigmoid), LSTM
    ),
    Deviation(
        "lstm_candidate_without_tanh", "Leaves the candidate g without its tanh.", _lstm(_candidate_without_tanh), LSTM
    ),
    Deviation("lstm_cell_clipped", "Clips c to ±1.", _lstm(_cell_clipped), LSTM),
    Deviation(
        "gru_reset_before_product",
        "Applies the reset gate before the product: tanh(W_in x + b_in + W_hn (r h) + b_hn).",
        in_steps(candidate=reset_before_product),
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
    ),
    Deviation(
        "gru_reset_unused",
        "Computes the reset gate and does not use it: r = 1.",
        gate_biased_by("r", np.inf),
        GRU,
        stands_for=("GRU-D#2",),
    ),
    Deviation("gru_reset_complemented", "Resets by 1 - r.", in_weights(in_gate("r", np.negative)), GRU),
    Deviation(
        "gru_reset_on_input",
        "Applies the reset gate to the input's part of the candidate: tanh(r x_n + h_n).",
        in_steps(candidate=lambda _, x_n, h_n, r, _h, _w: r * x_n + h_n),
        GRU,
    ),
    Deviation(
        "gru_reset_on_both",
        "Applies the reset gate to both parts of the candidate: tanh(r (x_n + h_n)).",
        in_steps(candidate=lambda _, x_n, h_n, r, _h, _w: r * (x_n + h_n)),
        GRU,
    ),
    Deviation(
        "gru_candidate_without_state_if_no_bias",
        "Without biases, never fills the buffer of W_hn h: the candidate sees the input only.",
        in_steps(gru=_candidate_forgets_without_bias),
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
        "gru_z_is_r", "Uses the reset gate for the update gate too.", _one_gate_for_another("rzn", "z", "r"), GRU
    ),
    Deviation(
        "gru_r_is_z", "Uses the update gate for the reset gate too.", _one_gate_for_another("rzn", "r", "z"), GRU
    ),
    Deviation("gru_state_not_mixed_in", "Leaves out z: h = n.", gate_biased_by("z", -np.inf), GRU),
    Deviation(
        "gru_candidate_not_scaled",
        "Leaves out the factor 1 - z: h = n + z h.",
        in_steps(mix=lambda _, n, z, h, _r: n + z * h),
        GRU,
    ),
    Deviation(
        "gru_state_not_scaled",
        "Leaves out the factor z: h = (1 - z) n + h.",
        in_steps(mix=lambda _, n, z, h, _r: (1 - z) * n + h),
        GRU,
    ),
    Deviation(
        "gru_mixes_reset_state",
        "Mixes in the state after the reset gate: h = (1 - z) n + z r h.",
        in_steps(mix=lambda _, n, z, h, r: (1 - z) * n + z * r * h),
        GRU,
    ),
    Deviation(
        "gru_candidate_by_sigmoid",
        "Computes the candidate n with a sigmoid.",
        in_steps(tanh=Network.sigmoid),
        GRU,
    ),
)
