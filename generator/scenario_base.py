"""The base of all kinds of scenario: declared arrays by name, with a purpose, from which a golden is certified."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnn_goldens.comparison.array_conversion import NotNumbers, read
from rnn_goldens.errors import UnknownName, WrongUse
from rnn_goldens.generator.correct_algorithms import Forms
from rnn_goldens.generator.scenario_fields import (
    Refused,
    declared_of,
    exact_array,
    precisions_of,
    require_by_name,
    require_gradient_purpose,
    require_words,
)
from rnn_goldens.golden.expected import output_of
from rnn_goldens.golden.features import derived_features, is_id
from rnn_goldens.golden.recurrence_config import AnyConfig
from rnn_goldens.golden.shapes import BATCH, TIME, ArrayShapes, Axes, Layout, Shape
from rnn_goldens.golden.stored_arrays import (
    BackwardInputArrays,
    Float64,
    GoldenArrays,
    emptiness,
    length_problems,
    offset_problems,
)

LARGEST_INTEGER = 2.0**53
"""Beyond this, float64 cannot represent every integer."""

COTANGENT = "cotangent"

Int64 = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class GivenArrays:
    """Arrays of any library by name, as a scenario gives them; without weights, which may be in a file or a layer."""

    inputs: Mapping[str, ArrayLike]
    states: Mapping[str, ArrayLike]
    cotangents: Mapping[str, ArrayLike]
    lengths: ArrayLike | None = None
    offsets: ArrayLike | None = None


class DeclaredInputs(ABC):
    """Base class of scenarios: reads the arrays that a subclass gives by name, and requires their shapes.

    A subclass is a dataclass with the fields below. ``Scenario`` documents them.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]
    id: str
    purpose: str
    cell: str
    weights: Any
    gradient_purpose: str
    precisions: Sequence[str]
    declared: tuple[str, ...] | None
    title: str
    documented_in: str

    expected_cell: ClassVar[str]
    """The possible cells, for an error message."""

    by_name: ClassVar[tuple[str, ...]]
    """The fields that are mappings by name."""

    cotangent_fields = "cotangents"
    """The fields that give cotangents, for error messages."""

    def __post_init__(self) -> None:
        """Validate the fields that all scenarios have, and complete precisions, declared features and the title."""
        if not is_id(self.id):
            raise WrongUse(
                f"{self.id!r} is not a golden's id: expected folder/name in lower-case letters, digits and dashes, "
                "such as 'mine/first'"
            )
        require_words(self.id, "purpose", self.purpose, "a sentence: what this scenario detects")
        require_words(self.id, "documented_in", self.documented_in, "text: where the scenario comes from")
        require_words(self.id, "cell", self.cell, self.expected_cell)
        for field in self.by_name:
            require_by_name(self.id, field, getattr(self, field))
        require_gradient_purpose(self.id, self.gradient_purpose, self.given.cotangents, self.cotangent_fields)
        object.__setattr__(self, "precisions", self._valid_precisions())
        object.__setattr__(self, "declared", declared_of(self.id, self.declared))
        if isinstance(self.title, str) and not self.title:
            object.__setattr__(self, "title", self.id.rpartition("/")[2].replace("-", " "))
        require_words(self.id, "title", self.title, "a short title; the name if omitted")

    def _valid_precisions(self) -> tuple[str, ...]:
        return precisions_of(self.id, self.precisions)

    @property
    @abstractmethod
    def given(self) -> GivenArrays:
        """The arrays as given, without weights."""

    @property
    @abstractmethod
    def shape(self) -> AnyConfig:
        """The configuration. Raises Refused if it is invalid."""

    @property
    @abstractmethod
    def layout(self) -> Layout:
        """The layout of the cell. Raises Refused if the cell does not exist."""

    @abstractmethod
    def forms(self) -> Forms:
        """Return the correct algorithms as graphs. Raises Refused as ``stored`` does."""

    @abstractmethod
    def in_arrays(self) -> Self:
        """Return the scenario with NumPy arrays under the stored names. Raises Refused as ``stored`` does."""

    def named_weights(self) -> Mapping[str, ArrayLike]:
        """Return the weights under the names that goldens store. Raises Refused if that is impossible."""
        named: Mapping[str, ArrayLike] = self.weights
        return named

    @cached_property
    def _inputs(self) -> dict[str, Float64]:
        """The inputs, of any shape, in the order of the cell. Raises Refused if one is not exact."""
        found = self._read(self.given.inputs)
        return _in_order(found, [*self.shape.input_names, *found])

    @cached_property
    def _sizes(self) -> dict[str, int]:
        """Sizes by axis of the first input, such as batch and time. Raises Refused if it is missing or has others."""
        name = self.shape.input_names[0]
        possible = [self.shape.axes(name, self.layout, batched=batched) for batched in (True, False)]
        expected = " or ".join(dict.fromkeys(map(_text, possible)))
        if name not in self._inputs:
            raise Refused(f"{self.id}: {name} is missing; expected {expected}")
        shape = self._inputs[name].shape
        axes = next((axes for axes in possible if len(axes) == len(shape)), None)
        if axes is None:
            raise Refused(f"{self.id}: {name} has shape {shape}; expected {expected}")
        sizes = dict(zip(axes, shape, strict=True))
        if empty := emptiness(sizes.get(BATCH), sizes[TIME]):
            raise Refused(f"{self.id}: {name} has shape {shape}: {empty}")
        return sizes

    @cached_property
    def _integers(self) -> dict[str, Int64]:
        """The lengths or offsets, if given. Raises Refused if they are not integers, or contradict the inputs."""
        batch, time = self._sizes.get(BATCH), self._sizes[TIME]
        given = {"lengths": self.given.lengths, "offsets": self.given.offsets}
        found = {name: self._whole(name, value) for name, value in given.items() if value is not None}
        problems = {"lengths": length_problems, "offsets": offset_problems}
        for name, value in found.items():
            for problem in problems[name](value, batch, time, self.shape.input_names[0]):
                raise Refused(f"{self.id}: {problem}")
        return found

    @property
    def shapes(self) -> ArrayShapes:
        """The shapes of all arrays, given the axes of the first input."""
        return self.shape.shapes(self.layout, self._inputs, self._integers.get("offsets"))

    @cached_property
    def stored(self) -> BackwardInputArrays:
        """The arrays as a golden stores them. Raises Refused if one is missing, unknown, not exact or of a wrong shape.

        One initial state requires all of them. Cotangents may be missing, but not all zero.
        """
        weights = self._read(self.named_weights())
        shapes, states, cotangents = self.shapes, self._read(self.given.states), self._read(self.given.cotangents)
        problems = [
            *self._problems("weight", weights, shapes.weights),
            *self._problems("input", self._inputs, shapes.inputs),
            *self._problems("initial state", states, shapes.initial, required=bool(states)),
            *self._problems(COTANGENT, cotangents, shapes.cotangents, required=False),
        ]
        if cotangents and not any(array.any() for array in cotangents.values()):
            problems.append("every cotangent is zero")
        if problems:
            raise Refused(f"{self.id}: {'; '.join(problems)}")
        return BackwardInputArrays(
            weights=_in_order(weights, shapes.weights),
            inputs=self._inputs,
            states=_in_order(states, shapes.initial),
            cotangents=_in_order(cotangents, shapes.cotangents),
            **self._integers,
        )

    @property
    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """All arrays of the scenario by name."""
        stored = self.stored
        return {**stored.weights, **stored.inputs, **stored.states, **self._integers, **stored.cotangents}

    @property
    def initial_states(self) -> dict[str, Float64]:
        """The initial states by name; zeros if none is given."""
        zero = self.shape.zero_of
        return {n: self.stored.states.get(n, np.full(shape, zero(n))) for n, shape in self.shapes.initial.items()}

    def features(self, *, exact: bool) -> tuple[str, ...]:
        """Return the features derived from the inputs of its golden, whose tolerance may be zero."""
        return derived_features(
            self.shape,
            state=bool(self.stored.states),
            lengths="lengths" in self._integers,
            packed="offsets" in self._integers,
            unbatched=BATCH not in self._sizes,
            exact=exact,
        )

    def golden_arrays(self, expected: Mapping[str, Float64]) -> GoldenArrays:
        """Return the arrays of its golden."""
        stored = self.stored
        return GoldenArrays(
            weights=stored.weights, inputs=stored.inputs, states=stored.states, expected=expected, **self._integers
        )

    def _read(self, arrays: Mapping[str, ArrayLike]) -> dict[str, Float64]:
        return {name: exact_array(self.id, name, self._numbers(name, a), self.precisions) for name, a in arrays.items()}

    def _numbers(self, name: str, array: ArrayLike) -> Float64:
        if array is None:
            raise Refused(f"{self.id}: {name} is None; expected an array of numbers")
        try:
            return read(array).values
        except NotNumbers as reason:
            raise Refused(f"{self.id}: {name} {reason}") from None

    def _whole(self, name: str, given: ArrayLike) -> Int64:
        array = self._numbers(name, given)
        if (odd := array[~(np.abs(array) < LARGEST_INTEGER) | (array != np.rint(array))]).size:
            raise Refused(f"{self.id}: {name} holds {odd[0]}, which is not an integer")
        if array.ndim != 1:
            raise Refused(f"{self.id}: {name} has shape {array.shape}; expected a list of integers")
        return array.astype(np.int64)

    def _problems(
        self, kind: str, arrays: Mapping[str, Float64], shapes: Mapping[str, Shape], *, required: bool = True
    ) -> Iterator[str]:
        """Yield a problem for each array that is unknown, missing if ``required``, or of another shape."""
        kinds = f"{kind}s of {self.cell}"
        yield from (str(UnknownName(f"{kind} of {self.cell}", n, shapes, kinds)) for n in arrays if n not in shapes)
        for name, shape in shapes.items():
            if (name in arrays or required) and (name not in arrays or arrays[name].shape != shape):
                of = output_of(name) if kind == COTANGENT else name
                axes = _text(self.shape.axes(of, self.layout, batched=BATCH in self._sizes))
                found = f"has shape {arrays[name].shape}" if name in arrays else "is missing"
                yield f"{name} {found}; expected {shape}: {axes}{f' of {of}' if of != name else ''}"


def _in_order(arrays: Mapping[str, Float64], names: Iterable[str]) -> dict[str, Float64]:
    return {name: arrays[name] for name in names if name in arrays}


def _text(axes: Axes) -> str:
    return f"({', '.join(axes)})"
