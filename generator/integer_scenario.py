"""Scenarios of integer LSTMs: declared integers, with a purpose, whose outputs the definition gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NoReturn, Self

import numpy as np
from numpy.typing import ArrayLike

from rnn_goldens.cells import integer_lstm
from rnn_goldens.cells.recurrence import RecurrenceCase
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.errors import UnknownName, WrongUse
from rnn_goldens.generator.correct_algorithms import Forms
from rnn_goldens.generator.scenario_base import DeclaredInputs, GivenArrays
from rnn_goldens.generator.scenario_fields import Refused, refusing
from rnn_goldens.golden.integer_config import IntegerConfig, integer_config, limits, with_multipliers
from rnn_goldens.golden.recurrences import INTEGER_GATES, INTEGER_LSTMS
from rnn_goldens.golden.shapes import Layout
from rnn_goldens.golden.stored_arrays import Float64
from rnn_goldens.golden.tolerance import Equal

_INT16, _INT32, _INT48 = 2.0**15, 2.0**31, 2.0**47


@dataclass(frozen=True, kw_only=True, eq=False)
class IntegerScenario(DeclaredInputs):
    """Declared integers of an integer LSTM, as array-likes of any library. docs/integer-lstms.md has the definition.

    Attributes:
        id: permanent identifier: ``folder/name`` in lower-case letters, digits and dashes.
        purpose: a sentence: what the scenario shows or detects.
        cell: ``lstm_int8_tflm``, ``lstm_int8_cmsis``, ``lstm_int8_tflite``, ``lstm_16x8_tflm`` or ``lstm_16x8_cmsis``.
        config: sizes and quantization parameters. Multipliers and shifts may be absent; they are then what the engine
            of the cell derives from the scales.
        x: (batch, time, input).
        weights: by name: ``W_i`` (hidden, input), ``R_i`` (hidden, hidden) and ``b_i`` (hidden), of each gate.
        states: ``h0`` and ``c0``, (batch, hidden); the zero point of h, and zero, if empty.
        declared: as for ``Scenario``.
        title: a short title; the name if empty.
        documented_in: where the scenario comes from.
    """

    id: str
    purpose: str
    cell: str
    config: Mapping[str, Any]
    x: ArrayLike
    weights: Mapping[str, ArrayLike]
    states: Mapping[str, ArrayLike] = field(default_factory=dict)
    gradient_purpose: str = field(init=False, default="")
    precisions: tuple[str, ...] = field(init=False, default=())
    declared: tuple[str, ...] | None = None
    title: str = ""
    documented_in: str = "its scenario"

    expected_cell = "an integer LSTM, such as lstm_int8_tflm"
    by_name = ("config", "weights", "states")

    def _valid_precisions(self) -> tuple[str, ...]:
        if self.cell not in INTEGER_LSTMS:
            raise WrongUse(f"{self.id}: {UnknownName('integer LSTM', self.cell, INTEGER_LSTMS)}")
        return (self.shape.width,)

    @property
    def given(self) -> GivenArrays:
        """The arrays as given, without weights."""
        return GivenArrays(inputs={"x": self.x}, states=self.states, cotangents={})

    @cached_property
    def shape(self) -> IntegerConfig:
        """The configuration. Raises Refused if it is wrong."""
        with refusing(self.id):
            return integer_config(self.cell, with_multipliers(self.cell, self.config))

    @property
    def layout(self) -> Layout:
        """The layout of the cell."""
        return self.shape.recurrence.layout

    def forms(self) -> Forms:
        """Raise TypeError: integers have no rounding errors to bound."""
        raise TypeError(f"{self.id} is of integers")

    def in_arrays(self) -> Self:
        """Return the scenario with NumPy arrays. Raises Refused as ``stored`` does."""
        stored = self.stored
        return replace(
            self, config=dict(self.shape), x=stored.inputs["x"], weights=stored.weights, states=stored.states
        )

    def case(self) -> RecurrenceCase:
        """Return the inputs in float64. Raises Refused as ``stored`` does."""
        stored, states = self.stored, self.initial_states
        return RecurrenceCase(self.cell, self.shape, stored.inputs, stored.weights, states, None, bool(stored.states))

    def golden(self) -> Golden:
        """Return the golden. Raises Refused if a sum does not fit in its type, or no output changes."""
        shape, case = self.shape, self.case()
        self._require_range(case)
        expected = integer_lstm.run(case)
        if len(np.unique(expected["out"])) == 1:
            self._refuse("every output is the same number, so it detects nothing")
        return Golden(
            id=self.id,
            title=self.title,
            purpose=self.purpose,
            documented_in=self.documented_in,
            cell=self.cell,
            config=shape,
            features=(*self.features(exact=False), *(self.declared or ())),
            tolerance=Equal(),
            precisions=self.precisions,
            dtype=shape.width,
            provenance={"answer": "its definition, on integers"},
            stored=self.golden_arrays(expected),
        )

    def _require_range(self, case: RecurrenceCase) -> None:
        """Raise Refused if a sum needs more bits than implementations have, before or after its multiplier."""
        zeros = {"W": self.shape["x_zero"], "R": self.shape["h_zero"]}
        most = {matrix: max(abs(limit - zero) for limit in limits(self.shape.width)) for matrix, zero in zeros.items()}
        is_wide = self.shape.width == "int16"
        for k, gate in enumerate(INTEGER_GATES):
            for matrix, largest in most.items():
                total = np.abs(case.weights[f"{matrix}_{gate}"]).sum(axis=1) * largest
                total = total + (np.abs(case.weights[f"b_{gate}"]) if matrix == "W" else 0)
                if is_wide and total.max() >= _INT48:
                    self._refuse(f"the sum of {matrix}_{gate} may not fit in 48 bits")
                shift = self.shape[f"{matrix}_shift"][k]
                scaled = total.max() * 2.0 ** (shift if is_wide else max(shift, 0))
                if scaled + _INT16 >= _INT32:
                    self._refuse(f"the scaled sum of {matrix}_{gate} may not fit in 32 bits")

    def _read(self, arrays: Mapping[str, ArrayLike]) -> dict[str, Float64]:
        found = {name: np.ascontiguousarray(self._numbers(name, array)) for name, array in arrays.items()}
        for name, array in found.items():
            least, most = limits(self.shape.type_of(name))
            if (wrong := array[(array != np.rint(array)) | ~((least <= array) & (array <= most))]).size:
                self._refuse(f"{name} holds {wrong[0]:.16g}; expected integers from {least:.0f} to {most:.0f}")
        return found

    def _refuse(self, why: str) -> NoReturn:
        raise Refused(f"{self.id}: {why}")
