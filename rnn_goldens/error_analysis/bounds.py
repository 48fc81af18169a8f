"""Bounds the rounding errors of results of a graph: outputs and gradients, of networks and recurrences.

To first order, the error of a result is at most a sum over all operations before it: the loss of an operation times the
absolute value of the exact derivative of the result by it. Reverse mode computes these derivatives for many elements of
results at once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.cells.adjoint import by_matrix, part_of
from rnn_goldens.cells.case_graph import Recorded
from rnn_goldens.cells.graph import Node
from rnn_goldens.cells.matrix_primitives import NUMPY
from rnn_goldens.error_analysis.graph_folding import By, Cut, Folded, is_handed
from rnn_goldens.error_analysis.loss_policy import SUMS, Losses, Policy, lost_in_sum, sides
from rnn_goldens.golden.stored_arrays import Float64
from rnn_goldens.progress import counting

AT_ONCE = 2**16
"""The number of derivatives that are propagated at a time: as many as fit into the processor's cache."""

NEGLIGIBLE = 2.0**-100
"""Derivatives are dropped if their product with the largest loss is below this fraction of the error found so far."""

Seeds = dict[int, tuple[int, Float64]]
"""By position of a value, derivatives of rows by it: the first row, and (rows, batch, heads, rows, columns)."""


@dataclass(frozen=True, eq=False)
class _Elements:
    """Elements of a result that are bounded together, by their indices in a lane."""

    node: Node
    indices: NDArray[np.int64]


