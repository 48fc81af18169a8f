"""Scenarios whose numbers use all significant bits of a precision: they detect lost digits.

Most other scenarios have numbers of at most eight significant bits, which every precision can represent.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenarios.random_numbers import Draw, Float64
from rnn_goldens.generator.scenarios.templates import DOCUMENTED_IN, FOLDERS, Call, Variant
from rnn_goldens.generator.scenarios.variants import SMALL
from rnn_goldens.golden.shapes import Config, Shape


def numbers_of(bits: int, precisions: tuple[str, ...], loses: str) -> Variant:
    """Return a variant whose numbers have some bits, which the precisions hold, and others, in words, lose."""
    return Variant(
        f"numbers-of-{bits}-bits",
        f"numbers of {bits} bits",
        f"Every number has {bits} significant bits: detects a conversion to {loses}.",
        Call(SMALL, batch=3, time=2, state=True),
        precisions=precisions,
    )


EXACT_IN_FLOAT16 = ("float64", "float32", "float16")

FULL = {
    53: numbers_of(53, ("float64",), "float32 or less"),
    24: numbers_of(24, ("float64", "float32"), "bfloat16 or float16"),
    11: numbers_of(11, EXACT_IN_FLOAT16, "bfloat16"),
}
"""Variants by the number of significant bits."""

AMPLITUDES: Mapping[str, float] = {"rnn_relu": 0.5, "rnn_tanh": 0.5, "gru": 1.0, "lstm": 0.5}
"""Amplitudes of weights and biases."""


def full(bits: int, amplitude: float, *, positive: bool) -> Draw:
    """Return a function that draws odd multiples of a unit, so that all bits are used; all positive for a relu."""

    def draw(key: str, name: str, shape: Shape) -> Float64:
        words = hashlib.shake_256(key.encode()).digest(8 * math.prod(shape))
        drawn = np.frombuffer(words, dtype="<u8").reshape(shape)
        mantissas = (drawn >> np.uint64(65 - bits)) | np.uint64(1) | np.uint64(1) << np.uint64(bits - 1)
        signs = 1.0 if positive else np.where(drawn & np.uint64(1), -1.0, 1.0)
        largest = amplitude if name.startswith(("weight", "bias")) else 1.0
        return np.ldexp(mantissas.astype(np.float64), -bits) * largest * signs

    return draw


def beyond_float16(key: str, name: str, shape: Shape) -> Float64:
    """Draw inputs and states that are too small, and weights that are too large, for float16."""
    numbers = full(8, 0.5, positive=False)(key, name, shape)
    return numbers * 2.0**30 if name.startswith("weight") else numbers if name.startswith("bias") else numbers / 2.0**30


def one_kind_a_unit(
    name: str,
    purpose: str,
    precisions: tuple[str, ...],
    *,
    x: float = 1,
    weight: float = 1,
    bias: float = 0,
    h: float = 0,
) -> Scenario:
    """Return an exact scenario of a relu RNN: one unit depends on the input, one on a bias, and one on a state."""
    return Scenario(
        id=f"exact/{name}",
        title=f"relu RNN: {name.replace('-', ' ')}",
        purpose=purpose,
        documented_in=DOCUMENTED_IN,
        cell="rnn_relu",
        config=Config(input_size=1, hidden_size=3),
        weights={
            "weight_ih_l0": np.array([[weight], [0], [0]]),
            "weight_hh_l0": [[0, 0, 0], [0, 0, 0], [0, 0, 1]],
            "bias_ih_l0": [0, bias, 0],
            "bias_hh_l0": [0, 0, 0],
        },
        x=[[[x]], [[x]]],
        h0=[[[0, 0, h], [0, 0, h]]],
        declared=("degenerate",),
        precisions=precisions,
    )


HOLD_THEM = ("float64", "float32", "bfloat16")
"""The precisions that can represent numbers beyond float16."""

BEYOND_FLOAT16 = Variant(
    "numbers-beyond-float16",
    "numbers beyond float16",
    "Inputs and states that are zero in float16, and weights that are infinite in float16.",
    Call(replace(SMALL, bias=False), batch=3, time=1, state=True),
    declared=("degenerate",),
    precisions=HOLD_THEM,
)

ALONE = "each in a separate unit"

EXACT = (
    one_kind_a_unit(
        "numbers-of-11-bits",
        f"An input, a bias and a state of 11 bits, {ALONE}: detects a conversion to bfloat16; the tolerance is zero.",
        EXACT_IN_FLOAT16,
        x=1.001953125,
        bias=0.5556640625,
        h=0.7783203125,
    ),
    one_kind_a_unit(
        "weights-of-11-bits",
        "A weight of 11 bits: detects a conversion to bfloat16; the tolerance is zero.",
        EXACT_IN_FLOAT16,
        weight=1.3330078125,
    ),
    one_kind_a_unit(
        "numbers-beyond-float16",
        f"An input, a bias and a state too large for float16, {ALONE}: detects a conversion; the tolerance is zero.",
        HOLD_THEM,
        x=2.0**17,
        bias=5 * 2.0**15,
        h=7 * 2.0**15,
    ),
    one_kind_a_unit(
        "weights-beyond-float16",
        "A weight too large for float16: detects a conversion to float16; the tolerance is zero.",
        HOLD_THEM,
        weight=2.0**20,
    ),
)


def scenarios() -> Iterator[Scenario]:
    """Yield scenarios of each cell with numbers that fill float64, float32 and float16, or are beyond float16."""
    for cell, amplitude in AMPLITUDES.items():
        folder = "rnn-relu" if cell == "rnn_relu" else FOLDERS[cell]
        for bits, variant in FULL.items():
            yield variant.scenario(folder, cell, full(bits, amplitude, positive=cell == "rnn_relu"))
        if cell != "rnn_relu":
            yield BEYOND_FLOAT16.scenario(folder, cell, beyond_float16)
    yield from EXACT
