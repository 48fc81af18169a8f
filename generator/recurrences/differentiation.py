"""Reverse mode over a graph: of nodes it adds the gradients to the graph, of arrays it computes them.

The rules are written once, with operators and the primitives of ``of``: the graph for nodes, NumPy for arrays.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from rnn_goldens.cells.derivatives import RULES
from rnn_goldens.generator.recurrences.graph import NUMPY, Graph, Node
from rnn_goldens.golden.arrays import Float64


class NodePrimitives:
    """The primitives of the rules, as nodes of a graph."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def scaled(self, g: Node, factor: Fraction) -> Node:
        """The product with a number."""
        return g * factor

    def __getattr__(self, primitive: str) -> Callable[..., Node]:
        """Return a function that adds a value of any other primitive."""

        def computed(*arguments: Any) -> Node:  # noqa: ANN401 - nodes, then numbers
            of = [self._graph.node(a) for a in arguments if isinstance(a, Node | int)]
            detail = tuple(a for a in arguments if not isinstance(a, Node | int))
            return self._graph.compute(primitive, *of, detail=detail)

        return computed


def _stacked_back(of: Any, g: Any, parts: Sequence[int], number: int) -> Any:  # noqa: ANN401 - nodes or arrays
    start = sum(parts[:number])
    return rows_of(of, g, start, start + parts[number])


def padded(of: Any, a: Any, above: int, below: int) -> Any:  # noqa: ANN401 - nodes or arrays
    """Return a node or an array with rows of zeros above and below."""
    if isinstance(a, Node):
        return a.graph.compute("padded", a, detail=(above, below))
    return of.padded(a, above, below)


def rows_of(of: Any, a: Any, start: int, stop: int) -> Any:  # noqa: ANN401 - nodes or arrays
    """Return rows of a node or an array."""
    if isinstance(a, Node):
        return a.graph.compute("rows", a, detail=(start, stop))
    return of.rows(a, start, stop)


def _part(  # noqa: PLR0911 - one return for each kind of primitive
    of: Any,  # noqa: ANN401 - the primitives of nodes or of arrays
    graph: Graph,
    place: int,
    number: int,
    g: Any,  # noqa: ANN401 - a node or an array
    value: Callable[[int], Any],
) -> Any:  # noqa: ANN401 - a node or an array
    """Return the cotangent of an argument before it is reduced to its shape; None if it is zero."""
    operation = graph.operations[place]
    assert operation is not None
    match operation.primitive:
        case "sum" | "kept_factor" | "same" | "spread_to":
            return g
        case "matmul":
            other = value(operation.of[1 - number])
            return of.matmul(g, of.transpose(other)) if number == 0 else of.matmul(of.transpose(other), g)
        case "solved" if isinstance(g, Node):
            return _solved_back_in_graph(Node(graph, operation.of[0]), Node(graph, place), number, g)
        case "solved":
            return _solved_back(graph, place, number, g)
        case "constant":
            return None
    if operation.primitive in _MOVED_BACK:
        shapes = [graph.values[k].shape for k in operation.of]
        return _MOVED_BACK[operation.primitive](of, g, number, shapes, graph.values[place].shape, *operation.detail)
    rule = RULES[operation.primitive][number]
    arguments = [value(k) for k in operation.of]
    return None if rule is None else rule(of, g, value(place), *arguments, *operation.detail)


def _rows_back(of: Any, g: Any, _: int, shapes: Any, shape: Any, start: int, *__: int) -> Any:  # noqa: ANN401
    return padded(of, g, start, shapes[0][-2] - start - shape[-2])


_MOVED_BACK: Mapping[str, Callable[..., Any]] = {
    "transpose": lambda of, g, *_: of.transpose(g),
    "reversed_rows": lambda of, g, *_: of.reversed_rows(g),
    "masked": lambda of, g, _number, _shapes, _shape, keep: of.masked(g, keep),
    "stacked": lambda of, g, number, shapes, _shape: _stacked_back(of, g, [shape[-2] for shape in shapes], number),
    "rows": _rows_back,
    "padded": lambda of, g, _number, shapes, _shape, above, _below: rows_of(of, g, above, above + shapes[0][-2]),
    "total_over": lambda of, g, _number, shapes, _shape, _axes: of.spread_to(g, shapes[0]),
}
"""The cotangent of an argument of primitives that move, select or add numbers."""


