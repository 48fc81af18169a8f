"""LSTM and GRU equations with a gate in the wrong place, or right in another definition of a cell of the same name."""

import numpy as np

from rnn_goldens.cells import Array, Case
from rnn_goldens.cells.equations import gru_reset_before
from rnn_goldens.cells.notation import Term, clip, exp, mean, mix, rsqrt, sigmoid, tanh
from rnn_goldens.deviations.alteration import Alteration, in_equations, in_new_state, in_weights
from rnn_goldens.deviations.deviation import OTHER_DIALECT
from rnn_goldens.deviations.equation_edits import Formula, edited
from rnn_goldens.deviations.table_rows import table
from rnn_goldens.deviations.weights import gate_plus, in_gate


def _lstm(**formulas: Formula) -> Alteration:
    return in_equations(lstm=edited("lstm", **formulas))


def _gru(**formulas: Formula) -> Alteration:
    return in_equations(gru=edited("gru", **formulas))


def _complemented(gate: str) -> Alteration:
    return in_weights(in_gate(gate, np.negative))


def _clipped(limit: int) -> Alteration:
    return _lstm(new_c=lambda new_c: clip(new_c, -limit, limit))


def _read_for(order: str, wrong: str, used: str, sign: int = 1) -> Alteration:
    """Use the rows of one gate for another; with sign -1 the gate is 1 minus the other."""

    def change(array: Array, _case: Case) -> Array:
        by_gate = np.split(array, len(order))
        by_gate[order.index(wrong)] = sign * by_gate[order.index(used)]
        return np.concatenate(by_gate)

    return in_weights(change)


OF_LSTM = table(cells=("lstm",), named="lstm_{}")(
    forget_bias_plus_1=("Adds 1 to the forget gate's bias.", gate_plus("f", 1), {"stands_for": ("coremltools#309",)}),
    input_gate_open=("Leaves out the input gate: i = 1.", gate_plus("i", np.inf)),
    forget_gate_open=("Leaves out the forget gate: f = 1.", gate_plus("f", np.inf)),
    output_gate_open=("Leaves out the output gate: o = 1.", gate_plus("o", np.inf)),
    cell_forgets_everything=("Leaves out f c: c = i g.", gate_plus("f", -np.inf)),
    forget_gate_complemented=("Uses 1 - f for the forget gate.", _complemented("f")),
    forget_gate_is_input_gate=("Uses the input gate for the forget gate, too.", _read_for("ifgo", "f", "i")),
    gates_coupled=(
        "Uses 1 - f for the input gate, as a coupled LSTM does.",
        _read_for("ifgo", "i", "f", -1),
        {"dialects": ("lstm_coupled_input",)},
    ),
    gates_coupled_by_input=(
        "Uses 1 - i for the forget gate, as ONNX couples them.",
        _read_for("ifgo", "f", "i", -1),
        {"dialects": ("lstm_input_forget",)},
    ),
    output_without_tanh=("Outputs h = o c.", _lstm(new_h=lambda o, new_c: o * new_c)),
    output_gate_inside_tanh=("Outputs h = tanh(o c).", _lstm(new_h=lambda o, new_c: tanh(o * new_c))),
    output_of_last_cell=("Outputs h = o tanh(c) of the previous step.", _lstm(new_h=lambda o, c: o * tanh(c))),
    cell_kept_after_tanh=(
        "Passes tanh(c) instead of c to the next step.",
        _lstm(new_c=lambda new_c: tanh(new_c), new_h=lambda o, new_c: o * new_c),
    ),
    candidate_added_to_input_gate=(
        "Computes c = f c + i + g: adds the input gate and the candidate instead of multiplying them.",
        _lstm(new_c=lambda f, c, i, g: f * c + i + g),
        {"stands_for": ("torchrecurrent#22",)},
    ),
    candidate_by_sigmoid=("Computes the candidate g with a sigmoid.", _lstm(g=lambda z_g: sigmoid(z_g))),
    candidate_without_tanh=("Leaves out the tanh of the candidate g.", _lstm(g=lambda z_g: z_g)),
    cell_clipped=("Clips c to ±1.", _clipped(1)),
    **{f"cell_clipped_at_{limit}": (f"Clips c to ±{limit}.", _clipped(limit)) for limit in (2, 3, 5, 10)},
    output_gate_without_sigmoid=("Leaves out the sigmoid of the output gate.", _lstm(o=lambda z_o: z_o)),
    forget_bias_minus_1=("Subtracts 1 from the forget gate's bias.", gate_plus("f", -1)),
)

