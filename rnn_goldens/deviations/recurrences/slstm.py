"""Bugs of the sLSTM in its gates, normalizer, stabilizer and recurrent weights."""

import numpy as np

from rnn_goldens.cells.notation import Term, exp, maximum, sigmoid, tanh
from rnn_goldens.cells.recurrence_equations import slstm
from rnn_goldens.cells.recurrence_notation import Terms
from rnn_goldens.deviations.recurrences.edits import Change, Edit, in_arrays, in_equations
from rnn_goldens.deviations.recurrences.equation_parts import slstm as parts
from rnn_goldens.deviations.table_rows import table


def _in_recurrent_weights(change: Change) -> Edit:
    return in_arrays(R_i=change, R_f=change, R_z=change, R_o=change)


def _zifo(**x: Term) -> tuple[Terms, Terms]:
    taken = {f"{of}_{gate}": x.pop(f"{of}_{by}") for of in "xR" for gate, by in zip("zif", "ifz", strict=True)}
    return slstm(**taken, **x)


DEVIATIONS = table(make=in_equations, cells=("slstm",))(
    input_and_forget_gates_swapped=(
        "Swaps the projected inputs of the input and the forget gate.",
        lambda x_i, x_f, **x: slstm(x_i=x_f, x_f=x_i, **x),
        {"stands_for": ("xlstm#98",)},
    ),
    gates_in_order_zifo=("Takes inputs and weights in the order of gates z, i, f, o instead of i, f, z, o.", _zifo),
    forget_gate_exponential=(
        "Computes the forget gate by an exponential instead of a sigmoid.",
        parts.wrong(log_forget=lambda x: x.f),
        {"fix": "the paper allows both; these goldens have a sigmoid"},
    ),
    normalizer_left_out=(
        "Does not divide c by n.",
        parts.wrong(quotient=lambda x: x.c_after),
        {"stands_for": ("PyxLSTM#27",)},
    ),
    normalizer_at_least_1=(
        "Divides c by n or 1, whichever is larger.",
        parts.wrong(quotient=lambda x: x.c_after / maximum(x.n_after, 1)),
        {"fix": "the mLSTM limits its normalizer, the sLSTM does not"},
    ),
    normalizer_started_at_1=("Starts with n = 1 instead of its initial value.", in_arrays(n0=np.ones_like)),
    stabilizer_started_at_0=(
        "Starts with m = 0 instead of its initial value, to which c and n are scaled.",
        in_arrays(m0=np.zeros_like),
        {"needs": ("state",)},
    ),
    stabilizer_left_out=(
        "Leaves out the stabilizer, so that large gates overflow.",
        parts.wrong(subtracted=lambda x: 0 * x.m, carried=lambda x: 0 * x.m),
        {"stands_for": ("PyxLSTM#15",)},
    ),
    stabilizer_of_input_gate_only=(
        "Applies the stabilizer to the input gate only.",
        parts.wrong(forget_gate=lambda x: sigmoid(x.f)),
    ),
    stabilizer_of_forget_gate_only=(
        "Applies the stabilizer to the forget gate only.",
        parts.wrong(input_gate=lambda x: exp(x.i)),
    ),
    candidate_tanh_left_out=("Leaves out the tanh of the candidate.", parts.wrong(candidate=lambda x: x.z)),
    candidate_zero=(
        "Takes zero for the candidate.",
        in_arrays(x_z=np.zeros_like, R_z=np.zeros_like),
        {"stands_for": ("PyxLSTM#22",)},
    ),
    output_gate_left_out=("Leaves out the output gate.", parts.wrong(h_after=lambda x: x.quotient)),
    output_tanh_added=(
        "Applies a tanh to c / n, as an LSTM to c.",
        parts.wrong(h_after=lambda x: sigmoid(x.o) * tanh(x.quotient)),
    ),
    recurrent_weights_transposed=(
        "Multiplies h by the transposed recurrent weights.",
        _in_recurrent_weights(lambda R: R.swapaxes(-1, -2)),
    ),
    recurrent_weights_of_first_head=(
        "Uses the recurrent weights of the first head for all heads.",
        _in_recurrent_weights(lambda R: np.broadcast_to(R[:1], R.shape)),
        {"needs": ("several_heads",)},
    ),
    recurrent_weights_left_out=("Leaves out the recurrent weights.", _in_recurrent_weights(np.zeros_like)),
)
