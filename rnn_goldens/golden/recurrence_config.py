"""The configuration of a recurrence: its sizes and options, from which the shapes of all arrays follow."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from rnn_goldens.errors import UnknownName, WrongUse
from rnn_goldens.golden.recurrences import BY_HEAD, BY_KEY, RECURRENCES, NamedAxes, Recurrence
from rnn_goldens.golden.shapes import BATCH, SEQUENCE, TIME, ArrayShapes, Axes, Blocks, Config, Layout, Shape


@dataclass(frozen=True)
class RecurrenceConfig(Mapping[str, Any]):
    """Sizes and options of a recurrence.

    Attributes:
        cell: the name of the recurrence.
        given: sizes and the options that differ from their defaults, by name.
        kind: the kind of files of its goldens.
        is_wide_inside: whether half precisions are computed in float32.
        derives_profiles: the tolerance under tf32 follows from the stored coefficients.
        lengths_name: the input that gives each sequence its number of time steps.
        chains: one chain of time steps.
        is_forward_only: a recurrence runs from the first time step to the last.
    """

    cell: str
    given: Mapping[str, Any]

    kind: ClassVar[str] = "recurrence"
    is_wide_inside: ClassVar[bool] = True
    derives_profiles: ClassVar[bool] = False
    lengths_name: ClassVar[str] = "offsets"
    chains: ClassVar[int] = 1
    is_forward_only: ClassVar[bool] = True

    @property
    def has_chunks(self) -> bool:
        """Whether there is a tolerance for chunks, too."""
        return self.recurrence.chunked

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

    def blocks(self, name: str, layout: Layout, *, batched: bool) -> tuple[Blocks, ...]:
        """Return, for each axis of an array, one block and the name of its size."""
        return tuple((1, axis) for axis in self.axes(name, layout, batched=batched))

    def grown(self, sizes: Mapping[str, Any]) -> "RecurrenceConfig":
        """Return the configuration with larger sizes, or other options."""
        return RecurrenceConfig(self.cell, {**self.given, **sizes})

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
