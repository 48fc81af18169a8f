"""Scenarios of recurrences: declared inputs, with a purpose, from which goldens are certified."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnn_goldens.cells.recurrence import RecurrenceCase
from rnn_goldens.comparison.outputs import NotNumbers, read
from rnn_goldens.errors import UnknownName, WrongUse
from rnn_goldens.generator.exact_array import Refused, exact_array
from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenario_fields import complete
from rnn_goldens.golden.arrays import Float64, GoldenArrays
from rnn_goldens.golden.features import derived_features
from rnn_goldens.golden.precision import PRECISIONS, SupportedOnly
from rnn_goldens.golden.recurrences import (
    RECURRENCE_LAYOUTS,
    RECURRENCES,
    RecurrenceConfig,
    RecurrenceLayout,
    recurrence_config,
)
from rnn_goldens.golden.shapes import ArrayShapes
from rnn_goldens.golden.whole_number import whole_number


@dataclass(frozen=True, kw_only=True, eq=False)
class RecurrenceScenario:
    """Declared inputs of a linear recurrence, as array-likes of any library.

    docs/linear-recurrences.md has the names and shapes of the arrays.

    Attributes:
        id: permanent identifier: ``folder/name`` in lower-case letters, digits and dashes.
        purpose: a sentence: what the scenario shows or detects.
        cell: the recurrence, such as ``gated_delta``.
        config: sizes, such as ``heads`` and ``d_k``, and options, such as ``scale``.
        inputs: by name, (batch, time, …); (1, all time steps, …) for packed sequences.
        weights: by name.
        states: initial states by name, ``S0``, (sequences, …); zeros if empty. One state requires all of them.
        offsets: where each packed sequence starts, and the end of the last one; None without packing.
        cotangents: by name, ``d_o`` and so on, each shaped like its output. With at least one, the golden has
            certified gradients of Σ d_o·o + Σ d_S_n·S_n.
        gradient_purpose: a sentence: what the cotangents show or detect.
        precisions: as for ``Scenario``.
        declared: features that do not follow from the inputs, such as ``long``.
        title: a short title; the name if empty.
        documented_in: where the scenario comes from.
    """

    id: str
    purpose: str
    cell: str
    config: Mapping[str, Any]
    inputs: Mapping[str, ArrayLike]
    weights: Mapping[str, ArrayLike] = field(default_factory=dict)
    states: Mapping[str, ArrayLike] = field(default_factory=dict)
    offsets: ArrayLike | None = None
    cotangents: Mapping[str, ArrayLike] = field(default_factory=dict)
    gradient_purpose: str = ""
    precisions: Sequence[str] = SupportedOnly(PRECISIONS)
    declared: tuple[str, ...] | None = None
    title: str = ""
    documented_in: str = "its scenario"

    def __post_init__(self) -> None:
        complete(self, self.given_cotangents, "cotangents")
        if self.cell not in RECURRENCES:
            raise WrongUse(f"{self.id}: {UnknownName('recurrence', str(self.cell), RECURRENCES)}")

    @property
    def given_cotangents(self) -> Mapping[str, ArrayLike]:
        """The cotangents by name, as given."""
        return self.cotangents

    @cached_property
    def shape(self) -> RecurrenceConfig:
        """The configuration. Raises WrongUse if it is wrong."""
        return recurrence_config(self.cell, self.config)

    @property
    def layout(self) -> RecurrenceLayout:
        """The layout of the recurrence."""
        return RECURRENCE_LAYOUTS[self.cell]

    @property
    def shapes(self) -> ArrayShapes:
        """The shapes of all arrays."""
        return self.shape.shapes(self.layout, self._read_inputs, self.read_offsets)

    @cached_property
    def read_offsets(self) -> NDArray[np.int64] | None:
        """The offsets as an array. Raises Refused if they are wrong."""
        if self.offsets is None:
            return None
        numbers = [whole_number(number) for number in np.asarray(self.offsets).ravel().tolist()]
        if None in numbers or np.ndim(self.offsets) != 1:
            raise Refused(f"{self.id}: offsets must be a list of integers")
        found = np.array(numbers, np.int64)
        time = next(iter(self._read_inputs.values())).shape[1]
        if len(found) < 2 or found[0] != 0 or found[-1] != time or not (np.diff(found) > 0).all():  # noqa: PLR2004
            raise Refused(f"{self.id}: offsets {found.tolist()} must increase from 0 to {time}, the time steps")
        return found

    @cached_property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """All arrays of the scenario by name. Raises Refused if one has a wrong shape or is not exact."""
        self._require(self._read_inputs, self.shapes.inputs)
        weights, states, cotangents = (self._read(part) for part in (self.weights, self.states, self.cotangents))
        self._require(weights, self.shapes.weights)
        self._require(states, self.shapes.initial if states else {})
        known = self.shapes.cotangents
        if unknown := [name for name in cotangents if name not in known]:
            raise Refused(f"{self.id}: {UnknownName('cotangent', unknown[0], known)}")
        self._require(cotangents, {name: known[name] for name in cotangents})
        offsets = {} if self.read_offsets is None else {"offsets": self.read_offsets}
        return {**self._read_inputs, **weights, **states, **cotangents, **offsets}

    @property
    def has_state(self) -> bool:
        """Whether the scenario gives initial states."""
        return bool(self.states)

    @property
    def custom_layout(self) -> None:
        """None: recurrences are built in."""
        return

    def features(self, *, exact: bool) -> tuple[str, ...]:
        """Return the features derived from the inputs of its golden, whose tolerance may be zero."""
        packed = self.read_offsets is not None
        return derived_features(self.shape, state=self.has_state, packed=packed, exact=exact)

    def golden_arrays(self, expected: Mapping[str, Float64]) -> GoldenArrays:
        """Return the arrays of its golden."""
        shapes = self.shapes
        return GoldenArrays(
            weights=self.named(shapes.weights),
            inputs=self.named(shapes.inputs),
            states=self.named(shapes.initial),
            offsets=self.read_offsets,
            expected=expected,
        )

    def named(self, names: Mapping[str, Any]) -> dict[str, Float64]:
        """Return the given arrays of some names."""
        return {name: self.arrays[name] for name in names if name in self.arrays}

    def case(self) -> RecurrenceCase:
        """Return the inputs in float64. Raises Refused as ``arrays`` does."""
        shapes = self.shapes
        states = {name: self.arrays.get(name, np.zeros(shape)) for name, shape in shapes.initial.items()}
        return RecurrenceCase(
            self.cell,
            self.shape,
            self.named(shapes.inputs),
            self.named(shapes.weights),
            states,
            self.read_offsets,
            self.has_state,
        )

    def in_arrays(self) -> "RecurrenceScenario":
        """Return the scenario with NumPy arrays. Raises Refused if an array is invalid."""
        shapes = self.shapes
        return replace(
            self,
            config=dict(self.shape),
            inputs=self.named(shapes.inputs),
            weights=self.named(shapes.weights),
            states=self.named(shapes.initial),
            cotangents=self.named(shapes.cotangents),
            offsets=self.read_offsets,
        )

    @cached_property
    def _read_inputs(self) -> dict[str, Float64]:
        found = self._read(self.inputs)
        for name in self.shape.inputs:
            if name not in found:
                raise Refused(f"{self.id}: {name} is missing; inputs of {self.cell}: {', '.join(self.shape.inputs)}")
            if found[name].ndim < 2:  # noqa: PLR2004 - (batch, time, …)
                raise Refused(f"{self.id}: {name} has shape {found[name].shape}; expected (batch, time, …)")
        return {name: found[name] for name in (*self.shape.inputs, *(n for n in found if n not in self.shape.inputs))}

    def _read(self, arrays: Mapping[str, ArrayLike]) -> dict[str, Float64]:
        found = {}
        for name, value in arrays.items():
            try:
                found[name] = exact_array(self.id, name, read(value).values, self.precisions)
            except NotNumbers as reason:
                raise Refused(f"{self.id}: {name} {reason}") from None
        return found

    def _require(self, arrays: Mapping[str, Float64], shapes: Mapping[str, tuple[int, ...]]) -> None:
        for name, shape in shapes.items():
            if name not in arrays:
                raise Refused(f"{self.id}: {name} is missing; expected shape {shape}")
            if arrays[name].shape != shape:
                raise Refused(f"{self.id}: {name} has shape {arrays[name].shape}; expected {shape}")
        if unknown := [name for name in arrays if name not in shapes]:
            raise Refused(f"{self.id}: {UnknownName(f'array of {self.cell}', unknown[0], shapes)}")


AnyScenario = Scenario | RecurrenceScenario
"""A scenario of a network or of a recurrence."""
