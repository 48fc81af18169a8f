"""Cotangents for scenarios: which goldens have gradients, and what each of them detects in the backward pass."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from rnn_goldens.cells import gradients
from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenarios import dimensions, nine_of_each
from rnn_goldens.generator.scenarios.cotangents import (
    CotangentChoice,
    Cotangents,
    at_rows,
    every_other_row_doubled,
    everything,
    of_c_n,
    of_forward,
    of_h_n,
    of_last,
    of_last_step,
    of_out,
)
from rnn_goldens.generator.scenarios.numbers import Float64, integers, sparse
from rnn_goldens.generator.scenarios.special import batch_size, hidden_size
from rnn_goldens.generator.scenarios.variants import FOLDERS, VARIANTS, Variant, rounded
from rnn_goldens.golden.shapes import Config, Shape

COTANGENTS: Mapping[str, CotangentChoice] = {
    "one-step": CotangentChoice(
        everything, "One step from zero: the derivatives of the activations, without recurrence."
    ),
    "one-step-with-state": CotangentChoice(
        everything,
        "One step from a given state: gradients of h0 and of the recurrent weights from a single step.",
    ),
    "one-unit": CotangentChoice(everything, "One unit: every gradient is a sum over steps and sequences only."),
    "square": CotangentChoice(everything, "As many inputs as units: a transposed gradient has the right shape."),
    "no-bias": CotangentChoice(of_out, "Cotangents of out only, without biases: h_n contributes nothing."),
    "plain": CotangentChoice(
        of_out, "Cotangents of out only, with biases: the gradient of each is summed over steps and sequences."
    ),
    "one-sequence": CotangentChoice(
        of_last, "Cotangents of the last states only, of one sequence: every gradient flows back through time."
    ),
    "no-bias-with-state": CotangentChoice(
        of_last_step, "A cotangent of the last step of out only, as in a classifier."
    ),
    "no-bias-unbatched": CotangentChoice(everything, "No biases and no batch axis, in the backward pass, too."),
    "no-bias-lengths-bidirectional-two-layers": CotangentChoice(
        everything, "Ragged, two layers, both directions, no biases: all gradients except those of biases."
    ),
    "with-state": CotangentChoice(
        everything, "Cotangents of all outputs, a given state, biases: detects most single mistakes."
    ),
    "unbatched": CotangentChoice(everything, "No batch axis, in the backward pass, too."),
    "unbatched-no-state": CotangentChoice(of_last, "No batch axis, no state: cotangents of the last states only."),
    "lengths": CotangentChoice(everything, "Ragged, with cotangents of padded steps, which must be ignored."),
    "lengths-no-state": CotangentChoice(
        of_last, "Ragged, cotangents of the last states only: each is added at the end of its sequence."
    ),
    "lengths-all-short": CotangentChoice(
        of_out, "Ragged, no sequence fills the time axis: the last cotangents are those of padded steps."
    ),
    "lengths-bidirectional": CotangentChoice(
        everything, "Ragged, both directions: the reverse backward pass ends at each sequence's end."
    ),
    "two-layers": CotangentChoice(
        everything, "Two layers: gradients from the upper layer are added to those of the lower last state."
    ),
    "two-layers-no-state": CotangentChoice(
        of_h_n, "Two layers, a cotangent of h_n only: each layer has its own part of it."
    ),
    "two-layers-square": CotangentChoice(
        of_out, "Two layers as wide as the input: gradients of the other layer have the right shape."
    ),
    "three-layers": CotangentChoice(
        of_out, "Three layers, a cotangent of out only: lower layers receive all gradients from upper layers."
    ),
    "bidirectional": CotangentChoice(
        everything, "Both directions: each has half of the cotangent, and the gradient of x is a sum."
    ),
    "bidirectional-no-state": CotangentChoice(
        of_forward, "Cotangents that are zero for the reverse direction: its gradients are zero, too."
    ),
    "bidirectional-unbatched": CotangentChoice(
        of_last, "Both directions, no batch axis: cotangents of the last states only."
    ),
    "bidirectional-two-layers": CotangentChoice(
        everything, "Two layers, both directions: gradients of the lower layer come from two halves."
    ),
    "bidirectional-two-layers-unbatched": CotangentChoice(
        of_last_step, "Two layers, both directions, no batch axis, two steps: short enough for half precision."
    ),
    "back-ten-steps": CotangentChoice(
        of_last_step, "Ten steps back through one unit: detects a backward pass that stops after fewer steps."
    ),
    "one-step-of-four": CotangentChoice(
        of_out, "Two layers, both directions, one step: gradients of the lower layer come from two halves."
    ),
    "short-and-ragged": CotangentChoice(
        everything, "Ragged, both directions, two steps: short enough for half precision."
    ),
    "lengths-bidirectional-two-layers": CotangentChoice(everything, "All options at once, in the backward pass."),
    "bidirectional-three-layers": CotangentChoice(
        of_last_step, "Three layers, both directions: the middle layer receives two halves and passes on two sums."
    ),
    **{
        f"c-beyond-{size}": CotangentChoice(
            of_c_n, f"A cell state beyond {size.partition('-')[0]}: detects a gradient that is masked there."
        )
        for size in ("2", "10", "20", "2-no-state", "3-no-state", "10-no-state")
    },
    "saturated": CotangentChoice(
        everything, "Saturated gates: derivatives near zero, computed as 1 - y² from a rounded y."
    ),
    "hidden-17": CotangentChoice(everything, "Hidden size 17: tails of tiles, in the products of the backward pass."),
    "hidden-33": CotangentChoice(of_last_step, "Hidden size 33: tails of tiles; a cotangent of the last step only."),
    "batch-129": CotangentChoice(
        at_rows(0, 63, 64, 127, 128),
        "A batch of 129, cotangents at the edges of tiles: gradients of weights include rows beyond a full tile.",
    ),
    "batch-1": CotangentChoice(everything, "A batch of one: a sum over the batch that has one term."),
    "hidden-64": CotangentChoice(of_last_step, "Hidden size 64: a full tile, in the products of the backward pass."),
    "long": CotangentChoice(
        of_last_step, "Two hundred steps back from the last step: detects a backward pass that stops before."
    ),
    "back-through-time": CotangentChoice(
        of_last_step, "Forty steps back, without decay of gradients: detects a backward pass that stops before."
    ),
    "single-sequence": CotangentChoice(
        of_last_step, "The smallest complete backward pass, to follow by hand: one sequence of three steps."
    ),
    "mini-batch": CotangentChoice(of_out, "Two sequences in one call: gradients of weights are summed over both."),
    "mini-batch-ascending": CotangentChoice(of_h_n, "A cotangent of h_n only, in integers."),
    "identity-w-hh": CotangentChoice(
        of_out, "With the identity as W_hh, every step adds its cotangent to those of later steps."
    ),
    **dimensions.COTANGENTS,
    **nine_of_each.COTANGENTS,
    **dict.fromkeys(
        ("sweeping", "sweeping-no-state"),
        CotangentChoice(
            every_other_row_doubled,
            "Derivatives of every activation at many arguments: detects a derivative that is masked in some band.",
        ),
    ),
}
"""Cotangents by the name of a variant or of a documented scenario."""

WITHOUT_GRADIENTS = {f"sizes-{cell}/hidden-{size}" for cell in ("rnn-tanh", "gru", "lstm") for size in (17, 33, 64)} | {
    "gru/sweeping",
    "lstm/sweeping",
    "rnn-tanh/long",
    "gru/long",
    "lstm/long",
}
"""Scenarios without gradients, which would have many numbers or steps and detect little more."""

ON_KINKS = ("exact/", "sizes-exact/")
"""Scenarios with integers: some sums are zero, where a relu has no derivative. Those of ``exactly`` avoid it."""

ONES = {
    "rnn-tanh/sweeping",
    "gru/sweeping-no-state",
    "lstm/sweeping-no-state",
    "documented/single-sequence",
    "documented/mini-batch",
    "documented/mini-batch-ascending",
    "documented/identity-w-hh",
}
"""Scenarios with cotangents of one, which are easy to follow or keep files small."""

DRAWN_AGAIN: Mapping[str, str] = {
    "exact-backward/one-step": " again 396",
    "exact-backward/one-step-with-state": " again 9",
    "exact-backward/one-unit": " again 1",
    "exact-backward/square": " again 13",
    "exact-backward/plain": " again 79",
    "exact-backward/one-sequence": " again 212",
    "exact-backward/with-state": " again 129",
    "exact-backward/unbatched": " again 11",
    "exact-backward/unbatched-no-state": " again 60",
    "exact-backward/lengths": " again 44",
    "exact-backward/lengths-no-state": " again 375",
    "exact-backward/lengths-all-short": " again 215",
    "exact-backward/lengths-bidirectional": " again 72",
    "exact-backward/two-layers": " again 1",
    "exact-backward/two-layers-no-state": " again 61",
    "exact-backward/two-layers-square": " again 41",
    "exact-backward/three-layers": " again 1",
    "exact-backward/bidirectional": " again 43",
    "exact-backward/bidirectional-no-state": " again 39",
    "exact-backward/bidirectional-unbatched": " again 63",
    "exact-backward/bidirectional-two-layers": " again 136",
    "exact-backward/lengths-bidirectional-two-layers": " again 391",
    "exact-backward/back-through-time": " again 3",
    "exact-backward/bidirectional-two-layers-unbatched": " again 22",
}
"""Suffixes for ids that are drawn again, because the first numbers are on a kink or leave many gradients at zero."""


BACK_THROUGH_TIME = Variant(
    "back-through-time",
    "forty steps, with gradients that do not decay",
    "Forty steps that preserve the state: the last output depends on the first step.",
    Config(input_size=2, hidden_size=2),
    batch=1,
    time=40,
    state=True,
    states=0.125,
)

BACK_TEN_STEPS = replace(
    BACK_THROUGH_TIME,
    name="back-ten-steps",
    title="ten steps, with gradients that do not decay",
    purpose="Ten steps of one unit that preserve the state: detects a state that is lost after fewer steps.",
    config=Config(input_size=1, hidden_size=1),
    time=10,
)

SHORT_AND_RAGGED = Variant(
    "short-and-ragged",
    "ragged, both directions, two steps",
    "Two sequences, of one and of two steps, both directions: ragged with the fewest possible steps.",
    Config(input_size=2, hidden_size=2, bidirectional=True),
    batch=2,
    time=2,
    lengths=(1, 2),
    state=True,
)

ONE_STEP_OF_FOUR = Variant(
    "one-step-of-four",
    "two layers, both directions, one step",
    "Two layers, both directions, one step: only the connections between layers and directions.",
    Config(input_size=2, hidden_size=2, num_layers=2, bidirectional=True),
    time=1,
    state=True,
)

DEEP_ENOUGH = "bidirectional-three-layers"
"""Left out for relu networks, because ``dimensions`` has more layers."""

EXACT = tuple(v for v in VARIANTS if v.name in COTANGENTS and v.config.bias and v.name != DEEP_ENOUGH)
"""Variants for relu networks with numbers that no precision rounds, in both passes."""

WITHOUT_BIASES = tuple(
    v for v in VARIANTS if v.name in ("no-bias-unbatched", "no-bias-lengths-bidirectional-two-layers")
)
"""Variants without biases for relu networks; no sum is zero, because all numbers are positive."""

EXACT_SIZES = (*(hidden_size(size, 7) for size in (17, 33, 64)), *(batch_size(size) for size in (1, 129)))


def off_kinks(golden_id: str, name: str, shape: Shape) -> Float64:
    """Draw numbers as ``exact`` does, but smaller, and biases that are odd multiples of 1/2: fewer sums are zero."""
    key = f"{golden_id} {name}{DRAWN_AGAIN.get(golden_id, '')}"
    if name.startswith("weight_ih"):
        return sparse(key, shape, per_row=2)
    if name.startswith("weight_hh"):
        return sparse(key, shape, per_row=1)
    if name.startswith("bias_ih"):
        return integers(key, shape, 1) + 0.5
    return integers(key, shape, 1)


def off_kinks_of_any_size(golden_id: str, name: str, shape: Shape) -> Float64:
    """Draw numbers whose sums are never integers in two steps, and so never zero."""
    key = f"{golden_id} {name}"
    if name.startswith("weight"):
        drawn = sparse(key, shape, per_row=1)
        return np.abs(drawn) if name.startswith("weight_hh") else drawn
    return integers(key, shape, 1) + (0.25 if name.startswith("bias_ih") else 0.0)


def kept(golden_id: str, name: str, shape: Shape) -> Float64:
    """Draw weights that permute the state, and inputs that sometimes increase it: a relu passes all of it."""
    if name.startswith("weight_hh"):
        return np.array([[0.0, 1.0], [1.0, 0.0]])
    if name == "x":
        x = np.zeros(shape)
        x[:, 1::13] = 1
        return x
    return np.zeros(shape) if name.startswith("bias") else np.abs(integers(f"{golden_id} {name}", shape, 1)) + 1


def exactly() -> tuple[Scenario, ...]:
    """Return scenarios of relu networks that are computed without rounding in every precision, in both passes."""
    return (
        *(variant.scenario("exact-backward", "rnn_relu", off_kinks) for variant in EXACT),
        *(variant.scenario("exact-backward", "rnn_relu", off_kinks_of_any_size) for variant in EXACT_SIZES),
        *(variant.scenario("exact-backward", "rnn_relu", dimensions.positive) for variant in WITHOUT_BIASES),
        BACK_THROUGH_TIME.scenario("exact-backward", "rnn_relu", kept),
    )


def through_time() -> tuple[Scenario, ...]:
    """Return scenarios that only the backward pass needs."""
    cells = ("rnn_tanh", "gru", "lstm")
    long = (BACK_TEN_STEPS, BACK_THROUGH_TIME)
    kept_long = (v.scenario(FOLDERS[c], c, dimensions.keeping) for v in long for c in cells)
    short = (v.scenario(FOLDERS[c], c, rounded(1.0)) for v in (SHORT_AND_RAGGED, ONE_STEP_OF_FOUR) for c in cells)
    return (*short, *kept_long)


def scenarios() -> tuple[Scenario, ...]:
    """Return all scenarios for the backward pass."""
    return (*exactly(), *through_time())


def with_cotangents(scenarios: Iterable[Scenario]) -> Iterator[Scenario]:
    """Yield the scenarios, with cotangents for those that have gradients."""
    for scenario in scenarios:
        choice = COTANGENTS.get(scenario.id.rpartition("/")[2])
        if choice is None or scenario.id in WITHOUT_GRADIENTS or scenario.id.startswith(ON_KINKS):
            yield scenario
        else:
            given = _scaled(scenario, choice.kind(scenario, _drawn(scenario)))
            yield replace(
                scenario,
                gradient_purpose=choice.purpose,
                d_out=given.get("d_out"),
                d_h_n=given.get("d_h_n"),
                d_c_n=given.get("d_c_n"),
            )


def _drawn(scenario: Scenario) -> Cotangents:
    """Draw integers, small ones for exact scenarios."""
    shapes = scenario.shapes.cotangents
    of_sizes = scenario.cell == "rnn_relu" and scenario.id.rpartition("/")[2] in dimensions.COTANGENTS
    if scenario.id in ONES or of_sizes:  # ones do not cancel in sums
        return {name: np.ones(shape) for name, shape in shapes.items()}
    again = DRAWN_AGAIN.get(scenario.id, "")
    limit = 1 if scenario.cell == "rnn_relu" else 15
    return {name: integers(f"{scenario.id} {name}{again}", shape, limit) for name, shape in shapes.items()}


def _scaled(scenario: Scenario, cotangents: Cotangents) -> Cotangents:
    """Scale by a power of two so that the largest gradient is about 64, and float16 flushes few gradients."""
    if scenario.cell == "rnn_relu":
        return cotangents
    of_case = gradients(scenario.case(), cotangents)
    largest = max(float(np.abs(array).max()) for array in of_case.values())
    factor = 64 * 2.0 ** -round(np.log2(largest))
    return {name: array * factor for name, array in cotangents.items()}
