"""Deviations of the backward pass of causal_conv."""

from collections.abc import Callable
from typing import Any

import numpy as np

from rnn_goldens.cells.arrays import Array
from rnn_goldens.cells.recurrence import RecurrenceCase
from rnn_goldens.deviations.recurrences.backward_deviation import declared_for
from rnn_goldens.deviations.recurrences.backward_kernel import BackwardKernel, Values, overriding
from rnn_goldens.deviations.recurrences.backward_scan_kernels import CausalConvBackward, logistic

_conv = declared_for(("causal_conv",))
Arrays = dict[str, Array]

# ruff: noqa: ARG005 - functions have the arguments of the methods that they replace


def _in_conv(**methods: Callable[..., Any]) -> type[BackwardKernel]:
    return overriding(CausalConvBackward, **methods)


def _silu_by_sigmoid_alone(_: CausalConvBackward, x: Values, d_y: Array) -> Array:
    return np.asarray(d_y * logistic(x["value"]))


def _last_tap(share: Array) -> Array:
    found = np.zeros_like(share)
    found[..., -1:, :] = share[..., -1:, :]
    return found


def _short_last(right: CausalConvBackward, case: RecurrenceCase, cotangents: Values) -> tuple[Array, Array, int]:
    """Return the cotangents of the last window: of inputs from before the sequence, of its own; their places moved."""
    d_window = right.d_last(case, cotangents)["window"]
    before = max(0, d_window.shape[-2] - case.time)
    return d_window[..., :before, :], d_window[..., before:, :], before


def _window_from_before_dropped(right: CausalConvBackward, case: RecurrenceCase, cotangents: Values) -> Arrays:
    older, own, _ = _short_last(right, case, cotangents)
    return {"window": np.concatenate([0 * older, own], axis=-2)}


def _window_of_short_sequence_shifted(right: CausalConvBackward, case: RecurrenceCase, cotangents: Values) -> Arrays:
    older, own, before = _short_last(right, case, cotangents)
    whole = np.concatenate([older, own], axis=-2)
    return {"window": np.concatenate([older, whole[..., : whole.shape[-2] - before, :]], axis=-2)}


DEVIATIONS = (
    _conv(
        "causal_conv_d_weight_flipped",
        "Returns the gradient of the weight with its taps in reverse order.",
        _in_conv(d_weight=lambda right, x, d_value: right.d_weight(x, d_value)[..., ::-1, :]),
    ),
    _conv(
        "causal_conv_d_x_by_flipped_weight",
        "Computes the gradient of x with the taps of the weight in reverse order.",
        _in_conv(d_inputs=lambda right, x, d_value: right.d_inputs(x, d_value)[..., ::-1, :]),
    ),
    _conv(
        "causal_conv_silu_left_out",
        "Leaves out the derivative of SiLU.",
        _in_conv(through_activation=lambda _, x, d_y: d_y),
        "silu",
    ),
    _conv(
        "causal_conv_silu_by_sigmoid_alone",
        "Uses the sigmoid alone for the derivative of SiLU.",
        _in_conv(through_activation=_silu_by_sigmoid_alone),
        "silu",
    ),
    _conv(
        "causal_conv_d_bias_zero",
        "Returns zero for the gradient of the bias.",
        _in_conv(d_bias=lambda right, x, d_value: 0 * right.d_bias(x, d_value)),
    ),
    _conv(
        "causal_conv_d_weight_without_window",
        "Leaves out the inputs of earlier steps in the gradient of the weight: only the last tap has one.",
        _in_conv(d_weight=lambda right, x, d_value: _last_tap(right.d_weight(x, d_value))),
    ),
    _conv(
        "causal_conv_window_not_shifted",
        "Passes the window's cotangent back without shifting it: each goes to the input before its own.",
        _in_conv(of_window=lambda _, x, d_window: np.concatenate([d_window, 0 * d_window[..., :1, :]], axis=-2)),
    ),
    _conv(
        "causal_conv_initial_window_reversed",
        "Returns the gradient of the initial window with the newest input first.",
        _in_conv(to_start=lambda right, d_states: {"window": right.to_start(d_states)["window"][..., ::-1, :]}),
        "state",
    ),
    _conv(
        "causal_conv_short_last_window_shifted",
        "Takes the first cotangents of the last window for the inputs of a sequence that is shorter than the window.",
        _in_conv(d_last=_window_of_short_sequence_shifted),
        "shorter_than_window",
        stands_for=("flash-linear-attention#1140",),
    ),
    _conv(
        "causal_conv_short_last_window_dropped",
        "Ignores the last window's cotangents of inputs from before the sequence, which are in the initial window.",
        _in_conv(d_last=_window_from_before_dropped),
        "shorter_than_window",
        "state",
        stands_for=("flash-linear-attention PR1141",),
    ),
)
