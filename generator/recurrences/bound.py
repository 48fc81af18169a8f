"""Bounds the rounding errors of the results of a graph: the loss of each operation times the derivative by it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rnn_goldens.generator.error_analysis.rounding_model import ACTIVATION_ULPS, UNFLUSHED, loss
from rnn_goldens.generator.recurrences.differentiation import pulled_back
from rnn_goldens.generator.recurrences.graph import Graph, Node
from rnn_goldens.golden.arrays import Float64

ACCUMULATION, STATE, STORAGE = 0, 1, 2
KINDS = 3
"""Kinds of losses: of sums, functions and running sums; of storing states; and of storing other values."""

BITS = 5
"""Significant bits of stored coefficients: their six arrays for each output would take most of a file."""

AT_ONCE = 2**18
"""Largest number of elements of one cotangent."""

_SMALLEST = 2.0**-149

Lanes = tuple[int, int]

_RELATIVE: Mapping[str, Callable[[Float64, Float64], Float64]] = {
    "exp": lambda y, _: ACTIVATION_ULPS * y,
    "softplus": lambda y, z: ACTIVATION_ULPS * np.maximum(y, 2 * np.exp(np.minimum(z, 0))),
}
"""Losses of functions whose results decide over many steps: their errors are relative in correct implementations."""


@dataclass(frozen=True, eq=False)
class _Elements:
    """Elements of a result whose derivatives are computed together."""

    node: Node
    indices: np.ndarray[tuple[int], np.dtype[np.int64]]


class Bounds:
    """The losses of the operations of a graph, and their effect on results."""

    def __init__(self, graph: Graph, results: Sequence[Node]) -> None:
        self.graph = graph
        self.places = graph.needed(results)
        self._lost: dict[int, Float64] = {}
        self._exact = set[int]()
        for place in self.places:
            lost = self._loss_of(place)
            if lost is not None and lost.any():
                self._lost[place] = lost
            elif all(of in self._exact for of in self._of(place)):
                self._exact.add(place)

    def _of(self, place: int) -> tuple[int, ...]:
        operation = self.graph.operations[place]
        return () if operation is None else operation.of

    def _loss_of(self, place: int) -> Float64 | None:
        """Return the loss of a value, (kinds, batch, heads, rows, columns); None if it is exact."""
        y = self.graph.values[place]
        if place in self.graph.kept:  # the running sum of logarithms, and so their difference, is rounded
            return np.stack([np.abs(y) * self.graph.kept[place], 0 * y, 0 * y])
        operation = self.graph.operations[place]
        if operation is None:
            return None
        if operation.primitive == "exp" and not (y - (y == 1)).any():
            return None  # e^0 is one; e^z is zero in every precision
        found = loss(self.graph, place, UNFLUSHED)
        if found is None:
            return None
        if operation.primitive in _RELATIVE:
            found = _RELATIVE[operation.primitive](y, self.graph.values[operation.of[0]]), np.abs(y)
        accumulation, storage = (np.broadcast_to(part, y.shape) for part in found)
        kinds = [accumulation, 0 * y, 0 * y]
        kind = ACCUMULATION if place in self.graph.running else STATE if place in self.graph.carried else STORAGE
        kinds[kind] = kinds[kind] + storage
        return np.stack(kinds)

    def of(self, results: Sequence[Node]) -> list[Float64]:
        """Return the bound of each result, (kinds, batch, heads, rows, columns)."""
        bounds = {node.place: np.zeros((KINDS, *node.value.shape)) for node in results}
        for of_lanes in dict.fromkeys(_lanes(node) for node in results):
            group = [node for node in results if _lanes(node) == of_lanes and node.place not in self._exact]
            largest = max((self.graph.values[place].size for place in self.places), default=1)
            for chunk in _chunks(group, max(1, AT_ONCE // largest)):
                self._add(chunk, of_lanes, bounds)
        return [bounds[node.place] for node in results]

    def _add(self, chunk: Sequence[_Elements], of_lanes: Lanes, bounds: dict[int, Float64]) -> None:
        """Compute the bounds of some elements in all of their lanes at once."""
        kept_axes = tuple(axis for axis, size in zip((-4, -3), of_lanes, strict=True) if size > 1)
        count, cotangents, first = sum(len(one.indices) for one in chunk), dict[int, Float64](), 0
        for one in chunk:
            shape = one.node.value.shape
            seed, elements = np.zeros((count, *shape)), np.arange(first, first + len(one.indices))
            seed[elements, :, :, one.indices // shape[-1], one.indices % shape[-1]] = 1
            cotangents[one.node.place] = seed
            first += len(one.indices)
        found = np.zeros((KINDS, count, *(size if size > 1 else 1 for size in of_lanes)))
        summed = tuple(axis for axis, size in zip((1, 2), of_lanes, strict=True) if size == 1)

        def visit(place: int, g: Float64) -> None:
            lost = self._lost.get(place)
            if lost is None:
                return
            g = np.abs(self._through_solve(place, g))
            shape = tuple(np.maximum(g.shape[1:3], lost.shape[1:3]))
            effect = np.einsum(
                "nbhx,kbhx->knbh",
                np.broadcast_to(g, (count, *shape, *g.shape[3:])).reshape(count, *shape, -1),
                np.broadcast_to(lost, (KINDS, *shape, *lost.shape[3:])).reshape(KINDS, *shape, -1),
                optimize=True,
            )
            found[...] += effect.sum(axis=tuple(axis + 1 for axis in summed), keepdims=True) if summed else effect

        last = max(cotangents)
        places = [place for place in self.places if place <= last]
        pulled_back(self.graph, places, cotangents, visit, skip=self._exact, kept_axes=kept_axes)
        first = 0
        for one in chunk:
            part = found[:, first : first + len(one.indices)]
            first += len(one.indices)
            target = bounds[one.node.place].reshape(KINDS, *of_lanes, -1)
            target[..., one.indices] = np.moveaxis(part, 1, -1)

    def _through_solve(self, place: int, g: Float64) -> Float64:
        """Return the derivative by the right side of a triangular solve, which its loss changes; otherwise g."""
        operation = self.graph.operations[place]
        if operation is None or operation.primitive != "solved":
            return g
        a = self.graph.values[operation.of[0]]
        return np.asarray(np.linalg.solve(np.swapaxes(np.eye(a.shape[-1]) + a, -1, -2), g))


def add_kept(graph: Graph, factors: Sequence[Sequence[int]]) -> None:
    """Note the running sums of logarithms of the factors that a state keeps of itself, given by time step."""
    for places in zip(*factors, strict=True):
        total: Float64 | float = 0.0
        for place in places:
            total = total + np.abs(np.log(np.maximum(np.abs(graph.values[place]), _SMALLEST)))
            graph.kept[place] = np.asarray(total)


def _lanes(node: Node) -> Lanes:
    batch, heads = node.value.shape[:2]
    return batch, heads


def _chunks(results: Sequence[Node], at_once: int) -> Iterator[list[_Elements]]:
    """Yield chunks of elements, the last results first: their sweeps need not begin at the end for earlier ones."""
    chunk: list[_Elements] = []
    room = at_once
    for node in sorted(results, key=lambda node: -node.place):
        size, start = int(np.prod(node.value.shape[2:])), 0
        while start < size:
            chunk.append(_Elements(node, np.arange(start, min(size, start + room))))
            start, room = start + len(chunk[-1].indices), room - len(chunk[-1].indices)
            if not room:
                yield chunk
                chunk, room = [], at_once
    if chunk:
        yield chunk
