"""The inputs of a network as arrays of one precision."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnn_goldens.cells.cell import BUILT_IN_CELLS, Cell
from rnn_goldens.cells.custom_cells import cell_of_file
from rnn_goldens.cells.numpy_primitives import Array, State, Weights
from rnn_goldens.cells.recurrence import RecurrenceCase, recurrence_case
from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.data import InputsData
from rnn_goldens.golden.recurrence_config import RecurrenceConfig
from rnn_goldens.golden.shapes import Config


@dataclass(frozen=True, eq=False)
class Case:
    """The inputs of a network as arrays of one precision.

    Attributes:
        cell: the equations of a time step.
        config: layers, directions, sizes.
        weights: with PyTorch's names and shapes.
        x: (batch, time, input), or (time, input).
        state: h0 (and c0), each (layers·directions, batch, hidden) or without the batch axis; zeros if not passed.
        lengths: (batch,) time steps of each sequence; None if all have the full length.
        state_given: whether the caller passed an initial state.
        batch_given: whether the caller passed arrays with a batch axis.
    """

    cell: Cell
    config: Config
    weights: Weights
    x: Array
    state: State
    lengths: NDArray[np.int64] | None = None
    state_given: bool = True
    batch_given: bool = True

    @property
    def batched(self) -> bool:
        """True if x has a batch axis."""
        return self.x.ndim == 3  # noqa: PLR2004 - (batch, time, input)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the arrays."""
        return self.x.dtype

    def scaled(self, by: float) -> "Case":
        """Return the case with weights times a number."""
        return replace(self, weights={name: array * by for name, array in self.weights.items()})

    def moved(self, by: Mapping[str, Array]) -> "Case":
        """Return the case with differences added to some of its arrays, by name."""

        def moved(name: str, array: Array) -> Array:
            return array + by[name] if name in by else array

        weights = {name: moved(name, array) for name, array in self.weights.items()}
        state = tuple(moved(f"{name}0", part) for name, part in zip(self.cell.states, self.state, strict=True))
        return replace(self, weights=weights, x=moved("x", self.x), state=state)

    def as_batch(self) -> "Case":
        """Return the case with a batch axis, of size 1 if there was none."""
        if self.batched:
            return self
        state = tuple(part[:, None] for part in self.state)
        return replace(self, x=self.x[None], state=state, lengths=None, batch_given=False)


def cell_of(golden: InputsData) -> Cell:
    """Return the cell of a golden. Raises WrongUse if it is a custom cell that is unavailable or has changed."""
    if golden.custom_layout is None:
        return BUILT_IN_CELLS[golden.cell]
    cell = cell_of_file(golden.cell)
    if cell.layout != golden.custom_layout:
        raise WrongUse(
            f"cell {golden.cell!r}: its equations use {cell.layout.in_words}, "
            f"but used {golden.layout.in_words} when {golden.id} was certified"
        )
    return cell


def case_of(golden: InputsData, dtype: DTypeLike) -> Case:
    """Return the inputs of a golden as arrays of a type. Raises the same errors as ``cell_of``."""
    cell = cell_of(golden)
    return Case(
        cell,
        golden.network,
        {name: array.astype(dtype) for name, array in golden.weights.items()},
        golden.x.astype(dtype),
        tuple(state.astype(dtype) for state in golden.states.values()),
        golden.lengths,
        golden.initial_state is not None,
    )


AnyCase = Case | RecurrenceCase
"""The inputs of a network or of a recurrence."""


def golden_case(golden: InputsData, dtype: DTypeLike) -> AnyCase:
    """Return the inputs of a golden of any kind as arrays of a type. Raises the same errors as ``cell_of``."""
    return recurrence_case(golden, dtype) if golden.config.kind == RecurrenceConfig.kind else case_of(golden, dtype)
