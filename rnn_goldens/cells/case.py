"""What a network is asked."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnn_goldens.cells.arrays import Array, State, Weights
from rnn_goldens.cells.cell import DEFINED, Cell
from rnn_goldens.cells.own import cell_of_file
from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.data import QuestionData
from rnn_goldens.golden.shapes import Config


@dataclass(frozen=True, eq=False)
class Case:
    """What a network is asked.

    Attributes:
        cell: what it does at each step.
        config: layers, directions, sizes.
        weights: PyTorch's names and shapes.
        x: (batch, time, input), or (time, input).
        state: h0 (and c0), each (layers·directions, batch, hidden) or without the batch axis; zeros if not given.
        lengths: (batch,) time steps of each sequence; all of them if None.
        state_given: whether the caller gave the state.
        batch_given: whether the caller gave the batch axis.
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
        """Whether x has a batch axis."""
        return self.x.ndim == 3  # noqa: PLR2004 - (batch, time, input)

    def as_batch(self) -> "Case":
        """The same, of a batch of one if there was no batch."""
        if self.batched:
            return self
        state = tuple(part[:, None] for part in self.state)
        return replace(self, x=self.x[None], state=state, lengths=None, batch_given=False)


def cell_of(golden: QuestionData) -> Cell:
    """Its cell. Raises WrongUse if it is of someone's own, and its equations are not to be had or have changed."""
    if golden.own_layout is None:
        return DEFINED[golden.cell]
    cell = cell_of_file(golden.cell)
    if cell.layout != golden.own_layout:
        raise WrongUse(
            f"cell {golden.cell!r}: its equations speak of {cell.layout.in_words}, "
            f"and spoke of {golden.layout.in_words} when {golden.id} was certified"
        )
    return cell


def case_of(golden: QuestionData, dtype: DTypeLike) -> Case:
    """The question of a golden, in arrays of a type that holds its precision. Raises WrongUse as ``cell_of`` does."""
    cell = cell_of(golden)
    return Case(
        cell,
        golden.config,
        {name: array.astype(dtype) for name, array in golden.weights.items()},
        golden.x.astype(dtype),
        tuple(getattr(golden, f"{name}0").astype(dtype) for name in cell.states),
        golden.lengths,
        golden.initial_state is not None,
    )