OF_GRU = table(cells=("gru",), named="gru_{}")(
    reset_before_product=(
        "Applies the reset gate before the product: tanh(W_in x + b_in + W_hn (r h) + b_hn).",
        in_equations(gru=gru_reset_before),
        {
            "stands_for": (
                *("onnxscript#2852", "burn#2701", "root PR5367", "keras PR9112", "keras#8860"),
                *("onnx-tensorflow#853", "pytorch#8153"),
            ),
            "dialects": ("gru_reset_before",),
        },
    ),
    reset_unused=("Does not use the reset gate: r = 1.", gate_plus("r", np.inf), {"stands_for": ("GRU-D#2",)}),
    reset_complemented=("Uses 1 - r for the reset gate.", _complemented("r")),
    reset_on_input=(
        "Applies the reset gate to the input part of the candidate: tanh(r x_n + h_n).",
        _gru(n=lambda w, x, h, r: tanh(r * (w.W_in @ x + w.b_in) + (w.W_hn @ h + w.b_hn))),
    ),
    reset_on_both=(
        "Applies the reset gate to both parts of the candidate: tanh(r (x_n + h_n)).",
        _gru(n=lambda w, x, h, r: tanh(r * (w.W_in @ x + w.b_in + w.W_hn @ h + w.b_hn))),
    ),
    candidate_without_state_if_no_bias=(
        "Without biases, never fills the buffer of W_hn h: the candidate depends on the input only.",
        _gru(n=lambda w, x, n: n if isinstance(w.b_hn, Term) else tanh(w.W_in @ x)),
        {"stands_for": ("onnxruntime PR3797",)},
    ),
    z_complemented=("Swaps z and 1 - z: h = z n + (1 - z) h.", _complemented("z"), {"stands_for": ("mindspore#149",)}),
    z_is_r=("Uses the reset gate for the update gate, too.", _read_for("rzn", "z", "r")),
    r_is_z=("Uses the update gate for the reset gate, too.", _read_for("rzn", "r", "z")),
    state_not_mixed_in=("Leaves out z: h = n.", gate_plus("z", -np.inf)),
    candidate_not_scaled=("Leaves out the factor 1 - z: h = n + z h.", _gru(new_h=lambda z, h, n: n + z * h)),
    state_not_scaled=("Leaves out the factor z: h = (1 - z) n + h.", _gru(new_h=lambda z, h, n: (1 - z) * n + h)),
    mixes_reset_state=(
        "Uses the state times the reset gate in the update: h = (1 - z) n + z r h.",
        _gru(new_h=lambda z, r, h, n: mix(z, r * h, n)),
    ),
    candidate_by_sigmoid=("Computes the candidate n with a sigmoid.", _gru(n=lambda z_n: sigmoid(z_n))),
)

GATES = (*OF_LSTM, *OF_GRU)


# Gers & Schmidhuber (2000), with peephole weights of 1.
_PEEPHOLES_AT_ONE = edited(
    "lstm", z_i=lambda z_i, c: z_i + c, z_f=lambda z_f, c: z_f + c, z_o=lambda z_o, new_c: z_o + new_c
)


def _normalized(z: Term) -> Term:
    centred = z - mean(z)
    return centred * rsqrt(mean(centred * centred) + 1e-5)


# Ba et al. (2016), without gains and shifts.
_NORMALIZED_GATES = edited(
    "lstm",
    z_i=lambda z_i: _normalized(z_i),
    z_f=lambda z_f: _normalized(z_f),
    z_g=lambda z_g: _normalized(z_g),
    z_o=lambda z_o: _normalized(z_o),
)

# Zhou et al. (2016): the update gate is the reset gate too.
_MINIMAL_GATED_UNIT = edited(
    "gru",
    n=lambda w, x, h, z: tanh(w.W_in @ x + w.b_in + w.W_hn @ (z * h) + w.b_hn),
    new_h=lambda z, n, h: mix(z, n, h),
)


# Sak et al. (2014), with a projection to the first half of the units.
_PROJECTED = in_new_state(
    lambda after, _: (np.where(np.arange(after[0].shape[-1]) < after[0].shape[-1] / 2, after[0], 0), *after[1:])
)

# Jaeger et al. (2007): leaky integration.
_LEAK = in_new_state(lambda after, before: tuple((old + new) / 2 for old, new in zip(before, after, strict=True)))


OTHER_DEFINITIONS = table(fix=OTHER_DIALECT)(
    lstm_peepholes_at_one=(
        "Has peepholes with weights of 1: adds c to the arguments of the gates i, f and o.",
        in_equations(lstm=_PEEPHOLES_AT_ONE),
    ),
    lstm_input_gate_by_exp=(
        "Computes the input gate with exp instead of a sigmoid, as an sLSTM does.",
        in_equations(lstm=edited("lstm", i=lambda z_i: exp(z_i))),
    ),
    lstm_gates_normalized=(
        "Normalizes the argument of each gate over the units, as an LSTM with layer normalization does.",
        in_equations(lstm=_NORMALIZED_GATES),
    ),
    lstm_state_projected=(
        "Projects the state to half of its units, as an LSTM with a projection does; the others are zero.",
        _PROJECTED,
        {"cells": ("lstm",)},
    ),
    gru_minimal_gated_unit=(
        "Uses gate z to reset, too, and swaps z and 1 - z: a minimal gated unit.",
        in_equations(gru=_MINIMAL_GATED_UNIT),
    ),
    leaky_integration=("Averages the state before a step and the state that the equations give.", _LEAK),
)
