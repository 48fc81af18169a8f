"""Scenarios of extreme numbers: long, saturated, overflowing, cancelling and chaotic networks."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenarios.cotangents import everything
from rnn_goldens.generator.scenarios.random_numbers import Float64, integers
from rnn_goldens.generator.scenarios.templates import CERTIFIED, DOCUMENTED_IN, FOLDERS, Call, Variant, exact, rounded
from rnn_goldens.generator.scenarios.variants import SMALL, VARIANTS
from rnn_goldens.golden.shapes import Config, Shape

ZERO_INPUT = Variant(
    "zero-input",
    "input zero",
    "An input of zeros: only biases and the state act, and the input cannot hide their errors.",
    Call(SMALL, time=3, state=True),
)

LONG = Variant(
    "long",
    "200 steps",
    "Two hundred steps: small errors that add up, and states that are stored in too low a precision.",
    Call(replace(SMALL, hidden_size=4), batch=1, time=200, state=True),
    declared=("long",),
)

SATURATED = Variant(
    "saturated",
    "saturated gates",
    "Saturated activations: overflow in exp, clipping, and fast approximations far from zero.",
    Call(SMALL, time=3, state=True),
    everything,
    "Saturated gates: derivatives near zero, computed as 1 - y² from a rounded y.",
    declared=("saturated",),
)

ACTIVATIONS = Variant(
    "activations",
    "activations at many arguments",
    "One unit with one input, at many arguments: the accuracy of tanh and sigmoid, where little else is rounded.",
    Call(Config(input_size=1, hidden_size=1, bias=False), batch=48, time=1),
    declared=("degenerate",),
)

WIDER_THAN_BFLOAT16 = Variant(
    "wider-than-bfloat16",
    "sums of more than eight bits",
    "Sums that fit float16 but not bfloat16: detects bfloat16 in a product, a state or a sum; the tolerance is zero.",
    Call(SMALL, time=3, state=True),
)

WEIGHTS_BEYOND_ONE = Variant(
    "weights-beyond-one",
    "weights of several sizes",
    "Weights of 1, 2 and 3, exact in bfloat16: weights that are quantized to a common scale.",
    Call(SMALL, time=2, state=True),
)

BETWEEN_LAYERS = Variant(
    "between-layers",
    "between two layers",
    "Two layers, one step, many rows: detects a scaling or an activation between layers in bfloat16. An LSTM's h is "
    "small, so that more roundings would hide it.",
    Call(Config(input_size=2, hidden_size=2, num_layers=2, bias=False), batch=64, time=1, state=True),
    declared=("degenerate",),
)

OVERFLOWING = Variant(
    "overflowing",
    "arguments beyond the range of exp",
    "Arguments of hundreds: detects NaN where exp overflows, in any precision, or infinity is divided by infinity.",
    Call(SMALL, batch=3, time=1, state=True),
    declared=("saturated",),
)

CHAOTIC = Variant(
    "chaotic",
    "chaotic",
    "Chaotic dynamics: each rounding error grows from step to step, so that only float64 can be checked.",
    Call(Config(input_size=2, hidden_size=16, bias=False), batch=1, time=60),
    declared=("chaotic", "saturated"),
)

CHAOTIC_AMPLITUDES = {"rnn_tanh": 1.5, "gru": 2.5}
LONG_AMPLITUDES = {"rnn_tanh": 0.375, "gru": 0.75, "lstm": 0.625}

ROUNDED_RELU = ("plain", "with-state", "two-layers", "bidirectional", "lengths-bidirectional-two-layers")
"""Variants for relu networks with numbers whose sums round in float32 and float64."""


BETWEEN_TABLE_POINTS = Scenario(
    id="rnn-tanh/between-table-points",
    title="tanh RNN: midway between two points of a table",
    purpose="One tanh where its curvature is large, midway between two points of a table with 256 points per unit.",
    documented_in=DOCUMENTED_IN,
    cell="rnn_tanh",
    config=Config(input_size=1, hidden_size=1, bias=False),
    weights={"weight_ih_l0": [[1.03125]], "weight_hh_l0": [[0]]},
    x=[[[0.5625]]],
    declared=("degenerate",),
)

CANCELLING = Scenario(
    id="rnn-tanh/cancelling",
    title="tanh RNN: a sum of states that cancels",
    purpose="States near 1 that eight bits round up and down in turn: the states cancel in a sum, their errors add up.",
    documented_in=DOCUMENTED_IN,
    cell="rnn_tanh",
    config=Config(input_size=1, hidden_size=64, bias=False),
    weights={
        "weight_ih_l0": np.tile([[3.46875], [1.84375]], (32, 1)),
        "weight_hh_l0": np.vstack([np.tile([0.0625, -0.0625], 32), np.zeros((63, 64))]),
    },
    x=[[[1], [0]]],
)


def overflowing(key: str, name: str, shape: Shape) -> Float64:
    """Draw inputs up to 255, so that sums reach the hundreds."""
    return integers(key, shape, 255) if name == "x" else rounded(3.9)(key, name, shape)


def large_numbers(key: str, name: str, shape: Shape) -> Float64:
    """Draw numbers as ``exact`` does, but not negative, and inputs up to 255."""
    return np.abs(integers(key, shape, 255) if name == "x" else exact(key, name, shape))


def weights_beyond_one(key: str, name: str, shape: Shape) -> Float64:
    """Draw weights from -3 to 3, and other numbers as ``exact`` does, but smaller."""
    if name.startswith("weight"):
        return integers(key, shape, 3)
    return np.clip(exact(key, name, shape), 0, 1)


def scenarios() -> Iterator[Scenario]:
    """Yield all scenarios of extreme numbers."""
    for cell, folder in FOLDERS.items():
        zero = ZERO_INPUT.scenario(folder, cell, exact if cell == "rnn_relu" else rounded(1.0))
        yield replace(zero, x=np.zeros((2, 3, 4)))
    for cell in CERTIFIED:
        yield ACTIVATIONS.scenario(FOLDERS[cell], cell, rounded(1.5, inputs=1.0))
    yield WIDER_THAN_BFLOAT16.scenario("exact", "rnn_relu", large_numbers)
    yield WEIGHTS_BEYOND_ONE.scenario("exact", "rnn_relu", weights_beyond_one)
    for cell in ("gru", "lstm"):
        yield BETWEEN_LAYERS.scenario(cell, cell, rounded(1.0, inputs=1.0, states=2.0))
    yield BETWEEN_TABLE_POINTS
    yield CANCELLING
    for name in ROUNDED_RELU:
        (variant,) = (variant for variant in VARIANTS if variant.name == name)
        relu = replace(variant, call=replace(variant.call, time=5))
        yield relu.scenario("rnn-relu", "rnn_relu", rounded(0.75))
    yield LONG.scenario("exact", "rnn_relu", exact)
    for variant, draws in (
        (LONG, {cell: rounded(amplitude) for cell, amplitude in LONG_AMPLITUDES.items()}),
        (SATURATED, dict.fromkeys(CERTIFIED, rounded(3.9, inputs=3.9))),
        (OVERFLOWING, dict.fromkeys(CERTIFIED, overflowing)),
        (CHAOTIC, {cell: rounded(amplitude, inputs=0.5) for cell, amplitude in CHAOTIC_AMPLITUDES.items()}),
    ):
        for cell, draw in draws.items():
            yield variant.scenario(FOLDERS[cell], cell, draw)
