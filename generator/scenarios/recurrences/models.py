"""Scenarios of the recurrences that models ship: linear attention with its gates and norms, and others."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from rnn_goldens.generator.scenarios.random_numbers import Float64, dyadic
from rnn_goldens.generator.scenarios.recurrences.other_recurrences import few_bits, large_step_sizes, steps_of
from rnn_goldens.generator.scenarios.recurrences.templates import Arrays, Call, Variant, short, spread
from rnn_goldens.golden.shapes import Shape

_RANGES = {
    "A": (-2.0, -0.25),  # Mamba's, negative
    "A_log": (-1.5, 0.75),
    "log_decay": (-0.25, -(2.0**-8)),
    "g": (-0.25, -(2.0**-8)),
    "n0": (0.25, 2.0),
}
"""Least and largest numbers of arrays that must not have any sign or size."""


def draw_model(key: str, name: str, shape: Shape) -> Float64:
    """Return numbers up to 1.5; decays, and vectors of a rank-one update that do not let the state grow."""
    if name in _RANGES:
        return spread(key, shape, *_RANGES[name])
    return dyadic(key, shape, 0.5 if name in ("a", "b", "k") and "delta/" in key else 1.5)


def _zero_key(drawn: Arrays) -> Arrays:
    """Return a query and a key of length zero in the middle of each sequence."""
    q, k, half = drawn["q"].copy(), drawn["k"].copy(), drawn["q"].shape[1] // 2
    q[:, half] = k[:, half] = 0
    return {"q": q, "k": k}


_HEADS, _HEAD = {"heads": 2, "d_k": 3, "d_v": 2}, {"heads": 1, "d_k": 2, "d_v": 1}
_CHANNELS = {"channels": 2, "width": 3, "past": 2}
_SHARED = Variant(
    "shared-keys",
    "Two key heads for six heads: head h reads query and key h // 3.",
    Call({"heads": 6, "key_heads": 2, "d_k": 2, "d_v": 2}, time=4),
    gradient_purpose="Gradients by queries and keys add up over the heads of their key head only.",
)
_OF_NORMS = (
    _SHARED,
    Variant(
        "zero-key",
        "A query and a key of length zero: the norm has a small number under its root.",
        Call(_HEADS, time=4),
        change=_zero_key,
        gradient_purpose="The derivative of the norm at zero is a thousand.",
    ),
    Variant(
        "beta-up-to-two",
        "Negative eigenvalues: beta is twice a sigmoid.",
        Call({**_HEADS, "beta_limit": 2.0}),
        gradient_purpose="The factor two is in the gradient of b, too.",
    ),
    Variant(
        "large-gates",
        "Arguments of the softplus down to -1536 and up to 1536, whose exponential overflows in every precision.",
        Call(_HEADS, time=5),
        change=lambda drawn: {"a": 1024 * drawn["a"], "A_log": short(drawn["A_log"] - 8)},
    ),
    Variant(
        "strong-decay",
        "Log-decays of about -60: their sum over a chunk of 16 overflows an exponential in every precision.",
        Call(_HEAD, time=40),
        change=lambda drawn: {"a": short(8 + drawn["a"]), "A_log": short(drawn["A_log"] / 8 + 2)},
    ),
)

_CHUNKS = Variant("130-steps", "More than 128 steps: two chunks of 64 and a part of a third.", Call(_HEAD, time=130))

_EIGHT_KEYS = Variant("eight-keys", "Eight keys and two values.", Call({**_HEAD, "d_k": 8, "d_v": 2}, time=4))

_SCALE = Variant("scale", "The scale is given and is not one.", Call({**_HEADS, "scale": 1.25}, time=3))

MODELS: Mapping[str, tuple[Variant, ...]] = {
    "gated_delta_net": (
        *steps_of(_HEADS, _HEAD),
        _CHUNKS,
        *_OF_NORMS,
    ),
    "kda": (
        *steps_of(_HEADS, _HEAD),
        _CHUNKS,
        *_OF_NORMS,
        Variant(
            "bounded-gate",
            "The gate with a lower bound: -5 sigmoid(e^A_log (a + dt_bias)).",
            Call({**_HEADS, "lower_bound": -5.0}, batch=2, time=4),
            gradient_purpose="Gradients by A_log and dt_bias through the sigmoid.",
        ),
        Variant(
            "strong-bounded-decay",
            "Log-decays near -5, the lower bound: their sum over 40 steps overflows an exponential in float32.",
            Call({**_HEAD, "lower_bound": -5.0}, time=40),
            change=lambda drawn: {"a": short(4 + drawn["a"]), "A_log": short(drawn["A_log"] / 8)},
        ),
        Variant(
            "bounded-gate-20-steps",
            "The gate with a lower bound, over a border of chunks of 16.",
            Call({**_HEAD, "lower_bound": -5.0}, time=20),
            change=lambda drawn: {"a": short(2 * drawn["a"]), "A_log": short(np.abs(drawn["A_log"]) / 2)},
        ),
    ),
    "gated_delta_net_2": (
        *steps_of(_HEADS, _HEAD),
        _CHUNKS,
        *_OF_NORMS,
    ),
    "mamba": (
        *steps_of({"d": 2, "n": 3}, {"d": 1, "n": 1}),
        Variant(
            "gate",
            "The output times the silu of z.",
            Call({"d": 2, "n": 2, "gate": "silu"}, batch=2),
            gradient_purpose="Gradients by z, and through it.",
        ),
        Variant(
            "given-step-size",
            "The step size is dt plus its bias, without a softplus.",
            Call({"d": 2, "n": 2, "step_size": "given"}),
            change=lambda drawn: {"dt": np.abs(drawn["dt"]), "dt_bias": np.abs(drawn["dt_bias"])},
            gradient_purpose="Gradients by dt and dt_bias without the slope of a softplus.",
        ),
        large_step_sizes({"d": 2, "n": 2}, "u"),
        Variant("eight-states", "Eight states of each channel.", Call({"d": 2, "n": 8}, time=4)),
    ),
    "mamba2": (
        *steps_of({"heads": 2, "p": 2, "n": 3}, {"heads": 1, "p": 1, "n": 2}),
        Variant(
            "groups",
            "Two groups of B and C for six heads: head h reads group h // 3.",
            Call({"heads": 6, "groups": 2, "p": 2, "n": 2}, time=4),
            gradient_purpose="Gradients by B and C add up over the heads of their group only.",
        ),
        Variant(
            "gate",
            "The output times the silu of z.",
            Call({"heads": 2, "p": 2, "n": 2, "gate": "silu"}, batch=2),
            gradient_purpose="Gradients by z, and through it.",
        ),
        Variant(
            "limited-steps",
            "Step sizes that are limited to the range from 0.5 to 0.75, as dt_limit does.",
            Call({"heads": 2, "p": 2, "n": 2, "dt_min": 0.5, "dt_max": 0.75}),
            gradient_purpose="A limited step size has no gradient.",
        ),
        Variant(
            "130-steps",
            "More than 128 steps: two chunks of 64 and a part of a third.",
            Call({"heads": 1, "p": 1, "n": 2}, time=130),
            change=lambda drawn: {"dt": short(drawn["dt"] - 3)},
            gradient_purpose="The gradient by A adds up over all steps.",
        ),
        Variant(
            "strong-decay",
            "Log-decays of about -100: their sum over a chunk of 16 overflows an exponential in every precision.",
            Call({"heads": 1, "p": 1, "n": 2}, time=40),
            change=lambda drawn: {"dt": short(8 + drawn["dt"]), "A": short(drawn["A"] - 12)},
        ),
        large_step_sizes({"heads": 2, "p": 2, "n": 2}, "x"),
    ),
    "retention": (*steps_of(_HEADS, _HEAD), _CHUNKS, _SHARED),
    "generalized_delta": (*steps_of(_HEADS, _HEAD), _CHUNKS, _EIGHT_KEYS),
    "rwkv7": (
        *steps_of(_HEADS, _HEAD),
        _CHUNKS,
        _EIGHT_KEYS,
        _SCALE,
        Variant(
            "short-removal-key",
            "Removal keys of length 0.001: 1e-6 under the root of their norm, as in attention, would matter.",
            Call(_HEADS, time=4),
            change=lambda drawn: {"kappa": drawn["kappa"] / 1024},
            gradient_purpose="The derivative of the norm is about a thousand.",
        ),
    ),
    "rwkv6": (*steps_of(_HEADS, _HEAD), _CHUNKS, _EIGHT_KEYS, _SCALE),
    "mlstm": (
        *steps_of(_HEADS, _HEAD),
        _CHUNKS,
        Variant(
            "large-gates",
            "Input gates up to 768: e^i overflows unless the stabilizer is subtracted from both gates.",
            Call(_HEADS),
            change=lambda drawn: {"i": 512 * drawn["i"]},
            precisions=("float64", "float32"),
        ),
        Variant(
            "forgets-nothing",
            "Forget gates near one: the normalizer adds up, and exceeds the other bound of the denominator.",
            Call({"heads": 1, "d_k": 2, "d_v": 2}, time=12),
            change=lambda drawn: {"f": short(5 + drawn["f"]), "q": np.abs(drawn["q"]), "k": np.abs(drawn["k"])},
            gradient_purpose="The gradient passes through the normalizer.",
        ),
    ),
    "short_conv": tuple(
        replace(one, change=few_bits) if one.name == "one-step" else one
        for one in steps_of(_CHANNELS, {**_CHANNELS, "channels": 1})
    ),
}
