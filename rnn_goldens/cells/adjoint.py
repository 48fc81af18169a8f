"""Reverse mode over a graph: of nodes it adds the gradients to the graph, of arrays it computes them.

The rules are written once, with operators and the primitives of ``of``: a graph's for nodes, NumPy for arrays.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from rnn_goldens.cells.derivatives import RULES
from rnn_goldens.cells.graph import Graph, Node
from rnn_goldens.cells.program import Operation


def gradients(graph: Graph, seeds: Sequence[tuple[Node, Node]], inputs: Sequence[Node]) -> list[Node]:
    """Add the gradients of inputs to the graph, and return them; zeros for an input without influence.

    The gradient of a weight is one value, a sum over all time steps and sequences that use it: ``summed_outer`` of a
    matrix, ``added_up`` of others.

    Args:
        graph: the graph of the forward pass.
        seeds: pairs of an output and its cotangent.
        inputs: the inputs.
    """
    parts, shares = dict[int, list[Node]](), dict[int, list[tuple[Node, ...]]]()
    for output, g in seeds:
        parts.setdefault(output.place, []).append(g)
    places, found = graph.needed([output for output, _ in seeds]), dict[int, Node]()
    live = _depending(graph, places, {node.place for node in inputs})
    for place in reversed(places):
        if place not in parts or place not in live:
            continue
        found[place] = g = _total(graph, parts.pop(place))
        graph.cotangents[place] = g.place
        operation = graph.operations[place]
        for number, argument in enumerate(operation.of if operation is not None else ()):
            if argument not in live:
                continue
            if argument in graph.weights:
                shares.setdefault(argument, []).append(_share(graph, place, number, g))
            elif (part := _part(graph, place, number, g)) is not None:
                parts.setdefault(argument, []).append(_reduced(part, graph.values[argument].shape, (-2, -1)))
    found |= {weight: _gradient_of_weight(graph, pairs) for weight, pairs in shares.items()}
    return [found.get(node.place) or graph.given(np.zeros_like(node.value)) for node in inputs]


def _total(graph: Graph, parts: Sequence[Node]) -> Node:
    """Return the sum of the parts of a cotangent. A single part stays the same value."""
    terms = [part for part in parts if not graph.adds_nothing(part)] or list(parts[:1])
    return terms[0] if len(terms) == 1 else graph.summed(*terms)


def _share(graph: Graph, place: int, number: int, g: Node) -> tuple[Node, ...]:
    """Return what one operation adds to the gradient of a weight: g and v for g vᵀ, or the cotangent."""
    operation = graph.operations[place]
    assert operation is not None
    if operation.primitive == "matmul" and number == 0:
        return g, Node(graph, operation.of[1])
    part = _part(graph, place, number, g)
    assert part is not None, "an operation has a derivative by a weight"
    return (_reduced(part, graph.values[operation.of[number]].shape, (-3, -2, -1)),)


def _gradient_of_weight(graph: Graph, shares: Sequence[tuple[Node, ...]]) -> Node:
    assert len({len(share) for share in shares}) == 1, "a weight is used only in products, or never in one"
    parts = [part for side in zip(*shares, strict=True) for part in side]
    return graph.compute("summed_outer" if len(shares[0]) > 1 else "added_up", *parts)


def _part(graph: Graph, place: int, number: int, g: Node) -> Node | None:
    """Return the cotangent of an argument as a node. Constants are numbers: a product with one is ``scaled``."""

    def value(k: int) -> Node | Fraction:
        of_k = graph.operations[k]
        is_number = of_k is not None and of_k.primitive == "constant" and graph.values[k].size == 1
        return Fraction(of_k.detail[0]) if is_number and of_k is not None else Node(graph, k)

    operation = graph.operations[place]
    assert operation is not None
    arguments = [value(k) for k in operation.of]
    part: Node | None = part_of(NodePrimitives(graph), operation, number, g, Node(graph, place), arguments)
    return part


class NodePrimitives:
    """The primitives of the rules, as nodes of a graph."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def __getattr__(self, primitive: str) -> Callable[..., Node]:
        """Return a function that adds a value of a primitive: nodes are its arguments, anything else is its detail."""

        def computed(*arguments: Any) -> Node:  # noqa: ANN401 - nodes, then details
            of = [one for one in arguments if isinstance(one, Node)]
            return self._graph.compute(primitive, *of, detail=tuple(arguments[len(of) :]))

        return computed

    def scaled(self, g: Node, factor: Fraction) -> Node:
        """The product with a number."""
        return g * factor

    def difference(self, *of: Any) -> Node:  # noqa: ANN401 - nodes or numbers
        """The product g (a - b)."""
        return self._graph.compute("difference", *map(self._graph.node, of))

    def where_larger(self, *of: Any) -> Node:  # noqa: ANN401 - nodes or numbers
        """The cotangent g where a is larger than b, zero elsewhere."""
        return self._graph.compute("where_larger", *map(self._graph.node, of))


