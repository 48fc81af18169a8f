"""Bugs of the causal convolution in its taps, its activation and its window of past inputs."""

from collections.abc import Callable
from typing import Any

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.deviations.recurrences.deviation import RecurrenceDeviation
from rnn_goldens.deviations.recurrences.kernel import replaced, sigmoid
from rnn_goldens.deviations.recurrences.scan_kernels import CausalConv

TAPS = 4
"""The largest width of common kernels."""


def _of_conv(
    name: str,
    sentence: str,
    needs: tuple[str, ...] = (),
    stands_for: tuple[str, ...] = (),
    **methods: Callable[..., Any],
) -> RecurrenceDeviation:
    return RecurrenceDeviation(name, sentence, replaced(CausalConv, **methods), ("causal_conv",), needs, stands_for)


# The convolution.


def _ahead(steps: Callable[[int], int]) -> Callable[[CausalConv, Array], Array]:
    """Return a convolution that reads some steps ahead, with zeros before the first and after the last step."""

    def convolved(right: CausalConv, padded: Array) -> Array:
        past = padded.shape[-1] - right.case.time
        ahead = steps(past)
        x = padded[..., past:]
        zeros = np.zeros_like(padded[..., :past])
        return right.convolved(np.concatenate([zeros[..., ahead:], x, zeros[..., past - ahead :]], axis=-1))

    return convolved


def _first_taps(right: CausalConv) -> Array:
    taps = np.array(right.taps())
    taps[:, TAPS:] = 0
    return taps


CONVOLUTION = (
    _of_conv(
        "taps_reversed",
        "Applies the taps in reverse order, as a convolution in the mathematical sense.",
        taps=lambda right: right.taps()[:, ::-1],
    ),
    _of_conv(
        "taps_of_first_channel",
        "Applies the taps of the first channel to all channels.",
        taps=lambda right: np.broadcast_to(right.taps()[:1], right.taps().shape),
    ),
    _of_conv(
        "taps_after_fourth_ignored",
        "Ignores all taps but the first four.",
        ("wide_kernel",),
        ("sglang#38622",),
        taps=_first_taps,
    ),
    _of_conv(
        "convolution_centered",
        "Centers the taps at the current step, so that it reads later steps.",
        convolved=_ahead(lambda past: (past + 1) // 2),
    ),
    _of_conv(
        "outputs_from_end_of_padding",
        "Pads both sides, and returns the last outputs instead of the first, which read later steps only.",
        (),
        ("mamba PR580",),
        convolved=_ahead(lambda past: past),
    ),
)

# Bias and activation.

ACTIVATION = (
    _of_conv("bias_left_out", "Leaves out the bias.", biased=lambda _right, y: y),
    _of_conv("silu_left_out", "Leaves out the SiLU.", ("silu",), activated=lambda _right, y: y),
    _of_conv(
        "silu_not_asked_for",
        "Applies a SiLU, though no activation is asked for.",
        ("no_activation",),
        activated=lambda _right, y: np.asarray(y * sigmoid(y)),
    ),
    _of_conv(
        "silu_before_bias",
        "Applies the SiLU before the bias is added.",
        ("silu",),
        biased=lambda right, y: right.biased(right.activated(y)),
        activated=lambda _right, y: y,
    ),
    _of_conv(
        "silu_without_factor",
        "Applies a sigmoid instead of the SiLU.",
        ("silu",),
        activated=lambda right, y: y if right.case.config.option("activation") == "none" else sigmoid(y),
    ),
)

# The window.


def _one_shorter(right: CausalConv) -> Array:
    window = np.array(right.initial_window())
    window[..., 0] = 0
    return window


def _short_not_shifted(right: CausalConv, padded: Array) -> Array:
    window = right.initial_window()
    return window if right.case.time < window.shape[-1] else right.last_window(padded)


def _short_padded(right: CausalConv, padded: Array) -> Array:
    window = np.array(right.last_window(padded))
    window[..., : max(window.shape[-1] - right.case.time, 0)] = 0
    return window


WINDOW = (
    _of_conv(
        "past_window_reversed",
        "Reads the initial window with the newest input first.",
        ("state",),
        initial_window=lambda right: right.initial_window()[..., ::-1],
    ),
    _of_conv(
        "past_window_one_shorter",
        "Reads zero for the oldest input of the initial window.",
        ("state",),
        initial_window=_one_shorter,
    ),
    _of_conv(
        "last_window_reversed",
        "Returns the last window with the newest input first.",
        last_window=lambda right, padded: right.last_window(padded)[..., ::-1],
    ),
    _of_conv(
        "window_not_updated",
        "Returns the initial window as the last one.",
        last_window=lambda right, _padded: right.initial_window(),
    ),
    _of_conv(
        "window_of_short_sequence_not_updated",
        "Returns the initial window as the last one if the sequence is shorter than the window.",
        ("shorter_than_window",),
        ("vllm PR56196",),
        last_window=_short_not_shifted,
    ),
    _of_conv(
        "window_of_short_sequence_zero_padded",
        "Returns a last window without the inputs of the initial window that are still in it.",
        ("state", "shorter_than_window"),
        last_window=_short_padded,
    ),
)

DEVIATIONS = (*CONVOLUTION, *ACTIVATION, *WINDOW)
