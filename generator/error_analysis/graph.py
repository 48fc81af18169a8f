"""All that a network computes as one graph of operations, with their values in float64: the error analysis reads it."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from rnn_goldens.cells import Array, Backward
from rnn_goldens.cells.program import Operation
from rnn_goldens.golden.arrays import Float64

_NUMPY = Backward()


class Computed(Protocol):
    """Values, (…, batch or 1, units or 1), and what computed each."""

    @property
    def w(self) -> Mapping[str, Float64]:
        """The weights, by the names that operations have for them."""

    @property
    def values(self) -> Sequence[Float64]:
        """All of them; what stands later is computed later."""

    @property
    def operations(self) -> Sequence[Operation | None]:
        """What computed each; None of what was given."""


def arguments(computed: Computed, k: int) -> list[Float64]:
    """What a value was computed of."""
    operation = computed.operations[k]
    return [] if operation is None else [computed.values[of] for of in operation.of]


class Graph:
    """What a network computes.

    Attributes:
        w: the weights, under PyTorch's names.
        values: (batch or 1, units or 1) each.
        operations: what computed each; None of what was given. Products name a block of rows, and of how many.
        between: the values that one step hands to the next.
    """

    def __init__(self, w: Mapping[str, Float64]) -> None:
        self.w = w
        self.values: list[Float64] = []
        self.operations: list[Operation | None] = []
        self.between: set[int] = set()

    def given(self, array: Array) -> int:
        """A value that is given: where it stands."""
        self.values.append(array)
        self.operations.append(None)
        return len(self.values) - 1

    def compute(self, operation: Operation) -> int:
        """A value that is computed of others: where it stands."""
        self.values.append(value_of(operation, [self.values[of] for of in operation.of], self.w))
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


def value_of(operation: Operation, given: Sequence[Float64], w: Mapping[str, Float64]) -> Float64:
    """The value that an operation computes."""
    if operation.primitive == "product":
        product: Float64 = given[0] @ rows(operation, w).T
        return product
    if operation.primitive == "only":
        return np.where(operation.detail[0][:, None], given[0], 0.0)
    if operation.primitive == "choose":
        return np.where(operation.detail[0][:, None], *given)
    found: list[Any] = [*given, *(w[name] for name in operation.weights), *operation.detail]
    value = np.asarray(getattr(_NUMPY, operation.primitive)(*found), np.float64)
    return value if value.ndim == 2 else value.reshape(1, -1)  # noqa: PLR2004 - a vector, or a number


def rows(operation: Operation, w: Mapping[str, Float64]) -> Float64:
    """The rows of the matrix that a product, or a transposed one, takes."""
    matrix, (index, blocks) = w[operation.weights[0]], operation.detail
    size = len(matrix) // blocks
    return matrix[index * size : (index + 1) * size]
