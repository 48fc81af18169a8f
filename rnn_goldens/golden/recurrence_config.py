"""The configuration of a recurrence: its sizes and options, from which the shapes of all arrays follow."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, ClassVar

from rnn_goldens.errors import UnknownName, WrongUse
from rnn_goldens.golden.recurrences import BY_HEAD, BY_KEY, HEADS, RECURRENCES, NamedAxes, Recurrence
from rnn_goldens.golden.rounding_profile import STEP, algorithms_for
from rnn_goldens.golden.shapes import BATCH, SEQUENCE, TIME, ArrayShapes, Axes, Blocks, Config, Layout, Shape


@dataclass(frozen=True)
class RecurrenceConfig(Mapping[str, Any]):
    """Sizes and options of a recurrence.

    Attributes:
        cell: the name of the recurrence.
        recurrence: names and axes of its arrays.
        given: sizes and the options that differ from their defaults, by name.
        kind: the kind of files of its goldens.
        is_wide_inside: whether half precisions are computed in float32.
        derives_profiles: the tolerance under tf32 follows from the stored coefficients.
        lengths_name: the input that gives each sequence its number of time steps.
        chains: one chain of time steps.
        is_forward_only: a recurrence runs from the first time step to the last.
    """

    cell: str
    recurrence: Recurrence
    given: Mapping[str, Any]

    kind: ClassVar[str] = "recurrence"
    is_wide_inside: ClassVar[bool] = True
    derives_profiles: ClassVar[bool] = False
    lengths_name: ClassVar[str] = "offsets"
    chains: ClassVar[int] = 1
    is_forward_only: ClassVar[bool] = True

    def algorithms(self, steps: int) -> tuple[str, ...]:
        """Return the algorithms with a tolerance of their own, the strictest first, if a sequence has so many steps."""
        return algorithms_for(steps) if self.recurrence.chunked else (STEP,)

    def type_of(self, _name: str) -> str:
        """Return the type in which files store an array."""
        return "float64"

    def zero_of(self, _name: str) -> float:
        """Return the number that an initial state holds if none is given."""
        return 0.0

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
        """Axes of the inputs after (batch, time): those of an optional size, and an axis more of a decay by key."""
        of = self.recurrence
        absent = [name for name, option in of.conditional.items() if self.option(option) == of.options[option]]
        found = {name: axes for name, axes in self._with_optional(of.inputs).items() if name not in absent}
        return {**found, "g": "heads d_k"} if self.given.get("decay", BY_HEAD) == BY_KEY else found

    @property
    def outputs(self) -> NamedAxes:
        """Axes of the outputs after (batch, time)."""
        return self._with_optional(self.recurrence.outputs)

    def _with_optional(self, arrays: NamedAxes) -> NamedAxes:
        """Return the axes of arrays; those of some differ with an optional size."""
        given = [axes for size, axes in self.recurrence.optional.items() if size in self.given]
        return {name: next((of[name] for of in given if name in of), axes) for name, axes in arrays.items()}

    @property
    def queries(self) -> int:
        """The number of query heads that read the state of a head; 1 if heads share a query."""
        return max(1, int(self.get("query_heads", 1)) // int(self.get("heads", 1)))

    @property
    def shared(self) -> int:
        """The number of groups of heads that share arrays, such as a key: lanes of a sequence of their own."""
        return int(self.get("key_heads") or (self.get("groups", 1) if HEADS in self else 1))

    @property
    def sizes(self) -> dict[str, int]:
        """The sizes by name."""
        names = (*self.recurrence.sizes, *self.recurrence.optional)
        return {name: self.given[name] for name in names if name in self.given}

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the inputs at each time step."""
        return tuple(self.inputs)

    @property
    def features(self) -> tuple[str, ...]:
        """The features of the configuration."""
        of_sizes = {"key_heads": "grouped-values", "groups": "grouped-channels", "beta_heads": "one-beta"}
        return (
            *(("grouped",) if self.queries > 1 else ()),
            *(feature for size, feature in of_sizes.items() if size in self.given),
        )

    def axes(self, name: str, _layout: Layout, *, batched: bool) -> Axes:  # noqa: ARG002 - as those of a network
        """Return the names of the axes of an input, state, output or weight; states have one for packed sequences."""
        recurrence = self.recurrence
        if name in recurrence.weights:
            return tuple(recurrence.weights[name].split())
        if axes := self.inputs.get(name) or self.outputs.get(name):
            return (BATCH, TIME, *axes.split())
        return (SEQUENCE, *recurrence.states[name.removesuffix("_n").removesuffix("0")].split())

    def blocks(self, name: str, layout: Layout, *, batched: bool) -> tuple[Blocks, ...]:
        """Return, for each axis of an array, one block and the name of its size."""
        return tuple((1, axis) for axis in self.axes(name, layout, batched=batched))

    def grown(self, sizes: Mapping[str, Any]) -> "RecurrenceConfig":
        """Return the configuration with larger sizes, or other options."""
        return replace(self, given={**self.given, **sizes})

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
            {**self._sized(self.outputs, batch, time), **self._sized(last, sequences)},
        )

    def _sized(self, arrays: NamedAxes, *leading: int) -> dict[str, Shape]:
        return {name: (*leading, *self.shape(axes)) for name, axes in arrays.items()}

    def shape(self, axes: str) -> Shape:
        """Return the sizes of axes."""
        return tuple(self.given[axis] for axis in axes.split())


