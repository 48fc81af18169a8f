"""The built-in linear recurrences: names and axes of their arrays, from which all shapes follow."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from rnn_goldens.errors import UnknownName, WrongUse
from rnn_goldens.golden.shapes import BATCH, SEQUENCE, TIME, ArrayShapes, Axes, Config, Layout, Shape

NamedAxes = Mapping[str, str]
"""By name of an array, the names of its axes, separated by spaces."""

BY_HEAD, BY_KEY = "head", "key"
"""The decay is one number for each head, or one for each key."""


@dataclass(frozen=True)
class Recurrence:
    """Names and axes of the arrays of a recurrence.

    An axis is a size of the configuration: ``heads``, ``d_k``. A lane is one sequence and one head; lanes do not depend
    on each other, except through weights.

    Attributes:
        meaning: one sentence.
        source: the paper or specification that defines it.
        inputs: axes after (batch, time).
        states: axes after batch. State S has the initial value ``S0`` and the last value ``S_n``.
        outputs: axes after (batch, time).
        weights: all axes; the same at each time step and in each sequence.
        compared: the states whose last values are compared; the others have no values that implementations agree on.
        options: options with their default values, None if a default depends on the sizes.
    """

    meaning: str
    source: str
    inputs: NamedAxes
    states: NamedAxes
    outputs: NamedAxes
    weights: NamedAxes = field(default_factory=dict)
    compared: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sizes(self) -> tuple[str, ...]:
        """Names of the sizes, in the order of first use."""
        kinds = (self.inputs, self.weights, self.states, self.outputs)
        return tuple(dict.fromkeys(axis for kind in kinds for axes in kind.values() for axis in axes.split()))


def _attention(meaning: str, *, gated: bool = False, delta: bool = False) -> Recurrence:
    gates = {"g": "heads"} if gated else {}
    return Recurrence(
        meaning,
        "Yang et al. (2024), arXiv:2412.06464; ONNX LinearAttention-27",
        {"q": "query_heads d_k", "k": "heads d_k", "v": "heads d_v", **gates, **({"beta": "heads"} if delta else {})},
        {"S": "heads d_k d_v"},
        {"o": "query_heads d_v"},
        compared=("S",),
        options={"scale": None, **({"decay": BY_HEAD} if gated else {})},
    )


RECURRENCES: Mapping[str, Recurrence] = {
    "linear_attention": _attention("Linear attention: the state adds up the outer products of keys and values."),
    "gated_linear_attention": _attention("Linear attention whose state decays by a gate.", gated=True),
    "delta_rule": _attention("The delta rule: each key replaces a part of the value stored for it.", delta=True),
    "gated_delta": _attention("The delta rule with a state that decays by a gate.", gated=True, delta=True),
    "selective_scan": Recurrence(
        "Mamba's selective scan: a diagonal state space whose step size, input and output depend on the input.",
        "Gu & Dao (2023), arXiv:2312.00752",
        {"u": "d", "dt": "d", "B": "n", "C": "n"},
        {"h": "d n"},
        {"y": "d"},
        {"A": "d n", "D": "d"},
        ("h",),
    ),
    "slstm": Recurrence(
        "sLSTM: an LSTM with exponential gates, a normalizer and a stabilizer.",
        "Beck et al. (2024), arXiv:2405.04517",
        {f"x_{gate}": "heads d" for gate in "ifzo"},
        dict.fromkeys("hcnm", "heads d"),
        {"out": "heads d"},
        {f"R_{gate}": "heads d d" for gate in "ifzo"},
        ("h",),
    ),
    "rg_lru": Recurrence(
        "RG-LRU: a gated linear unit whose decay is learned and gated.",
        "De et al. (2024), arXiv:2402.19427",
        {"x": "d", "r": "d", "i": "d"},
        {"h": "d"},
        {"out": "d"},
        {"Lambda": "d"},
        ("h",),
    ),
    "min_gru": Recurrence(
        "minGRU: a GRU whose gate and candidate do not depend on the state.",
        "Feng et al. (2024), arXiv:2410.01201",
        {"z": "d", "n": "d"},
        {"h": "d"},
        {"out": "d"},
        compared=("h",),
    ),
    "causal_conv": Recurrence(
        "A causal convolution of each channel over time, which keeps its last inputs as a state.",
        "ONNX CausalConvWithState-27",
        {"x": "channels"},
        {"window": "channels past"},
        {"y": "channels"},
        {"weight": "channels width", "bias": "channels"},
        ("window",),
        {"activation": "silu"},
    ),
}
"""The recurrences by name. A selection that names none of them has networks only."""


@dataclass(frozen=True)
class RecurrenceLayout(Layout):
    """The names of the states and outputs of a recurrence.

    Attributes:
        compared: the states whose last values are outputs.
        result: the output at each time step.
    """

    compared: tuple[str, ...] = ()
    result: str = ""

    most_states: ClassVar[int] = 1


RECURRENCE_LAYOUTS: Mapping[str, RecurrenceLayout] = {
    name: RecurrenceLayout("", tuple(of.states), tuple(of.weights.items()), of.compared, *of.outputs)
    for name, of in RECURRENCES.items()
}
"""The layouts of the recurrences by name."""

LANE_AXES = ("heads", "query_heads", "channels")
"""Axes of lanes: the equations of one lane do not see them."""


@dataclass(frozen=True)
class RecurrenceConfig(Mapping[str, Any]):
    """Sizes and options of a recurrence.

    Attributes:
        cell: the name of the recurrence.
        given: sizes and the options that differ from their defaults, by name.
        kind: the kind of files of its goldens.
        is_wide_inside: whether half precisions are computed in float32.
        lengths_name: the input that gives each sequence its number of time steps.
        chains: one chain of time steps.
        is_forward_only: a recurrence runs from the first time step to the last.
    """

    cell: str
    given: Mapping[str, Any]

    kind: ClassVar[str] = "recurrence"
    is_wide_inside: ClassVar[bool] = True
    lengths_name: ClassVar[str] = "offsets"
    chains: ClassVar[int] = 1
    is_forward_only: ClassVar[bool] = True

    @property
    def recurrence(self) -> Recurrence:
        """The recurrence."""
        return RECURRENCES[self.cell]

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - a size, or an option
        return self.given[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.given)

    def __len__(self) -> int:
        return len(self.given)

    def problems(self, layout: Layout) -> Iterator[str]:  # noqa: ARG002 - as that of networks
        """Yield nothing: ``recurrence_config`` refuses wrong sizes and options."""
        return iter(())

    def option(self, name: str) -> Any:  # noqa: ANN401 - a number or a word
        """Return the value of an option."""
        return self.given.get(name, self.recurrence.options[name])

    @property
    def inputs(self) -> NamedAxes:
        """Axes of the inputs after (batch, time): a decay by key has an axis more."""
        if self.given.get("decay", BY_HEAD) == BY_KEY:
            return {**self.recurrence.inputs, "g": "heads d_k"}
        return self.recurrence.inputs

    @property
    def sizes(self) -> dict[str, int]:
        """The sizes by name."""
        return {name: self.given[name] for name in self.recurrence.sizes}

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the inputs at each time step."""
        return tuple(self.inputs)

    @property
    def features(self) -> tuple[str, ...]:
        """The features of the configuration."""
        return ("grouped",) if self.get("query_heads") != self.get("heads") and "query_heads" in self else ()

    def axes(self, name: str, _layout: Layout, *, batched: bool) -> Axes:  # noqa: ARG002 - as those of a network
        """Return the names of the axes of an input, state, output or weight; states have one for packed sequences."""
        recurrence = self.recurrence
        if name in recurrence.weights:
            return tuple(recurrence.weights[name].split())
        if axes := self.inputs.get(name) or recurrence.outputs.get(name):
            return (BATCH, TIME, *axes.split())
        return (SEQUENCE, *recurrence.states[name.removesuffix("_n").removesuffix("0")].split())

    def weight_count(self, _layout: Layout) -> int:
        """Return the number of weights."""
        return len(self.recurrence.weights)

    def shapes(self, _layout: Layout, inputs: Mapping[str, Any], offsets: Any = None) -> ArrayShapes:  # noqa: ANN401
        """Return the shapes of the arrays of a golden with these inputs; ``offsets`` for packed sequences."""
        batch, time = inputs[self.input_names[0]].shape[:2]
        return self.array_shapes(batch, time, None if offsets is None else len(offsets) - 1)

    def array_shapes(self, batch: int, time: int, packed: int | None = None) -> ArrayShapes:
        """Return the shapes of the arrays; ``packed`` is the number of packed sequences, which have a batch of one."""
        of, sequences = self.recurrence, batch if packed is None else packed
        initial = {f"{name}0": axes for name, axes in of.states.items()}
        last = {f"{name}_n": of.states[name] for name in of.compared}
        return ArrayShapes(
            self._sized(self.inputs, batch, time),
            self._sized(initial, sequences),
            self._sized(of.weights),
            {**self._sized(of.outputs, batch, time), **self._sized(last, sequences)},
        )

    def _sized(self, arrays: NamedAxes, *leading: int) -> dict[str, Shape]:
        return {name: (*leading, *self.shape(axes)) for name, axes in arrays.items()}

    def shape(self, axes: str) -> Shape:
        """Return the sizes of axes."""
        return tuple(self.given[axis] for axis in axes.split())


