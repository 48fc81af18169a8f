"""Scenarios of scans, sLSTM and the causal convolution."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rnn_goldens.generator.scenarios.random_numbers import Float64, dyadic
from rnn_goldens.generator.scenarios.recurrences.templates import Arrays, Call, Variant, short, spread
from rnn_goldens.golden.shapes import Shape


def draw_scan(key: str, name: str, shape: Shape) -> Float64:
    """Return inputs up to 1.5, and weights with which states decay."""
    if name == "A":
        return -spread(key, shape, 0.25, 2.0)
    if name == "Lambda":
        return -spread(key, shape, 2.0, 5.0)
    if name == "n0":
        return spread(key, shape, 0.25, 2.0)
    return dyadic(key, shape, 0.5 if name.startswith("R_") else 1.5)


def steps_of(sizes: Mapping[str, Any], smallest: Mapping[str, Any]) -> tuple[Variant, ...]:
    """Return the variants that every other recurrence has; the longest one has the smallest sizes."""
    every = "Cotangents of the outputs and of the last state: gradients by every input, state and weight."
    return (
        Variant(
            "several-steps",
            "A few steps with an initial state; sizes and batch rows differ.",
            Call(sizes, batch=2, time=4),
            gradient_purpose=every,
        ),
        Variant("one-step", "Decoding: one step from a stored state.", Call(sizes, batch=2, time=1)),
        Variant("from-zero", "Starts from zero.", Call(sizes, time=4, state=False)),
        Variant(
            "packed",
            "Packed sequences, one of a single step: no state crosses a border.",
            Call(sizes, offsets=(0, 3, 4, 7)),
            gradient_purpose="No cotangent crosses a border; gradients of weights add up over the sequences.",
        ),
        Variant(
            "packed-chunks",
            "Packed sequences of 34, 3 and 35 steps: chunks of 16 are counted from the start of each sequence.",
            Call(smallest, offsets=(0, 34, 37, 72)),
        ),
        Variant(
            "70-steps",
            "More than a chunk of 64 steps.",
            Call(smallest, time=70),
            gradient_purpose="The cotangent of the state passes through a border of chunks of 64.",
        ),
    )


def _lowered(name: str, by: int) -> Callable[[Arrays], Arrays]:
    """Return a change of one input, which a softplus or a sigmoid brings near zero."""
    return lambda drawn: {name: short(drawn[name] - by)}


def large_step_sizes(sizes: Mapping[str, Any], of: str) -> Variant:
    """Return a variant of a scan with large arguments of its softplus, and a small input, which is named ``of``."""
    return Variant(
        "large-step-sizes",
        "Arguments of the softplus up to 1536, whose exponential overflows in every precision.",
        Call(sizes, time=4),
        change=lambda drawn: {"dt": 1024 * drawn["dt"], of: short(drawn[of] / 256)},
    )


def few_bits(drawn: Arrays) -> Arrays:
    """Return numbers with which a convolution of four taps does not round in any precision."""
    return {name: np.clip(np.rint(2 * array), -2, 2) / (2 if name == "weight" else 1) for name, array in drawn.items()}


SCANS: Mapping[str, tuple[Variant, ...]] = {
    "selective_scan": (
        *steps_of({"d": 2, "n": 3}, {"d": 1, "n": 1}),
        Variant(
            "groups",
            "Two groups of B and C, as in Mamba-2: channel d reads group d // 3.",
            Call({"d": 6, "n": 2, "groups": 2}, time=4),
            gradient_purpose="Gradients by B and C add up over the channels of their group only.",
        ),
        Variant(
            "small-steps",
            "Small step sizes: softplus of about -4, and states that decay slowly.",
            Call({"d": 1, "n": 3}, time=24),
            change=_lowered("dt", 4),
        ),
        large_step_sizes({"d": 2, "n": 2}, "u"),
    ),
    "rg_lru": (
        *steps_of({"d": 2}, {"d": 1}),
        Variant(
            "slow-decay",
            "Decays near one: 1 - a² cancels, and its root scales the input.",
            Call({"d": 2}, time=12),
            change=_lowered("Lambda", 4),
            gradient_purpose="The derivative of the root is large.",
        ),
        Variant(
            "nearly-one",
            "Decays that differ from one by 1e-7, for implementations in float64.",
            Call({"d": 2}),
            change=_lowered("Lambda", 13),
            precisions=("float64",),
            gradient_purpose="The derivative of the root is above 1000, where RecurrentGemma clips it.",
        ),
    ),
    "min_gru": (
        *steps_of({"d": 2}, {"d": 1}),
        Variant(
            "slow-update",
            "Gates near zero: the state keeps almost all of itself.",
            Call({"d": 2}, batch=2, time=20),
            change=_lowered("z", 4),
        ),
    ),
    "slstm": (
        *steps_of({"heads": 2, "d": 2}, {"heads": 1, "d": 1}),
        Variant(
            "large-gates",
            "Input gates up to 768: e^x overflows unless the stabilizer is subtracted from both gates.",
            Call({"heads": 1, "d": 2}, time=6),
            change=lambda drawn: {"x_i": 512 * drawn["x_i"], "x_f": short(2 + drawn["x_f"])},
        ),
    ),
    "causal_conv": (
        *steps_of({"channels": 2, "width": 4, "past": 3}, {"channels": 1, "width": 4, "past": 3}),
        Variant(
            "without-activation",
            "No activation: the output is the convolution plus the bias.",
            Call({"channels": 2, "width": 4, "past": 3, "activation": "none"}, batch=2),
            change=few_bits,
            gradient_purpose="Without an activation, gradients are products of the cotangents with taps or inputs.",
        ),
        Variant(
            "wide-kernel",
            "Six taps, and fewer time steps than the window has places.",
            Call({"channels": 2, "width": 6, "past": 5}, batch=2, time=3),
        ),
    ),
}
