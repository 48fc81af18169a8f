"""Deviations of the backward pass of scans, of the causal convolution and of the sLSTM."""

from fractions import Fraction
from math import log

import numpy as np

from rnn_goldens.cells.notation import Term, minimum, sigmoid
from rnn_goldens.cells.recurrence import Arrays, RecurrenceCase, weights_in_lanes
from rnn_goldens.cells.recurrence_backward import Gradients, RecurrenceBackward, Step
from rnn_goldens.cells.recurrence_notation import Equations, outer
from rnn_goldens.deviations.equation_edits import detached, instead
from rnn_goldens.deviations.recurrences.edits import CHUNK, WrongBackward, for_each_chunk_size, in_loop, in_results
from rnn_goldens.deviations.recurrences.equation_parts import Change, min_gru, of_first_row, rg_lru, slstm
from rnn_goldens.deviations.recurrences.equation_parts import causal_conv as conv
from rnn_goldens.deviations.recurrences.equation_parts import selective_scan as scan
from rnn_goldens.deviations.table_rows import Row, table

# ruff: noqa: ARG005 - functions have the arguments of the methods that they replace


def _by_gate(of_gate: Change) -> Equations:
    """Return minGRU with another derivative of the state after the step by the gate."""
    return min_gru(
        after=lambda x: (1 - detached(x.gate)) * x.h + detached(x.gate) * x.n + x.gate * detached(of_gate(x))
    )


def _last_decayed_by_padding(size: int) -> type[RecurrenceBackward]:
    def d_last(found: Arrays, case: RecurrenceCase, _: Arrays) -> Arrays:
        missing, A = -case.time % size, weights_in_lanes(case)["A"]
        return {"h": np.exp(A.dtype.type(missing * log(2)) * A) * found["h"]}

    return in_results(d_last=d_last)


SELECTIVE_SCAN = table(make=WrongBackward, cells=("selective_scan",), named="selective_scan_{}")(
    d_dt_without_softplus=("Leaves out the derivative of softplus in the gradient of dt.", scan(size=lambda x: x.dt)),
    d_dt_of_decay_alone=(
        "Computes the gradient of dt through the decay only, not through dt u B.",
        scan(gated=lambda x: detached(x.size) * x.u),
    ),
    d_dt_of_input_alone=(
        "Computes the gradient of dt through dt u B only, not through the decay.",
        scan(log=lambda x: detached(x.size) * x.A),
    ),
    d_a_without_dt=("Sums the gradient of A without dt.", scan(log=lambda x: x.size * detached(x.A) + x.A)),
    decay_without_exp=(
        "Leaves out the factor exp(dt A) in the gradients through the decay.",
        scan(decay=lambda x: x.log),
    ),
    decay_by_state_after=(
        "Uses the state after the step instead of before it in the gradients through the decay.",
        scan(decayed=lambda x: detached(x.decay) * x.h + x.decay * detached(x.decayed + x.written)),
    ),
    d_a_of_log=(
        "Returns the gradient of log(-A), the parameter of many models, as that of A.",
        scan(log=lambda x: x.size * detached(x.A) + detached(x.log) * x.A),
    ),
    d_d_zero=("Returns zero for the gradient of D.", scan(skipped=lambda x: detached(x.D) * x.u)),
    d_b_of_first_channel=(
        "Computes the gradient of B from the first channel instead of the sum over channels.",
        scan(written=lambda x: outer(x.gated, detached(x.B)) + of_first_row(outer(detached(x.gated), x.B))),
    ),
    d_c_of_first_channel=(
        "Computes the gradient of C from the first channel instead of the sum over channels.",
        scan(read=lambda x: x.after @ detached(x.C) + of_first_row(detached(x.after) @ x.C)),
    ),
    d_b_without_dt=(
        "Computes the gradient of B with u instead of dt u.",
        scan(written=lambda x: outer(x.gated, detached(x.B)) + outer(detached(x.u), x.B)),
    ),
    d_c_by_state_before=(
        "Computes the gradient of C with the state before the step.",
        scan(read=lambda x: x.after @ detached(x.C) + detached(x.h) @ x.C),
    ),
    d_u_without_d=("Leaves out D in the gradient of u.", scan(skipped=lambda x: x.D * detached(x.u))),
    d_u_without_state=("Computes the gradient of u through D only.", scan(gated=lambda x: x.size * detached(x.u))),
    d_u_without_dt=("Leaves out dt in the gradient of u.", scan(gated=lambda x: x.size * detached(x.u) + x.u)),
    state_not_decayed=(
        "Passes the state's cotangent to the step before without the decay.",
        scan(decayed=lambda x: x.decay * detached(x.h) + x.h),
    ),
    **for_each_chunk_size(
        "last_cotangent_decayed_by_padding",
        "Decays the cotangent of the last state over the steps that pad the last chunk of {} steps: their step "
        "size is softplus(0), not 0.",
        _last_decayed_by_padding,
        lambda size: {"stands_for": ("mamba#368",) if size == CHUNK else ()},
    ),
)


