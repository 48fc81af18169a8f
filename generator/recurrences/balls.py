"""Evaluates a graph in ball arithmetic."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from flint import arb, arb_mat

from rnn_goldens.cells import Array
from rnn_goldens.generator.balls import balls
from rnn_goldens.generator.gradients.balls import BackwardBalls
from rnn_goldens.generator.recurrences.graph import Graph, MatrixOperations

_SMALL = 2
"""A product of fewer terms is faster without a conversion to matrices of Arb."""


class MatrixBalls(BackwardBalls, MatrixOperations):
    """The primitives of graphs in ball arithmetic."""

    def matmul(self, a: Array, b: Array) -> Array:
        """The product of two matrices of each lane."""
        if a.shape[-1] == 1:
            return np.asarray(a * b)
        if a.shape[-1] * min(a.shape[-2], b.shape[-1]) <= _SMALL:
            return np.asarray(a @ b)
        lanes = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        a, b = (np.broadcast_to(z, (*lanes, *z.shape[-2:])) for z in (a, b))
        product = np.empty((*lanes, a.shape[-2], b.shape[-1]), dtype=object)
        for lane in np.ndindex(*lanes):
            found = _matrix(a[lane]) * _matrix(b[lane])
            product[lane] = np.array(found.entries(), dtype=object).reshape(product.shape[-2:])
        return product

    def where_larger(self, g: Array, a: Array, b: Array) -> Array:
        """The cotangent g where a is larger than b, zero elsewhere."""
        return super().where_larger(*np.broadcast_arrays(g, a, b))


def _matrix(array: Array) -> arb_mat:
    rows, columns = array.shape
    return arb_mat(rows, columns, array.ravel().tolist())


_BALLS = MatrixBalls()


def in_balls(graph: Graph, places: Sequence[int]) -> dict[int, Any]:
    """Return the values at some positions, and of everything they depend on, as arrays of balls.

    Args:
        graph: the graph.
        places: the positions, each after its arguments.
    """
    values: dict[int, Any] = {}
    for place in places:
        operation = graph.operations[place]
        if operation is None:
            values[place] = balls(graph.values[place])
            continue
        value = getattr(_BALLS, operation.primitive)(*(values[of] for of in operation.of), *operation.detail)
        values[place] = np.array([[[[value]]]], dtype=object) if isinstance(value, arb) else value
    return values
