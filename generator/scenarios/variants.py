"""Variants of configurations and inputs, each with a purpose. Every cell has a scenario for each variant."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenarios.numbers import Float64, dyadic, integers, sparse
from rnn_goldens.golden.built_in_cells import LAYOUTS
from rnn_goldens.golden.shapes import Config, Shape, state_shapes, weight_shapes

Draw = Callable[[str, str, Shape], Float64]
"""(scenario id, array name, shape) → numbers."""


@dataclass(frozen=True)
class Variant:
    """A configuration with the shape of its input.

    Attributes:
        name: the second part of the id.
        title: a short title.
        purpose: what it detects.
        config: the configuration.
        batch: the number of sequences; None for unbatched input.
        time: the number of time steps.
        state: whether there is an initial state.
        lengths: the time steps of each sequence; all of them if None.
        states: the amplitude of h0. That of c0, which no activation bounds, is 1.5 times larger.
        declared: declared features.
    """

    name: str
    title: str
    purpose: str
    config: Config
    batch: int | None = 2
    time: int = 4
    state: bool = False
    lengths: tuple[int, ...] | None = None
    states: float = 1.0
    declared: tuple[str, ...] = ()

    def scenario(self, folder: str, cell: str, draw: Draw) -> Scenario:
        """Return a scenario of a cell with numbers from ``draw``."""
        golden_id = f"{folder}/{self.name}"
        batch = () if self.batch is None else (self.batch,)
        states = {
            name: draw(golden_id, f"{name}0", shape)
            for name, shape in state_shapes(LAYOUTS[cell], self.config, batch).items()
        }
        given = states if self.state else {}
        return Scenario(
            id=golden_id,
            title=f"{TITLES[cell]}: {self.title}",
            purpose=self.purpose,
            documented_in="rnn-goldens, generator/scenarios",
            cell=cell,
            config=self.config,
            weights={
                name: draw(golden_id, name, shape) for name, shape in weight_shapes(LAYOUTS[cell], self.config).items()
            },
            x=draw(golden_id, "x", (*batch, self.time, self.config.input_size)),
            lengths=self.lengths,
            declared=self.declared,
            h0=given.get("h"),
            c0=given.get("c"),
        )


TITLES = {"rnn_relu": "relu RNN", "rnn_tanh": "tanh RNN", "lstm": "LSTM", "gru": "GRU"}

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
        SMALL,
        batch=1,
        time=1,
        declared=("degenerate",),
    ),
    Variant(
        "one-step-with-state",
        "one step from a given state",
        "One step from a given state: recurrent weights and their bias in a single step.",
        SMALL,
        time=1,
        state=True,
        declared=("degenerate",),
    ),
    Variant(
        "no-bias",
        "no biases",
        "No biases: detects buffers for biases that are read anyway, and recurrent weights that are transposed.",
        NO_BIAS,
    ),
    Variant(
        "plain",
        "biases, no state",
        "Two different biases, no initial state: detects a bias that is dropped, doubled or moved.",
        SMALL,
    ),
    Variant(
        "no-bias-with-state",
        "no biases, from a given state",
        "A given state without biases: detects a state that is ignored, swapped or of another row.",
        NO_BIAS,
        batch=3,
        state=True,
    ),
    Variant(
        "with-state",
        "biases, from a given state",
        "Biases and a given state together, three rows: detects most single mistakes.",
        SMALL,
        batch=3,
        state=True,
    ),
    Variant(
        "square",
        "hidden size = input size",
        "Equal sizes: a transposed or exchanged matrix passes every shape check, and only the numbers are wrong.",
        SQUARE,
        batch=3,
        time=3,
        state=True,
        declared=("degenerate",),
    ),
    Variant(
        "one-input",
        "one input feature",
        "One input feature: an axis of size 1 that is squeezed or broadcast away.",
        Config(input_size=1, hidden_size=3),
        state=True,
        declared=("degenerate",),
    ),
    Variant(
        "one-unit",
        "one hidden unit",
        "One hidden unit: an axis of size 1 in the state, and gates that are single rows.",
        Config(input_size=3, hidden_size=1),
        state=True,
        declared=("degenerate",),
    ),
    Variant(
        "one-sequence",
        "a batch of one",
        "A batch of one: squeezed batch axes, and rows that are mistaken for time steps.",
        SMALL,
        batch=1,
        time=5,
        state=True,
        declared=("degenerate",),
    ),
    Variant(
        "unbatched",
        "unbatched",
        "No batch axis: (time, input) in, (time, hidden) out.",
        SMALL,
        batch=None,
        state=True,
    ),
    Variant(
        "no-bias-unbatched",
        "unbatched, no biases",
        "Neither a batch axis nor biases: detects an option that changes the effect of another option.",
        NO_BIAS,
        batch=None,
        state=True,
    ),
    Variant(
        "unbatched-no-state",
        "unbatched, no state",
        "Neither a batch axis nor a state: detects an initial state that is created with a batch axis.",
        SMALL,
        batch=None,
    ),
    Variant(
        "two-layers",
        "two layers",
        "Two layers, inputs of two sizes: layer-0 weights used again, states of the wrong layer, h_n of the last only.",
        DEEP,
        state=True,
    ),
    Variant(
        "two-layers-no-state",
        "two layers, no state",
        "Two layers from zero: detects dropout or an extra activation between layers, which no state hides.",
        DEEP,
    ),
    Variant(
        "two-layers-one-step",
        "two layers, one step",
        "One step of two layers from a given state: detects errors between layers, which few roundings hide.",
        DEEP,
        time=1,
        state=True,
        states=2.0,
        declared=("degenerate",),
    ),
    Variant(
        "two-layers-square",
        "two layers, hidden size = input size",
        "Two layers whose inputs have equal sizes: detects an upper layer that reads x, or the first layer's weights.",
        replace(SQUARE, num_layers=2),
        time=3,
        state=True,
        declared=("degenerate",),
    ),
    Variant(
        "three-layers",
        "three layers",
        "Three layers: the middle layer is neither first nor last.",
        replace(SMALL, num_layers=3),
        state=True,
        time=3,
    ),
    Variant(
        "bidirectional",
        "both directions",
        "Both directions: detects a direction that is not reversed or not flipped back, or joined in another order.",
        BOTH_WAYS,
        batch=3,
        state=True,
    ),
    Variant(
        "bidirectional-no-state",
        "both directions, no state",
        "Both directions from zero: detects h_n from the wrong end of a sequence.",
        BOTH_WAYS,
    ),
    Variant(
        "bidirectional-unbatched",
        "both directions, unbatched",
        "Both directions without a batch axis: the direction axis of the state is its only leading axis.",
        BOTH_WAYS,
        batch=None,
        state=True,
    ),
    Variant(
        "bidirectional-two-layers",
        "two layers, both directions",
        "Two layers, both directions: the order of the state's first axis, the width of the second layer's input.",
        DEEP_BOTH_WAYS,
        state=True,
    ),
    Variant(
        "bidirectional-two-layers-unbatched",
        "two layers, both directions, unbatched",
        "Two layers, both directions, no batch axis: states that are reversed, or mistaken for rows of a batch.",
        DEEP_BOTH_WAYS,
        batch=None,
        time=2,
        state=True,
    ),
    Variant(
        "bidirectional-three-layers",
        "three layers, both directions, no state",
        "Three layers, both directions, from zero: the default state has one entry for each layer and direction.",
        replace(BOTH_WAYS, num_layers=3),
        time=3,
    ),
    Variant(
        "lengths",
        "ragged",
        "Sequences of different lengths, not sorted: outputs beyond the end, and the step that h_n is taken from.",
        SMALL,
        batch=3,
        lengths=(2, 4, 1),
        state=True,
    ),
    Variant(
        "lengths-no-state",
        "ragged, no state",
        "Ragged sequences from zero with biases: detects padded steps that change the state.",
        SMALL,
        batch=3,
        lengths=(3, 1, 4),
    ),
    Variant(
        "lengths-all-short",
        "ragged, none as long as the batch",
        "No sequence fills the time axis: detects an output that is cut to the longest, or not written beyond it.",
        SMALL,
        batch=3,
        lengths=(2, 3, 1),
        state=True,
    ),
    Variant(
        "lengths-bidirectional",
        "ragged, both directions",
        "Ragged, both directions: the reverse direction starts at each sequence's true end, not in the padding.",
        BOTH_WAYS,
        batch=3,
        lengths=(2, 4, 3),
        state=True,
    ),
    Variant(
        "lengths-bidirectional-two-layers",
        "ragged, two layers, both directions",
        "All options at once: two layers, both directions, ragged, biases, a given state.",
        DEEP_BOTH_WAYS,
        batch=3,
        lengths=(4, 1, 3),
        state=True,
    ),
    Variant(
        "no-bias-lengths-bidirectional-two-layers",
        "ragged, two layers, both directions, no biases",
        "Two layers, both directions, ragged, without biases: weights that are found by their position among biases.",
        Config(input_size=2, hidden_size=2, num_layers=2, bidirectional=True, bias=False),
        time=3,
        lengths=(2, 3),
        state=True,
    ),
)


def rounded(amplitude: float, inputs: float = 1.5, states: float = 1.0) -> Draw:
    """Return a function that draws numbers whose sums round: weights up to an amplitude, in multiples of 1/64."""

    def draw(golden_id: str, name: str, shape: Shape) -> Float64:
        key = f"{golden_id} {name}"
        if name.startswith(("weight", "bias")):
            return dyadic(key, shape, amplitude)
        return dyadic(key, shape, {"x": inputs, "h0": states, "c0": 1.5 * states}[name])

    return draw


def exact(golden_id: str, name: str, shape: Shape) -> Float64:
    """Draw sparse weights of 1 and -1 and small integers: no sum rounds in any precision."""
    key = f"{golden_id} {name}{DRAWN_AGAIN.get(golden_id, '')}"
    if name.startswith("weight_ih"):
        return sparse(key, shape, per_row=2)
    if name.startswith("weight_hh"):
        return sparse(key, shape, per_row=1)
    if name.startswith("bias"):
        return integers(key, shape, 2) + 1  # keeps most units above zero, where a relu does not hide errors
    return integers(key, shape, 3)


DRAWN_AGAIN = {"exact/two-layers": " again", "exact/long": " again 7"}
"""Suffixes for scenarios whose first numbers left every unit at zero, or grew without bound."""

AMPLITUDES: Mapping[str, float] = {"rnn_tanh": 0.75, "gru": 1.0, "lstm": 0.875}
"""Amplitudes of weights: large enough to detect errors in bfloat16, small enough that no gate saturates."""

DEEP_AMPLITUDES: Mapping[str, float] = {"rnn_tanh": 0.5, "gru": 0.5, "lstm": 0.5625}
"""Amplitudes for several layers, which multiply errors."""

FOLDERS = {"rnn_relu": "exact", "rnn_tanh": "rnn-tanh", "gru": "gru", "lstm": "lstm"}


def scenarios() -> tuple[Scenario, ...]:
    """Return every variant of every cell, variant by variant."""
    return tuple(
        variant.scenario(folder, cell, _draw(cell, variant)) for variant in VARIANTS for cell, folder in FOLDERS.items()
    )


def _draw(cell: str, variant: Variant) -> Draw:
    if cell == "rnn_relu":
        return exact
    amplitude = (DEEP_AMPLITUDES if variant.config.num_layers > 1 else AMPLITUDES)[cell]
    if variant.config.num_layers > 1 and variant.config.bidirectional and cell != "gru":
        amplitude *= 0.75  # with larger weights, errors of four paths exceed bfloat16's limit
    return rounded(amplitude, states=variant.states)
