"""Bugs of the sLSTM in its gates, normalizer, stabilizer and recurrent weights."""

from collections.abc import Callable
from typing import Any

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.deviations.recurrences.deviation import RecurrenceDeviation
from rnn_goldens.deviations.recurrences.kernel import replaced, sigmoid
from rnn_goldens.deviations.recurrences.scan_kernels import SLSTM, Step

States = tuple[Array, Array, Array, Array]


def _of_slstm(
    name: str,
    sentence: str,
    needs: tuple[str, ...] = (),
    stands_for: tuple[str, ...] = (),
    fix: str = "",
    **methods: Callable[..., Any],
) -> RecurrenceDeviation:
    return RecurrenceDeviation(name, sentence, replaced(SLSTM, **methods), ("slstm",), needs, stands_for, fix)


def _inputs_swapped(right: SLSTM, gate: str, x: Step, h: Array) -> Array:
    return right.argument(gate, {**x, "x_i": x["x_f"], "x_f": x["x_i"]}, h)


def _stabilizer_at_zero(right: SLSTM) -> States:
    h, c, n, m = right.initial_states()
    return h, c, n, np.zeros_like(m)


def _normalizer_at_one(right: SLSTM) -> States:
    h, c, n, m = right.initial_states()
    return h, c, np.ones_like(n), m


def _first_head(right: SLSTM, gate: str) -> Array:
    weight = right.recurrent_weight(gate)
    return np.broadcast_to(weight[:1], weight.shape)


def _of_previous_stabilizer(_right: SLSTM, log_f: Array, _before: Array, _m: Array) -> Array:
    return np.asarray(np.exp(log_f))


def _not_normalized(_right: SLSTM, o: Array, c: Array, _n: Array) -> Array:
    return np.asarray(sigmoid(o) * c)


def _at_least_one(right: SLSTM, o: Array, c: Array, n: Array) -> Array:
    return right.output(o, c, np.maximum(n, 1))


DEVIATIONS = (
    _of_slstm(
        "input_and_forget_gates_swapped",
        "Swaps the projected inputs of the input and the forget gate.",
        (),
        ("xlstm#98",),
        argument=_inputs_swapped,
    ),
    _of_slstm(
        "forget_gate_exponential",
        "Computes the forget gate by an exponential instead of a sigmoid.",
        fix="the paper allows both; these goldens have a sigmoid",
        log_forget=lambda _right, f: f,
    ),
    _of_slstm("normalizer_left_out", "Does not divide c by n.", (), ("PyxLSTM#27",), output=_not_normalized),
    _of_slstm(
        "normalizer_at_least_1",
        "Divides c by n or 1, whichever is larger.",
        fix="the mLSTM limits its normalizer, the sLSTM does not",
        output=_at_least_one,
    ),
    _of_slstm(
        "normalizer_started_at_1", "Starts with n = 1 instead of its initial value.", initial_states=_normalizer_at_one
    ),
    _of_slstm(
        "stabilizer_started_at_0",
        "Starts with m = 0 instead of its initial value, to which c and n are scaled.",
        ("state",),
        initial_states=_stabilizer_at_zero,
    ),
    _of_slstm(
        "stabilizer_left_out",
        "Leaves out the stabilizer, so that large gates overflow.",
        (),
        ("PyxLSTM#15",),
        stabilizer=lambda _right, _i, _log_f, m: np.zeros_like(m),
    ),
    _of_slstm(
        "stabilizer_of_input_gate_only",
        "Applies the stabilizer to the input gate only.",
        forget_gate=_of_previous_stabilizer,
    ),
    _of_slstm(
        "stabilizer_of_forget_gate_only",
        "Applies the stabilizer to the forget gate only.",
        input_gate=lambda _right, i, _m: np.exp(i),
    ),
    _of_slstm("candidate_tanh_left_out", "Leaves out the tanh of the candidate.", candidate=lambda _right, z: z),
    _of_slstm(
        "candidate_zero", "Takes zero for the candidate.", (), ("PyxLSTM#22",), candidate=lambda _right, z: 0 * z
    ),
    _of_slstm(
        "output_gate_left_out",
        "Leaves out the output gate.",
        output=lambda _right, _o, c, n: np.asarray(c / n),
    ),
    _of_slstm(
        "output_tanh_added",
        "Applies a tanh to c / n, as an LSTM to c.",
        output=lambda _right, o, c, n: np.asarray(sigmoid(o) * np.tanh(c / n)),
    ),
    _of_slstm(
        "recurrent_weights_transposed",
        "Multiplies h by the transposed recurrent weights.",
        recurrent_weight=lambda right, gate: right.recurrent_weight(gate).swapaxes(-1, -2),
    ),
    _of_slstm(
        "recurrent_weights_of_first_head",
        "Uses the recurrent weights of the first head for all heads.",
        ("several_heads",),
        recurrent_weight=_first_head,
    ),
    _of_slstm(
        "recurrent_weights_left_out",
        "Leaves out the recurrent weights.",
        recurrent_weight=lambda right, gate: 0 * right.recurrent_weight(gate),
    ),
)
