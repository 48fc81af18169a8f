"""Variants of configurations and inputs, each with a purpose. Every cell has a scenario for each variant."""

from collections.abc import Mapping
from dataclasses import replace

from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenarios.cotangents import everything, of_forward, of_h_n, of_last, of_last_step, of_out
from rnn_goldens.generator.scenarios.random_numbers import Draw
from rnn_goldens.generator.scenarios.templates import FOLDERS, Call, Variant, exact, rounded
from rnn_goldens.golden.shapes import Config

SMALL = Config(input_size=4, hidden_size=3)
NO_BIAS = replace(SMALL, bias=False)
SQUARE = Config(input_size=3, hidden_size=3)
DEEP = replace(SMALL, num_layers=2)
BOTH_WAYS = replace(SMALL, bidirectional=True)
DEEP_BOTH_WAYS = replace(SMALL, num_layers=2, bidirectional=True)

VARIANTS = (
    Variant(
        "one-step",
        "one step",
        "One step of one sequence from zero: only input weights, gates and biases, without recurrence.",
        Call(SMALL, batch=1, time=1),
        everything,
        "One step from zero: the derivatives of the activations, without recurrence.",
        declared=("degenerate",),
    ),
    Variant(
        "one-step-with-state",
        "one step from a given state",
        "One step from a given state: recurrent weights and their bias in a single step.",
        Call(SMALL, time=1, state=True),
        everything,
        "One step from a given state: gradients of h0 and of the recurrent weights from a single step.",
        declared=("degenerate",),
    ),
    Variant(
        "no-bias",
        "no biases",
        "No biases: detects buffers for biases that are read anyway, and recurrent weights that are transposed.",
        Call(NO_BIAS),
        of_out,
        "Cotangents of out only, without biases: h_n contributes nothing.",
    ),
    Variant(
        "plain",
        "biases, no state",
        "Two different biases, no initial state: detects a bias that is dropped, doubled or moved.",
        Call(SMALL),
        of_out,
        "Cotangents of out only, with biases: the gradient of each is summed over steps and sequences.",
    ),
    Variant(
        "no-bias-with-state",
        "no biases, from a given state",
        "A given state without biases: detects a state that is ignored, swapped or of another row.",
        Call(NO_BIAS, batch=3, state=True),
        of_last_step,
        "A cotangent of the last step of out only, as in a classifier.",
    ),
    Variant(
        "with-state",
        "biases, from a given state",
        "Biases and a given state together, three rows: detects most single mistakes.",
        Call(SMALL, batch=3, state=True),
        everything,
        "Cotangents of all outputs, a given state, biases: detects most single mistakes.",
    ),
    Variant(
        "square",
        "hidden size = input size",
        "Equal sizes: a transposed or exchanged matrix passes every shape check, and only the numbers are wrong.",
        Call(SQUARE, batch=3, time=3, state=True),
        everything,
        "As many inputs as units: a transposed gradient has the right shape.",
        declared=("degenerate",),
    ),
    Variant(
        "one-input",
        "one input feature",
        "One input feature: an axis of size 1 that is squeezed or broadcast away.",
        Call(Config(input_size=1, hidden_size=3), state=True),
        declared=("degenerate",),
    ),
    Variant(
        "one-unit",
        "one hidden unit",
        "One hidden unit: an axis of size 1 in the state, and gates that are single rows.",
        Call(Config(input_size=3, hidden_size=1), state=True),
        everything,
        "One unit: every gradient is a sum over steps and sequences only.",
        declared=("degenerate",),
    ),
    Variant(
        "one-sequence",
        "a batch of one",
        "A batch of one: squeezed batch axes, and rows that are mistaken for time steps.",
        Call(SMALL, batch=1, time=5, state=True),
        of_last,
        "Cotangents of the last states only, of one sequence: every gradient flows back through time.",
        declared=("degenerate",),
    ),
    Variant(
        "unbatched",
        "unbatched",
        "No batch axis: (time, input) in, (time, hidden) out.",
        Call(SMALL, batch=None, state=True),
        everything,
        "No batch axis, in the backward pass, too.",
    ),
    Variant(
        "no-bias-unbatched",
        "unbatched, no biases",
        "Neither a batch axis nor biases: detects an option that changes the effect of another option.",
        Call(NO_BIAS, batch=None, state=True),
        everything,
        "No biases and no batch axis, in the backward pass, too.",
    ),
    Variant(
        "unbatched-no-state",
        "unbatched, no state",
        "Neither a batch axis nor a state: detects an initial state that is created with a batch axis.",
        Call(SMALL, batch=None),
        of_last,
        "No batch axis, no state: cotangents of the last states only.",
    ),
    Variant(
        "two-layers",
        "two layers",
        "Two layers, inputs of two sizes: layer-0 weights used again, states of the wrong layer, h_n of the last only.",
        Call(DEEP, state=True),
        everything,
        "Two layers: gradients from the upper layer are added to those of the lower last state.",
    ),
    Variant(
        "two-layers-no-state",
        "two layers, no state",
        "Two layers from zero: detects dropout or an extra activation between layers, which no state hides.",
        Call(DEEP),
        of_h_n,
        "Two layers, a cotangent of h_n only: each layer has its own part of it.",
    ),
    Variant(
        "two-layers-one-step",
        "two layers, one step",
        "One step of two layers from a given state: detects errors between layers, which few roundings hide.",
        Call(DEEP, time=1, state=True),
        states=2.0,
        declared=("degenerate",),
    ),
    Variant(
        "two-layers-square",
        "two layers, hidden size = input size",
        "Two layers whose inputs have equal sizes: detects an upper layer that reads x, or the first layer's weights.",
        Call(replace(SQUARE, num_layers=2), time=3, state=True),
        of_out,
        "Two layers as wide as the input: gradients of the other layer have the right shape.",
        declared=("degenerate",),
    ),
    Variant(
        "three-layers",
        "three layers",
        "Three layers: the middle layer is neither first nor last.",
        Call(replace(SMALL, num_layers=3), time=3, state=True),
        of_out,
        "Three layers, a cotangent of out only: lower layers receive all gradients from upper layers.",
    ),
    Variant(
        "bidirectional",
        "both directions",
        "Both directions: detects a direction that is not reversed or not flipped back, or joined in another order.",
        Call(BOTH_WAYS, batch=3, state=True),
        everything,
        "Both directions: each has half of the cotangent, and the gradient of x is a sum.",
    ),
    Variant(
        "bidirectional-no-state",
        "both directions, no state",
        "Both directions from zero: detects h_n from the wrong end of a sequence.",
        Call(BOTH_WAYS),
        of_forward,
        "Cotangents that are zero for the reverse direction: its gradients are zero, too.",
    ),
    Variant(
        "bidirectional-unbatched",
        "both directions, unbatched",
        "Both directions without a batch axis: the direction axis of the state is its only leading axis.",
        Call(BOTH_WAYS, batch=None, state=True),
        of_last,
        "Both directions, no batch axis: cotangents of the last states only.",
    ),
    Variant(
        "bidirectional-two-layers",
        "two layers, both directions",
        "Two layers, both directions: the order of the state's first axis, the width of the second layer's input.",
        Call(DEEP_BOTH_WAYS, state=True),
        everything,
        "Two layers, both directions: gradients of the lower layer come from two halves.",
    ),
    Variant(
        "bidirectional-two-layers-unbatched",
        "two layers, both directions, unbatched",
        "Two layers, both directions, no batch axis: states that are reversed, or mistaken for rows of a batch.",
        Call(DEEP_BOTH_WAYS, batch=None, time=2, state=True),
        of_last_step,
        "Two layers, both directions, no batch axis, two steps: short enough for half precision.",
    ),
    Variant(
        "bidirectional-three-layers",
        "three layers, both directions, no state",
        "Three layers, both directions, from zero: the default state has one entry for each layer and direction.",
        Call(replace(BOTH_WAYS, num_layers=3), time=3),
        of_last_step,
        "Three layers, both directions: the middle layer receives two halves and passes on two sums.",
    ),
    Variant(
        "lengths",
        "ragged",
        "Sequences of different lengths, not sorted: outputs beyond the end, and the step that h_n is taken from.",
        Call(SMALL, batch=3, lengths=(2, 4, 1), state=True),
        everything,
        "Ragged, with cotangents of padded steps, which must be ignored.",
    ),
    Variant(
        "lengths-no-state",
        "ragged, no state",
        "Ragged sequences from zero with biases: detects padded steps that change the state.",
        Call(SMALL, batch=3, lengths=(3, 1, 4)),
        of_last,
        "Ragged, cotangents of the last states only: each is added at the end of its sequence.",
    ),
    Variant(
        "lengths-all-short",
        "ragged, none as long as the batch",
        "No sequence fills the time axis: detects an output that is cut to the longest, or not written beyond it.",
        Call(SMALL, batch=3, lengths=(2, 3, 1), state=True),
        of_out,
        "Ragged, no sequence fills the time axis: the last cotangents are those of padded steps.",
    ),
    Variant(
        "lengths-bidirectional",
        "ragged, both directions",
        "Ragged, both directions: the reverse direction starts at each sequence's true end, not in the padding.",
        Call(BOTH_WAYS, batch=3, lengths=(2, 4, 3), state=True),
        everything,
        "Ragged, both directions: the reverse backward pass ends at each sequence's end.",
    ),
    Variant(
        "lengths-bidirectional-two-layers",
        "ragged, two layers, both directions",
        "All options at once: two layers, both directions, ragged, biases, a given state.",
        Call(DEEP_BOTH_WAYS, batch=3, lengths=(4, 1, 3), state=True),
        everything,
        "All options at once, in the backward pass.",
    ),
    Variant(
        "no-bias-lengths-bidirectional-two-layers",
        "ragged, two layers, both directions, no biases",
        "Two layers, both directions, ragged, without biases: weights that are found by their position among biases.",
        Call(
            Config(input_size=2, hidden_size=2, num_layers=2, bidirectional=True, bias=False),
            time=3,
            lengths=(2, 3),
            state=True,
        ),
        everything,
        "Ragged, two layers, both directions, no biases: all gradients except those of biases.",
    ),
)


AMPLITUDES: Mapping[str, float] = {"rnn_tanh": 0.75, "gru": 1.0, "lstm": 0.875}
"""Amplitudes of weights: large enough to detect errors in bfloat16, small enough that no gate saturates."""

DEEP_AMPLITUDES: Mapping[str, float] = {"rnn_tanh": 0.5, "gru": 0.5, "lstm": 0.5625}
"""Amplitudes for several layers, which multiply errors."""


def scenarios() -> tuple[Scenario, ...]:
    """Return every variant of every cell, variant by variant."""
    return tuple(
        variant.scenario(folder, cell, _draw(cell, variant)) for variant in VARIANTS for cell, folder in FOLDERS.items()
    )


def _draw(cell: str, variant: Variant) -> Draw:
    if cell == "rnn_relu":
        return exact
    amplitude = (DEEP_AMPLITUDES if variant.call.config.num_layers > 1 else AMPLITUDES)[cell]
    if variant.call.config.num_layers > 1 and variant.call.config.bidirectional and cell != "gru":
        amplitude *= 0.75  # with larger weights, errors of four paths exceed bfloat16's limit
    return rounded(amplitude, states=variant.states)
