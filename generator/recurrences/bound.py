"""Bounds the rounding errors of the results of a graph: the loss of each operation times the derivative by it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rnn_goldens.error_analysis.rounding_model import ACTIVATION_ULPS, UNFLUSHED, loss
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
"""The smallest float32, in place of a decay of zero, which has no logarithm."""

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
            if lost is not None:
                self._lost[place] = lost
            elif all(of in self._exact for of in self._of(place)):
                self._exact.add(place)

    def _of(self, place: int) -> tuple[int, ...]:
        operation = self.graph.operations[place]
        return () if operation is None else operation.of

    def _loss_of(self, place: int) -> Float64 | None:
        """Return the loss of a value, (kinds, batch, heads, rows, columns); None if it is exact."""
        y = self.graph.values[place]
        kinds = np.zeros((KINDS, *y.shape))
        if place in self.graph.kept:  # the running sum of logarithms, and so their difference, is rounded
            kinds[ACCUMULATION] += np.abs(y) * self.graph.kept[place]
        if place in self.graph.in_running_sums:
            kinds[ACCUMULATION] += self.graph.in_running_sums[place]
        self._add_operation(place, y, kinds)
        return kinds if kinds.any() else None

    def _add_operation(self, place: int, y: Float64, kinds: Float64) -> None:
        """Add the loss of the operation that computes a value."""
        operation = self.graph.operations[place]
        if operation is None or (operation.primitive == "exp" and not (y - (y == 1)).any()):
            return  # e^0 is one; e^z is zero in every precision
        found = loss(self.graph, place, UNFLUSHED)
        if found is None:
            return
        if operation.primitive in _RELATIVE:
            found = _RELATIVE[operation.primitive](y, self.graph.values[operation.of[0]]), np.abs(y)
        kind = ACCUMULATION if place in self.graph.running else STATE if place in self.graph.carried else STORAGE
        kinds[ACCUMULATION] += found[0]
        kinds[kind] += found[1]
        if operation.primitive == "matmul" and any(map(self._is_state, operation.of)):  # an operand, which is rounded
            a, b = (np.abs(self.graph.values[of]) for of in operation.of)
            kinds[STORAGE] += a @ b

    def _is_state(self, place: int) -> bool:
        """Return whether a value is a state that one step passes to the next, transposed or not."""
        operation = self.graph.operations[place]
        if operation is not None and operation.primitive == "transpose":
            return self._is_state(operation.of[0])
        return place in self.graph.carried

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


def add_kept_backward(graph: Graph, factors: Sequence[Sequence[int]], states: Sequence[int]) -> None:
    """Note what running sums lose in the gradients by the logarithms of the factors that a state keeps of itself.

    A scan or a chunk computes the gradient by a log-decay as the sum over all later steps of what the outputs read from
    the state minus what the inputs add to it. Each part is at most the state times its cotangent.

    Args:
        graph: the graph of both passes.
        factors: positions of the factors by time step.
        states: the position of the state after each time step.
    """
    for places in zip(*factors, strict=True):
        later: Float64 | float = 0.0
        for place, state in reversed(list(zip(places, states, strict=True))):
            if state in graph.cotangents:
                product = np.abs(graph.values[state] * graph.values[graph.cotangents[state]])
                later = later + 2 * _summed_to(product, graph.values[place].shape)
            _note_backward(graph, place, later)


def _note_backward(graph: Graph, place: int, lost: Float64 | float) -> None:
    """Note a loss of the gradient by the logarithm of a factor: at the argument of its exponential, if it is one."""
    (factor,) = graph.operations[place].of  # type: ignore[union-attr] # kept factors are computed
    operation = graph.operations[factor]
    is_exp = operation is not None and operation.primitive == "exp"
    at = operation.of[0] if is_exp and operation is not None else factor
    if at in graph.cotangents:
        if not is_exp:
            lost = lost / np.maximum(np.abs(graph.values[factor]), _SMALLEST)
        shape = graph.values[graph.cotangents[at]].shape
        graph.in_running_sums[graph.cotangents[at]] = np.broadcast_to(np.asarray(lost), shape)


def _summed_to(array: Float64, shape: tuple[int, ...]) -> Float64:
    axes = tuple(axis for axis in (-2, -1) if shape[axis] == 1)
    return np.asarray(array.sum(axis=axes, keepdims=True)) if axes else array


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