class Bounds:
    """Bounds the errors of results of a graph under a policy."""

    def __init__(self, recorded: Recorded, results: Sequence[Node], policy: Policy) -> None:
        self.graph, self.policy, self.results = recorded.graph, policy, results
        forms = Cut(recorded.graph, results, Losses(recorded, policy)).folded()
        self._folded = {joint: (form, number) for form in forms for number, joint in enumerate(form.joints)}
        self._latest_first = sorted(self._folded, reverse=True)
        losses = [form.losses.reshape(-1, len(policy.kinds)) for form in forms if form.losses is not None]
        self._largest = np.max([one.max(axis=0) for one in losses], axis=0, initial=0)
        self._heads = max(value.shape[-3] for value in self.graph.values)
        self._kept_axes: tuple[int, ...] = ()
        self._owned: set[int] = set()
        self._inverses: dict[int, Float64] = {}

    def of_results(self, label: str = "tolerance") -> dict[int, Float64]:
        """Return the bound of each result by position: (kinds, batch, heads, rows, columns)."""
        bounds = {}
        for node in self.results:
            bounds[node.place] = np.zeros((len(self.policy.kinds), *node.value.shape))
            if self._is_sum(node.place):
                bounds[node.place] += lost_in_sum(self.graph, node.place, self.policy)
        swept = {node.place: _elements(node) for node in self.results if node.place in self._folded}
        count = counting(label, sum(swept.values()))
        for lanes in dict.fromkeys(_lanes(node) for node in self.results):
            group = {n.place: n for n in self.results if _lanes(n) == lanes and n.place in self._folded}
            largest = max((self.graph.values[k].size for k in self._folded if not self._is_sum(k)), default=1)
            for chunk in _chunks(list(group.values()), max(1, AT_ONCE // largest)):
                self._sweep(chunk, lanes, bounds)
                count(sum(len(one.indices) for one in chunk))
        return bounds

    def _is_sum(self, k: int) -> bool:
        return self.graph.operations[k].primitive in SUMS

    def _sweep(self, chunk: Sequence[_Elements], lanes: tuple[int, int], bounds: dict[int, Float64]) -> None:
        """Bound the elements of a chunk in all of their lanes. Its first rows are those computed last."""
        sizes = lanes[0], self._heads  # heads may each compute what they share
        self._kept_axes = tuple(axis for axis, size in zip((-4, -3), sizes, strict=True) if size > 1)
        self._owned = set()
        count, seeds, first = sum(len(one.indices) for one in chunk), Seeds(), 0
        for one in chunk:
            self._seed(one, first, seeds)
            first += len(one.indices)
        error = np.zeros((*(size if size > 1 else 1 for size in lanes), count, len(self.policy.kinds)))
        last = max(seeds, default=-1)
        for k in self._latest_first:
            if k <= last and k in seeds:
                self._propagate(k, *seeds.pop(k), seeds, error)
        first = 0
        for one in chunk:
            part = error[:, :, first : first + len(one.indices)]
            first += len(one.indices)
            target = bounds[one.node.place].reshape(len(self.policy.kinds), *lanes, -1)
            target[..., one.indices] += np.moveaxis(part, -1, 0)

    def _seed(self, elements: _Elements, first: int, seeds: Seeds) -> None:
        """Add the derivatives of elements: by themselves, or those of a sum of g vᵀ by g and v."""
        place, indices = elements.node.place, elements.indices
        rows, columns = np.divmod(indices, elements.node.value.shape[-1])
        count = len(indices)

        def add(k: int, at: NDArray[np.int64], value: Float64 | int, column: NDArray[np.int64] | int = 0) -> None:
            if k in self._folded:
                seed = np.zeros((count, *self.graph.values[k].shape))
                seed[np.arange(count), :, :, at, column] = value
                self._add(seeds, k, first, seed)
                self._owned.add(k)

        if not self._is_sum(place):
            add(place, rows, 1, columns)
            return
        gs, vs = sides(elements.node.operation)
        for g in () if vs else gs:
            add(g, rows, 1, columns)
        for g, v in zip(gs, vs, strict=False):
            of_g, of_v = self.graph.values[g][..., 0], self.graph.values[v][..., 0]
            of_v = np.broadcast_to(of_v, (*of_g.shape[:2], of_v.shape[-1]))
            add(g, rows, np.moveaxis(of_v[..., columns], -1, 0))
            add(v, columns, np.moveaxis(of_g[..., rows], -1, 0))

    def _propagate(self, k: int, start: int, g: Float64, seeds: Seeds, error: Float64) -> None:
        """Add the losses of a joint to the errors of rows from ``start``, and pass its derivatives on."""
        form, number = self._folded[k]
        rows = error[:, :, start : start + len(g)]
        if self._is_solved(k):  # its loss changes the right side, and so does what comes from its matrix
            g = self._by_right_side(k, g)
        if form.losses is not None:
            self._add_losses(rows, np.abs(g), form.losses[number])
        if is_handed(self.graph.operations[k]) and (decayed := self._decayed(g, rows)):
            start, g = start + decayed, g[decayed:]
        if len(g):
            self._pass_on(form, number, start, g, seeds)

    @staticmethod
    def _add_losses(rows: Float64, size: Float64, losses: Float64) -> None:
        size = size.reshape(*size.shape[:3], -1).transpose(1, 2, 0, 3)
        if size.shape[:2] == losses.shape[:2] == (1, 1):
            rows += size[0, 0] @ losses[0, 0]
            return
        found = size @ losses
        axes = tuple(k for k in (0, 1) if rows.shape[k] == 1 and found.shape[k] != 1)
        rows += found.sum(axis=axes, keepdims=True) if axes else found

    def _pass_on(self, form: Folded, number: int, start: int, g: Float64, seeds: Seeds) -> None:
        """Pass derivatives by a joint on to earlier joints."""
        for places, by in form.elementwise.items():
            self._add(seeds, places[number], start, g if by is None else g * _of(by, number))
        for places, pairs in form.products.items():
            of_joint = [(None if by is None else _of(by, number), _of(a, number)) for by, a in pairs]
            self._add(seeds, places[number], start, _through_matrices(g, of_joint))
        for one in form.others:
            through = g if one.by is None else g * _of(one.by, number)
            part = self._part(one.operations[number], one.number, through)
            if part is not None:
                self._add(seeds, one.arguments[number], start, part)

    def _add(self, seeds: Seeds, k: int, start: int, part: Float64) -> None:
        """Add derivatives by a value, for rows from ``start``."""
        shape = self.graph.values[k].shape
        summed = (axis for axis in (-4, -3, -2, -1) if axis not in self._kept_axes)
        axes = tuple(axis for axis in summed if shape[axis] == 1 and part.shape[axis] != 1)
        part = part.sum(axis=axes, keepdims=True) if axes else part
        if k not in seeds:
            seeds[k] = start, part
            return
        first, known = seeds[k]
        stop = start + len(part)
        fits = first <= start and stop <= first + len(known) and known.shape[1:] == part.shape[1:]
        if not fits or k not in self._owned:
            begin, end = min(first, start), max(first + len(known), stop)
            wide = np.zeros((end - begin, *np.maximum(known.shape[1:], part.shape[1:])))
            wide[first - begin : first - begin + len(known)] = known
            first, known = begin, wide
            self._owned.add(k)
            seeds[k] = first, known
        known[start - first : stop - first] += part

    def _decayed(self, g: Float64, rows: Float64) -> int:
        """Return the number of first rows that no longer add to their errors. NaN, of overflow, is not negligible."""
        most = np.abs(g).reshape(len(g), -1).max(axis=-1)[:, None] * self._largest
        alive = np.flatnonzero(~(most <= NEGLIGIBLE * rows.min(axis=(0, 1))).all(axis=-1))
        return int(alive[0]) if len(alive) else len(g)

    def _is_solved(self, k: int) -> bool:
        return self.graph.operations[k].primitive == "solved"

    def _by_right_side(self, k: int, g: Float64) -> Float64:
        """Return the derivatives by the right side of a solve: one inverse serves all elements of results."""
        if k not in self._inverses:
            a = self.graph.values[self.graph.operations[k].of[0]]
            self._inverses[k] = NUMPY.solved(a, np.eye(a.shape[-1])).swapaxes(-1, -2)
        return np.asarray(self._inverses[k] @ g)

    def _part(self, place: int, number: int, g: Float64) -> Float64 | None:
        """Return the derivatives by an argument of a value, given those by the value; of a solve, by its right side."""
        operation, values = self.graph.operations[place], self.graph.values
        if self._is_solved(place):
            return by_matrix(NUMPY, g, values[place]) if number == 0 else g
        part: Float64 | None = part_of(NUMPY, operation, number, g, values[place], [values[k] for k in operation.of])
        return part


def _of(array: Float64, number: int) -> Float64:
    return np.asarray(array[number if len(array) > 1 else 0])


def _through_matrices(g: Float64, pairs: Sequence[tuple[By, Float64]]) -> Float64:
    """Return the derivatives by a column v, given those by the sum of several diagonals times matrices times v."""
    (by, a), *more = pairs
    if not more:
        g = g if by is None else g * by
        return np.asarray((g.reshape(-1, g.shape[-2]) @ a[0, 0]).reshape(*g.shape[:3], -1, 1))
    total = a if by is None else by * a
    for by, a in more:
        total = total + (a if by is None else by * a)
    if total.shape[:2] == (1, 1):
        return np.asarray((g.reshape(-1, g.shape[-2]) @ total[0, 0]).reshape(*g.shape[:3], -1, 1))
    return (g[..., 0].transpose(1, 2, 0, 3) @ total).transpose(2, 0, 1, 3)[..., None]


def _elements(node: Node) -> int:
    """Return the number of elements of a value in one lane."""
    return int(np.prod(node.value.shape[2:]))


def _lanes(node: Node) -> tuple[int, int]:
    batch, heads = node.value.shape[:2]
    return batch, heads


def _chunks(results: Sequence[Node], at_once: int) -> Iterator[list[_Elements]]:
    """Yield chunks of elements, the last results first: their sweeps need not begin at the end for earlier ones."""
    chunk: list[_Elements] = []
    room = at_once
    for node in sorted(results, key=lambda node: -node.place):
        size, start = _elements(node), 0
        while start < size:
            chunk.append(_Elements(node, np.arange(start, min(size, start + room))))
            start, room = start + len(chunk[-1].indices), room - len(chunk[-1].indices)
            if not room:
                yield chunk
                chunk, room = [], at_once
    if chunk:
        yield chunk
