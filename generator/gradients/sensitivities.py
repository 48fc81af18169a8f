"""What the losses on the way make of values of a graph, by reverse mode over both passes, for many values at once.

To first order, the error of a value is at most the sum over all that is computed before it of what may be lost there
times the absolute value of the exact derivative of the value by it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.cells.derivatives import RULES, passed_back
from rnn_goldens.generator.gradients.graph import Graph
from rnn_goldens.generator.gradients.traced import WeightGradient
from rnn_goldens.generator.losses import FLUSHING, UNFLUSHED, loss
from rnn_goldens.generator.progress import counting
from rnn_goldens.generator.recorded import Float64

AT_ONCE = 2**18
"""So many numbers are carried at a time: what fits a processor's cache is faster than what is larger."""

KINDS = 3
"""Roundoffs of accumulation, of storage, and of storage where float16 flushes small numbers to zero."""

Pulled = Iterator[tuple[int, Float64]]
"""By value or by argument, derivatives (batch, rows, units)."""

Elements = NDArray[np.int64]
"""Which of some numbers."""


class Asked(Protocol):
    """Some numbers whose error is asked."""

    @property
    def elements(self) -> int:
        """How many there are."""

    @property
    def last(self) -> int:
        """The last of the values that they are made of."""

    def seeds(self, graph: Graph, elements: Elements) -> Iterator[tuple[int, Float64]]:
        """Derivatives of some of them by values: (batch or 1, elements, units) each."""


@dataclass(frozen=True)
class Units:
    """Every unit of a value, sequence by sequence."""

    place: int
    elements: int

    @property
    def last(self) -> int:
        """The value itself."""
        return self.place

    def seeds(self, graph: Graph, elements: Elements) -> Iterator[tuple[int, Float64]]:  # noqa: ARG002 - of others
        """One by itself."""
        yield self.place, np.eye(self.elements)[None, elements]


@dataclass(frozen=True, eq=False)
class Weight:
    """The gradient of a weight, element by element, but for what the sum itself loses."""

    gradient: WeightGradient
    columns: int
    elements: int

    @property
    def last(self) -> int:
        """The last of its cotangents."""
        return max(self.gradient.gs)

    def seeds(self, graph: Graph, elements: Elements) -> Iterator[tuple[int, Float64]]:
        """By g it is v, by v it is g."""
        row, column, count = elements // self.columns, elements % self.columns, np.arange(len(elements))
        for k, place in enumerate(self.gradient.gs):
            g = graph.values[place][0]
            by_g = np.zeros((len(g), len(elements), g.shape[-1]))
            by_g[:, count, row] = graph.values[self.gradient.vs[k]][0][:, column] if self.gradient.vs else 1
            yield place, by_g
        for k, place in enumerate(self.gradient.vs):
            v = graph.values[place][0]
            by_v = np.zeros((len(v), len(elements), v.shape[-1]))
            by_v[:, count, column] = graph.values[self.gradient.gs[k]][0][:, row]
            yield place, by_v


