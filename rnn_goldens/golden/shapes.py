"""Layouts of cells and the configuration of a network, from which names and shapes of all arrays follow."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache
from typing import Any, ClassVar, NamedTuple, Self

from rnn_goldens.errors import UnknownName, WrongUse
from rnn_goldens.golden.rounding_profile import STEP
from rnn_goldens.plurals import listed

Shape = tuple[int, ...]

Axes = tuple[str, ...]
"""Names of the axes of an array. An axis of two parts is named after both, the outer one first."""

Blocks = tuple[int, str]
"""The parts of an axis, such as the rows of several gates: how many, and the name of their size."""

BATCH, SEQUENCE, TIME, LAYER, UNIT = "batch", "sequence", "time", "layer", "unit"
SEQUENCES = "sequences"
"""The number of packed sequences."""

LAYER_AND_DIRECTION, DIRECTION_AND_UNIT, GATE_AND_UNIT = "layer and direction", "direction and unit", "gate and unit"

STACKED = (("weight_ih", "GI"), ("weight_hh", "GP"), ("bias_ih", "G"), ("bias_hh", "G"))
"""The weights of most cells. A letter for each axis: see ``Layout``."""


class Block(NamedTuple):
    """A block of the rows of a weight, such as those of a gate."""

    weight: str  # the name of the weight without the suffix of its layer and direction
    number: int  # which block
    blocks: int  # the number of blocks

    def rows(self, size: int) -> slice:
        """Return the rows of the block in an array of ``size`` rows."""
        return slice(self.number * size // self.blocks, (self.number + 1) * size // self.blocks)


@dataclass(frozen=True)
class Layout:
    """The gates, states and weights of a cell, from which the shapes of its arrays follow."""

    gates: str  # one letter for each block of hidden_size rows in the stacked weights, in order
    # the states carried from step to step. The first is h, the output, of P numbers; others have H. State c has the
    # initial value c0 and the last value c_n
    states: tuple[str, ...] = ("h",)
    # by name, a letter for each axis: I is the size of the layer's input, H hidden_size, P the size of h (proj_size, or
    # hidden_size), G the rows of all gates. Biases are absent in a network without them
    weights: tuple[tuple[str, str], ...] = STACKED

    most_states: ClassVar[int] = 2  # of the last states that implementations of any network return: h and c

    @property
    def initial(self) -> tuple[str, ...]:
        """Names of the initial states of a network."""
        return tuple(f"{name}0" for name in self.states)

    @property
    def result(self) -> str:
        """The name of the output at each time step."""
        return "out"

    @property
    def compared(self) -> tuple[str, ...]:
        """The states whose last values are outputs."""
        return self.states

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the output at each time step and of the compared last states."""
        return (self.result, *(f"{name}_n" for name in self.compared))

    @property
    def further(self) -> dict[str, str]:
        """The weights besides the stacked ones."""
        return {name: axes for name, axes in self.weights if name not in dict(STACKED)}

    @property
    def is_projected(self) -> bool:
        """Whether h is the product of a weight, so that its size is proj_size."""
        return any(axes[0] == "P" for _, axes in self.weights)

    @property
    def growing(self) -> tuple[str, ...]:
        """Names of the sizes in which a golden can be embedded."""
        return ("hidden_size", "input_size", *(("proj_size",) if self.is_projected else ()), BATCH)

    @cached_property
    def blocks(self) -> dict[str, Block]:
        """The blocks of the weights by their names in equations: ``W_ii`` has the rows of gate i of ``weight_ih``."""
        found, gates = dict[str, Block](), self.gates
        for name, _ in self.weights:
            short = name.replace("weight_", "W_").replace("bias_", "b_")
            if name in dict(STACKED):
                found |= {f"{short[:-1]}{gate}": Block(name, k, len(gates)) for k, gate in enumerate(gates)}
            else:
                found[short] = Block(name, 0, 1)
        return found

    def present(self, *, bias: bool) -> tuple[str, ...]:
        """Return the names of the weights of a network with or without biases."""
        return tuple(name for name, _ in self.weights if bias or not is_bias(name))

    @property
    def in_words(self) -> str:
        """The layout as text: "the gates f and n, the state h, the weights p_i and p_f"."""
        parts = {"gate": self.gates, "state": self.states, "weight": tuple(self.further)}
        return ", ".join(
            f"the {part}{'s' * (len(names) > 1)} {listed(names)}" for part, names in parts.items() if names
        )


