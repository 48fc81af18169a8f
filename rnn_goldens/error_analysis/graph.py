"""The graph of all operations of a network, with their values in float64: the input of the error analysis."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from rnn_goldens.cells import Array, Backward
from rnn_goldens.cells.program import Operation
from rnn_goldens.golden.arrays import Float64

_NUMPY = Backward()


class Computed(Protocol):
    """Values, (…, batch or 1, units or 1), and the operations that computed them."""

    @property
    def w(self) -> Mapping[str, Float64]:
        """The weights, by their names in operations."""

    @property
    def values(self) -> Sequence[Float64]:
        """All values in the order of computation."""

    @property
    def operations(self) -> Sequence[Operation | None]:
        """The operation that computed each value; None for a given value."""


def arguments(computed: Computed, k: int) -> list[Float64]:
    """Return the arguments of the operation that computed a value."""
    operation = computed.operations[k]
    return [] if operation is None else [computed.values[of] for of in operation.of]


class Graph:
    """The values of a network and the operations that compute them.

    Attributes:
        w: the weights, under PyTorch's names.
        values: (batch or 1, units or 1) each.
        operations: the operation of each value; None for a given value. The detail of a product is the index of the
            block of rows and the number of blocks.
        between: positions of the values that one step passes to the next.
    """

    def __init__(self, w: Mapping[str, Float64]) -> None:
        self.w = w
        self.values: list[Float64] = []
        self.operations: list[Operation | None] = []
        self.between: set[int] = set()

    def given(self, array: Array) -> int:
        """Add a given value, and return its position."""
        self.values.append(array)
        self.operations.append(None)
        return len(self.values) - 1

    def compute(self, operation: Operation) -> int:
        """Add a value that is computed from others, and return its position."""
        self.values.append(value_of(operation, [self.values[of] for of in operation.of], self.w))
        self.operations.append(operation)
        return len(self.values) - 1

    def adds_nothing(self, k: int) -> bool:
        """Return whether adding a value changes nothing: it is a given zero, or no sequence has it."""
        operation = self.operations[k]
        if operation is not None and operation.primitive == "only" and not operation.detail[0].any():
            return True
        return self._is_given(k) and not self.values[k].any()

    def _is_given(self, k: int) -> bool:
        operation = self.operations[k]
        return operation is None or (operation.primitive in ("block", "only") and self._is_given(operation.of[0]))


def value_of(operation: Operation, inputs: Sequence[Float64], w: Mapping[str, Float64]) -> Float64:
    """Return the value of an operation."""
    if operation.primitive == "product":
        product: Float64 = inputs[0] @ rows(operation, w).T
        return product
    if operation.primitive == "only":
        return np.where(operation.detail[0][:, None], inputs[0], 0.0)
    if operation.primitive == "choose":
        return np.where(operation.detail[0][:, None], *inputs)
    operands: list[Any] = [*inputs, *(w[name] for name in operation.weights), *operation.detail]
    value = np.asarray(getattr(_NUMPY, operation.primitive)(*operands), np.float64)
    return value if value.ndim == 2 else value.reshape(1, -1)  # noqa: PLR2004 - a vector, or a number


def rows(operation: Operation, w: Mapping[str, Float64]) -> Float64:
    """Return the rows of the matrix that a product or a transposed product uses."""
    matrix, (index, blocks) = w[operation.weights[0]], operation.detail
    size = len(matrix) // blocks
    return matrix[index * size : (index + 1) * size]
