"""Deviations of the backward pass of selective_scan, rg_lru and min_gru."""

from collections.abc import Callable
from typing import Any

import numpy as np

from rnn_goldens.deviations.recurrences.backward_deviation import declared_for
from rnn_goldens.deviations.recurrences.backward_kernel import BackwardKernel, overriding, transposed
from rnn_goldens.deviations.recurrences.backward_scan_kernels import (
    MinGruBackward,
    RgLruBackward,
    SelectiveScanBackward,
    logistic,
)

_scan = declared_for(("selective_scan",))
_rg_lru = declared_for(("rg_lru",))
_min_gru = declared_for(("min_gru",))


def _in_scan(**methods: Callable[..., Any]) -> type[BackwardKernel]:
    return overriding(SelectiveScanBackward, **methods)


def _in_rg_lru(**methods: Callable[..., Any]) -> type[BackwardKernel]:
    return overriding(RgLruBackward, **methods)


def _in_min_gru(**methods: Callable[..., Any]) -> type[BackwardKernel]:
    return overriding(MinGruBackward, **methods)


# ruff: noqa: ARG005 - functions have the arguments of the methods that they replace

SELECTIVE_SCAN = (
    _scan(
        "selective_scan_d_dt_without_softplus",
        "Leaves out the derivative of softplus in the gradient of dt.",
        _in_scan(through_softplus=lambda _, x, d_size: d_size),
    ),
    _scan(
        "selective_scan_d_dt_of_decay_alone",
        "Computes the gradient of dt through the decay only, not through dt u B.",
        _in_scan(of_written=lambda _, x, d_written: 0 * d_written),
    ),
    _scan(
        "selective_scan_d_dt_of_input_alone",
        "Computes the gradient of dt through dt u B only, not through the decay.",
        _in_scan(of_decay=lambda right, x, d_log: 0 * right.of_decay(x, d_log)),
    ),
    _scan(
        "selective_scan_d_a_without_dt",
        "Sums the gradient of A without dt.",
        _in_scan(d_a=lambda _, x, d_log: d_log),
    ),
    _scan(
        "selective_scan_decay_without_exp",
        "Leaves out the factor exp(dt A) in the gradients through the decay.",
        _in_scan(d_log=lambda right, x, d_h: right.d_log({**x, "decay": 1.0}, d_h)),
    ),
    _scan(
        "selective_scan_decay_by_state_after",
        "Uses the state after the step instead of before it in the gradients through the decay.",
        _in_scan(d_log=lambda right, x, d_h: right.d_log({**x, "h": x["h_after"]}, d_h)),
    ),
    _scan(
        "selective_scan_d_a_of_log",
        "Returns the gradient of log(-A), the parameter of many models, as that of A.",
        _in_scan(d_a=lambda right, x, d_log: right.d_a(x, d_log) * x["A"]),
    ),
    _scan(
        "selective_scan_d_d_zero",
        "Returns zero for the gradient of D.",
        _in_scan(d_d=lambda right, x, d_y: 0 * right.d_d(x, d_y)),
    ),
    _scan(
        "selective_scan_d_b_of_first_channel",
        "Computes the gradient of B from the first channel instead of the sum over channels.",
        _in_scan(d_b=lambda _, x, d_h: transposed(d_h[..., :1, :]) @ x["written"][..., :1, :]),
    ),
    _scan(
        "selective_scan_d_c_of_first_channel",
        "Computes the gradient of C from the first channel instead of the sum over channels.",
        _in_scan(d_c=lambda _, x, d_y: transposed(x["h_after"][..., :1, :]) @ d_y[..., :1, :]),
    ),
    _scan(
        "selective_scan_d_b_without_dt",
        "Computes the gradient of B with u instead of dt u.",
        _in_scan(d_b=lambda right, x, d_h: right.d_b({**x, "written": x["u"]}, d_h)),
    ),
    _scan(
        "selective_scan_d_c_by_state_before",
        "Computes the gradient of C with the state before the step.",
        _in_scan(d_c=lambda right, x, d_y: right.d_c({**x, "h_after": x["h"]}, d_y)),
    ),
    _scan(
        "selective_scan_d_u_without_d",
        "Leaves out D in the gradient of u.",
        _in_scan(d_u=lambda right, x, d_y, d_written: right.d_u(x, 0 * d_y, d_written)),
    ),
    _scan(
        "selective_scan_d_u_without_state",
        "Computes the gradient of u through D only.",
        _in_scan(d_u=lambda right, x, d_y, d_written: right.d_u(x, d_y, 0 * d_written)),
    ),
    _scan(
        "selective_scan_d_u_without_dt",
        "Leaves out dt in the gradient of u.",
        _in_scan(d_u=lambda right, x, d_y, d_written: right.d_u({**x, "size": 1.0}, d_y, d_written)),
    ),
    _scan(
        "selective_scan_state_not_decayed",
        "Passes the state's cotangent to the step before without the decay.",
        _in_scan(through_decay=lambda _, x, d_h: d_h),
    ),
)


