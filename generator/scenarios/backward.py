"""Scenarios that only the backward pass needs, such as relu networks whose gradients no precision rounds."""

from dataclasses import replace

import numpy as np

from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenarios import dimensions
from rnn_goldens.generator.scenarios.cotangents import everything, of_last_step, of_out
from rnn_goldens.generator.scenarios.kernel_sizes import MANY_ROWS, batch_size, hidden_size
from rnn_goldens.generator.scenarios.random_numbers import Float64, integers, sparse
from rnn_goldens.generator.scenarios.templates import CERTIFIED, FOLDERS, Call, Variant, exact, rounded
from rnn_goldens.generator.scenarios.variants import VARIANTS
from rnn_goldens.golden.shapes import Config, Shape

BACK_THROUGH_TIME = Variant(
    "back-through-time",
    "forty steps, with gradients that do not decay",
    "Forty steps that preserve the state: the last output depends on the first step.",
    Call(Config(input_size=2, hidden_size=2), batch=1, time=40, state=True),
    of_last_step,
    "Forty steps back, without decay of gradients: detects a backward pass that stops before.",
)

BACK_TEN_STEPS = replace(
    BACK_THROUGH_TIME,
    name="back-ten-steps",
    title="ten steps, with gradients that do not decay",
    purpose="Ten steps of one unit that preserve the state: detects a state that is lost after fewer steps.",
    call=Call(Config(input_size=1, hidden_size=1), batch=1, time=10, state=True),
    gradient_purpose="Ten steps back through one unit: detects a backward pass that stops after fewer steps.",
)

SHORT_AND_RAGGED = Variant(
    "short-and-ragged",
    "ragged, both directions, two steps",
    "Two sequences, of one and of two steps, both directions: ragged with the fewest possible steps.",
    Call(Config(input_size=2, hidden_size=2, bidirectional=True), batch=2, time=2, lengths=(1, 2), state=True),
    everything,
    "Ragged, both directions, two steps: short enough for half precision.",
)

ONE_STEP_OF_FOUR = Variant(
    "one-step-of-four",
    "two layers, both directions, one step",
    "Two layers, both directions, one step: only the connections between layers and directions.",
    Call(Config(input_size=2, hidden_size=2, num_layers=2, bidirectional=True), time=1, state=True),
    of_out,
    "Two layers, both directions, one step: gradients of the lower layer come from two halves.",
)

DEEP_ENOUGH = "bidirectional-three-layers"
"""Left out for relu networks, because ``dimensions`` has more layers."""

EXACT = tuple(v for v in VARIANTS if v.cotangents and v.call.config.bias and v.name != DEEP_ENOUGH)
"""Variants for relu networks with numbers that no precision rounds, in both passes."""

WITHOUT_BIASES = tuple(
    v for v in VARIANTS if v.name in ("no-bias-unbatched", "no-bias-lengths-bidirectional-two-layers")
)
"""Variants without biases for relu networks; no sum is zero, because all numbers are positive."""

EXACT_SIZES = (
    hidden_size(17, 7, everything, "Hidden size 17: tails of tiles, in the products of the backward pass."),
    hidden_size(33, 7, of_last_step, "Hidden size 33: tails of tiles; a cotangent of the last step only."),
    hidden_size(64, 7, of_last_step, "Hidden size 64: a full tile, in the products of the backward pass."),
    batch_size(1, everything, "A batch of one: a sum over the batch that has one term."),
    batch_size(129, MANY_ROWS.cotangents, MANY_ROWS.gradient_purpose),
)


def off_kinks(key: str, name: str, shape: Shape) -> Float64:
    """Draw numbers as ``exact`` does, but smaller, and biases that are odd multiples of 1/2: fewer sums are zero."""
    if name.startswith("weight"):
        return exact(key, name, shape)
    return integers(key, shape, 1) + (0.5 if name.startswith("bias_ih") else 0.0)


def off_kinks_of_any_size(key: str, name: str, shape: Shape) -> Float64:
    """Draw numbers whose sums are never integers in two steps, and so never zero."""
    if name.startswith("weight"):
        drawn = sparse(key, shape, per_row=1)
        return np.abs(drawn) if name.startswith("weight_hh") else drawn
    return integers(key, shape, 1) + (0.25 if name.startswith("bias_ih") else 0.0)


def kept(key: str, name: str, shape: Shape) -> Float64:
    """Return weights that permute the state, and inputs that sometimes increase it: a relu passes all of it."""
    if name == "x":
        x = np.zeros(shape)
        x[:, 1::13] = 1
        return x
    if name.startswith("weight_ih"):
        return np.eye(2) + 1
    return dimensions.kept(key, name, shape) * (2 if name == "h0" else 1)


def scenarios() -> tuple[Scenario, ...]:
    """Return all scenarios for the backward pass."""
    exactly = (
        *((variant, off_kinks) for variant in EXACT),
        *((variant, off_kinks_of_any_size) for variant in EXACT_SIZES),
        *((variant, dimensions.positive) for variant in WITHOUT_BIASES),
        (BACK_THROUGH_TIME, kept),
    )
    certified = (
        (SHORT_AND_RAGGED, rounded(1.0)),
        (ONE_STEP_OF_FOUR, rounded(1.0)),
        (BACK_TEN_STEPS, dimensions.keeping),
        (BACK_THROUGH_TIME, dimensions.keeping),
    )
    return (
        *(variant.scenario("exact-backward", "rnn_relu", draw) for variant, draw in exactly),
        *(variant.scenario(FOLDERS[cell], cell, draw) for variant, draw in certified for cell in CERTIFIED),
    )
