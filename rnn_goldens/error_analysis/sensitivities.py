"""Bounds the errors of values of a graph in reverse mode, for many values at once.

To first order, the error of a value is at most a sum over all operations before it: the rounding error of an operation
times the absolute value of the exact derivative of the value by the operation's result.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.error_analysis.graph import Graph
from rnn_goldens.error_analysis.linear import linear
from rnn_goldens.error_analysis.rounding_model import Storing
from rnn_goldens.error_analysis.trees import in_trees
from rnn_goldens.golden.arrays import Float64
from rnn_goldens.golden.profile import IEEE
from rnn_goldens.progress import counting

AT_ONCE = 2**16
"""The number of derivatives that are propagated at a time: as many as fit into the processor's cache."""

NEGLIGIBLE = 2.0**-100
"""Derivatives are dropped if their product with the largest loss is below this fraction of the error found so far."""

Elements = NDArray[np.int64]
"""Indices of elements."""


class Targets(Protocol):
    """Numbers whose errors are to be bounded.

    Attributes:
        elements: the number of elements.
        places: positions of the values that the elements are computed from.
    """

    elements: int
    places: tuple[int, ...]

    def add_derivatives(self, graph: Graph, place: int, elements: Elements, g: Float64) -> None:
        """Add to g, (batch, elements, units), the derivatives of elements by one of the values."""


class Units:
    """All units of a value, for each sequence."""

    def __init__(self, graph: Graph, place: int) -> None:
        self.place, self.elements = place, graph.values[place].shape[-1]
        self.places: tuple[int, ...] = (place,)

    def add_derivatives(self, graph: Graph, place: int, elements: Elements, g: Float64) -> None:  # noqa: ARG002 - signature of Targets
        """Add the derivative of each unit by itself, which is 1."""
        g[:, np.arange(len(elements)), elements] += 1


Rows = slice
"""The range of elements of a chunk that have derivatives by a value. A chunk starts with those computed last."""

Derivatives = dict[int, tuple[Rows, Float64]]
"""By position of a value: the derivatives by that value so far, (batch, rows, units), and their rows."""