WORDS = {
    "decay": (BY_HEAD, BY_KEY),
    "activation": ("silu", "none"),
    "gate": ("none", "silu"),
    "step_size": ("softplus", "given"),
}
"""The values of options that are words; others are numbers."""

LARGEST = 2**20
"""The largest size of an axis."""

AnyConfig = Config | RecurrenceConfig


def recurrence_config(cell: str, values: Mapping[str, Any], own: Recurrence | None = None) -> RecurrenceConfig:
    """Return the configuration of a recurrence, built in or a user's ``own``. Raises WrongUse if it is wrong."""
    recurrence = own or RECURRENCES[cell]
    missing = [name for name in recurrence.sizes if name not in values]
    if missing:
        raise WrongUse(f"{cell}: config has no {', '.join(missing)}")
    known = (*recurrence.sizes, *recurrence.optional, *recurrence.options)
    if unknown := [name for name in values if name not in known]:
        raise UnknownName(f"size or option of {cell}", unknown[0], known, plural=f"Sizes and options of {cell}")
    sizes = {name: values[name] for name in (*recurrence.sizes, *recurrence.optional) if name in values}
    for name, size in sizes.items():
        if not isinstance(size, int) or isinstance(size, bool) or not 0 < size <= LARGEST:
            raise WrongUse(f"{cell}: {name} is {size!r}, but must be a positive integer, at most {LARGEST}")
    if problem := _problem_of_heads(sizes):
        raise WrongUse(f"{cell}: {problem}")
    for name in (HEADS, "d"):
        if (size := sizes.get(name, 0)) % sizes.get("groups", 1):
            raise WrongUse(f"{cell}: {name}, {size}, is not a multiple of groups, {sizes['groups']}")
    if "past" in sizes and sizes["past"] != sizes["width"] - 1:
        raise WrongUse(f"{cell}: past is {sizes['past']}, but must be width - 1 = {sizes['width'] - 1}")
    options = {name: values[name] for name in recurrence.options if values.get(name) is not None}
    for name, value in options.items():
        if must := _problem_of_option(name, value, is_own=own is not None):
            raise WrongUse(f"{cell}: {name} is {value!r}, but must be {must}")
    return RecurrenceConfig(cell, recurrence, sizes | {n: _stored(value) for n, value in options.items()})


def _stored(value: Any) -> Any:  # noqa: ANN401 - a number or a word
    return value if isinstance(value, str) else float(value)


def _problem_of_option(name: str, value: object, *, is_own: bool) -> str:
    """Return what an option must be if it is not that. Those of a user's own recurrence are any numbers."""
    if name in WORDS and not is_own:
        return "" if value in WORDS[name] else " or ".join(map(repr, WORDS[name]))
    if not isinstance(value, int | float) or isinstance(value, bool) or not isfinite(value):
        return "a finite number"
    limits = {
        "scale": (value > 0, "positive"),
        "lower_bound": (value < 0, "negative"),
        "beta_limit": (value in (1, 2), "1 or 2"),
    }
    is_within, must = limits.get(name, (True, ""))
    return "" if is_within or (is_own and name != "scale") else must


def _problem_of_heads(sizes: Mapping[str, int]) -> str:
    """Return why sizes of an attention do not go together; "" if they do.

    Either the query heads of a head share its keys and values, or the heads of a key head share its queries and keys.
    """
    heads, queries = sizes.get("heads", 1), sizes.get("query_heads", 0)
    if (keys := sizes.get("key_heads")) is not None:
        if heads == keys or heads % keys:
            return f"heads, {heads}, is not a multiple of key_heads, {keys}: leave key_heads out if they are equal"
        if queries not in (0, keys):
            return f"query_heads, {queries}, is not key_heads, {keys}"
    elif queries % heads:
        return f"query_heads, {queries}, is not a multiple of heads, {heads}"
    if (betas := sizes.get("beta_heads")) is not None:
        if betas != 1 or heads == 1:
            return f"beta_heads is {betas} for {heads} heads, but can only be 1 for several heads: one beta for all"
        if keys is not None:
            return "beta_heads and key_heads exclude each other"
    return ""
