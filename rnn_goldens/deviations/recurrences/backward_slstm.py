"""Deviations of the backward pass of slstm."""

import numpy as np

from rnn_goldens.cells.notation import sigmoid
from rnn_goldens.cells.recurrence import Arrays
from rnn_goldens.cells.recurrence_backward import Step
from rnn_goldens.cells.recurrence_notation import Equations
from rnn_goldens.deviations.equation_edits import detached, instead
from rnn_goldens.deviations.recurrences.edits import WrongBackward, in_results
from rnn_goldens.deviations.recurrences.equation_parts import Change, slstm
from rnn_goldens.deviations.table_rows import Row, table


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


DEVIATIONS = table(make=WrongBackward, cells=("slstm",), named="slstm_{}")(
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
