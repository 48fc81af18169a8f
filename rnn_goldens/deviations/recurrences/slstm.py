"""Bugs of the sLSTM in its gates, normalizer, stabilizer and recurrent weights."""

from collections.abc import Callable

import numpy as np

from rnn_goldens.cells.notation import Term, exp, log_sigmoid, maximum, sigmoid, tanh
from rnn_goldens.cells.recurrence_equations import slstm
from rnn_goldens.cells.recurrence_notation import Equations, Terms
from rnn_goldens.deviations.recurrences.edits import Change, Edit, in_arrays, in_equations
from rnn_goldens.deviations.table_rows import table

# ruff: noqa: ARG005 - wrong equations take arguments that they do not use

Gates = tuple[Term, Term, Term]
"""i, f and the stabilizer m after the step."""


def _gates(of: Callable[[Term, Term, Term], Gates], candidate: Callable[[Term], Term] = tanh) -> Equations:
    """Return the equations with other gates: ``of(argument of i, argument of f, m)``."""

    def equations(  # noqa: PLR0917 - called by name
        x_i: Term, x_f: Term, x_z: Term, x_o: Term, R_i: Term, R_f: Term, R_z: Term, R_o: Term,
        h: Term, c: Term, n: Term, m: Term,
    ) -> tuple[Terms, Terms]:  # fmt: skip
        i, f, m = of(x_i + R_i @ h, x_f + R_f @ h, m)
        c, n = f * c + i * candidate(x_z + R_z @ h), f * n + i
        h = sigmoid(x_o + R_o @ h) * (c / n)
        return (h,), (h, c, n, m)

    return equations


def _stabilized(i: Term, log_f: Term, m: Term) -> Gates:
    f, m = log_f + m, maximum(log_f + m, i)
    return exp(i - m), exp(f - m), m


def _input_gate_stabilized(i: Term, f: Term, m: Term) -> Gates:
    m = maximum(log_sigmoid(f) + m, i)
    return exp(i - m), sigmoid(f), m


def _output(of: Callable[[Term, Term, Term], Term]) -> Equations:
    """Return the equations with another output: ``of(argument of o, c, n)``."""

    def equations(x_o: Term, R_o: Term, h: Term, **x: Term) -> tuple[Terms, Terms]:
        _, (_, c, n, m) = slstm(x_o=x_o, R_o=R_o, h=h, **x)
        h = of(x_o + R_o @ h, c, n)
        return (h,), (h, c, n, m)

    return equations


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
        _gates(_stabilized),
        {"fix": "the paper allows both; these goldens have a sigmoid"},
    ),
    normalizer_left_out=(
        "Does not divide c by n.",
        _output(lambda o, c, n: sigmoid(o) * c),
        {"stands_for": ("PyxLSTM#27",)},
    ),
    normalizer_at_least_1=(
        "Divides c by n or 1, whichever is larger.",
        _output(lambda o, c, n: sigmoid(o) * (c / maximum(n, 1))),
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
        _gates(lambda i, f, m: (exp(i), exp(log_sigmoid(f) + m), 0 * m)),
        {"stands_for": ("PyxLSTM#15",)},
    ),
    stabilizer_of_input_gate_only=("Applies the stabilizer to the input gate only.", _gates(_input_gate_stabilized)),
    stabilizer_of_forget_gate_only=(
        "Applies the stabilizer to the forget gate only.",
        _gates(lambda i, f, m: (exp(i), *_stabilized(i, log_sigmoid(f), m)[1:])),
    ),
    candidate_tanh_left_out=(
        "Leaves out the tanh of the candidate.",
        _gates(lambda i, f, m: _stabilized(i, log_sigmoid(f), m), candidate=lambda z: z),
    ),
    candidate_zero=(
        "Takes zero for the candidate.",
        in_arrays(x_z=np.zeros_like, R_z=np.zeros_like),
        {"stands_for": ("PyxLSTM#22",)},
    ),
    output_gate_left_out=("Leaves out the output gate.", _output(lambda o, c, n: c / n)),
    output_tanh_added=("Applies a tanh to c / n, as an LSTM to c.", _output(lambda o, c, n: sigmoid(o) * tanh(c / n))),
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