RG_LRU = (
    _rg_lru(
        "rg_lru_root_constant",
        "Treats the root of 1 - a² as a constant.",
        _in_rg_lru(of_root=lambda _, x, d_h: 0 * d_h),
    ),
    _rg_lru(
        "rg_lru_root_slope_clipped",
        "Limits the derivative of the root of 1 - a² to 1000, as training code does against overflow.",
        _in_rg_lru(root_slope=lambda right, root: np.minimum(right.root_slope(root), 1000)),
    ),
    _rg_lru(
        "rg_lru_root_of_other_sign",
        "Uses the other sign for the derivative of the root of 1 - a².",
        _in_rg_lru(of_root=lambda right, x, d_h: -right.of_root(x, d_h)),
    ),
    _rg_lru(
        "rg_lru_decay_constant",
        "Leaves out the decay of the state in the gradients of r and Lambda.",
        _in_rg_lru(of_decay=lambda _, x, d_h: 0 * d_h),
    ),
    _rg_lru(
        "rg_lru_decay_by_state_after",
        "Uses the state after the step instead of before it in the gradients of r and Lambda.",
        _in_rg_lru(of_decay=lambda right, x, d_h: right.of_decay({**x, "h": x["h_after"]}, d_h)),
    ),
    _rg_lru(
        "rg_lru_decay_without_exp",
        "Leaves out the factor a in the gradient of log a through the decay of the state.",
        _in_rg_lru(of_decay=lambda right, x, d_h: right.of_decay({**x, "a": 1.0}, d_h)),
    ),
    _rg_lru(
        "rg_lru_d_lambda_without_factor",
        "Leaves out the factor 8 in the gradient of Lambda.",
        _in_rg_lru(d_lambda=lambda right, x, d_log_a: right.d_lambda(x, d_log_a) / 8),
    ),
    _rg_lru(
        "rg_lru_d_lambda_without_softplus",
        "Leaves out the derivative of softplus in the gradient of Lambda.",
        _in_rg_lru(d_lambda=lambda right, x, d_log_a: right.d_lambda(x, d_log_a) / logistic(x["Lambda"])),
    ),
    _rg_lru(
        "rg_lru_d_r_without_factor",
        "Leaves out the factor 8 in the gradient of r.",
        _in_rg_lru(d_r=lambda right, x, d_log_a: right.d_r(x, d_log_a) / 8),
    ),
    _rg_lru(
        "rg_lru_gate_slopes_left_out",
        "Leaves out the derivatives of the sigmoids in the gradients of r and i.",
        _in_rg_lru(slope=lambda _, y: np.ones_like(y)),
    ),
    _rg_lru(
        "rg_lru_input_without_root",
        "Leaves out the root of 1 - a² in the gradients of x and i.",
        _in_rg_lru(d_gated=lambda _, x, d_h: d_h),
    ),
    _rg_lru(
        "rg_lru_d_x_without_gate",
        "Leaves out the input gate in the gradient of x.",
        _in_rg_lru(d_x=lambda _, x, d_gated: d_gated),
    ),
    _rg_lru(
        "rg_lru_state_not_decayed",
        "Passes the state's cotangent to the step before without the decay.",
        _in_rg_lru(through_decay=lambda _, x, d_h: d_h),
    ),
)


MIN_GRU = (
    _min_gru(
        "min_gru_d_z_of_other_sign",
        "Uses h - n instead of n - h in the gradient of z.",
        _in_min_gru(difference=lambda right, x: -right.difference(x)),
    ),
    _min_gru(
        "min_gru_d_z_by_candidate_alone",
        "Uses n instead of n - h in the gradient of z.",
        _in_min_gru(difference=lambda _, x: x["n"]),
    ),
    _min_gru(
        "min_gru_d_z_by_state_after",
        "Uses the state after the step instead of before it in the gradient of z.",
        _in_min_gru(difference=lambda right, x: right.difference({**x, "h": x["h_after"]})),
    ),
    _min_gru(
        "min_gru_d_z_without_slope",
        "Leaves out the derivative of the sigmoid in the gradient of z.",
        _in_min_gru(slope=lambda right, x: np.ones_like(right.slope(x))),
    ),
    _min_gru(
        "min_gru_d_n_without_gate",
        "Leaves out the gate in the gradient of n.",
        _in_min_gru(d_n=lambda _, x, d_h: d_h),
    ),
    _min_gru(
        "min_gru_gate_swapped_back",
        "Swaps z and 1 - z in the gradients of n and the state before.",
        _in_min_gru(
            d_n=lambda right, x, d_h: right.through_gate(x, d_h),
            through_gate=lambda right, x, d_h: right.d_n(x, d_h),
        ),
    ),
)