def part_of(  # noqa: PLR0911 - one return for each kind of primitive
    of: Any,  # noqa: ANN401 - the primitives of nodes or of arrays
    operation: Operation,
    number: int,
    g: Any,  # noqa: ANN401 - a node or an array
    y: Any,  # noqa: ANN401 - a node or an array
    arguments: Sequence[Any],
) -> Any:  # noqa: ANN401 - a node or an array
    """Return the cotangent of an argument before it is reduced to its shape; None if it is zero.

    Args:
        of: the primitives that compute it, of nodes or of arrays.
        operation: an operation.
        number: which of its arguments.
        g: the cotangent of its result.
        y: its result.
        arguments: its arguments: nodes or arrays, and numbers.
    """
    match operation.primitive:
        case "sum" | "kept_factor" | "same" | "spread_to":
            return g
        case "handed":
            return g.graph.handed(g) if isinstance(g, Node) and not g.graph.adds_nothing(g) else g
        case "only" | "choose":
            within = operation.detail[0] if number == 0 else ~operation.detail[0]
            return g if within.all() else of.only(g, within)
        case "matmul" | "outer":
            return _part_of_product(of, operation.primitive, number, g, arguments[1 - number])
        case "solved":
            return _solved_back(of, number, g, y, arguments[0])
        case "constant":
            return None
    if operation.primitive in _MOVED_BACK:
        return _MOVED_BACK[operation.primitive](of, g, number, [_shape(a) for a in arguments], *operation.detail)
    if operation.primitive in _OF_MEANS:
        return _OF_MEANS[operation.primitive](of, g, arguments[-1])
    rule = RULES[operation.primitive][number]
    return None if rule is None else rule(of, g, y, *arguments, *operation.detail)


def _shape(value: Any) -> tuple[int, ...]:  # noqa: ANN401 - a node or an array
    shape: tuple[int, ...] = (value.value if isinstance(value, Node) else value).shape
    return shape


def _part_of_product(of: Any, primitive: str, number: int, g: Any, other: Any) -> Any:  # noqa: ANN401 - nodes or arrays
    """Return the cotangent of an argument of a b or of a bᵀ; ``other`` is the other argument."""
    if primitive == "outer":
        return of.matmul(g, other) if number == 0 else of.matmul(of.transpose(g), other)
    return of.matmul(of.transpose(other), g) if number == 1 else of.matmul(g, of.transpose(other))


def _stacked_back(of: Any, g: Any, number: int, shapes: Any) -> Any:  # noqa: ANN401 - nodes or arrays
    start = sum(shape[-2] for shape in shapes[:number])
    return of.rows(g, start, start + shapes[number][-2])


def _rows_back(of: Any, g: Any, _number: int, shapes: Any, start: int, stop: int | None = None) -> Any:  # noqa: ANN401
    count = shapes[0][-2]
    return of.padded(g, start, count - (count if stop is None else stop))


_MOVED_BACK: Mapping[str, Callable[..., Any]] = {
    "transpose": lambda of, g, *_: of.transpose(g),
    "reversed_rows": lambda of, g, *_: of.reversed_rows(g),
    "masked": lambda of, g, _number, _shapes, keep: of.masked(g, keep),
    "stacked": _stacked_back,
    "rows": _rows_back,
    "padded": lambda of, g, _number, shapes, above, _below: of.rows(g, above, above + shapes[0][-2]),
    "total_over": lambda of, g, _number, shapes, _axes: of.spread_to(g, shapes[0]),
}
"""The cotangent of an argument of primitives that move, select or add numbers."""


def _spread_back(of: Any, g: Any, z: Any) -> Any:  # noqa: ANN401 - nodes or arrays
    return of.total_over(g, (-2,)) * (1 / _shape(z)[-2])


_OF_MEANS: Mapping[str, Callable[..., Any]] = {"mean": lambda of, g, z: of.spread(g, z), "spread": _spread_back}
"""The cotangent of the first argument of a mean of z, and of the cotangents of the units of z."""


def _solved_back(of: Any, number: int, g: Any, y: Any, a: Any) -> Any:  # noqa: ANN401 - nodes or arrays
    """Return the cotangent of an argument of a triangular solve: a solve with the transposed matrix, rows reversed."""
    transposed = of.transpose(of.reversed_rows(of.transpose(of.reversed_rows(of.transpose(a)))))
    d_b = of.reversed_rows(of.solved(transposed, of.reversed_rows(g)))
    if number == 1:
        return d_b
    return of.masked(-of.matmul(d_b, of.transpose(y)), np.tri(_shape(a)[-1], k=-1, dtype=bool))


def _depending(graph: Graph, places: Sequence[int], on: set[int]) -> set[int]:
    """Return the positions that depend on some inputs."""
    found = set(on)
    for place in places:
        operation = graph.operations[place]
        if operation is not None and not found.isdisjoint(operation.of):
            found.add(place)
    return found


def _reduced(part: Node, shape: tuple[int, ...], axes: tuple[int, ...]) -> Node:
    """Return a cotangent summed over those of some axes that were broadcast. Lanes are, only by a weight."""
    summed = tuple(k for k in axes if shape[k] == 1 and part.value.shape[k] != 1)
    return part.graph.compute("total_over", part, detail=(summed,)) if summed else part
