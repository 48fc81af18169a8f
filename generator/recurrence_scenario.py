"""Scenarios of recurrences: declared inputs, with a purpose, from which goldens are certified."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

from numpy.typing import ArrayLike

from rnn_goldens.cells.custom_recurrences import custom_recurrence, require_sizes_fit
from rnn_goldens.cells.recurrence import RecurrenceCase
from rnn_goldens.errors import UnknownName, WrongUse
from rnn_goldens.generator.correct_algorithms import RecurrenceForms
from rnn_goldens.generator.scenario_base import DeclaredInputs, GivenArrays
from rnn_goldens.generator.scenario_fields import refusing
from rnn_goldens.golden.precision import PRECISIONS, SupportedOnly
from rnn_goldens.golden.recurrence_config import RecurrenceConfig, recurrence_config
from rnn_goldens.golden.recurrences import RECURRENCES
from rnn_goldens.golden.shapes import Layout, is_custom_cell


@dataclass(frozen=True, kw_only=True, eq=False)
class RecurrenceScenario(DeclaredInputs):
    """Declared inputs of a linear recurrence, as array-likes of any library.

    docs/linear-recurrences.md has the names and shapes of the arrays.

    Attributes:
        id: permanent identifier: ``folder/name`` in lower-case letters, digits and dashes.
        purpose: a sentence: what the scenario shows or detects.
        cell: the recurrence, such as ``gated_delta``; or a custom one, ``package.module:function``: a function in the
            notation that is declared with ``rnn_goldens.cells.recurrence_notation.recurrence``.
        config: sizes, such as ``heads`` and ``d_k``, and options, such as ``scale``.
        inputs: by name, (batch, time, …); (1, all time steps, …) for packed sequences.
        weights: by name.
        states: initial states by name, ``S0``, (sequences, …); zeros if empty. One state requires all of them.
        offsets: where each packed sequence starts, and the end of the last one; None without packing.
        cotangents: by name, ``d_o`` and so on, each shaped like its output. With at least one, the golden has
            certified gradients of Σ d_o·o + Σ d_S_n·S_n.
        gradient_purpose: a sentence: what the cotangents show or detect.
        precisions: as for ``Scenario``.
        declared: as for ``Scenario``.
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

    expected_cell = "a recurrence, such as gated_delta, or package.module:function"
    by_name = ("config", "inputs", "weights", "states", "cotangents")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cell not in RECURRENCES and not is_custom_cell(self.cell):
            unknown = UnknownName("recurrence", self.cell, RECURRENCES)
            raise WrongUse(f"{self.id}: {unknown}; or package.module:function for your own")

    @property
    def given(self) -> GivenArrays:
        """The arrays as given, without weights."""
        return GivenArrays(inputs=self.inputs, states=self.states, cotangents=self.cotangents, offsets=self.offsets)

    @cached_property
    def shape(self) -> RecurrenceConfig:
        """The configuration. Raises Refused if it is wrong, or the equations of a custom recurrence are."""
        with refusing(self.id):
            if not is_custom_cell(self.cell):
                return recurrence_config(self.cell, self.config)
            found = recurrence_config(self.cell, self.config, custom_recurrence(self.cell).recurrence)
            require_sizes_fit(self.cell, found)
            return found

    @property
    def layout(self) -> Layout:
        """The layout of the recurrence."""
        return self.shape.recurrence.layout

    def case(self) -> RecurrenceCase:
        """Return the inputs in float64. Raises Refused as ``stored`` does."""
        stored, states = self.stored, self.initial_states
        return RecurrenceCase(
            self.cell, self.shape, stored.inputs, stored.weights, states, stored.offsets, bool(stored.states)
        )

    def forms(self) -> RecurrenceForms:
        """Return the correct algorithms as graphs. Raises Refused as ``stored`` does."""
        return RecurrenceForms(self.case(), self.stored.cotangents)

    def in_arrays(self) -> Self:
        """Return the scenario with NumPy arrays. Raises Refused as ``stored`` does."""
        stored = self.stored
        return replace(
            self,
            config=dict(self.shape),
            inputs=stored.inputs,
            weights=stored.weights,
            states=stored.states,
            offsets=stored.offsets,
            cotangents=stored.cotangents,
        )
