"""Deviations of the backward pass of slstm."""

from collections.abc import Callable
from typing import Any

import numpy as np

from rnn_goldens.cells.arrays import Array
from rnn_goldens.deviations.recurrences.backward_deviation import declared_for
from rnn_goldens.deviations.recurrences.backward_kernel import BackwardKernel, Values, overriding, transposed
from rnn_goldens.deviations.recurrences.backward_scan_kernels import SlstmBackward

_slstm = declared_for(("slstm",))
Arrays = dict[str, Array]

# ruff: noqa: ARG005 - functions have the arguments of the methods that they replace


def _in_slstm(**methods: Callable[..., Any]) -> type[BackwardKernel]:
    return overriding(SlstmBackward, **methods)


def _stabilizer_by_maximum_alone(right: SlstmBackward, x: Values, d_log: Arrays, d_m: Array) -> Arrays:
    """Pass the stabilizer's cotangent through the maximum, without what the gates' exponents subtract from it."""
    found, larger = right.with_stabilizer(x, d_log, d_m), x["f"] >= x["i"]
    return {"i": found["i"] + np.where(larger, 0, d_m), "f": found["f"] + np.where(larger, d_m, 0)}


def _stabilizer_by_exponents_alone(right: SlstmBackward, x: Values, d_log: Arrays, d_m: Array) -> Arrays:
    """Subtract the exponents' part from the stabilizer's cotangent, and ignore what the next step passes to it."""
    found, larger = right.with_stabilizer(x, d_log, d_m), x["f"] >= x["i"]
    d_m = -(found["i"] + found["f"])
    return {"i": found["i"] + np.where(larger, 0, d_m), "f": found["f"] + np.where(larger, d_m, 0)}


def _only(*gates: str) -> Callable[[SlstmBackward, Values, Arrays], Array]:
    return lambda right, x, arguments: right.through_gates(
        x, {gate: g if gate in gates else 0 * g for gate, g in arguments.items()}
    )


def _by_untransposed(right: SlstmBackward, x: Values, arguments: Arrays) -> Array:
    return right.through_gates({n: transposed(a) if n.startswith("R_") else a for n, a in x.items()}, arguments)


def _summed_over_heads(right: SlstmBackward, x: Values, g: Array) -> Array:
    share = right.d_weight(x, g)
    return np.broadcast_to(share.sum(axis=1, keepdims=True), share.shape)


DEVIATIONS = (
    _slstm(
        "slstm_normalizer_constant",
        "Treats the normalizer as a constant.",
        _in_slstm(d_n=lambda _, x, d_h: 0 * d_h),
    ),
    _slstm(
        "slstm_normalizer_of_other_sign",
        "Passes the cotangent of h to the normalizer with the other sign.",
        _in_slstm(d_n=lambda right, x, d_h: -right.d_n(x, d_h)),
    ),
    _slstm(
        "slstm_stabilizer_by_maximum_alone",
        "Passes the stabilizer's cotangent through the maximum, but not through the exponents of the gates.",
        _in_slstm(with_stabilizer=_stabilizer_by_maximum_alone),
        "several_steps",
    ),
    _slstm(
        "slstm_stabilizer_by_exponents_alone",
        "Passes the stabilizer's cotangent from the exponents of the gates, but not from the step after.",
        _in_slstm(with_stabilizer=_stabilizer_by_exponents_alone),
        "several_steps",
    ),
    _slstm(
        "slstm_initial_stabilizer_gradient_zero",
        "Returns zero for the gradient of the initial stabilizer.",
        _in_slstm(d_m=lambda _, d_log_f: 0 * d_log_f),
        "state",
    ),
    _slstm(
        "slstm_forget_slope_left_out",
        "Leaves out the derivative of the logarithm of the sigmoid in the gradient of the forget gate.",
        _in_slstm(forget_slope=lambda right, x: np.ones_like(right.forget_slope(x))),
    ),
    _slstm(
        "slstm_forget_slope_of_sigmoid",
        "Uses the derivative of the sigmoid instead of that of its logarithm for the forget gate.",
        _in_slstm(forget_slope=lambda right, x: right.forget_slope(x) * (1 - right.forget_slope(x))),
    ),
    _slstm(
        "slstm_input_slope_of_sigmoid",
        "Uses the derivative of a sigmoid for the input gate, which is an exponential.",
        _in_slstm(d_log_i=lambda right, x, d_c, d_n: right.d_log_i(x, d_c, d_n) * (1 - x["i"])),
    ),
    _slstm(
        "slstm_tanh_slope_left_out",
        "Leaves out the derivative of tanh in the gradient of z.",
        _in_slstm(d_z=lambda right, x, d_c: right.d_z({**x, "z": 0.0}, d_c)),
    ),
    _slstm(
        "slstm_d_o_without_normalizer",
        "Computes the gradient of the output gate with c instead of c / n.",
        _in_slstm(d_o=lambda right, x, d_h: right.d_o({**x, "n_after": 1.0}, d_h)),
    ),
    _slstm(
        "slstm_d_c_without_normalizer",
        "Passes the cotangent of h to c without dividing it by n.",
        _in_slstm(d_c=lambda right, x, d_h: right.d_c({**x, "n_after": 1.0}, d_h)),
    ),
    _slstm(
        "slstm_d_input_gate_without_normalizer",
        "Leaves out the normalizer in the gradient of the input gate.",
        _in_slstm(d_log_i=lambda right, x, d_c, d_n: right.d_log_i(x, d_c, 0 * d_n)),
    ),
    _slstm(
        "slstm_d_forget_gate_without_normalizer",
        "Leaves out the normalizer in the gradient of the forget gate.",
        _in_slstm(d_log_f=lambda right, x, d_c, d_n: right.d_log_f(x, d_c, 0 * d_n)),
    ),
    _slstm(
        "slstm_state_not_decayed",
        "Passes the cotangents of c and n to the step before without the forget gate.",
        _in_slstm(through_forget=lambda _, x, d_state: d_state),
    ),
    _slstm(
        "slstm_h_through_candidate_alone",
        "Passes the cotangent to h before the step through z only, not through the gates.",
        _in_slstm(through_gates=_only("z")),
    ),
    _slstm(
        "slstm_h_without_output_gate",
        "Leaves out the output gate in the cotangent of h before the step.",
        _in_slstm(through_gates=_only("i", "f", "z")),
    ),
    _slstm(
        "slstm_h_by_untransposed_weights",
        "Multiplies by the recurrent weights instead of by their transposes.",
        _in_slstm(through_gates=_by_untransposed),
    ),
    _slstm(
        "slstm_recurrent_weights_by_state_after",
        "Uses h after each step instead of before it in the gradients of the recurrent weights.",
        _in_slstm(d_weight=lambda right, x, g: right.d_weight({**x, "h": x["h_after"]}, g)),
    ),
    _slstm(
        "slstm_recurrent_weights_transposed",
        "Transposes the gradients of the recurrent weights.",
        _in_slstm(d_weight=lambda right, x, g: transposed(right.d_weight(x, g))),
    ),
    _slstm(
        "slstm_recurrent_weights_summed_over_heads",
        "Sums the gradients of the recurrent weights over the heads, as if they shared them.",
        _in_slstm(d_weight=_summed_over_heads),
        "several_heads",
    ),
)