AnyConfig = Config | RecurrenceConfig
"""The configuration of a golden."""


def recurrence_config(cell: str, values: Mapping[str, Any]) -> RecurrenceConfig:
    """Return the configuration of a recurrence.

    Raises:
        WrongUse: a size is missing or not positive, ``query_heads`` is not a multiple of ``heads``, or an option does
            not exist.
    """
    recurrence = RECURRENCES[cell]
    missing = [name for name in recurrence.sizes if name not in values]
    if missing:
        raise WrongUse(f"{cell}: config has no {', '.join(missing)}")
    if unknown := [name for name in values if name not in (*recurrence.sizes, *recurrence.options)]:
        raise UnknownName(f"size or option of {cell}", unknown[0], (*recurrence.sizes, *recurrence.options))
    sizes = {name: values[name] for name in recurrence.sizes}
    for name, size in sizes.items():
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise WrongUse(f"{cell}: {name} is {size!r}, but must be a positive integer")
    if sizes.get("query_heads", 0) % sizes.get("heads", 1):
        raise WrongUse(f"{cell}: query_heads, {sizes['query_heads']}, is not a multiple of heads, {sizes['heads']}")
    if "past" in sizes and sizes["past"] != sizes["width"] - 1:
        raise WrongUse(f"{cell}: past is {sizes['past']}, but must be width - 1 = {sizes['width'] - 1}")
    if values.get("decay", BY_HEAD) not in (BY_HEAD, BY_KEY):
        raise WrongUse(f"{cell}: decay is {values['decay']!r}, but must be 'head' or 'key'")
    if values.get("activation", "silu") not in ("silu", "none"):
        raise WrongUse(f"{cell}: activation is {values['activation']!r}, but must be 'silu' or 'none'")
    ordered = {name: values[name] for name in (*recurrence.sizes, *recurrence.options) if name in values}
    return RecurrenceConfig(cell, ordered)