RG_LRU = table(make=WrongBackward, cells=("rg_lru",), named="rg_lru_{}")(
    root_constant=("Treats the root of 1 - a² as a constant.", rg_lru(root=lambda x: detached(x.root))),
    root_slope_clipped=(
        "Limits the derivative of the root of 1 - a² to 1000, as training code does against overflow.",
        rg_lru(root=lambda x: x.square * detached(minimum(1 / (2 * x.root), 1000))),
    ),
    root_of_other_sign=(
        "Uses the other sign for the derivative of the root of 1 - a².",
        rg_lru(root=lambda x: -x.root),
    ),
    decay_constant=(
        "Leaves out the decay of the state in the gradients of r and Lambda.",
        rg_lru(decay=lambda x: detached(x.decay)),
    ),
    decay_by_state_after=(
        "Uses the state after the step instead of before it in the gradients of r and Lambda.",
        rg_lru(decayed=lambda x: detached(x.decay) * x.h + x.decay * detached(x.decayed + x.written)),
    ),
    decay_without_exp=(
        "Leaves out the factor a in the gradient of log a through the decay of the state.",
        rg_lru(decay=lambda x: x.log_a),
    ),
    d_lambda_without_factor=(
        "Leaves out the factor 8 in the gradient of Lambda.",
        rg_lru(factor=lambda x: Fraction(1, 8) * x.factor),
    ),
    d_lambda_without_softplus=(
        "Leaves out the derivative of softplus in the gradient of Lambda.",
        rg_lru(factor=lambda x: x.Lambda),
    ),
    d_r_without_factor=(
        "Leaves out the factor 8 in the gradient of r.",
        rg_lru(gate=lambda x: Fraction(1, 8) * x.gate),
    ),
    gate_slopes_left_out=(
        "Leaves out the derivatives of the sigmoids in the gradients of r and i.",
        rg_lru(gate=lambda x: x.r, input_gate=lambda x: x.i),
    ),
    input_without_root=(
        "Leaves out the root of 1 - a² in the gradients of x and i.",
        rg_lru(written=lambda x: x.root * detached(x.gated) + x.gated),
    ),
    d_x_without_gate=(
        "Leaves out the input gate in the gradient of x.",
        rg_lru(gated=lambda x: x.input_gate * detached(x.x) + x.x),
    ),
    state_not_decayed=(
        "Passes the state's cotangent to the step before without the decay.",
        rg_lru(decayed=lambda x: x.decay * detached(x.h) + x.h),
    ),
)


MIN_GRU = table(make=WrongBackward, cells=("min_gru",), named="min_gru_{}")(
    d_z_of_other_sign=("Uses h - n instead of n - h in the gradient of z.", _by_gate(lambda x: x.h - x.n)),
    d_z_by_candidate_alone=("Uses n instead of n - h in the gradient of z.", _by_gate(lambda x: x.n)),
    d_z_by_state_after=(
        "Uses the state after the step instead of before it in the gradient of z.",
        _by_gate(lambda x: x.n - x.after),
    ),
    d_z_without_slope=("Leaves out the derivative of the sigmoid in the gradient of z.", min_gru(gate=lambda x: x.z)),
    d_n_without_gate=(
        "Leaves out the gate in the gradient of n.",
        min_gru(after=lambda x: (1 - x.gate) * x.h + x.gate * detached(x.n) + x.n),
    ),
    gate_swapped_back=(
        "Swaps z and 1 - z in the gradients of n and the state before.",
        min_gru(after=lambda x: x.gate * detached(x.n - x.h) + detached(1 - x.gate) * x.n + detached(x.gate) * x.h),
    ),
)


def _flipped(z: Term) -> Term:
    return Term("reversed_rows", (z,))


def _window_from_before_dropped(found: Arrays, case: RecurrenceCase, _: Arrays) -> Arrays:
    d_window = found["window"]
    before = max(0, d_window.shape[-2] - case.time)
    return {"window": np.concatenate([0 * d_window[..., :before, :], d_window[..., before:, :]], axis=-2)}


