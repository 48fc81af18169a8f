"""Reverse mode over a graph: adds the gradients to the graph."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from rnn_goldens.cells.derivatives import Symbols, part_of
from rnn_goldens.cells.graph import Graph, Node
from rnn_goldens.cells.step_program import GIVEN


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
