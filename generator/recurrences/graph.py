"""The graph of all operations of a recurrence. Values are (batch, heads, rows, columns), with 1 where shared."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.cells.derivatives import Slopes
from rnn_goldens.cells.program import Operation
from rnn_goldens.cells.recurrence import MatrixArithmetic
from rnn_goldens.golden.arrays import Float64


class MatrixOperations(MatrixArithmetic, Slopes):
    """The primitives of graphs in NumPy: those of equations, of their derivatives and of chunked algorithms."""

    def total_over(self, a: Any, axes: tuple[int, ...]) -> Any:  # noqa: ANN401 - floats or balls
        """The sum over axes, which stay as axes of size 1."""
        return np.asarray(a.sum(axis=axes, keepdims=True))

    def spread_to(self, a: Any, shape: tuple[int, ...]) -> Any:  # noqa: ANN401 - floats or balls
        """The argument, repeated along axes of size 1."""
        return np.broadcast_to(a, (*a.shape[: a.ndim - len(shape)], *shape))

    def padded(self, a: Any, above: int, below: int) -> Any:  # noqa: ANN401 - floats or balls
        """The argument with rows of zeros above and below."""
        zeros = [0 * np.repeat(a[..., :1, :], count, axis=-2) for count in (above, below)]
        return np.concatenate([zeros[0], a, zeros[1]], axis=-2)

    def masked(self, a: Any, keep: NDArray[np.bool_]) -> Any:  # noqa: ANN401 - floats or balls
        """The argument where ``keep`` is true, and zero elsewhere."""
        return np.where(keep, a, 0 * a)

    def reversed_rows(self, a: Any) -> Any:  # noqa: ANN401 - floats
        """The rows from the last to the first."""
        return a[..., ::-1, :]

    def solved(self, a: Any, b: Any) -> Any:  # noqa: ANN401 - floats
        """The solution y of (1 + a) y = b for a strictly lower triangular a, by forward substitution."""
        lanes = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        y = np.array(np.broadcast_to(b, (*lanes, *b.shape[-2:])))
        for row in range(1, a.shape[-1]):
            y[..., row : row + 1, :] -= a[..., row : row + 1, :row] @ y[..., :row, :]
        return y


NUMPY = MatrixOperations()


@dataclass(frozen=True, eq=False)
class Node:
    """A value of a graph. Operators add values to the graph.

    Attributes:
        graph: the graph.
        place: the position of the value.
    """

    graph: "Graph"
    place: int

    __array_ufunc__ = None  # NumPy's numbers leave operators to nodes

    @property
    def value(self) -> Float64:
        """The value in float64."""
        return self.graph.values[self.place]

    @property
    def operation(self) -> Operation | None:
        """The operation that computes the value; None for a given value."""
        return self.graph.operations[self.place]

    def __add__(self, other: Any) -> "Node":  # noqa: ANN401 - a node or a number
        return self.graph.summed(self, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> "Node":  # noqa: ANN401 - a node or a number
        return self.graph.summed(self, -self.graph.node(other))

    def __rsub__(self, other: Any) -> "Node":  # noqa: ANN401 - a number
        return self.graph.summed(other, -self)

    def __neg__(self) -> "Node":
        operation = self.operation
        if operation is not None and operation.primitive == "negative":
            return Node(self.graph, operation.of[0])
        return self.graph.compute("negative", self)

    def __mul__(self, other: Any) -> "Node":  # noqa: ANN401 - a node or a number
        if isinstance(other, Node):
            return self.graph.compute("multiply", self, other)
        return self.graph.compute("scaled", self, detail=(Fraction(other),))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "Node":  # noqa: ANN401 - a node or a number
        return self.graph.compute("divide", self, self.graph.node(other))

    def __rtruediv__(self, other: Any) -> "Node":  # noqa: ANN401 - a number
        return self.graph.node(other) / self

    def __matmul__(self, other: "Node") -> "Node":
        return self.graph.compute("matmul", self, other)

    @property
    def mT(self) -> "Node":  # noqa: N802 - NumPy's name
        """The transposed matrix."""
        operation = self.operation
        if operation is not None and operation.primitive == "transpose":
            return Node(self.graph, operation.of[0])
        return self.graph.compute("transpose", self)


class Graph:
    """Values and the operations that compute them.

    Attributes:
        values: in float64.
        operations: the operation of each value; None for a given value.
        w: empty: weights are given values.
        running: positions of values that every correct algorithm keeps in at least float32, such as sums of
            logarithms of decays.
        carried: positions of states that one step, or one chunk, passes to the next.
        kept: by position of a factor that a state keeps of itself, the sum of the absolute logarithms of all such
            factors up to there.
        in_running_sums: by position of a value, a further loss in correct algorithms that compute it from running sums.
        cotangents: by position of a value, the position of its cotangent.
    """

    def __init__(self) -> None:
        self.values: list[Float64] = []
        self.operations: list[Operation | None] = []
        self.w: Mapping[str, Float64] = {}
        self.running, self.carried = set[int](), set[int]()
        self.kept: dict[int, Float64] = {}
        self.in_running_sums: dict[int, Float64] = {}
        self.cotangents: dict[int, int] = {}
        self._is_running = False

    def given(self, array: Float64) -> Node:
        """Add a given value."""
        return self._added(np.asarray(array, np.float64), None)

    def constant_matrix(self, array: Any) -> Node:  # noqa: ANN401 - an array-like
        """Add a matrix that is part of the algorithm."""
        return self.given(np.asarray(array, np.float64)[None, None])

    def compute(self, primitive: str, *of: Node, detail: tuple[Any, ...] = ()) -> Node:
        """Add a value that is computed from others."""
        with np.errstate(all="ignore"):
            value = getattr(NUMPY, primitive)(*(node.value for node in of), *detail)
        if np.ndim(value) != 4:  # noqa: PLR2004 - a constant
            value = np.full((1, 1, 1, 1), float(value))
        return self._added(value, Operation(primitive, tuple(node.place for node in of), (), detail))

    def node(self, operand: Any) -> Node:  # noqa: ANN401 - a node or a number
        """Return a node; a number becomes a constant."""
        return operand if isinstance(operand, Node) else self.compute("constant", detail=(Fraction(operand),))

    def summed(self, *terms: Any) -> Node:  # noqa: ANN401 - nodes or numbers
        """Return one sum of all terms: sums may be added in any order, so a sum of sums is one sum."""
        flat: list[Node] = []
        for term in map(self.node, terms):
            operation = term.operation
            is_sum = operation is not None and operation.primitive == "sum" and term.place not in self.carried
            flat += [Node(self, place) for place in operation.of] if is_sum and operation else [term]
        return flat[0] if len(flat) == 1 else self.compute("sum", *flat)

    @contextmanager
    def in_float32(self) -> Iterator[None]:
        """Mark the values that are added within as values kept in at least float32."""
        before, self._is_running = self._is_running, True
        try:
            yield
        finally:
            self._is_running = before

    def _added(self, value: Float64, operation: Operation | None) -> Node:
        self.values.append(value)
        self.operations.append(operation)
        if self._is_running:
            self.running.add(len(self.values) - 1)
        return Node(self, len(self.values) - 1)

    def needed(self, targets: Sequence[Node]) -> list[int]:
        """Return the positions of everything that the targets depend on, in order."""
        found, todo = set[int](), [target.place for target in targets]
        while todo:
            place = todo.pop()
            if place not in found:
                found.add(place)
                operation = self.operations[place]
                todo += () if operation is None else operation.of
        return sorted(found)
