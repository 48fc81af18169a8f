"""Deviations of the backward pass of causal_conv."""

import numpy as np

from rnn_goldens.cells.arrays import Array
from rnn_goldens.cells.notation import Term, sigmoid
from rnn_goldens.cells.recurrence import Arrays, RecurrenceCase
from rnn_goldens.cells.recurrence_backward import RecurrenceBackward
from rnn_goldens.deviations.backward.alterations import detached, instead
from rnn_goldens.deviations.recurrences.backward_deviation import declared_for, in_loop
from rnn_goldens.deviations.recurrences.backward_equations import causal_conv, of_first_row

_conv = declared_for(("causal_conv",))

# ruff: noqa: ARG005 - functions have the arguments of parts


def _flipped(z: Term) -> Term:
    return Term("reversed_rows", (z,))


def _short_last(right: RecurrenceBackward, case: RecurrenceCase, cotangents: Arrays) -> tuple[Array, Array, int]:
    """Return the cotangents of the last window: of inputs from before the sequence, of its own; their places moved."""
    d_window = right.d_last(case, cotangents)["window"]
    before = max(0, d_window.shape[-2] - case.time)
    return d_window[..., :before, :], d_window[..., before:, :], before


def _window_from_before_dropped(
    right: RecurrenceBackward, case: RecurrenceCase, cotangents: Arrays
) -> dict[str, Array]:
    older, own, _ = _short_last(right, case, cotangents)
    return {"window": np.concatenate([0 * older, own], axis=-2)}


def _window_of_short_sequence_shifted(
    right: RecurrenceBackward, case: RecurrenceCase, cotangents: Arrays
) -> dict[str, Array]:
    older, own, before = _short_last(right, case, cotangents)
    whole = np.concatenate([older, own], axis=-2)
    return {"window": np.concatenate([older, whole[..., : whole.shape[-2] - before, :]], axis=-2)}


DEVIATIONS = (
    _conv(
        "causal_conv_d_weight_flipped",
        "Returns the gradient of the weight with its taps in reverse order.",
        causal_conv(
            convolved=lambda y, x: instead(
                y, detached(x.weight).mT @ x.inputs + x.weight.mT @ detached(_flipped(x.inputs))
            )
        ),
    ),
    _conv(
        "causal_conv_d_x_by_flipped_weight",
        "Computes the gradient of x with the taps of the weight in reverse order.",
        causal_conv(
            convolved=lambda y, x: instead(
                y, x.weight.mT @ detached(x.inputs) + detached(_flipped(x.weight)).mT @ x.inputs
            )
        ),
    ),
    _conv(
        "causal_conv_silu_left_out",
        "Leaves out the derivative of SiLU.",
        causal_conv(activated=lambda y, x: instead(y, x.y)),
        "silu",
    ),
    _conv(
        "causal_conv_silu_by_sigmoid_alone",
        "Uses the sigmoid alone for the derivative of SiLU.",
        causal_conv(activated=lambda y, x: x.y * detached(sigmoid(x.y))),
        "silu",
    ),
    _conv(
        "causal_conv_d_bias_zero",
        "Returns zero for the gradient of the bias.",
        causal_conv(biased=lambda y, x: x.convolved + detached(x.bias)),
    ),
    _conv(
        "causal_conv_d_weight_without_window",
        "Leaves out the inputs of earlier steps in the gradient of the weight: only the last tap has one.",
        causal_conv(convolved=lambda y, x: _flipped(of_first_row(_flipped(x.weight))).mT @ x.inputs),
    ),
    _conv(
        "causal_conv_window_not_shifted",
        "Passes the window's cotangent back without shifting it: each goes to the input before its own.",
        causal_conv(window=lambda y, x: instead(y, x.window)),
    ),
    _conv(
        "causal_conv_initial_window_reversed",
        "Returns the gradient of the initial window with the newest input first.",
        in_loop(to_start=lambda right, d_states: {"window": right.to_start(d_states)["window"][..., ::-1, :]}),
        "state",
    ),
    _conv(
        "causal_conv_short_last_window_shifted",
        "Takes the first cotangents of the last window for the inputs of a sequence that is shorter than the window.",
        in_loop(d_last=_window_of_short_sequence_shifted),
        "shorter_than_window",
        stands_for=("flash-linear-attention#1140",),
    ),
    _conv(
        "causal_conv_short_last_window_dropped",
        "Ignores the last window's cotangents of inputs from before the sequence, which are in the initial window.",
        in_loop(d_last=_window_from_before_dropped),
        "shorter_than_window",
        "state",
        stands_for=("flash-linear-attention PR1141",),
    ),
)