def _window_of_short_sequence_shifted(found: Arrays, case: RecurrenceCase, _: Arrays) -> Arrays:
    d_window = found["window"]
    before = max(0, d_window.shape[-2] - case.time)
    moved = d_window[..., : d_window.shape[-2] - before, :]
    return {"window": np.concatenate([d_window[..., :before, :], moved], axis=-2)}


def _read_transposed(right: RecurrenceBackward, case: RecurrenceCase, cotangents: Arrays) -> Gradients:
    if "d_y" not in cotangents:
        return right.gradients(case, cotangents)
    d_y = cotangents["d_y"]
    return right.gradients(case, {**cotangents, "d_y": d_y.swapaxes(1, 2).reshape(d_y.shape)})


CAUSAL_CONV = table(make=WrongBackward, cells=("causal_conv",), named="causal_conv_{}")(
    d_weight_flipped=(
        "Returns the gradient of the weight with its taps in reverse order.",
        conv(convolved=lambda x: detached(x.weight).mT @ x.inputs + x.weight.mT @ detached(_flipped(x.inputs))),
    ),
    d_x_by_flipped_weight=(
        "Computes the gradient of x with the taps of the weight in reverse order.",
        conv(convolved=lambda x: x.weight.mT @ detached(x.inputs) + detached(_flipped(x.weight)).mT @ x.inputs),
    ),
    silu_left_out=("Leaves out the derivative of SiLU.", conv(activated=lambda x: x.biased), {"needs": ("silu",)}),
    silu_by_sigmoid_alone=(
        "Uses the sigmoid alone for the derivative of SiLU.",
        conv(activated=lambda x: x.biased * detached(sigmoid(x.biased))),
        {"needs": ("silu",)},
    ),
    d_bias_zero=("Returns zero for the gradient of the bias.", conv(biased=lambda x: x.convolved + detached(x.bias))),
    d_weight_without_window=(
        "Leaves out the inputs of earlier steps in the gradient of the weight: only the last tap has one.",
        conv(convolved=lambda x: _flipped(of_first_row(_flipped(x.weight))).mT @ x.inputs),
    ),
    window_not_shifted=(
        "Passes the window's cotangent back without shifting it: each goes to the input before its own.",
        conv(window_after=lambda x: x.window),
    ),
    initial_window_reversed=(
        "Returns the gradient of the initial window with the newest input first.",
        in_loop(to_start=lambda _, d_states, d_last: {"window": d_states["window"][..., ::-1, :]}),
        {"needs": ("state",)},
    ),
    short_last_window_shifted=(
        "Takes the first cotangents of the last window for the inputs of a sequence that is shorter than the window.",
        in_results(d_last=_window_of_short_sequence_shifted),
        {"needs": ("shorter_than_window",), "stands_for": ("flash-linear-attention#1140",)},
    ),
    short_last_window_dropped=(
        "Ignores the last window's cotangents of inputs from before the sequence, which are in the initial window.",
        in_results(d_last=_window_from_before_dropped),
        {"needs": ("shorter_than_window", "state"), "stands_for": ("flash-linear-attention PR1141",)},
    ),
    output_cotangent_read_transposed=(
        "Reads the memory of the output's cotangent, (batch, channels, time), as (batch, time, channels).",
        in_loop(gradients=_read_transposed),
        {"stands_for": ("flash-linear-attention PR871",)},
    ),
)


def _only(*gates: str) -> Equations:
    """Return the equations with h before the step only in some gates."""
    return slstm(recurrent=lambda x: x.recurrent if x.gate in gates else x.R @ detached(x.h))


def _of_states(name: str, sentence: str, **changes: Change) -> dict[str, Row]:
    """Return a bug in the cotangents of c and n, with the stabilizer as a constant and differentiated as by autograd.

    The right cotangents of c and n cancel that of the stabilizer, wrong ones do not.
    """
    in_autograd = slstm(subtracted=lambda x: x.largest, carried=lambda x: x.largest, **changes)
    return {
        name: (f"{sentence}; the stabilizer is a constant.", slstm(**changes)),
        f"{name}_in_autograd": (f"{sentence}; the stabilizer is differentiated, as by autograd.", in_autograd),
    }


def _by_state_after(found: Arrays, step: Step, *_: Arrays) -> Arrays:
    h = np.swapaxes(step.after["h"], -1, -2)
    return {**found, **{f"R_{gate}": found[f"x_{gate}"] @ h for gate in "ifzo"}}


