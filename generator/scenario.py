"""What a scenario is: a question to a recurrent network, declared in code, and why it is asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnn_goldens.cells import DEFINED, Case, Cell
from rnn_goldens.conventions import convention
from rnn_goldens.errors import RnnGoldensError
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import Config, state_shape

SMALLEST = 2.0**-14
"""float16's smallest normal number: what is smaller some implementations take for zero."""


class Refused(RnnGoldensError):
    """A scenario that can not become a golden; the message says which and why."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scenario:
    """A question. Arrays are whatever NumPy reads; shapes as in ``rnn_goldens.golden.Arrays``.

    Attributes:
        convention: how ``weights`` are named and shaped; they are stored as torch names.
        declared: features that do not follow from the configuration, see ``DECLARED_FEATURES``.
        precisions: those whose numbers weights, inputs and states are; it is asked in no other.
    """

    id: str
    title: str
    purpose: str
    documented_in: str
    cell: str
    config: Config
    weights: Mapping[str, ArrayLike]
    convention: str = "torch"
    x: ArrayLike
    h0: ArrayLike | None = None
    c0: ArrayLike | None = None
    lengths: ArrayLike | None = None
    declared: tuple[str, ...] = ()
    precisions: tuple[str, ...] = tuple(PRECISIONS)

    def torch_weights(self) -> dict[str, NDArray[np.float64]]:
        """The weights under PyTorch's names, in C order. Raises Refused if one is not exact."""
        given = {name: np.asarray(value, dtype=np.float64) for name, value in self.weights.items()}
        weights = convention(self.convention).to_torch(self.cell, self.config, given)
        return {name: self._exact(name, array) for name, array in weights.items()}

    def inputs(self) -> dict[str, NDArray[Any]]:
        """x, h0, c0 and lengths, those that are given. Raises Refused if one is not exact."""
        given = {"x": self.x, "h0": self.h0, "c0": self.c0}
        arrays: dict[str, NDArray[Any]] = {
            name: self._exact(name, np.asarray(value, dtype=np.float64))
            for name, value in given.items()
            if value is not None
        }
        if self.lengths is not None:
            arrays["lengths"] = np.asarray(self.lengths, dtype=np.int64)
        return arrays

    def case(self, cell: Cell | None = None) -> Case:
        """The question, in float64, to the cell that is named or to another one.

        Raises:
            Refused: a number is not exact in each precision that is asked.
        """
        weights, inputs, cell = self.torch_weights(), self.inputs(), cell or DEFINED[self.cell]
        zeros = np.zeros(state_shape(self.config, inputs["x"].shape[:-2]))
        state = tuple(inputs.get(f"{name}0", zeros) for name in cell.states)
        return Case(cell, self.config, weights, inputs["x"], state, inputs.get("lengths"), "h0" in inputs)

    def _exact(self, name: str, array: NDArray[np.float64]) -> NDArray[np.float64]:
        """One golden serves several precisions, so what goes in has to be a number in each of them."""
        if not np.isfinite(array).all():
            raise Refused(f"{self.id}: {name} holds NaN or infinity")
        if "float16" in self.precisions and (small := (array != 0) & (np.abs(array) < SMALLEST)).any():
            raise Refused(f"{self.id}: {name} holds {array[small][0]}, which is below float16's normal numbers")
        for precision in (PRECISIONS[asked] for asked in self.precisions):
            with np.errstate(over="ignore"):
                inexact = precision.round(array) != array
            if inexact.any():
                raise Refused(f"{self.id}: {name} holds {array[inexact][0]}, which is no {precision.name} number")
        return np.ascontiguousarray(array)
