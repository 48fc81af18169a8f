"""Templates of scenarios of networks: a call, and variants with a purpose, whose numbers are drawn for a cell."""

from collections.abc import Sequence
from dataclasses import dataclass

from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenarios.cotangents import Kind, with_cotangents
from rnn_goldens.generator.scenarios.random_numbers import Draw, Float64, dyadic, integers, key_of, sparse
from rnn_goldens.golden.built_in_cells import LAYOUTS
from rnn_goldens.golden.precision import PRECISIONS, SupportedOnly
from rnn_goldens.golden.shapes import Config, Shape, state_shapes, weight_shapes

DOCUMENTED_IN = "rnn-goldens, generator/scenarios"

TITLES = {"rnn_relu": "relu RNN", "rnn_tanh": "tanh RNN", "lstm": "LSTM", "gru": "GRU"}

CERTIFIED = ("rnn_tanh", "gru", "lstm")
"""Cells whose activations round."""

FOLDERS = {"rnn_relu": "exact", "rnn_tanh": "rnn-tanh", "gru": "gru", "lstm": "lstm"}

ON_KINKS = ("exact", "sizes-exact")
"""Folders of scenarios with integers and no gradients: some sums are zero, where a relu has no derivative."""


@dataclass(frozen=True)
class Call:
    """A configuration with the shape of its input."""

    config: Config  # the configuration
    batch: int | None = 2  # the number of sequences; None for unbatched input
    time: int = 4  # the number of time steps
    lengths: tuple[int, ...] | None = None  # the time steps of each sequence; all of them if None
    state: bool = False  # whether there is an initial state

    def shapes(self, cell: str) -> dict[str, Shape]:
        """Return the shapes of all arrays by name: of the weights, the input and the initial state, if any."""
        batch = () if self.batch is None else (self.batch,)
        states = state_shapes(LAYOUTS[cell], self.config, batch) if self.state else {}
        return {
            **weight_shapes(LAYOUTS[cell], self.config),
            "x": (*batch, self.time, self.config.input_size),
            **{f"{name}0": shape for name, shape in states.items()},
        }


@dataclass(frozen=True)
class Variant:
    """A call with a purpose."""

    name: str  # the second part of the id
    title: str  # a short title
    purpose: str  # what it detects
    call: Call  # the configuration with the shape of its input
    cotangents: Kind | None = None  # the kind of cotangents, if it has gradients
    gradient_purpose: str = ""  # what the cotangents show or detect
    states: float = 1.0  # the amplitude of h0. That of c0, which no activation bounds, is 1.5 times larger
    declared: tuple[str, ...] = ()  # declared features
    precisions: Sequence[str] = SupportedOnly(PRECISIONS)  # the precisions of the golden

    def scenario(self, folder: str, cell: str, draw: Draw, *, ones: bool = False) -> Scenario:
        """Return a scenario of a cell with numbers from ``draw``; with ``ones``, its cotangents are all one."""
        golden_id = f"{folder}/{self.name}"
        drawn = {name: draw(key_of(golden_id, name), name, shape) for name, shape in self.call.shapes(cell).items()}
        scenario = Scenario(
            id=golden_id,
            title=f"{TITLES[cell]}: {self.title}",
            purpose=self.purpose,
            documented_in=DOCUMENTED_IN,
            cell=cell,
            config=self.call.config,
            x=drawn.pop("x"),
            h0=drawn.pop("h0", None),
            c0=drawn.pop("c0", None),
            weights=drawn,
            lengths=self.call.lengths,
            declared=self.declared,
            precisions=self.precisions,
        )
        if self.cotangents is None or folder in ON_KINKS:
            return scenario
        return with_cotangents(scenario, self.cotangents, self.gradient_purpose, ones=ones)


def rounded(amplitude: float, inputs: float = 1.5, states: float = 1.0) -> Draw:
    """Return a function that draws numbers whose sums round: weights up to an amplitude, in multiples of 1/64."""

    def draw(key: str, name: str, shape: Shape) -> Float64:
        if name.startswith(("weight", "bias")):
            return dyadic(key, shape, amplitude)
        return dyadic(key, shape, {"x": inputs, "h0": states, "c0": 1.5 * states}[name])

    return draw


def exact(key: str, name: str, shape: Shape) -> Float64:
    """Draw sparse weights of 1 and -1 and small integers: no sum rounds in any precision."""
    if name.startswith("weight_ih"):
        return sparse(key, shape, per_row=2)
    if name.startswith("weight_hh"):
        return sparse(key, shape, per_row=1)
    if name.startswith("bias"):
        return integers(key, shape, 2) + 1  # keeps most units above zero, where a relu does not hide errors
    return integers(key, shape, 3)