def in_file_order(weights: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the weights of a custom cell: stacked ones, then others by name, because HDF5 stores no other order."""
    stacked = [(name, weights[name]) for name, _ in STACKED if name in weights]
    return (*stacked, *sorted(item for item in weights.items() if item not in stacked))


def is_bias(weight: str) -> bool:
    """Return whether a weight is a bias, which a network can lack."""
    return weight.startswith("bias_")


OUTPUTS = ("out", "h_n", "c_n")
"""Names of the outputs of the built-in cells. A custom cell can have further states, and an output for each."""

STATE = "[A-Za-z]+"
"""Pattern of the name of a state: ``h``, whose initial value is ``h0`` and whose last value is ``h_n``."""

MAX_STATES = 16

_LAST_STATE = re.compile(f"{STATE}_n")

OutputNames = str | Sequence[str] | None
"""Names of the outputs to compare; all if None."""

_NAME = "[A-Za-z_][A-Za-z0-9_]*"
CUSTOM_CELL = rf"{_NAME}(\.{_NAME})*:{_NAME}"

_CUSTOM = re.compile(CUSTOM_CELL)


def is_custom_cell(name: str) -> bool:
    """Return whether a name belongs to a custom cell: ``package.module:function``. Its goldens store the layout."""
    return _CUSTOM.fullmatch(name) is not None


def chosen_outputs(names: str | Iterable[str]) -> tuple[str, ...]:
    """Return the outputs to compare, out first; () for all of ``OUTPUTS``. Raises UnknownName; WrongUse without out."""
    selected = {names} if isinstance(names, str) else set(names)
    for name in selected:
        if name not in OUTPUTS and not _LAST_STATE.fullmatch(name):
            raise UnknownName("output", name, OUTPUTS)
    if "out" not in selected:
        raise WrongUse(f"outputs={','.join(sorted(selected))}: the outputs to compare must include out")
    others = sorted(selected.difference(OUTPUTS))
    return () if selected.issuperset(OUTPUTS) else (*(name for name in OUTPUTS if name in selected), *others)


@dataclass(frozen=True)
class ArrayShapes:
    """The shapes of the arrays of a golden, by name."""

    inputs: Mapping[str, Shape]  # the inputs at all time steps
    initial: Mapping[str, Shape]  # the initial states
    weights: Mapping[str, Shape]
    outputs: Mapping[str, Shape]  # the outputs and the last states

    @property
    def every(self) -> dict[str, Shape]:
        """The shapes of all arrays."""
        return {**self.inputs, **self.initial, **self.weights, **self.outputs}

    @property
    def cotangents(self) -> dict[str, Shape]:
        """The shapes of the cotangents: those of their outputs."""
        return {cotangent_of(name): shape for name, shape in self.outputs.items()}

    def gradients(self, *, state: bool) -> dict[str, Shape]:
        """Return the shapes of the gradients: of inputs, of the initial states if ``state``, and of weights."""
        return {**self.inputs, **(self.initial if state else {}), **self.weights}


_OPTIONAL = ("proj_size", "direction")
"""Arguments that a configuration lists only if they are set: most networks do not accept them."""


@dataclass(frozen=True)
class Config(Mapping[str, Any]):
    """The configuration of a recurrent network, under the argument names of ``torch.nn.RNN``.

    Also a mapping: ``nn.LSTM(**golden.config, batch_first=True)``. It lists ``proj_size`` and ``direction`` only where
    they are set.

    Attributes:
        proj_size: the size of h in an LSTM with a projection; 0 without one.
        direction: ``reverse`` for a network that only runs backwards; its weights end in ``_reverse``.
        kind: the kind of files of its goldens.
        is_wide_inside: whether half precisions are computed in float32.
        derives_profiles: whether tolerances under tf32 and wgsl are derived, for the golden's own size.
        lengths_name: the input that gives each sequence its number of time steps.
    """

    input_size: int
    hidden_size: int
    num_layers: int = 1
    bidirectional: bool = False
    bias: bool = True
    proj_size: int = 0
    direction: str = ""

    kind: ClassVar[str] = "golden"
    is_wide_inside: ClassVar[bool] = False
    derives_profiles: ClassVar[bool] = True
    lengths_name: ClassVar[str] = "lengths"

    def algorithms(self, _steps: int) -> tuple[str, ...]:
        """Return the algorithms with a tolerance of their own: a network is computed step by step."""
        return (STEP,)

    def type_of(self, _name: str) -> str:
        """Return the type in which files store an array."""
        return "float64"

    def zero_of(self, _name: str) -> float:
        """Return the number that an initial state holds if none is given."""
        return 0.0

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - int or bool, as declared
        if name not in iter(self):
            raise KeyError(name)
        return getattr(self, name)

    def __iter__(self) -> Iterator[str]:
        return (f.name for f in fields(self) if f.name not in _OPTIONAL or getattr(self, f.name))

    def __len__(self) -> int:
        return len(list(iter(self)))

    @property
    def sizes(self) -> dict[str, int]:
        """The sizes by short names, and whether there are biases."""
        sizes = {"input": self.input_size, "hidden": self.hidden_size, "layers": self.num_layers}
        return {**sizes, "directions": self.num_directions, "has_bias": int(self.bias)}

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the inputs at each time step."""
        return ("x",)

    def problems(self, layout: Layout) -> Iterator[str]:
        """Yield how options contradict each other, or the cell."""
        if layout.is_projected != (self.proj_size > 0):
            what = "is required: the cell has a" if layout.is_projected else "is given, but the cell has no"
            yield f"proj_size {what} projection"
        if self.direction and self.bidirectional:
            yield "direction is reverse, so bidirectional must be false"

    @property
    def chains(self) -> int:
        """How many chains of time steps a network computes: one for each layer and direction."""
        return self.num_layers * self.num_directions

    @property
    def is_forward_only(self) -> bool:
        """Whether no layer runs from the last time step to the first, so that a sequence can be computed in parts."""
        return not (self.bidirectional or self.direction)

    @property
    def features(self) -> tuple[str, ...]:
        """The features of the configuration."""
        present = {"bias": self.bias, "multilayer": self.num_layers > 1, "bidirectional": self.bidirectional}
        return tuple(feature for feature, is_present in present.items() if is_present)

    def axes(self, name: str, layout: Layout, *, batched: bool) -> Axes:
        """Return the names of the axes of an input, state, output or weight of a network."""
        batch, one = (BATCH,) if batched else (), self.num_directions == 1
        if name == "x":
            return (*batch, TIME, "input")
        if name == "out":
            return (*batch, TIME, UNIT if one else DIRECTION_AND_UNIT)
        if name in (*layout.initial, *layout.outputs):
            return (LAYER if one else LAYER_AND_DIRECTION, *batch, UNIT)
        letters = dict(layout.weights)[name.rpartition("_l")[0]]
        rows = GATE_AND_UNIT if letters.startswith("G") and len(layout.gates) > 1 else UNIT
        return (rows, "column")[: len(letters)]

    def blocks(self, name: str, layout: Layout, *, batched: bool) -> tuple[Blocks, ...]:
        """Return, for each axis of an array, its number of blocks and the name of their size."""
        weight, _, suffix = name.rpartition("_l")
        if letters := dict(layout.weights).get(weight):
            of_letters = self.blocks_of_weights(layout, 0 if suffix.partition("_")[0] == "0" else 1)
            return tuple(of_letters[letter] for letter in letters)
        is_h = name in (layout.result, layout.initial[0], layout.outputs[1])
        of_h = self.size_of_h if is_h else "hidden_size"
        named = {UNIT: (1, of_h), DIRECTION_AND_UNIT: (self.num_directions, of_h), "input": (1, "input_size")}
        return tuple(named.get(axis, (1, axis)) for axis in self.axes(name, layout, batched=batched))

    def blocks_of_weights(self, layout: Layout, layer: int) -> dict[str, Blocks]:
        """Return the blocks of the axes of a layer's weights, by their letters in ``Layout.weights``."""
        below = (self.num_directions, self.size_of_h) if layer else (1, "input_size")
        return {"G": (len(layout.gates), "hidden_size"), "H": (1, "hidden_size"), "P": (1, self.size_of_h), "I": below}

    def grown(self, sizes: Mapping[str, Any]) -> Self:
        """Return the configuration with larger sizes."""
        return replace(self, **sizes)

    def weight_count(self, layout: Layout) -> int:
        """Return the number of weights without listing them: a file can claim any number of layers."""
        return self.num_layers * self.num_directions * len(layout.present(bias=self.bias))

    def shapes(self, layout: Layout, inputs: Mapping[str, Any], _offsets: Any = None) -> ArrayShapes:  # noqa: ANN401
        """Return the shapes of the arrays of a golden with these inputs."""
        return self.array_shapes(layout, inputs["x"].shape)

    def array_shapes(self, layout: Layout, x: Shape) -> ArrayShapes:
        """Return the shapes of the arrays of a network with an x of this shape."""
        states = state_shapes(layout, self, x[:-2]).values()
        out = (*x[:-1], self.num_directions * self.output_size)
        return ArrayShapes(
            {"x": (*x[:-1], self.input_size)},
            dict(zip(layout.initial, states, strict=True)),
            weight_shapes(layout, self),
            dict(zip(layout.outputs, (out, *states), strict=True)),
        )

    @property
    def output_size(self) -> int:
        """The size of h: proj_size, or hidden_size without a projection."""
        return self.proj_size or self.hidden_size

    @property
    def size_of_h(self) -> str:
        """The name of the size of h."""
        return "proj_size" if self.proj_size else "hidden_size"

    @property
    def num_directions(self) -> int:
        """1, or 2 if bidirectional."""
        return 2 if self.bidirectional else 1

    @property
    def onnx_direction(self) -> str:
        """ONNX's attribute: ``forward``, ``reverse`` or ``bidirectional``."""
        return self.direction or ("bidirectional" if self.bidirectional else "forward")

    @property
    def layers(self) -> list[list[str]]:
        """Suffixes of the weight names by layer, one for each direction."""
        count = self.num_directions
        return [self.suffixes[layer * count :][:count] for layer in range(self.num_layers)]

    @property
    def suffixes(self) -> list[str]:
        """Suffixes of the weight names, in the order of the first axis of the states."""
        directions = ("_reverse",) if self.direction else ("", "_reverse")[: self.num_directions]
        return [f"l{layer}{direction}" for layer in range(self.num_layers) for direction in directions]


def weight_shapes(layout: Layout, config: Config) -> dict[str, Shape]:
    """Return the shapes of the weights under PyTorch's names, in the order of ``nn.RNN.named_parameters()``."""
    return dict(_weight_shapes(layout, config))


@lru_cache
def _weight_shapes(layout: Layout, config: Config) -> dict[str, Shape]:
    shapes: dict[str, Shape] = {}
    for layer, suffixes in enumerate(config.layers):
        sizes = axis_sizes(layout, config, layer)
        for suffix in suffixes:
            shapes |= {
                f"{name}_{suffix}": tuple(sizes[axis] for axis in axes)
                for name, axes in layout.weights
                if config.bias or not is_bias(name)
            }
    return shapes


def axis_sizes(layout: Layout, config: Config, layer: int = 0) -> dict[str, int]:
    """Return the sizes of the axes of a layer's weights, by their letters in ``Layout.weights``."""
    of_letters = config.blocks_of_weights(layout, layer).items()
    return {letter: blocks * int(getattr(config, size)) for letter, (blocks, size) in of_letters}


def state_shapes(layout: Layout, config: Config, batch: Shape) -> dict[str, Shape]:
    """Return the shape of each state by name; ``batch`` is () for unbatched input."""
    first = config.num_layers * config.num_directions
    return {
        name: (first, *batch, config.hidden_size if at else config.output_size) for at, name in enumerate(layout.states)
    }


def cotangent_of(output: str) -> str:
    """Return the name of the cotangent of an output: ``d_h_n`` of ``h_n``."""
    return f"d_{output}"
