"""Both passes of a network as one graph of operations, with their values in float64: the error analysis reads it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnn_goldens.cells import Array, Backward
from rnn_goldens.cells.program import Operation
from rnn_goldens.generator.recorded import Float64

_NUMPY = Backward()


@dataclass(eq=False)
class Graph:
    """Values, and what computed each; what stands later is computed later.

    Attributes:
        w: the weights, under PyTorch's names.
        values: (1, batch or 1, units or 1) each, as if of one visit.
        operations: of each value; None of what is given.
    """

    w: dict[str, Float64]
    values: list[Float64] = field(default_factory=list)
    operations: list[Operation | None] = field(default_factory=list)

    def operation(self, k: int) -> Operation | None:
        """What computed a value; None of what is given."""
        return self.operations[k]

    def arguments(self, k: int) -> list[Float64]:
        """What a value was computed of."""
        operation = self.operations[k]
        return [] if operation is None else [self.values[of] for of in operation.of]

    def given(self, array: Array) -> int:
        """A value that is given: where it stands."""
        self.values.append(array[None])
        self.operations.append(None)
        return len(self.values) - 1

    def compute(self, operation: Operation) -> int:
        """A value that is computed of others: where it stands."""
        self.values.append(computed(operation, [self.values[of] for of in operation.of], self.w))
        self.operations.append(operation)
        return len(self.values) - 1

    def adds_nothing(self, k: int) -> bool:
        """Whether a value is given as zero, or is of no sequence: adding it computes nothing."""
        operation = self.operations[k]
        if operation is not None and operation.primitive == "only" and not operation.detail[0].any():
            return True
        return self._is_given(k) and not self.values[k].any()

    def _is_given(self, k: int) -> bool:
        operation = self.operations[k]
        return operation is None or (operation.primitive in ("block", "only") and self._is_given(operation.of[0]))


def computed(operation: Operation, arguments: Sequence[Float64], w: dict[str, Float64]) -> Float64:
    """The value that an operation computes."""
    given: list[Any] = [*arguments, *(w[name] for name in operation.weights), *operation.detail]
    if operation.primitive == "only":
        within, g = operation.detail[0], arguments[0]
        return np.where(within[:, None], g, 0.0)
    if operation.primitive == "choose":
        return np.where(operation.detail[0][:, None], *arguments)
    value = np.asarray(getattr(_NUMPY, operation.primitive)(*given), np.float64)
    return value if value.ndim == 3 else value.reshape(1, 1, -1)  # noqa: PLR2004 - a vector, or a number
