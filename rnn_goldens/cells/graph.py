"""The graph of all operations of a network or a recurrence, in float64.

A value is an array (batch, heads, rows, columns), with 1 where it is shared. A vector is a column: its units are rows.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.cells.matrix_primitives import NUMPY
from rnn_goldens.cells.step_program import GIVEN, Operation, Program
from rnn_goldens.golden.stored_arrays import Float64

Mask = NDArray[np.bool_]
"""(batch, 1, 1, 1), whether a sequence has a time step."""


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
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        return self.value.shape

    @property
    def operation(self) -> Operation:
        """The operation that computes the value."""
        return self.graph.operations[self.place]

    def __add__(self, other: Any) -> "Node":  # noqa: ANN401 - a node or a number
        return self.graph.summed(self, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> "Node":  # noqa: ANN401 - a node or a number
        return self.graph.summed(self, -self.graph.node(other))

    def __rsub__(self, other: Any) -> "Node":  # noqa: ANN401 - a number
        return self.graph.summed(other, -self)

    def __neg__(self) -> "Node":
        if self.operation.primitive == "negative":
            return Node(self.graph, self.operation.of[0])
        return self.graph.compute("negative", self)

    def __mul__(self, other: Any) -> "Node":  # noqa: ANN401 - a node or a number
        if isinstance(other, Node):
            return self.graph.compute("multiply", self, other)
        return self.graph.compute("scaled", self, detail=(Fraction(other),))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "Node":  # noqa: ANN401 - a node or a number
        return self.graph.compute("divide", self, self.graph.node(other))

    def __matmul__(self, other: "Node") -> "Node":
        return self.graph.compute("matmul", self, other)

    @property
    def mT(self) -> "Node":  # noqa: N802 - NumPy's name
        """The transposed matrix."""
        if self.operation.primitive == "transpose":
            return Node(self.graph, self.operation.of[0])
        return self.graph.compute("transpose", self)


def value_of(operation: Operation, arguments: Sequence[Float64]) -> Float64:
    """Return the value of an operation. What records a graph ignores overflow: some goldens saturate on purpose."""
    value = getattr(NUMPY, operation.primitive)(*arguments, *operation.detail)
    return value if np.ndim(value) == 4 else np.full((1, 1, 1, 1), float(value))  # noqa: PLR2004 - or a constant


class Graph:
    """Values and the operations that compute them.

    Attributes:
        values: in float64.
        operations: the operation of each value; ``GIVEN`` for a given value.
        weights: positions of given values that all time steps and sequences share.
        running: positions of values that every correct algorithm keeps in at least float32, such as sums of logarithms
            of decays.
        carried: positions of states that one step, or one chunk, passes to the next.
        within: by position of a value, the sequences that have its time step; all if absent.
        cotangents: by position of a value, the position of its cotangent.
    """

    def __init__(self) -> None:
        self.values: list[Float64] = []
        self.operations: list[Operation] = []
        self.weights, self.running, self.carried = set[int](), set[int](), set[int]()
        self.within: dict[int, Mask] = {}
        self.cotangents: dict[int, int] = {}
        self._is_running = False

    def given(self, array: Float64) -> Node:
        """Add a given value."""
        return self._added(np.asarray(array, np.float64), GIVEN)

    def compute(self, primitive: str, *of: Node, detail: tuple[Any, ...] = ()) -> Node:
        """Add a value that is computed from others.

        A product of a column and a row, neither of them a weight, is an outer product: implementations may multiply
        further factors with either of them.
        """
        if primitive == "matmul" and of[0].value.shape[-1] == 1 and not self._is_weight(of[0].place):
            return self.compute("outer", of[0], of[1].mT)
        operation = Operation(primitive, tuple(node.place for node in of), (), detail)
        return self._added(value_of(operation, [node.value for node in of]), operation)

    def step(self, program: Program, inputs: Sequence[Node]) -> list[Node]:
        """Add the values of a program; return all nodes, inputs first."""
        nodes = list(inputs)
        for operation in program.operations:
            of = (nodes[place] for place in operation.of)
            nodes.append(self.compute(operation.primitive, *of, detail=operation.detail))
        return nodes

    def node(self, operand: Any) -> Node:  # noqa: ANN401 - a node or a number
        """Return a node; a number becomes a constant."""
        return operand if isinstance(operand, Node) else self.compute("constant", detail=(Fraction(operand),))

    def handed(self, node: Node) -> Node:
        """Return a value that one part of a composition hands to another: sums do not extend over it."""
        return self.compute("handed", node)

    def summed(self, *terms: Any) -> Node:  # noqa: ANN401 - nodes or numbers
        """Return one sum of all terms: sums may be added in any order, so a sum of sums is one sum."""
        flat: list[Node] = []
        for term in map(self.node, terms):
            is_sum = term.operation.primitive == "sum" and term.place not in self.carried
            flat += [Node(self, place) for place in term.operation.of] if is_sum else [term]
        return flat[0] if len(flat) == 1 else self.compute("sum", *flat)

    def adds_nothing(self, node: Node) -> bool:
        """Return whether adding a cotangent changes nothing: it is a given zero, or no sequence has it."""
        operation = node.operation
        if operation is GIVEN:
            return not node.value.any()
        if operation.primitive != "only":
            return False
        return not operation.detail[0].any() or self.adds_nothing(Node(self, operation.of[0]))

    @contextmanager
    def in_float32(self) -> Iterator[None]:
        """Mark the values that are added within as values kept in at least float32."""
        before, self._is_running = self._is_running, True
        try:
            yield
        finally:
            self._is_running = before

    def needed(self, targets: Sequence[Node]) -> list[int]:
        """Return the positions of everything that the targets depend on, in order."""
        found, todo = set[int](), [target.place for target in targets]
        while todo:
            place = todo.pop()
            if place not in found:
                found.add(place)
                todo += self.operations[place].of
        return sorted(found)

    def _is_weight(self, place: int) -> bool:
        """Return whether a value is a weight, transposed or not."""
        operation = self.operations[place]
        return self._is_weight(operation.of[0]) if operation.primitive == "transpose" else place in self.weights

    def _added(self, value: Float64, operation: Operation) -> Node:
        self.values.append(value)
        self.operations.append(operation)
        if self._is_running:
            self.running.add(len(self.values) - 1)
        return Node(self, len(self.values) - 1)
