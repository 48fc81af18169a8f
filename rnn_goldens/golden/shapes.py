"""Which arrays a golden has and their shapes: the one place where they follow from the configuration."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from functools import lru_cache
from typing import Any

from rnn_goldens.errors import UnknownName, WrongUse

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """What the shapes of a cell's weights and states follow from.

    Attributes:
        gates: a letter for each block of hidden_size rows that the weights stack, in their order.
        states: the states it carries from step to step: h, or h and c.
        vectors: other weights, a number a unit each, such as peepholes.
    """

    gates: str
    states: tuple[str, ...] = ("h",)
    vectors: tuple[str, ...] = ()

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of what a network returns."""
        return ("out", *(f"{name}_n" for name in self.states))

    @property
    def in_words(self) -> str:
        """All of it: the gates f and n, the state h, the vectors p_i and p_f."""
        parts = {"gate": self.gates, "state": self.states, "vector": self.vectors}
        return ", ".join(
            f"the {what}{'s' * (len(names) > 1)} {_listed(names)}" for what, names in parts.items() if names
        )


def _listed(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


LAYOUTS = {
    "rnn_tanh": Layout("h"),
    "rnn_relu": Layout("h"),
    "lstm": Layout("ifgo", ("h", "c")),
    "gru": Layout("rzn"),
}
"""The cells by name, as PyTorch has them."""

CELLS = tuple(LAYOUTS)

OUTPUTS = ("out", "h_n", "c_n")
"""The names of outputs, of whatever cell."""

OutputNames = str | Sequence[str] | None
"""Those that alone are compared; all if None."""

_NAME = "[A-Za-z_][A-Za-z0-9_]*"
OWN_CELL = rf"{_NAME}(\.{_NAME})*:{_NAME}"
"""What the name of a cell of someone's own looks like."""

_OWN = re.compile(OWN_CELL)


def is_own_cell(name: str) -> bool:
    """Whether a cell is of someone's own, ``package.module:function``: what it is like, its golden says."""
    return _OWN.fullmatch(name) is not None


def chosen_outputs(names: str | Iterable[str]) -> tuple[str, ...]:
    """The names of outputs that alone are to be compared, in their order; () if those are all that there are.

    Raises:
        UnknownName: there is no such output.
        WrongUse: out is not among them.
    """
    asked = {names} if isinstance(names, str) else set(names)
    for name in asked:
        if name not in OUTPUTS:
            raise UnknownName("output", name, OUTPUTS)
    if "out" not in asked:
        raise WrongUse(f"outputs={','.join(sorted(asked))}: out has to be among the outputs that are compared")
    return () if len(asked) == len(OUTPUTS) else tuple(name for name in OUTPUTS if name in asked)


@dataclass(frozen=True)
class Config(Mapping[str, Any]):
    """The configuration of a recurrent network, under the argument names of ``torch.nn.RNN``.

    It is a mapping too: ``nn.LSTM(**golden.config, batch_first=True)``.
    """

    input_size: int
    hidden_size: int
    num_layers: int = 1
    bidirectional: bool = False
    bias: bool = True

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - int or bool, as declared
        if name not in self:
            raise KeyError(name)
        return getattr(self, name)

    def __iter__(self) -> Iterator[str]:
        return (f.name for f in fields(self))

    def __len__(self) -> int:
        return len(astuple(self))

    def __contains__(self, name: object) -> bool:
        return any(name == f.name for f in fields(self))

    @property
    def num_directions(self) -> int:
        """1, or 2 if bidirectional."""
        return 2 if self.bidirectional else 1

    @property
    def layers(self) -> list[list[str]]:
        """The suffixes of each layer, its directions in order."""
        count = self.num_directions
        return [self.suffixes[layer * count :][:count] for layer in range(self.num_layers)]

    @property
    def suffixes(self) -> list[str]:
        """What the weight names of each layer and direction end in, in the order of the states' first axis."""
        directions = ("", "_reverse")[: self.num_directions]
        return [f"l{layer}{direction}" for layer in range(self.num_layers) for direction in directions]


def weight_count(layout: Layout, config: Config) -> int:
    """How many weights a network has: known without listing them, however many layers a file claims."""
    return config.num_layers * config.num_directions * ((4 if config.bias else 2) + len(layout.vectors))


def weight_shapes(layout: Layout, config: Config) -> dict[str, Shape]:
    """Shapes of the weights under PyTorch's names, in the order of ``nn.RNN.named_parameters()``."""
    return dict(_weight_shapes(layout, config))


@lru_cache
def _weight_shapes(layout: Layout, config: Config) -> dict[str, Shape]:
    rows, hidden = len(layout.gates) * config.hidden_size, config.hidden_size
    shapes: dict[str, Shape] = {}
    for suffix in config.suffixes:
        first_layer = suffix.startswith("l0")
        columns = config.input_size if first_layer else hidden * config.num_directions
        shapes |= {f"weight_ih_{suffix}": (rows, columns), f"weight_hh_{suffix}": (rows, hidden)}
        if config.bias:
            shapes |= {f"bias_ih_{suffix}": (rows,), f"bias_hh_{suffix}": (rows,)}
        shapes |= {f"{vector}_{suffix}": (hidden,) for vector in layout.vectors}
    return shapes


def state_shape(config: Config, batch: Shape) -> Shape:
    """Shape of h0, c0, h_n and c_n: (layers·directions, batch, hidden); ``batch`` is () for unbatched input."""
    return (config.num_layers * config.num_directions, *batch, config.hidden_size)


def output_shapes(layout: Layout, config: Config, x: Shape) -> dict[str, Shape]:
    """Shapes of out, h_n and, with a cell state, c_n, for an input of a shape; of their cotangents too."""
    batch = x[:-2]
    states = {f"{name}_n": state_shape(config, batch) for name in layout.states}
    return {"out": out_shape(config, batch, x[-2]), **states}


def gradient_shapes(layout: Layout, config: Config, x: Shape, *, state: bool) -> dict[str, Shape]:
    """Shapes of the gradients: of x, of the initial states if they are given, and of the weights."""
    states = {f"{name}0": state_shape(config, x[:-2]) for name in layout.states} if state else {}
    return {"x": x, **states, **weight_shapes(layout, config)}


def out_shape(config: Config, batch: Shape, time: int) -> Shape:
    """Shape of out: (batch, time, directions·hidden); ``batch`` is () for unbatched input."""
    return (*batch, time, config.num_directions * config.hidden_size)
