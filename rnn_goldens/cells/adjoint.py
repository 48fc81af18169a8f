"""Reverse mode over a graph: the derivative of each primitive, as rules that all backward passes read.

A rule maps the cotangent g of the result y to the cotangent of an argument. It is written once, with operators and a
few primitives: applied to terms it compiles a backward pass, applied to nodes it adds one to a graph, and applied to
arrays it computes one.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from rnn_goldens.cells.graph import Graph, Node
from rnn_goldens.cells.step_program import GIVEN, Operation

Rule = Callable[..., Any]
"""``rule(of, g, y, *arguments, *detail)``; ``of`` has the primitives that are not operators."""

RULES: Mapping[str, tuple[Rule | None, ...]] = {
    "same": (lambda _of, g, _y, _z: g,),
    "negative": (lambda _of, g, _y, _z: -g,),
    "multiply": (lambda _of, g, _y, _a, b: g * b, lambda _of, g, _y, a, _b: g * a),
    "scaled": (lambda of, g, _y, _z, factor: of.scaled(g, factor),),
    "divide": (lambda _of, g, _y, _a, b: g / b, lambda _of, g, y, _a, b: -(g * y / b)),
    "mix": (
        lambda of, g, _y, _z, a, b: of.difference(g, a, b),
        lambda _of, g, _y, z, _a, _b: g * z,
        lambda _of, g, _y, z, _a, _b: g * (1 - z),
    ),
    "sigmoid": (lambda of, g, y, z: g * of.sigmoid_slope(y, z),),
    "tanh": (lambda of, g, y, z: g * of.tanh_slope(y, z),),
    "exp": (lambda _of, g, y, _z: g * y,),
    "log": (lambda _of, g, _y, z: g / z,),
    "softplus": (lambda of, g, _y, z: g * of.sigmoid(z),),
    "sqrt": (lambda of, g, y, _z: of.scaled(g / y, Fraction(1, 2)),),
    "rsqrt": (lambda of, g, y, _z: of.scaled(g * (y * y * y), Fraction(-1, 2)),),
    "relu": (lambda of, g, _y, z: of.where_larger(g, z, 0),),
    "maximum": (
        lambda of, g, _y, a, b: of.where_larger(g, a, b),
        lambda of, g, _y, a, b: of.where_larger(g, b, a),
    ),
    "clip": (lambda of, g, _y, z, low, high: of.where_within(g, z, low, high),),
    "thresholded_relu": (lambda of, g, _y, z, threshold: of.where_larger(g, z, threshold),),
    "instead": (None, lambda _of, g, _y, _value, _other: g),
    # Primitives of the rules above; the error analysis differentiates these, too.
    "difference": (
        lambda of, v, _y, _g, a, b: of.difference(v, a, b),
        lambda _of, v, _y, g, _a, _b: v * g,
        lambda _of, v, _y, g, _a, _b: -(v * g),
    ),
    "sigmoid_slope": (lambda _of, v, _y, s, _z: v * (1 - 2 * s), None),
    "tanh_slope": (lambda _of, v, _y, t, _z: v * (-2 * t), None),
    "where_larger": (lambda of, v, _y, _g, a, b: of.where_larger(v, a, b), None, None),
    "where_within": (lambda of, v, _y, _g, z, low, high: of.where_within(v, z, low, high), None),
}
"""Rules of elementwise primitives, one for each argument; None if the cotangent is zero. At a kink, where the
derivative does not exist, the rules return zero: callers must handle kinks."""


def _where(of: Any, g: Any, within: Any) -> Any:  # noqa: ANN401 - terms, nodes or arrays
    """Return a cotangent for the sequences of a mask."""
    return g if within.all() else of.only(g, within)


def _by_right_side(of: Any, g: Any, a: Any) -> Any:  # noqa: ANN401 - terms, nodes or arrays
    """Return the cotangent of b in (1 + a) y = b: a solve with the transposed matrix, rows reversed."""
    transposed = of.transpose(of.reversed_rows(of.transpose(of.reversed_rows(of.transpose(a)))))
    return of.reversed_rows(of.solved(transposed, of.reversed_rows(g)))


def by_matrix(of: Any, g: Any, y: Any) -> Any:  # noqa: ANN401 - terms, nodes or arrays
    """Return the cotangent of a in (1 + a) y = b, where g is that of b."""
    return of.masked(-of.matmul(g, of.transpose(y)), np.tri(y.shape[-2], k=-1, dtype=bool))


RULES_OF_MATRICES: Mapping[str, tuple[Rule | None, ...]] = {
    "matmul": (
        lambda of, g, _y, _a, b: of.matmul(g, of.transpose(b)),
        lambda of, g, _y, a, _b: of.matmul(of.transpose(a), g),
    ),
    "outer": (
        lambda of, g, _y, _a, b: of.matmul(g, b),
        lambda of, g, _y, a, _b: of.matmul(of.transpose(g), a),
    ),
    "solved": (
        lambda of, g, y, a, _b: by_matrix(of, _by_right_side(of, g, a), y),
        lambda of, g, _y, a, _b: _by_right_side(of, g, a),
    ),
    "mean": (lambda of, g, _y, z: of.spread(g, z),),
    "spread": (lambda of, v, _y, _g, z: of.total_over(v, (-2,)) * (1 / z.shape[-2]), None),
    "total_over": (lambda of, g, _y, a, _axes: of.spread_to(g, a.shape),),
    "spread_to": (lambda _of, g, _y, _a, _shape: g,),
    "transpose": (lambda of, g, _y, _a: of.transpose(g),),
    "reversed_rows": (lambda of, g, _y, _a: of.reversed_rows(g),),
    "rows": (lambda of, g, _y, a, start, stop=None: of.padded(g, start, a.shape[-2] - (stop or a.shape[-2])),),
    "padded": (lambda of, g, _y, a, above, _below: of.rows(g, above, above + a.shape[-2]),),
    "masked": (lambda of, g, _y, _a, keep: of.masked(g, keep),),
    "only": (lambda of, g, _y, _a, within: _where(of, g, within),),
    "choose": (
        lambda of, g, _y, _a, _b, within: _where(of, g, within),
        lambda of, g, _y, _a, _b, within: _where(of, g, ~within),
    ),
    "handed": (lambda of, g, _y, _z: of.handed(g),),
    "kept_factor": (lambda _of, g, _y, _a: g,),
}
"""Rules of primitives that multiply, add up, move or select numbers."""

ELEMENTWISE = frozenset((*RULES, "sum", "handed", "kept_factor", "only", "choose", "masked"))
"""Primitives whose elements depend on one element of each argument."""


def part_of(
    of: Any,  # noqa: ANN401 - the primitives of terms, nodes or arrays
    operation: Operation,
    number: int,
    g: Any,  # noqa: ANN401 - a term, a node or an array
    y: Any,  # noqa: ANN401 - a term, a node or an array
    arguments: Sequence[Any],
) -> Any:  # noqa: ANN401 - a term, a node or an array
    """Return the cotangent of an operation's argument before it is reduced to its shape; None if it is zero.

    ``of`` has the primitives that compute it, ``g`` is the cotangent of the result ``y``. Arguments may be numbers.
    """
    primitive = operation.primitive
    if primitive == "sum":
        return g
    if primitive == "stacked":
        start = sum(one.shape[-2] for one in arguments[:number])
        return of.rows(g, start, start + arguments[number].shape[-2])
    rule = (RULES.get(primitive) or RULES_OF_MATRICES[primitive])[number]
    return None if rule is None else rule(of, g, y, *arguments, *operation.detail)


_OF_NUMBERS = ("difference", "where_larger")
"""Primitives of rules whose arguments may be numbers."""


class Symbols:
    """The primitives of the rules as values that are computed later: terms, or nodes of a graph."""

    def __init__(self, kind: type, value_of: Callable[[str, tuple[Any, ...], tuple[Any, ...]], Any]) -> None:
        """Store the type of values, and a function that returns one: of a primitive, its arguments and its detail."""
        self._kind, self._value_of = kind, value_of

    def __getattr__(self, primitive: str) -> Callable[..., Any]:
        """Return a function that computes a primitive: values are its arguments, anything else is its detail."""

        def computed(*arguments: Any) -> Any:  # noqa: ANN401 - values, then details
            every = tuple(map(self._own, arguments)) if primitive in _OF_NUMBERS else arguments
            of = tuple(one for one in every if isinstance(one, self._kind))
            return self._value_of(primitive, of, every[len(of) :])

        return computed

    def _own(self, operand: Any) -> Any:  # noqa: ANN401 - a value or a number
        return operand if isinstance(operand, self._kind) else self._value_of("constant", (), (Fraction(operand),))


def gradients(graph: Graph, seeds: Sequence[tuple[Node, Node]], inputs: Sequence[Node]) -> list[Node]:
    """Add the gradients of inputs to the graph, and return them; zeros for an input without influence.

    The gradient of a weight is one value, a sum over all time steps and sequences that use it: ``summed_outer`` of a
    matrix, ``added_up`` of others. The cotangent of a value that heads share is one for each head, since each may
    compute its own value; only that of an input adds up over them. ``seeds`` are outputs with their cotangents.
    """
    parts, shares = dict[int, list[Node]](), dict[int, list[tuple[Node, ...]]]()
    for output, g in seeds:
        parts.setdefault(output.place, []).append(g)
    places, found = graph.needed([output for output, _ in seeds]), dict[int, Node]()
    live = {node.place for node in inputs}
    for place in places:
        if not live.isdisjoint(graph.operations[place].of):
            live.add(place)
    for place in reversed(places):
        if place not in parts or place not in live:
            continue
        found[place] = g = _total(graph, parts.pop(place))
        graph.cotangents[place] = g.place
        for number, argument in enumerate(graph.operations[place].of):
            if argument not in live:
                continue
            if argument in graph.weights:
                shares.setdefault(argument, []).append(_share(graph, place, number, g))
            elif (part := _part(graph, place, number, g)) is not None:
                axes = (-3, -2, -1) if graph.operations[argument] is GIVEN else (-2, -1)
                parts.setdefault(argument, []).append(_reduced(part, graph.values[argument].shape, axes))
    for weight, pairs in shares.items():
        assert len(set(map(len, pairs))) == 1, "a weight is used only in products, or never in one"
        sides = (part for side in zip(*pairs, strict=True) for part in side)
        found[weight] = graph.compute("summed_outer" if len(pairs[0]) > 1 else "added_up", *sides)
    return [found.get(node.place) or graph.given(np.zeros_like(node.value)) for node in inputs]


def _total(graph: Graph, parts: Sequence[Node]) -> Node:
    """Return the sum of the parts of a cotangent. A single part stays the same value."""
    terms = [part for part in parts if not graph.adds_nothing(part)] or list(parts[:1])
    return terms[0] if len(terms) == 1 else graph.summed(*terms)


def _part(graph: Graph, place: int, number: int, g: Node) -> Node | None:
    """Return the cotangent of an argument as a node. Constants are numbers: a product with one is ``scaled``."""

    def value(k: int) -> Node | Fraction:
        of_k = graph.operations[k]
        is_number = of_k.primitive == "constant" and graph.values[k].size == 1
        return Fraction(of_k.detail[0]) if is_number else Node(graph, k)

    operation = graph.operations[place]
    arguments = [value(k) for k in operation.of]
    part: Node | None = part_of(NodePrimitives(graph), operation, number, g, Node(graph, place), arguments)
    return part


class NodePrimitives(Symbols):
    """The primitives as nodes of a graph; none for what changes nothing."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(Node, lambda primitive, of, detail: graph.compute(primitive, *of, detail=detail))
        self._graph = graph

    def transpose(self, a: Node) -> Node:
        """The transposed matrix."""
        return a.mT

    def stacked(self, *parts: Node) -> Node:
        """The rows of all parts."""
        return parts[0] if len(parts) == 1 else self._graph.compute("stacked", *parts)

    def handed(self, g: Node) -> Node:
        """The cotangent of a value that one part of a composition hands to another."""
        return g if self._graph.adds_nothing(g) else self._graph.handed(g)


def _reduced(part: Node, shape: tuple[int, ...], axes: tuple[int, ...]) -> Node:
    """Return a cotangent summed over those of some axes that were broadcast. Sequences are, only by a weight."""
    summed = tuple(k for k in axes if shape[k] == 1 and part.shape[k] != 1)
    return part.graph.compute("total_over", part, detail=(summed,)) if summed else part


def _share(graph: Graph, place: int, number: int, g: Node) -> tuple[Node, ...]:
    """Return what one operation adds to the gradient of a weight: g and v for g vᵀ, or the cotangent."""
    operation = graph.operations[place]
    if operation.primitive == "matmul" and number == 0:
        return g, Node(graph, operation.of[1])
    part = _part(graph, place, number, g)
    assert part is not None, "an operation has a derivative by a weight"
    return (_reduced(part, graph.values[operation.of[number]].shape, (-3, -2, -1)),)