class Sensitivities:
    """Bounds the errors of targets in a graph.

    Attributes:
        kinds: the number of kinds of losses: accumulation, and storage in each storage model.
    """

    def __init__(
        self, graph: Graph, targets: Sequence[Targets], storing: Sequence[Storing], arithmetic: str = IEEE
    ) -> None:
        self.graph, self.kinds = graph, 1 + len(storing)
        cut = in_trees(graph, (k for one in targets for k in one.places))
        linearized = [linear(trees, storing, arithmetic) for trees in cut]
        self._linear_of = {joint: (one, tree) for one in linearized for tree, joint in enumerate(one.joints)}
        self._latest_first = sorted(self._linear_of, reverse=True)
        self._largest = np.max([one.losses.max(axis=(0, 1, 2), initial=0) for one in linearized], axis=0, initial=0)

    def of(self, targets: Sequence[Targets], label: str) -> list[Float64]:
        """Return the error bounds of the targets: (batch, elements, kinds) each."""
        batch, widest = max(v.shape[0] for v in self.graph.values), max(v.shape[1] for v in self.graph.values)
        bounds = [np.zeros((batch, one.elements, self.kinds)) for one in targets]
        latest_first = sorted(range(len(targets)), key=lambda number: -max(targets[number].places))
        count = counting(label, sum(one.elements for one in targets))
        at_once = AT_ONCE // (batch * widest)
        for chunk in _chunks([(number, targets[number].elements) for number in latest_first], at_once):
            error = self._error_of(batch, [(targets[number], elements) for number, elements in chunk])
            start = 0
            for number, elements in chunk:
                bounds[number][:, elements] = error[:, start : start + len(elements)]
                start += len(elements)
            count(start)
        return bounds

    def _error_of(self, batch: int, chunk: Sequence[tuple[Targets, Elements]]) -> Float64:
        """Return the error bounds of a chunk, (batch, rows, kinds)."""
        seeds, start = defaultdict[int, list[tuple[Targets, Elements, int]]](list), 0
        for one, elements in chunk:
            for place in set(one.places):
                seeds[place].append((one, elements, start))
            start += len(elements)
        error, derivatives = np.zeros((batch, start, self.kinds)), Derivatives()
        for k in self._latest_first:
            if k in seeds:
                self._add_seeds(k, seeds[k], derivatives, batch)
            if k in derivatives:
                self._propagate(k, *derivatives.pop(k), derivatives, error)
        return error

    def _add_seeds(
        self, k: int, seeds: Sequence[tuple[Targets, Elements, int]], derivatives: Derivatives, batch: int
    ) -> None:
        """Add the derivatives of targets by one of the values that they are computed from."""
        rows = slice(min(start for *_, start in seeds), max(start + len(elements) for _, elements, start in seeds))
        first, combined = _widened(derivatives.get(k), rows, (batch, self.graph.values[k].shape[-1]))
        for one, elements, start in seeds:
            one.add_derivatives(self.graph, k, elements, combined[:, start - first :][:, : len(elements)])
        derivatives[k] = (slice(first, first + combined.shape[1]), combined)

    def _propagate(self, k: int, rows: Rows, g: Float64, derivatives: Derivatives, error: Float64) -> None:
        """Propagate derivatives from a joint to its leaves, and add its loss to the errors."""
        one, tree = self._linear_of[k]
        size = np.abs(g)
        error[:, rows] += size @ one.losses[tree]
        if k in self.graph.between:
            first = self._first_alive(size, error[:, rows])
            rows, g = slice(rows.start + first, rows.stop), g[:, first:]
        for link in one.links if g.size else ():
            if link.of[tree] in self._linear_of:
                self._add(derivatives, link.of[tree], rows, link.leaf_units, link.pulled_back(g, tree))

    def _add(self, derivatives: Derivatives, k: int, rows: Rows, units: slice, part: Float64) -> None:
        """Add derivatives by units of a value, for a range of rows."""
        if k not in derivatives and part.shape[-1] == self.graph.values[k].shape[-1]:
            derivatives[k] = rows, part
        else:
            first, combined = _widened(derivatives.get(k), rows, (len(part), self.graph.values[k].shape[-1]))
            combined[:, rows.start - first : rows.stop - first, units] += part
            derivatives[k] = slice(first, first + combined.shape[1]), combined

    def _first_alive(self, size: Float64, error: Float64) -> int:
        """Return the first row that still adds to its error; all rows before it have decayed."""
        if not self._decayed(size[:, :1], error[:, :1]).all():
            return 0
        alive = np.flatnonzero(~self._decayed(size, error))
        return int(alive[0]) if len(alive) else size.shape[1]

    def _decayed(self, size: Float64, error: Float64) -> NDArray[np.bool_]:
        """Return, for each row, whether its derivatives are negligible."""
        most = size.max(axis=-1)[..., None] * self._largest
        return np.asarray((most <= NEGLIGIBLE * error).all(axis=(0, -1)))


def _widened(known: tuple[Rows, Float64] | None, rows: Rows, shape: tuple[int, int]) -> tuple[int, Float64]:
    """Return the first of all known and new rows, and an array of the known derivatives with room for the new ones."""
    batch, units = shape
    if known is None:
        return rows.start, np.zeros((batch, rows.stop - rows.start, units))
    known_rows, g = known
    start, stop = min(known_rows.start, rows.start), max(known_rows.stop, rows.stop)
    if (start, stop) == (known_rows.start, known_rows.stop):
        return start, g
    combined = np.zeros((batch, stop - start, units))
    combined[:, known_rows.start - start : known_rows.stop - start] = g
    return start, combined


def _chunks(counts: Sequence[tuple[int, int]], at_once: int) -> Iterator[list[tuple[int, Elements]]]:
    """Yield chunks of at most ``at_once`` elements, given pairs of an index and its number of elements."""
    chunk: list[tuple[int, Elements]] = []
    room = at_once = max(1, at_once)
    for number, count in counts:
        start = 0
        while start < count:
            chunk.append((number, np.arange(start, min(count, start + room))))
            start, room = start + len(chunk[-1][1]), room - len(chunk[-1][1])
            if not room:
                yield chunk
                chunk, room = [], at_once
    if chunk:
        yield chunk