class Sensitivities:
    """Of a graph: what may be lost where, and how values change with it."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.losses: dict[int, Float64] = {}
        self._varies: list[bool] = []
        for k, operation in enumerate(graph.operations):
            if lost := _losses(graph, k):
                self.losses[k] = np.stack(lost, axis=-1)
            below = operation is not None and any(self._varies[of] for of in operation.of)
            self._varies.append(k in self.losses or below)

    def of(self, asked: Sequence["Asked"]) -> list[Float64]:
        """What may be lost on the way to what is asked: (batch, elements, KINDS) each."""
        batch, widest = max(v.shape[1] for v in self.graph.values), max(v.shape[2] for v in self.graph.values)
        found = [np.zeros((batch, one.elements, KINDS)) for one in asked]
        late_first = sorted(range(len(asked)), key=lambda number: -asked[number].last)
        counts = [(number, asked[number].elements) for number in late_first]
        count = counting("tolerance of gradients", sum(elements for _, elements in counts))
        for chunk in _chunks(counts, AT_ONCE // (batch * widest)):
            error = self.swept(self._seeds(batch, [(asked[number], elements) for number, elements in chunk]))
            start = 0
            for number, elements in chunk:
                found[number][:, elements] = error[:, start : start + len(elements)]
                start += len(elements)
            count(start)
        return found

    def _seeds(self, batch: int, chunk: Sequence[tuple["Asked", Elements]]) -> dict[int, Float64]:
        rows, start = sum(len(elements) for _, elements in chunk), 0
        seeds: dict[int, Float64] = {}
        for one, elements in chunk:
            for place, part in one.seeds(self.graph, elements):
                whole = seeds.setdefault(place, np.zeros((batch, rows, part.shape[-1])))
                whole[:, start : start + len(elements)] += part
            start += len(elements)
        return seeds

    def swept(self, seeds: Mapping[int, Float64], visit: Callable[[int, Float64], None] | None = None) -> Float64:
        """What is lost on the way: (batch, rows, KINDS), from derivatives (batch, rows, units) by some values.

        ``visit`` is told the derivatives by each value at which something is lost.
        """
        by = {k: g for k, g in seeds.items() if self._varies[k]}
        batch, rows = next(iter(seeds.values())).shape[:2]
        error = np.zeros((batch, rows, KINDS))
        for k in range(max(by, default=-1), -1, -1):
            if k not in by:
                continue
            g = by.pop(k)
            if k in self.losses:
                error += np.abs(g) @ self.losses[k]
                if visit is not None:
                    visit(k, g)
            for of, part in self._pulled(k, g):
                by[of] = by[of] + part if of in by else part
        return error

    def _pulled(self, k: int, g: Float64) -> Pulled:
        """What the arguments of a value get of derivatives by it."""
        operation = self.graph.operation(k)
        if operation is None or not any(self._varies[of] for of in operation.of):
            return
        pulled = _PULLED.get(operation.primitive, self._unit_by_unit)
        for number, part in pulled(self.graph, k, g):
            if self._varies[operation.of[number]]:
                yield operation.of[number], part

    def _unit_by_unit(self, graph: Graph, k: int, g: Float64) -> Pulled:
        """By argument, the same; an argument that is the same for all units gets what all of them give it."""
        operation, y = graph.operation(k), graph.values[k][0][:, None]
        assert operation is not None
        arguments = [argument[0][:, None] for argument in graph.arguments(k)]
        for number, of in enumerate(operation.of):
            if self._varies[of]:
                part = passed_back(operation.primitive, number, g, y, arguments, operation.detail)
                if part is not None:
                    narrower = arguments[number].shape[-1] < part.shape[-1]
                    yield number, part.sum(axis=-1, keepdims=True) if narrower else part


def _losses(graph: Graph, k: int) -> list[Float64]:
    """What a value may lose, (batch, units) each; nothing if it can lose nothing."""
    unflushed = loss(graph, k, UNFLUSHED)
    if unflushed is None:
        return []
    flushing = loss(graph, k, FLUSHING)
    assert flushing is not None
    found = [*unflushed[:, 0], flushing[1, 0]]
    return found if any(part.any() for part in found) else []


def _chunks(asked: Sequence[tuple[int, int]], at_once: int) -> Iterator[list[tuple[int, Elements]]]:
    """So many elements at once as fit, of some that have so many."""
    chunk: list[tuple[int, Elements]] = []
    room = at_once = max(1, at_once)
    for number, count in asked:
        start = 0
        while start < count:
            chunk.append((number, np.arange(start, min(count, start + room))))
            start, room = start + len(chunk[-1][1]), room - len(chunk[-1][1])
            if not room:
                yield chunk
                chunk, room = [], at_once
    if chunk:
        yield chunk


def _product(graph: Graph, k: int, g: Float64) -> Pulled:
    operation = graph.operation(k)
    assert operation is not None
    yield 0, _times(g, graph.w[operation.weights[0]])


def _transposed(graph: Graph, k: int, g: Float64) -> Pulled:
    operation = graph.operation(k)
    assert operation is not None
    index, blocks = operation.detail
    yield 0, _times(g, np.split(graph.w[operation.weights[0]], blocks)[index].T)


def _times(g: Float64, matrix: Float64) -> Float64:
    """One product of large matrices, in place of one for each sequence."""
    product: Float64 = g.reshape(-1, g.shape[-1]) @ matrix
    return product.reshape(*g.shape[:-1], matrix.shape[-1])


def _block(graph: Graph, k: int, g: Float64) -> Pulled:
    operation = graph.operation(k)
    assert operation is not None
    index, blocks = operation.detail
    whole = np.zeros((*g.shape[:-1], g.shape[-1] * blocks))
    whole[..., index * g.shape[-1] : (index + 1) * g.shape[-1]] = g
    yield 0, whole


def _joined(graph: Graph, k: int, g: Float64) -> Pulled:
    start = 0
    for number, part in enumerate(graph.arguments(k)):
        yield number, g[..., start : start + part.shape[-1]]
        start += part.shape[-1]


def _mean(graph: Graph, k: int, g: Float64) -> Pulled:
    units = graph.arguments(k)[0].shape[-1]
    yield 0, np.broadcast_to(g / units, (*g.shape[:-1], units))


def _total(graph: Graph, k: int, g: Float64) -> Pulled:
    yield 0, np.broadcast_to(g, (*g.shape[:-1], graph.arguments(k)[0].shape[-1]))


def _spread(graph: Graph, k: int, g: Float64) -> Pulled:
    yield 0, g.sum(axis=-1, keepdims=True) / graph.arguments(k)[1].shape[-1]


def _only(graph: Graph, k: int, g: Float64) -> Pulled:
    operation = graph.operation(k)
    assert operation is not None
    yield 0, np.where(operation.detail[0][:, None, None], g, 0)


def _choose(graph: Graph, k: int, g: Float64) -> Pulled:
    operation = graph.operation(k)
    assert operation is not None
    here = operation.detail[0][:, None, None]
    yield 0, np.where(here, g, 0)
    yield 1, np.where(here, 0, g)


_PULLED: Mapping[str, Callable[[Graph, int, Float64], Pulled]] = {
    "product": _product,
    "transposed": _transposed,
    "block": _block,
    "joined": _joined,
    "mean": _mean,
    "total": _total,
    "spread": _spread,
    "only": _only,
    "choose": _choose,
}
"""By primitive that is not computed unit by unit, what its arguments get of derivatives."""

assert not _PULLED.keys() & RULES.keys()
