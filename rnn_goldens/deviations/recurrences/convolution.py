"""Bugs of the causal convolution in its taps, its activation and its window of past inputs."""

from collections.abc import Callable

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.cells.notation import Term, sigmoid
from rnn_goldens.cells.recurrence import RecurrenceCase, run
from rnn_goldens.cells.recurrence_equations import causal_conv
from rnn_goldens.deviations.recurrences.edits import Edit, Outputs, in_arrays, in_equations, in_outputs
from rnn_goldens.deviations.recurrences.equation_parts import causal_conv as parts
from rnn_goldens.deviations.table_rows import table

# ruff: noqa: ARG005 - wrong equations take arguments that they do not use

TAPS = 4
"""The largest width of common kernels."""


def _ahead(steps: Callable[[int], int]) -> Edit:
    """Return a convolution that reads some steps ahead, with zeros before the first and after the last step."""

    def wrong(case: RecurrenceCase) -> Outputs:
        x, past = case.inputs["x"], case.config["past"]
        padded = np.pad(x, ((0, 0), (past - steps(past), steps(past)), (0, 0)))
        found = run(case.with_arrays(x=padded[:, past:], window0=padded[:, :past].swapaxes(1, 2)))
        return run(case) | {"y": found["y"]}

    return Edit(wrong=wrong)


CONVOLUTION = table(make=in_equations, cells=("causal_conv",))(
    taps_reversed=(
        "Applies the taps in reverse order, as a convolution in the mathematical sense.",
        in_arrays(weight=lambda taps: taps[:, ::-1]),
    ),
    taps_of_first_channel=(
        "Applies the taps of the first channel to all channels.",
        in_arrays(weight=lambda taps: np.broadcast_to(taps[:1], taps.shape)),
    ),
    taps_after_fourth_ignored=(
        "Ignores all taps but the first four.",
        in_arrays(weight=lambda taps: np.where(np.arange(taps.shape[1]) < TAPS, taps, 0)),
        {"needs": ("wide_kernel",), "stands_for": ("sglang#38622",)},
    ),
    convolution_centered=(
        "Centers the taps at the current step, so that it reads later steps.",
        _ahead(lambda past: (past + 1) // 2),
    ),
    outputs_from_end_of_padding=(
        "Pads both sides, and returns the last outputs instead of the first, which read later steps only.",
        _ahead(lambda past: past),
        {"stands_for": ("mamba PR580",)},
    ),
)


def _gelu(y: Term) -> Term:
    return y * sigmoid(1.595769121605731 * (y + 0.044715 * y**3))


ACTIVATION = table(make=in_equations, cells=("causal_conv",), needs=("silu",))(
    bias_left_out=("Leaves out the bias.", in_arrays(bias=np.zeros_like), {"needs": ()}),
    silu_left_out=("Leaves out the SiLU.", parts.wrong(activated=lambda x: x.biased)),
    silu_not_asked_for=(
        "Applies a SiLU, though no activation is asked for.",
        lambda silu, **x: causal_conv(silu=True, **x),
        {"needs": ("no_activation",)},
    ),
    silu_before_bias=(
        "Applies the SiLU before the bias is added.",
        parts.wrong(activated=lambda x: x.convolved * sigmoid(x.convolved) + x.bias),
    ),
    gelu_for_silu=(
        "Applies a GELU, by its formula with tanh, instead of the SiLU.",
        parts.wrong(activated=lambda x: _gelu(x.biased)),
    ),
    silu_without_factor=("Applies a sigmoid instead of the SiLU.", parts.wrong(activated=lambda x: sigmoid(x.biased))),
)


def _of_short(change: Callable[[RecurrenceCase, Array], Array]) -> Edit:
    """Return a change of the last window of sequences that are shorter than it."""

    def outputs(case: RecurrenceCase, found: Outputs) -> Outputs:
        is_short = case.time < case.config["past"]
        return found | {"window_n": change(case, found["window_n"])} if is_short else found

    return Edit(outputs=outputs)


WINDOW = table(make=in_equations, cells=("causal_conv",))(
    past_window_reversed=(
        "Reads the initial window with the newest input first.",
        in_arrays(window0=lambda window: window[..., ::-1]),
        {"needs": ("state",)},
    ),
    past_window_one_shorter=(
        "Reads zero for the oldest input of the initial window.",
        in_arrays(window0=lambda window: np.where(np.arange(window.shape[-1]) > 0, window, 0)),
        {"needs": ("state",)},
    ),
    last_window_reversed=(
        "Returns the last window with the newest input first.",
        in_outputs(window_n=lambda window: window[..., ::-1]),
    ),
    window_not_updated=(
        "Returns the initial window as the last one.",
        Edit(outputs=lambda case, found: found | {"window_n": case.states["window0"]}),
    ),
    window_of_short_sequence_not_updated=(
        "Returns the initial window as the last one if the sequence is shorter than the window.",
        _of_short(lambda case, _: case.states["window0"]),
        {"needs": ("shorter_than_window",), "stands_for": ("vllm PR56196",)},
    ),
    window_of_short_sequence_zero_padded=(
        "Returns a last window without the inputs of the initial window that are still in it.",
        _of_short(lambda case, window: np.where(np.arange(-window.shape[-1], 0) >= -case.time, window, 0)),
        {"needs": ("state", "shorter_than_window")},
    ),
)

DEVIATIONS = (*CONVOLUTION, *ACTIVATION, *WINDOW)
