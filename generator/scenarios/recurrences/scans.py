"""Scenarios of scans, sLSTM and the causal convolution."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rnn_goldens.generator.scenarios.numbers import Float64, dyadic
from rnn_goldens.generator.scenarios.recurrences.variant import Arrays, Variant, short, spread
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


def _steps(sizes: Mapping[str, Any], smallest: Mapping[str, Any]) -> tuple[Variant, ...]:
    """Return the variants that every other recurrence has; the longest one has the smallest sizes."""
    every = "Cotangents of the outputs and of the last state: gradients by every input, state and weight."
    return (
        Variant(
            name="several-steps",
            purpose="A few steps with an initial state; sizes and batch rows differ.",
            sizes=sizes,
            batch=2,
            time=4,
            gradient_purpose=every,
        ),
        Variant(
            name="one-step",
            purpose="Decoding: one step from a stored state.",
            sizes=sizes,
            batch=2,
            time=1,
        ),
        Variant(
            name="from-zero",
            purpose="Starts from zero.",
            sizes=sizes,
            time=4,
            state=False,
        ),
        Variant(
            name="packed",
            purpose="Packed sequences, one of a single step: no state crosses a border.",
            sizes=sizes,
            offsets=(0, 3, 4, 7),
            gradient_purpose="No cotangent crosses a border; gradients of weights add up over the sequences.",
        ),
        Variant(
            name="70-steps",
            purpose="More than a chunk of 64 steps.",
            sizes=smallest,
            time=70,
            gradient_purpose="The cotangent of the state passes through a border of chunks of 64.",
        ),
    )


def _lowered(name: str, by: int) -> Callable[[Arrays], Arrays]:
    """Return a change of one input, which a softplus or a sigmoid brings near zero."""
    return lambda drawn: {name: short(drawn[name] - by)}


def _few_bits(drawn: Arrays) -> Arrays:
    """Return numbers with which a convolution of four taps does not round in any precision."""
    return {name: np.clip(np.rint(2 * array), -2, 2) / (2 if name == "weight" else 1) for name, array in drawn.items()}


def _large_gates(drawn: Arrays) -> Arrays:
    """Return input gates beyond the range of exp in float64: only the stabilizer makes this finite."""
    return {"x_i": 512 * drawn["x_i"], "x_f": short(2 + drawn["x_f"])}


SCANS: Mapping[str, tuple[Variant, ...]] = {
    "selective_scan": (
        *_steps({"d": 2, "n": 3}, {"d": 1, "n": 1}),
        Variant(
            name="small-steps",
            purpose="Small step sizes: softplus of about -4, and states that decay slowly.",
            sizes={"d": 1, "n": 3},
            time=12,
            change=_lowered("dt", 4),
        ),
    ),
    "rg_lru": (
        *_steps({"d": 2}, {"d": 1}),
        Variant(
            name="slow-decay",
            purpose="Decays near one: 1 - a² cancels, and its root scales the input.",
            sizes={"d": 2},
            time=12,
            change=_lowered("Lambda", 4),
            gradient_purpose="The derivative of the root is large.",
        ),
        Variant(
            name="nearly-one",
            purpose="Decays that differ from one by 1e-7, for implementations in float64.",
            sizes={"d": 2},
            change=_lowered("Lambda", 13),
            precisions=("float64",),
            gradient_purpose="The derivative of the root is above 1000, where RecurrentGemma clips it.",
        ),
    ),
    "min_gru": (
        *_steps({"d": 2}, {"d": 1}),
        Variant(
            name="slow-update",
            purpose="Gates near zero: the state keeps almost all of itself.",
            sizes={"d": 2},
            batch=2,
            time=20,
            change=_lowered("z", 4),
        ),
    ),
    "slstm": (
        *_steps({"heads": 2, "d": 2}, {"heads": 1, "d": 1}),
        Variant(
            name="large-gates",
            purpose="Input gates up to 768: e^x overflows unless the stabilizer is subtracted from both gates.",
            sizes={"heads": 1, "d": 2},
            time=6,
            change=_large_gates,
        ),
    ),
    "causal_conv": (
        *_steps({"channels": 2, "width": 4, "past": 3}, {"channels": 1, "width": 4, "past": 3}),
        Variant(
            name="without-activation",
            purpose="No activation: the output is the convolution plus the bias.",
            sizes={"channels": 2, "width": 4, "past": 3, "activation": "none"},
            batch=2,
            change=_few_bits,
            gradient_purpose="Without an activation, gradients are products of the cotangents with taps or inputs.",
        ),
        Variant(
            name="wide-kernel",
            purpose="Six taps, and fewer time steps than the window has places.",
            sizes={"channels": 2, "width": 6, "past": 5},
            batch=2,
            time=3,
        ),
    ),
}
