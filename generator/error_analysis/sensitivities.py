"""What the losses on the way make of values of a graph, by reverse mode, for many values at once.

To first order, the error of a value is at most the sum over all that is computed before it of what may be lost there
times the absolute value of the exact derivative of the value by it.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.generator.error_analysis.graph import Graph
from rnn_goldens.generator.error_analysis.linear import linear
from rnn_goldens.generator.error_analysis.losses import Storing
from rnn_goldens.generator.error_analysis.trees import in_trees
from rnn_goldens.generator.progress import counting
from rnn_goldens.golden.arrays import Float64

AT_ONCE = 2**16
"""So many numbers are carried at a time: what fits a processor's cache is faster than what is larger."""

NEGLIGIBLE = 2.0**-100
"""Derivatives that, times the largest loss, are below this share of an error already found add nothing to it."""

Elements = NDArray[np.int64]
"""Which of some numbers."""


class Asked(Protocol):
    """Some numbers whose error is asked.

    Attributes:
        elements: how many there are.
        places: the values that they are made of, where they stand in the graph.
    """

    elements: int
    places: tuple[int, ...]

    def add_derivatives(self, graph: Graph, place: int, elements: Elements, g: Float64) -> None:
        """Add to g, (batch, elements, units), the derivatives of some of them by one of the values."""


class Units:
    """Every unit of a value, sequence by sequence."""

    def __init__(self, graph: Graph, place: int) -> None:
        self.place, self.elements = place, graph.values[place].shape[-1]
        self.places: tuple[int, ...] = (place,)

    def add_derivatives(self, graph: Graph, place: int, elements: Elements, g: Float64) -> None:  # noqa: ARG002 - alike
        """One by itself."""
        g[:, np.arange(len(elements)), elements] += 1


Rows = slice
"""Of the numbers that are asked at once, the late ones first, those that have derivatives by a value."""

By = dict[int, tuple[Rows, Float64]]
"""By value, the derivatives that have been found by now, (batch, rows, units)."""


class Sensitivities:
    """Of some numbers: what may be lost on the way to them.

    Attributes:
        kinds: of losses: of accumulation, and of storage for each way of storing.
    """

    def __init__(self, graph: Graph, asked: Sequence[Asked], storing: Sequence[Storing]) -> None:
        self.graph, self.kinds = graph, 1 + len(storing)
        found = [linear(trees, storing) for trees in in_trees(graph, (k for one in asked for k in one.places))]
        self._at = {joint: (one, tree) for one in found for tree, joint in enumerate(one.joints)}
        self._late_first = sorted(self._at, reverse=True)
        self._largest = np.max([one.losses.max(axis=(0, 1, 2), initial=0) for one in found], axis=0, initial=0)

    def of(self, asked: Sequence[Asked], doing: str) -> list[Float64]:
        """What may be lost on the way to what is asked: (batch, elements, kinds) each."""
        batch, widest = max(v.shape[0] for v in self.graph.values), max(v.shape[1] for v in self.graph.values)
        found = [np.zeros((batch, one.elements, self.kinds)) for one in asked]
        late_first = sorted(range(len(asked)), key=lambda number: -max(asked[number].places))
        count = counting(doing, sum(one.elements for one in asked))
        for chunk in _chunks([(number, asked[number].elements) for number in late_first], AT_ONCE // (batch * widest)):
            error = self._swept(batch, [(asked[number], elements) for number, elements in chunk])
            start = 0
            for number, elements in chunk:
                found[number][:, elements] = error[:, start : start + len(elements)]
                start += len(elements)
            count(start)
        return found

    def _swept(self, batch: int, chunk: Sequence[tuple[Asked, Elements]]) -> Float64:
        """What is lost on the way to some numbers, (batch, rows, kinds)."""
        seeds, start = defaultdict[int, list[tuple[Asked, Elements, int]]](list), 0
        for one, elements in chunk:
            for place in set(one.places):
                seeds[place].append((one, elements, start))
            start += len(elements)
        error, by = np.zeros((batch, start, self.kinds)), By()
        for k in self._late_first:
            if k in seeds:
                self._begin(k, seeds[k], by, batch)
            if k in by:
                self._through(k, *by.pop(k), by, error)
        return error

    def _begin(self, k: int, seeds: Sequence[tuple[Asked, Elements, int]], by: By, batch: int) -> None:
        """Add the derivatives of what is asked by one of the values that it is made of."""
        rows = slice(min(start for *_, start in seeds), max(start + len(elements) for _, elements, start in seeds))
        first, whole = _widened(by.get(k), rows, (batch, self.graph.values[k].shape[-1]))
        for one, elements, start in seeds:
            one.add_derivatives(self.graph, k, elements, whole[:, start - first :][:, : len(elements)])
        by[k] = (slice(first, first + whole.shape[1]), whole)

    def _through(self, k: int, rows: Rows, g: Float64, by: By, error: Float64) -> None:
        """Go back from a joint to those before it."""
        one, tree = self._at[k]
        size = np.abs(g)
        error[:, rows] += size @ one.losses[tree]
        if k in self.graph.between:
            first = self._first_alive(size, error[:, rows])
            rows, g = slice(rows.start + first, rows.stop), g[:, first:]
        for link in one.links if g.size else ():
            if link.of[tree] in self._at:
                self._add(by, link.of[tree], rows, link.its, link.pulled(g, tree))

    def _add(self, by: By, k: int, rows: Rows, units: slice, part: Float64) -> None:
        """Add to the derivatives by a value, of some rows and units of it."""
        if k not in by and part.shape[-1] == self.graph.values[k].shape[-1]:
            by[k] = rows, part
        else:
            first, whole = _widened(by.get(k), rows, (len(part), self.graph.values[k].shape[-1]))
            whole[:, rows.start - first : rows.stop - first, units] += part
            by[k] = slice(first, first + whole.shape[1]), whole

    def _first_alive(self, size: Float64, error: Float64) -> int:
        """The first of the rows that still adds to its error; all before it have decayed."""
        if not self._decayed(size[:, :1], error[:, :1]).all():
            return 0
        alive = np.flatnonzero(~self._decayed(size, error))
        return int(alive[0]) if len(alive) else size.shape[1]

    def _decayed(self, size: Float64, error: Float64) -> NDArray[np.bool_]:
        """Which rows add nothing to their errors any more."""
        most = size.max(axis=-1)[..., None] * self._largest
        return np.asarray((most <= NEGLIGIBLE * error).all(axis=(0, -1)))


def _widened(known: tuple[Rows, Float64] | None, rows: Rows, shape: tuple[int, int]) -> tuple[int, Float64]:
    """Derivatives that have room for more rows, and the first of these."""
    batch, units = shape
    if known is None:
        return rows.start, np.zeros((batch, rows.stop - rows.start, units))
    has, g = known
    start, stop = min(has.start, rows.start), max(has.stop, rows.stop)
    if (start, stop) == (has.start, has.stop):
        return start, g
    whole = np.zeros((batch, stop - start, units))
    whole[:, has.start - start : has.stop - start] = g
    return start, whole


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
