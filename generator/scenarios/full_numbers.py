"""Scenarios whose numbers use all significant bits of a precision: they detect lost digits.

Most other scenarios have numbers of at most eight significant bits, which every precision can represent.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenarios.numbers import Float64
from rnn_goldens.generator.scenarios.variants import FOLDERS, SMALL, Draw, Variant
from rnn_goldens.golden.shapes import Config, Shape


@dataclass(frozen=True)
class Full:
    """Numbers with a certain number of bits.

    Attributes:
        bits: significant bits of every number.
        precisions: the precisions that can represent them.
        loses: the precisions that lose bits of them, in words.
    """

    bits: int
    precisions: tuple[str, ...]
    loses: str

    @property
    def variant(self) -> Variant:
        """A variant of one layer with an initial state and biases, so that every kind of array has such numbers."""
        return Variant(
            f"numbers-of-{self.bits}-bits",
            f"numbers of {self.bits} bits",
            f"Every number has {self.bits} significant bits: detects a conversion to {self.loses}.",
            SMALL,
            batch=3,
            time=2,
            state=True,
        )


FULL = (
    Full(53, ("float64",), "float32 or less"),
    Full(24, ("float64", "float32"), "bfloat16 or float16"),
    Full(11, ("float64", "float32", "float16"), "bfloat16"),
)

AMPLITUDES: Mapping[str, float] = {"rnn_relu": 0.5, "rnn_tanh": 0.5, "gru": 1.0, "lstm": 0.5}
"""Amplitudes of weights and biases."""


def full(bits: int, amplitude: float, *, positive: bool) -> Draw:
    """Return a function that draws odd multiples of a unit, so that all bits are used; all positive for a relu."""

    def draw(golden_id: str, name: str, shape: Shape) -> Float64:
        words = hashlib.shake_256(f"{golden_id} {name}".encode()).digest(8 * math.prod(shape))
        drawn = np.frombuffer(words, dtype="<u8").reshape(shape)
        mantissas = (drawn >> np.uint64(65 - bits)) | np.uint64(1) | np.uint64(1) << np.uint64(bits - 1)
        signs = 1.0 if positive else np.where(drawn & np.uint64(1), -1.0, 1.0)
        largest = amplitude if name.startswith(("weight", "bias")) else 1.0
        return np.ldexp(mantissas.astype(np.float64), -bits) * largest * signs

    return draw


def beyond_float16(cell: str) -> Scenario:
    """Return a scenario with inputs and states too small, and weights too large, for float16."""
    variant = Variant(
        BEYOND,
        BEYOND.replace("-", " "),
        "Inputs and states that are zero in float16, and weights that are infinite in float16.",
        replace(SMALL, bias=False),
        batch=3,
        time=1,
        state=True,
        declared=("degenerate",),
    )

    def draw(golden_id: str, name: str, shape: Shape) -> Float64:
        numbers = full(8, 0.5, positive=False)(golden_id, name, shape)
        return numbers * 2.0**30 if name.startswith("weight") else numbers / 2.0**30

    return replace(variant.scenario(FOLDERS[cell], cell, draw), precisions=HOLD_THEM)


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
        documented_in="rnn-goldens, generator/scenarios",
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


BEYOND = "numbers-beyond-float16"
HOLD_THEM = ("float64", "float32", "bfloat16")
"""The precisions that can represent numbers beyond float16."""

ALONE = "each in a separate unit"

EXACT = (
    one_kind_a_unit(
        "numbers-of-11-bits",
        f"An input, a bias and a state of 11 bits, {ALONE}: detects a conversion to bfloat16; the tolerance is zero.",
        FULL[-1].precisions,
        x=1.001953125,
        bias=0.5556640625,
        h=0.7783203125,
    ),
    one_kind_a_unit(
        "weights-of-11-bits",
        "A weight of 11 bits: detects a conversion to bfloat16; the tolerance is zero.",
        FULL[-1].precisions,
        weight=1.3330078125,
    ),
    one_kind_a_unit(
        BEYOND,
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


def scenarios() -> tuple[Scenario, ...]:
    """Return scenarios of each cell with numbers that fill float64, float32 and float16, or are beyond float16."""
    built = []
    for cell, amplitude in AMPLITUDES.items():
        folder = "rnn-relu" if cell == "rnn_relu" else FOLDERS[cell]
        for numbers in FULL:
            draw = full(numbers.bits, amplitude, positive=cell == "rnn_relu")
            built.append(replace(numbers.variant.scenario(folder, cell, draw), precisions=numbers.precisions))
        if cell != "rnn_relu":
            built.append(beyond_float16(cell))
    return (*built, *EXACT)
