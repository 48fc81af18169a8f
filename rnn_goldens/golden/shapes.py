"""The names and shapes of a golden's arrays, derived from its configuration. No other module derives them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from functools import lru_cache
from typing import Any

from rnn_goldens.errors import UnknownName, WrongUse

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """The gates, states and vectors of a cell, from which the shapes of its arrays follow.

    Attributes:
        gates: one letter for each block of hidden_size rows in the weights, in order.
        states: the states carried from step to step: h, or h and c.
        vectors: other weights of shape (hidden,), such as peepholes.
    """

    gates: str
    states: tuple[str, ...] = ("h",)
    vectors: tuple[str, ...] = ()

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs of a network."""
        return ("out", *(f"{name}_n" for name in self.states))

    @property
    def in_words(self) -> str:
        """The layout as text: "the gates f and n, the state h, the vectors p_i and p_f"."""
        parts = {"gate": self.gates, "state": self.states, "vector": self.vectors}
        return ", ".join(
            f"the {part}{'s' * (len(names) > 1)} {_listed(names)}" for part, names in parts.items() if names
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
"""The built-in cells, with PyTorch's gate order."""

CELLS = tuple(LAYOUTS)

OUTPUTS = ("out", "h_n", "c_n")
"""Names of the outputs of any cell."""

OutputNames = str | Sequence[str] | None
"""Names of the outputs to compare; all if None."""

_NAME = "[A-Za-z_][A-Za-z0-9_]*"
CUSTOM_CELL = rf"{_NAME}(\.{_NAME})*:{_NAME}"
"""Pattern of the name of a custom cell."""

_CUSTOM = re.compile(CUSTOM_CELL)


def is_custom_cell(name: str) -> bool:
    """Return whether a name belongs to a custom cell: ``package.module:function``. Its goldens store the layout."""
    return _CUSTOM.fullmatch(name) is not None


def chosen_outputs(names: str | Iterable[str]) -> tuple[str, ...]:
    """Return the names of the outputs to compare, in the order of ``OUTPUTS``; () if all outputs are compared.

    Raises:
        UnknownName: no such output.
        WrongUse: the names do not include out.
    """
    selected = {names} if isinstance(names, str) else set(names)
    for name in selected:
        if name not in OUTPUTS:
            raise UnknownName("output", name, OUTPUTS)
    if "out" not in selected:
        raise WrongUse(f"outputs={','.join(sorted(selected))}: the outputs to compare must include out")
    return () if len(selected) == len(OUTPUTS) else tuple(name for name in OUTPUTS if name in selected)


@dataclass(frozen=True)
class Config(Mapping[str, Any]):
    """The configuration of a recurrent network, under the argument names of ``torch.nn.RNN``.

    Also a mapping: ``nn.LSTM(**golden.config, batch_first=True)``.
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
        """Suffixes of the weight names by layer, one for each direction."""
        count = self.num_directions
        return [self.suffixes[layer * count :][:count] for layer in range(self.num_layers)]

    @property
    def suffixes(self) -> list[str]:
        """Suffixes of the weight names, in the order of the first axis of the states."""
        directions = ("", "_reverse")[: self.num_directions]
        return [f"l{layer}{direction}" for layer in range(self.num_layers) for direction in directions]


def weight_count(layout: Layout, config: Config) -> int:
    """Return the number of weights without listing them: a file can claim any number of layers."""
    return config.num_layers * config.num_directions * ((4 if config.bias else 2) + len(layout.vectors))


def weight_shapes(layout: Layout, config: Config) -> dict[str, Shape]:
    """Return the shapes of the weights under PyTorch's names, in the order of ``nn.RNN.named_parameters()``."""
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
    """Return the shape of a state: (layers·directions, batch, hidden); ``batch`` is () for unbatched input."""
    return (config.num_layers * config.num_directions, *batch, config.hidden_size)


def output_shapes(layout: Layout, config: Config, x: Shape) -> dict[str, Shape]:
    """Return the shapes of out, h_n and, if the cell has c, c_n, for an x of this shape. Cotangents have these, too."""
    batch = x[:-2]
    states = {f"{name}_n": state_shape(config, batch) for name in layout.states}
    return {"out": out_shape(config, batch, x[-2]), **states}


def gradient_shapes(layout: Layout, config: Config, x: Shape, *, state: bool) -> dict[str, Shape]:
    """Return the shapes of the gradients of x, of the initial states if ``state``, and of the weights."""
    states = {f"{name}0": state_shape(config, x[:-2]) for name in layout.states} if state else {}
    return {"x": x, **states, **weight_shapes(layout, config)}


def out_shape(config: Config, batch: Shape, time: int) -> Shape:
    """Return the shape of out: (batch, time, directions·hidden); ``batch`` is () for unbatched input."""
    return (*batch, time, config.num_directions * config.hidden_size)
