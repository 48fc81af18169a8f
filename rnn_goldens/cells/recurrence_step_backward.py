"""The backward pass of one step of a recurrence: the adjoint of the step's graph, compiled to calls of NumPy."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from rnn_goldens.cells.adjoint import gradients
from rnn_goldens.cells.graph import Graph
from rnn_goldens.cells.matrix_primitives import GraphPrimitives
from rnn_goldens.cells.numpy_primitives import Array
from rnn_goldens.cells.step_program import GIVEN, Operation, Program
from rnn_goldens.golden.shapes import Shape


class _Fast(GraphPrimitives):
    """The primitives for arrays of one type, which numbers do not widen."""

    multiply = staticmethod(np.multiply)  # type: ignore[assignment]
    matmul = staticmethod(np.matmul)  # type: ignore[assignment]
    nothing = staticmethod(np.zeros_like)

    def sigmoid(self, z: Array) -> Array:
        """1 / (1 + e^-z)."""
        sigmoid: Array = 1 / (1 + np.exp(-z))
        return sigmoid


_FAST = _Fast()

_SAME = ("same", "kept_factor", "instead")
"""Primitives whose value is that of the first argument."""


class Computation:
    """Computes the wanted values of a graph again and again, and only what they need.

    Attributes:
        wanted: their positions in the graph.
        index: by position in the graph, the index in the values that ``values`` returns.
        count: the number of these values.
    """

    def __init__(
        self, operations: Sequence[Operation], wanted: Sequence[int], given: Mapping[int, int], count: int
    ) -> None:
        """Compile operations; ``given`` are the indices in ``count`` arrays of the values that it gets."""
        self.wanted, self.index = wanted, dict(given)
        self._calls: list[tuple[Any, tuple[int, ...], tuple[Any, ...] | None]] = []
        for k, operation in _used(operations, wanted, given).items():
            if operation.primitive in _SAME:
                self.index[k] = self.index[operation.of[0]]
                continue
            self.index[k] = count + len(self._calls)
            detail = tuple(float(part) if isinstance(part, Fraction) else part for part in operation.detail)
            of = tuple(self.index[place] for place in operation.of)
            is_plain = len(of) == 2 and not detail  # noqa: PLR2004 - two arguments, as most operations have
            self._calls.append((getattr(_FAST, operation.primitive), of, None if is_plain else detail))
        self.count = count + len(self._calls)

    def values(self, given: Sequence[Array]) -> list[Any]:
        """Return the arrays given, then what is computed from them."""
        values: list[Any] = list(given)
        append = values.append
        for function, of, detail in self._calls:  # the innermost loop
            if detail is None:
                a, b = of
                append(function(values[a], values[b]))
            else:
                append(function(*[values[k] for k in of], *detail))
        return values


def _used(operations: Sequence[Operation], wanted: Iterable[int], given: Collection[int]) -> dict[int, Operation]:
    """Return the operations that wanted values need, by position, in order; those of given values excepted."""
    found, needed = dict[int, Operation](), set(wanted)
    for k in reversed(range(len(operations))):
        if k in needed and k not in given and (operation := operations[k]) is not GIVEN:
            found[k] = operation
            needed.update(operation.of[:1] if operation.primitive in _SAME else operation.of)
    return dict(reversed(found.items()))


@lru_cache(maxsize=4096)
def both_ways(program: Program, shapes: tuple[Shape, ...], states: int) -> tuple[Computation, Computation]:
    """Return the forward pass of a step, as far as the states after it and the backward pass need it, and the latter.

    The backward pass is given the values of the forward pass, then the cotangents of its results. ``shapes`` are the
    rows and columns of the inputs.
    """
    graph = Graph()
    with np.errstate(all="ignore"):
        inputs = [graph.given(np.ones((1, 1, *shape))) for shape in shapes]
        nodes = graph.step(program, inputs)
        results = [nodes[place] for place in program.after]
        seeds = [(node, graph.given(np.ones_like(node.value))) for node in results]
        found = gradients(graph, seeds, inputs)
    (first, last), operations = (seeds[k][1].place for k in (0, -1)), list(graph.operations)
    for one, d_one in zip(inputs, found, strict=True):
        if d_one.place > last and d_one.operation is GIVEN:
            operations[d_one.place] = Operation("nothing", (one.place,))
    wanted = [node.place for node in found]
    needs = _used(operations, wanted, range(first)).values()
    kept = sorted({k for operation in needs for k in operation.of if k < first})
    forward = Computation(
        operations,
        [*(node.place for node in results[-states:]), *kept],
        {k: k for k in range(len(inputs))},
        len(inputs),
    )
    given = {k: forward.index[k] for k in kept}
    given |= {g.place: forward.count + k for k, (_, g) in enumerate(seeds)}
    return forward, Computation(operations, wanted, given, forward.count + len(seeds))