def _solved_back_in_graph(a: Node, y: Node, number: int, g: Node) -> Node:
    """Return the cotangent of an argument of a triangular solve: a solve with the transposed matrix, rows reversed."""
    graph, size = g.graph, a.value.shape[-1]

    def reversed_rows(z: Node) -> Node:
        return graph.compute("reversed_rows", z)

    transposed = reversed_rows(reversed_rows(a.mT).mT).mT
    d_b = reversed_rows(graph.compute("solved", transposed, reversed_rows(g)))
    if number == 1:
        return d_b
    return graph.compute("masked", -(d_b @ y.mT), detail=(np.tri(size, k=-1, dtype=bool),))


def _solved_back(graph: Graph, place: int, number: int, g: Float64) -> Float64:
    """Return the cotangent of an argument of a triangular solve, as an array."""
    operation = graph.operations[place]
    assert operation is not None
    a = graph.values[operation.of[0]]
    d_b = np.linalg.solve(np.swapaxes(np.eye(a.shape[-1]) + a, -1, -2), g)
    if number == 1:
        return np.asarray(d_b)
    return np.asarray(-(d_b @ np.swapaxes(graph.values[place], -1, -2)) * np.tri(a.shape[-1], k=-1))


def pulled_back(
    graph: Graph,
    places: Sequence[int],
    cotangents: Mapping[int, Float64],
    visit: Callable[[int, Float64], None],
    *,
    skip: frozenset[int] | set[int],
    kept_axes: tuple[int, ...],
) -> None:
    """Compute cotangents of many results at once, and call ``visit`` with each value's cotangent.

    Args:
        graph: the graph.
        places: the positions that may be visited, in order.
        cotangents: by position, (results, batch, heads, rows, columns).
        visit: called with a position and its cotangent.
        skip: positions that no rounding changes.
        kept_axes: axes that a cotangent keeps even if the value has size 1 there: results of different lanes are
            computed at once, and lanes do not depend on each other.
    """
    parts: dict[int, Float64] = dict(cotangents)
    for place in reversed(places):
        if place not in parts:
            continue
        g = parts.pop(place)
        visit(place, g)
        operation = graph.operations[place]
        for number, argument in enumerate(operation.of if operation is not None else ()):
            if argument in skip:
                continue
            part = _part(NUMPY, graph, place, number, g, graph.values.__getitem__)
            if part is not None:
                shape = graph.values[argument].shape
                axes = tuple(k for k in (-4, -3, -2, -1) if k not in kept_axes and shape[k] == 1 and part.shape[k] != 1)
                part = part.sum(axis=axes, keepdims=True) if axes else part
                parts[argument] = parts[argument] + part if argument in parts else part


def gradient_nodes(graph: Graph, cotangents: Sequence[tuple[Node, Node]], inputs: Sequence[Node]) -> list[Node | None]:
    """Add the gradients of inputs to the graph, and return them; None for an input without influence.

    Args:
        graph: the graph of the forward pass.
        cotangents: pairs of an output and its cotangent.
        inputs: the inputs.
    """
    of, parts = NodePrimitives(graph), dict[int, list[Node]]()
    for output, g in cotangents:
        parts.setdefault(output.place, []).append(g)
    places = graph.needed([output for output, _ in cotangents])
    wanted, found = {node.place for node in inputs}, dict[int, Node]()
    live = _depending(graph, places, wanted)
    for place in reversed(places):
        if place not in parts or place not in live:
            continue
        g = graph.summed(*parts.pop(place))
        graph.cotangents[place] = g.place
        if place in wanted:
            found[place] = g
        operation = graph.operations[place]
        for number, argument in enumerate(operation.of if operation is not None else ()):
            if argument in live:
                part = _part(of, graph, place, number, g, lambda k: Node(graph, k))
                if part is not None:
                    parts.setdefault(argument, []).append(_reduced(graph, part, graph.values[argument].shape))
    return [found.get(node.place) for node in inputs]


def _depending(graph: Graph, places: Sequence[int], on: set[int]) -> set[int]:
    """Return the positions that depend on some inputs."""
    found = set(on)
    for place in places:
        operation = graph.operations[place]
        if operation is not None and not found.isdisjoint(operation.of):
            found.add(place)
    return found


def _reduced(graph: Graph, part: Node, shape: tuple[int, ...]) -> Node:
    axes = tuple(k for k in (-4, -3, -2, -1) if shape[k] == 1 and part.value.shape[k] != 1)
    return graph.compute("total_over", part, detail=(axes,)) if axes else part