SLSTM = table(make=WrongBackward, cells=("slstm",), named="slstm_{}")(
    **_of_states(
        "normalizer_constant", "Treats the normalizer as a constant", quotient=lambda x: x.c_after / detached(x.n_after)
    ),
    **_of_states(
        "normalizer_of_other_sign",
        "Passes the cotangent of h to the normalizer with the other sign",
        quotient=lambda x: x.c_after / instead(x.n_after, -x.n_after),
    ),
    stabilizer_by_maximum_alone=(
        "Passes the stabilizer's cotangent through the maximum, but not through the exponents of the gates.",
        slstm(carried=lambda x: x.largest),
        {"needs": ("several_steps",)},
    ),
    stabilizer_by_exponents_alone=(
        "Passes the stabilizer's cotangent from the exponents of the gates, but not from the step after.",
        slstm(subtracted=lambda x: x.largest),
        {"needs": ("several_steps",)},
    ),
    initial_stabilizer_gradient_zero=(
        "Returns zero for the gradient of the initial stabilizer.",
        slstm(shifted=lambda x: x.log_forget + detached(x.m)),
        {"needs": ("state",)},
    ),
    forget_slope_left_out=(
        "Leaves out the derivative of the logarithm of the sigmoid in the gradient of the forget gate.",
        slstm(log_forget=lambda x: x.f),
    ),
    forget_slope_of_sigmoid=(
        "Uses the derivative of the sigmoid instead of that of its logarithm for the forget gate.",
        slstm(log_forget=lambda x: sigmoid(x.f)),
    ),
    input_slope_of_sigmoid=(
        "Uses the derivative of a sigmoid for the input gate, which is an exponential.",
        slstm(input_gate=lambda x: x.i * detached(x.input_gate * (1 - x.input_gate))),
    ),
    tanh_slope_left_out=("Leaves out the derivative of tanh in the gradient of z.", slstm(candidate=lambda x: x.z)),
    d_o_without_normalizer=(
        "Computes the gradient of the output gate with c instead of c / n.",
        slstm(h_after=lambda x: detached(sigmoid(x.o)) * x.quotient + sigmoid(x.o) * detached(x.c_after)),
    ),
    **_of_states(
        "d_c_without_normalizer",
        "Passes the cotangent of h to c without dividing it by n",
        quotient=lambda x: detached(x.c_after) / x.n_after + x.c_after,
    ),
    **_of_states(
        "d_input_gate_without_normalizer",
        "Leaves out the normalizer in the gradient of the input gate",
        n_after=lambda x: x.forget_gate * x.n + detached(x.input_gate),
    ),
    **_of_states(
        "d_forget_gate_without_normalizer",
        "Leaves out the normalizer in the gradient of the forget gate",
        n_after=lambda x: detached(x.forget_gate) * x.n + x.input_gate,
    ),
    **_of_states(
        "state_not_decayed",
        "Passes the cotangents of c and n to the step before without the forget gate",
        c_after=lambda x: x.forget_gate * detached(x.c) + x.c + x.input_gate * x.candidate,
        n_after=lambda x: x.forget_gate * detached(x.n) + x.n + x.input_gate,
    ),
    h_detached=("Does not pass the cotangent to h before the step.", _only()),
    h_through_candidate_alone=(
        "Passes the cotangent to h before the step through z only, not through the gates.",
        _only("z"),
    ),
    h_without_output_gate=("Leaves out the output gate in the cotangent of h before the step.", _only(*"ifz")),
    h_by_untransposed_weights=(
        "Multiplies by the recurrent weights instead of by their transposes.",
        slstm(recurrent=lambda x: x.R @ detached(x.h) + detached(x.R).mT @ x.h),
    ),
    recurrent_weights_by_state_after=(
        "Uses h after each step instead of before it in the gradients of the recurrent weights.",
        in_results(step_back=_by_state_after),
    ),
    recurrent_weights_transposed=(
        "Transposes the gradients of the recurrent weights.",
        slstm(recurrent=lambda x: detached(x.R) @ x.h + x.R.mT @ detached(x.h)),
    ),
    recurrent_weights_summed_over_heads=(
        "Sums the gradients of the recurrent weights over the heads, as if they shared them.",
        in_results(over_batch=lambda found, _: np.broadcast_to(found.sum(axis=2, keepdims=True), found.shape)),
        {"needs": ("several_heads",)},
    ),
)
