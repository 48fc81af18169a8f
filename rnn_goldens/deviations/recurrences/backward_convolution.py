"""Deviations of the backward pass of the causal convolution."""

import numpy as np

from rnn_goldens.cells.notation import Term, sigmoid
from rnn_goldens.cells.recurrence import Arrays, RecurrenceCase
from rnn_goldens.cells.recurrence_backward import Gradients, RecurrenceBackward
from rnn_goldens.deviations.equation_edits import detached
from rnn_goldens.deviations.recurrences.edits import WrongBackward, in_loop, in_results
from rnn_goldens.deviations.recurrences.equation_parts import causal_conv as conv
from rnn_goldens.deviations.recurrences.equation_parts import of_first_row
from rnn_goldens.deviations.table_rows import table

# ruff: noqa: ARG005 - functions have the arguments of the methods that they replace


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
