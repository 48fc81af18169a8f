"""Cotangents for scenarios: which goldens have gradients, and what each of them is there to expose on the way back."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from rnn_goldens.cells import gradients
from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenarios import dimensions, nine_of_each
from rnn_goldens.generator.scenarios.cotangents import (
    Asked,
    Cotangents,
    at_rows,
    every_other_row_twice,
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
from rnn_goldens.golden.shapes import Config, Shape, out_shape, state_shape

ASKED: Mapping[str, Asked] = {
    "one-step": Asked(everything, "One step from zero: the derivatives of the activations, and no way through time."),
    "one-step-with-state": Asked(
        everything,
        "One step from a given state: gradients of h0 and of the recurrent weights, in the one place they act.",
    ),
    "one-unit": Asked(everything, "One unit: every gradient is a sum over steps and sequences alone."),
    "square": Asked(everything, "As many inputs as units: a gradient that is transposed keeps its shape."),
    "no-bias": Asked(of_out, "Cotangents of out alone, without biases: what h_n would add is not there."),
    "plain": Asked(
        of_out, "Cotangents of out alone, and biases: summed over steps and sequences, and each for itself."
    ),
    "one-sequence": Asked(of_last, "Cotangents of the last states alone, of one sequence: all goes back through time."),
    "no-bias-with-state": Asked(of_last_step, "A cotangent of the last step of out alone, as of a classifier."),
    "no-bias-unbatched": Asked(everything, "No biases and no batch axis, on the way back too."),
    "no-bias-lengths-bidirectional-two-layers": Asked(
        everything, "Ragged, two layers, both directions, no biases: everything but gradients of biases."
    ),
    "with-state": Asked(everything, "Cotangents of everything, a given state, biases: most single mistakes show here."),
    "unbatched": Asked(everything, "No batch axis, on the way back too."),
    "unbatched-no-state": Asked(of_last, "No batch axis, no state: cotangents of the last states alone."),
    "lengths": Asked(everything, "Ragged, with cotangents of padded steps too, which must not matter."),
    "lengths-no-state": Asked(
        of_last, "Ragged, cotangents of the last states alone: each enters at its sequence's end."
    ),
    "lengths-all-short": Asked(
        of_out, "Ragged, none as long as the batch, and cotangents of padded steps alone at the end."
    ),
    "lengths-bidirectional": Asked(
        everything, "Ragged, both directions: the reverse way back ends at each sequence's end."
    ),
    "two-layers": Asked(
        everything, "Two layers: what the upper hands down joins what the lower has from its last state."
    ),
    "two-layers-no-state": Asked(of_h_n, "Two layers, a cotangent of h_n alone: every layer has one of its own."),
    "two-layers-square": Asked(
        of_out, "Two layers as wide as the input: gradients that belong to the other layer fit."
    ),
    "three-layers": Asked(of_out, "Three layers, a cotangent of out alone: the lower ones get all from above."),
    "bidirectional": Asked(
        everything, "Both directions: halves of the cotangent, and a gradient of x that is the sum."
    ),
    "bidirectional-no-state": Asked(
        of_forward, "Cotangents that are zero for the reverse direction: its gradients are, too."
    ),
    "bidirectional-unbatched": Asked(of_last, "Both directions, no batch axis: the last states alone."),
    "bidirectional-two-layers": Asked(
        everything, "Two layers, both directions: all that is handed down in two halves."
    ),
    "bidirectional-two-layers-unbatched": Asked(
        of_last_step, "Two layers, both directions, no batch axis, two steps: short enough for half precision."
    ),
    "back-ten-steps": Asked(
        of_last_step, "Ten steps back from the last one, through one unit: a way back that is cut off before shows."
    ),
    "one-step-of-four": Asked(of_out, "Two layers, both directions, one step: all that goes down goes in two halves."),
    "short-and-ragged": Asked(everything, "Ragged, both directions, two steps: short enough for half precision."),
    "lengths-bidirectional-two-layers": Asked(everything, "Everything at once, on the way back."),
    "bidirectional-three-layers": Asked(
        of_last_step, "Three layers, both directions: the middle one gets two halves and hands down two sums."
    ),
    **{
        f"c-beyond-{size}": Asked(of_c_n, f"Back from a cell beyond {size.partition('-')[0]}: a masked gradient.")
        for size in ("2", "10", "20", "2-no-state", "3-no-state", "10-no-state")
    },
    "saturated": Asked(
        everything, "Saturated gates: derivatives near zero, where 1 - y² of a rounded y is all that is left."
    ),
    "hidden-17": Asked(everything, "Hidden size 17: tails of tiles, in the products of the way back."),
    "hidden-33": Asked(of_last_step, "Hidden size 33: the same, two steps, the last one alone."),
    "batch-129": Asked(
        at_rows(0, 63, 64, 127, 128),
        "A batch of 129, cotangents at the edges of tiles: rows beyond a full one count in the weights, too.",
    ),
    "batch-1": Asked(everything, "A batch of one: a sum over the batch that is no sum."),
    "hidden-64": Asked(of_last_step, "Hidden size 64: a full tile, in the products of the way back."),
    "long": Asked(of_last_step, "Two hundred steps back from the last one: gradients that are cut off on the way."),
    "back-through-time": Asked(
        of_last_step, "Forty steps back from the last one, with gradients that stay: a way back that is cut off shows."
    ),
    "single-sequence": Asked(
        of_last_step, "The smallest complete way back, to follow by hand: one sequence of three steps."
    ),
    "mini-batch": Asked(of_out, "Two sequences in one call: gradients of weights are summed over both."),
    "mini-batch-ascending": Asked(of_h_n, "A cotangent of h_n alone, in integers."),
    "identity-w-hh": Asked(of_out, "With W_hh the identity every step adds its own cotangent to those before."),
    **dimensions.ASKED,
    **nine_of_each.ASKED,
    **dict.fromkeys(
        ("sweeping", "sweeping-no-state"),
        Asked(
            every_other_row_twice,
            "Derivatives of every activation at every part of its argument: one that is masked in some band.",
        ),
    ),
}
"""By the name of a variant, or of a documented scenario."""

NOT_ASKED = {f"sizes-{cell}/hidden-{size}" for cell in ("rnn-tanh", "gru", "lstm") for size in (17, 33, 64)} | {
    "gru/sweeping",
    "lstm/sweeping",
    "rnn-tanh/long",
    "gru/long",
    "lstm/long",
}
"""Too many numbers, or steps, for what they would add."""

ON_KINKS = ("exact/", "sizes-exact/")
"""Whole numbers: some sum is zero, and there a relu has no derivative. Those of ``exactly`` stay off."""

ONES = {
    "rnn-tanh/sweeping",
    "gru/sweeping-no-state",
    "lstm/sweeping-no-state",
    "documented/single-sequence",
    "documented/mini-batch",
    "documented/mini-batch-ascending",
    "documented/identity-w-hh",
}
"""Ones, which a person can follow, or of which files are small."""

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
"""Numbers of which the first lie on a kink, or leave many gradients at zero."""


BACK_THROUGH_TIME = Variant(
    "back-through-time",
    "forty steps, with gradients that stay",
    "Forty steps in which hardly anything is forgotten: what happened first still counts at the end.",
    Config(input_size=2, hidden_size=2),
    batch=1,
    time=40,
    state=True,
    states=0.125,
)

BACK_TEN_STEPS = replace(
    BACK_THROUGH_TIME,
    name="back-ten-steps",
    title="ten steps, with gradients that stay",
    purpose="Ten steps of one unit that forgets hardly anything: a state that is not carried over so many.",
    config=Config(input_size=1, hidden_size=1),
    time=10,
)

SHORT_AND_RAGGED = Variant(
    "short-and-ragged",
    "ragged, both directions, two steps",
    "Two sequences of one step and of two, both directions: ragged in as few steps as can be.",
    Config(input_size=2, hidden_size=2, bidirectional=True),
    batch=2,
    time=2,
    lengths=(1, 2),
    state=True,
)

ONE_STEP_OF_FOUR = Variant(
    "one-step-of-four",
    "two layers, both directions, one step",
    "Two layers, both directions, one step: what layers and directions hand each other, and nothing else.",
    Config(input_size=2, hidden_size=2, num_layers=2, bidirectional=True),
    time=1,
    state=True,
)

DEEP_ENOUGH = "bidirectional-three-layers"
"""A relu network is asked more layers by ``dimensions``."""

EXACT = tuple(v for v in VARIANTS if v.name in ASKED and v.config.bias and v.name != DEEP_ENOUGH)
"""Variants that a relu network is asked with numbers that no precision rounds, on the way back either."""

WITHOUT_BIASES = tuple(
    v for v in VARIANTS if v.name in ("no-bias-unbatched", "no-bias-lengths-bidirectional-two-layers")
)
"""Likewise; nothing keeps a sum off a kink but that all numbers are positive."""

EXACT_SIZES = (*(hidden_size(size, 7) for size in (17, 33, 64)), *(batch_size(size) for size in (1, 129)))


def off_kinks(golden_id: str, name: str, shape: Shape) -> Float64:
    """As ``exact``, smaller, with biases of odd halves: a sum that is zero lies on the kink, where no derivative is."""
    key = f"{golden_id} {name}{DRAWN_AGAIN.get(golden_id, '')}"
    if name.startswith("weight_ih"):
        return sparse(key, shape, per_row=2)
    if name.startswith("weight_hh"):
        return sparse(key, shape, per_row=1)
    if name.startswith("bias_ih"):
        return integers(key, shape, 1) + 0.5
    return integers(key, shape, 1)


def off_kinks_of_any_size(golden_id: str, name: str, shape: Shape) -> Float64:
    """Sums that are never whole numbers in two steps, so never zero: they are a quarter beyond, or a half."""
    key = f"{golden_id} {name}"
    if name.startswith("weight"):
        drawn = sparse(key, shape, per_row=1)
        return np.abs(drawn) if name.startswith("weight_hh") else drawn
    return integers(key, shape, 1) + (0.25 if name.startswith("bias_ih") else 0.0)


def kept(golden_id: str, name: str, shape: Shape) -> Float64:
    """A state that changes places and grows now and then: a relu lets all of it through, forward and backward."""
    if name.startswith("weight_hh"):
        return np.array([[0.0, 1.0], [1.0, 0.0]])
    if name == "x":
        x = np.zeros(shape)
        x[:, 1::13] = 1
        return x
    return np.zeros(shape) if name.startswith("bias") else np.abs(integers(f"{golden_id} {name}", shape, 1)) + 1


def exactly() -> tuple[Scenario, ...]:
    """Networks whose sums round in no precision, forward and backward."""
    return (
        *(variant.scenario("exact-backward", "rnn_relu", off_kinks) for variant in EXACT),
        *(variant.scenario("exact-backward", "rnn_relu", off_kinks_of_any_size) for variant in EXACT_SIZES),
        *(variant.scenario("exact-backward", "rnn_relu", dimensions.positive) for variant in WITHOUT_BIASES),
        BACK_THROUGH_TIME.scenario("exact-backward", "rnn_relu", kept),
    )


def through_time() -> tuple[Scenario, ...]:
    """The scenarios that the way back alone needs."""
    cells = ("rnn_tanh", "gru", "lstm")
    long = (BACK_TEN_STEPS, BACK_THROUGH_TIME)
    kept_long = (v.scenario(FOLDERS[c], c, dimensions.keeping) for v in long for c in cells)
    short = (v.scenario(FOLDERS[c], c, rounded(1.0)) for v in (SHORT_AND_RAGGED, ONE_STEP_OF_FOUR) for c in cells)
    return (*short, *kept_long)


def scenarios() -> tuple[Scenario, ...]:
    """All that are there for their way back."""
    return (*exactly(), *through_time())


def with_cotangents(scenarios: Iterable[Scenario]) -> Iterator[Scenario]:
    """The same scenarios, with cotangents where gradients are asked."""
    for scenario in scenarios:
        asked = ASKED.get(scenario.id.rpartition("/")[2])
        if asked is None or scenario.id in NOT_ASKED or scenario.id.startswith(ON_KINKS):
            yield scenario
        else:
            given = _scaled(scenario, asked.kind(scenario, _drawn(scenario)))
            yield replace(
                scenario,
                gradient_purpose=asked.purpose,
                d_out=given.get("d_out"),
                d_h_n=given.get("d_h_n"),
                d_c_n=given.get("d_c_n"),
            )


def _drawn(scenario: Scenario) -> Cotangents:
    """Whole numbers, small where nothing is to be rounded."""
    shapes = _shapes(scenario)
    of_sizes = scenario.cell == "rnn_relu" and scenario.id.rpartition("/")[2] in dimensions.ASKED
    if scenario.id in ONES or of_sizes:  # which no sum cancels
        return {name: np.ones(shape) for name, shape in shapes.items()}
    again = DRAWN_AGAIN.get(scenario.id, "")
    limit = 1 if scenario.cell == "rnn_relu" else 15
    return {name: integers(f"{scenario.id} {name}{again}", shape, limit) for name, shape in shapes.items()}


def _shapes(scenario: Scenario) -> dict[str, Shape]:
    x = scenario.inputs["x"]
    batch, config = x.shape[:-2], scenario.shape
    states = {f"d_{state}_n": state_shape(config, batch) for state in scenario.defined.states}
    return {"d_out": out_shape(config, batch, x.shape[-2]), **states}


def _scaled(scenario: Scenario, cotangents: Cotangents) -> Cotangents:
    """By a power of two, so that the largest gradient is about 64, and few are so small that float16 flushes them."""
    if scenario.cell == "rnn_relu":
        return cotangents
    found = gradients(scenario.case(), cotangents)
    largest = max(float(np.abs(array).max()) for array in found.values())
    factor = 64 * 2.0 ** -round(np.log2(largest))
    return {name: array * factor for name, array in cotangents.items()}
