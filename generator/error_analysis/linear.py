"""Trees as an error sees them: what each joint loses, and how it depends on those before it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rnn_goldens.cells.derivatives import passed_back
from rnn_goldens.cells.program import Operation
from rnn_goldens.generator.error_analysis.graph import arguments, rows
from rnn_goldens.generator.error_analysis.losses import Storing, loss
from rnn_goldens.generator.error_analysis.trees import Trees, derived_from
from rnn_goldens.golden.arrays import Float64

WHOLE = slice(None)
"""All units."""

By = Float64 | None
"""Of some units by others, one by one: (trees or 1, batch or 1, units or 1); None if they are the same."""


@dataclass(frozen=True, eq=False)
class Link:
    """How the joints of trees depend on others that the trees start from.

    Attributes:
        of: where the others stand, tree by tree.
        own, its: the units of the one that depend on those of the other.
        by: the derivative, if each unit depends on one.
        products: otherwise the derivative is the sum of these: matrices, (units, units of the other), with their rows
            scaled by what stands before them. Written out for all trees they would take most of the memory.
    """

    of: tuple[int, ...]
    own: slice
    its: slice
    by: By
    products: list[tuple[By, Float64]]

    def pulled(self, g: Float64, tree: int) -> Float64:
        """What the other gets of derivatives (batch, rows, units) by the joint of a tree: an array of its own."""
        mine = g[..., self.own]
        if not self.products:
            return mine.copy() if self.by is None else np.asarray(mine * _of_one(self.by, tree)[:, None])
        (by, matrix), *more = self.products
        if by is None and not more:
            product: Float64 = mine.reshape(-1, mine.shape[-1]) @ matrix
            return product.reshape(*mine.shape[:-1], -1)
        whole = matrix if by is None else _of_one(by, tree)[..., None] * matrix
        for by, matrix in more:
            whole = whole + (matrix if by is None else _of_one(by, tree)[..., None] * matrix)
        return np.asarray(mine @ whole)


def _of_one(by: Float64, tree: int) -> Float64:
    return np.asarray(by[tree if len(by) > 1 else 0])


@dataclass(frozen=True, eq=False)
class Linear:
    """The joints of trees, linearized.

    Attributes:
        joints: where they stand, tree by tree.
        losses: what was lost since the joints before, (trees, batch, units, kinds): of accumulation, and of storage for
            each way of storing.
        links: those they depend on.
    """

    joints: tuple[int, ...]
    losses: Float64
    links: list[Link]


def linear(trees: Trees, storing: Sequence[Storing]) -> Linear:
    """Linearize trees."""
    descent = _Descent(trees, storing)
    return Linear(trees.places[-1], descent.lost, descent.links)


class _Descent:
    """The way down trees, from the joints to what they start from."""

    def __init__(self, trees: Trees, storing: Sequence[Storing]) -> None:
        self.trees, self.storing = trees, storing
        self._root = len(trees.values) - 1
        self.lost = np.zeros((*trees.values[self._root].shape, 1 + len(storing)))
        self._links: dict[tuple[object, ...], Link] = {}
        self._down(self._root, WHOLE, None)

    @property
    def links(self) -> list[Link]:
        """How the joints depend on what the trees start from."""
        return list(self._links.values())

    def _down(self, k: int, own: slice, by: By) -> None:
        """Go on from a value that some units of the joint depend on."""
        operation = self.trees.operations[k]
        if k in self.trees.leaves and k != self._root:
            self._link(k, own, by)
        elif operation is not None:
            self._lose(k, own, by)
            if (matrix := _matrix(self.trees, operation)) is not None:
                self._link(operation.of[0], own, by, matrix)
            elif operation.primitive == "block":
                index, size = operation.detail[0], _units(self.trees, k)
                self._link(operation.of[0], own, by, its=slice(index * size, (index + 1) * size))
            elif operation.primitive == "joined":
                self._down_each_part(operation, own.start or 0, by)
            else:
                self._down_unit_by_unit(k, operation, own, by)

    def _down_each_part(self, operation: Operation, start: int, by: By) -> None:
        at = 0
        for of in operation.of:
            end = at + _units(self.trees, of)
            self._down(of, slice(start + at, start + end), None if by is None else by[..., at:end])
            at = end

    def _down_unit_by_unit(self, k: int, operation: Operation, own: slice, by: By) -> None:
        units, derived = _units(self.trees, k), derived_from(operation)
        for number, of in enumerate(operation.of):
            if of in self.trees.varying and of in derived:
                part = self._passed_back(k, operation, number, by)
                if _units(self.trees, of) < units:
                    self._link(of, own, part, np.ones((units, 1)))
                else:
                    self._down(of, own, part)

    def _passed_back(self, k: int, operation: Operation, number: int, by: By) -> By:
        """What an argument gets, unit by unit."""
        if operation.primitive in ("sum", "same"):
            return by
        if operation.primitive in ("only", "choose"):
            here = operation.detail[0][:, None]
            return np.where(here if number == 0 else ~here, _one(by), 0.0)
        given = arguments(self.trees, k)
        return passed_back(operation.primitive, number, _one(by), self.trees.values[k], given, operation.detail)

    def _lose(self, k: int, own: slice, by: By) -> None:
        size = 1.0 if by is None else np.abs(by)
        found = [loss(self.trees, k, stored) for stored in self.storing]
        for number, (accumulated, stored) in enumerate(lost for lost in found if lost is not None):
            if number == 0:
                self.lost[..., own, 0] += size * accumulated
            self.lost[..., own, 1 + number] += size * stored

    def _link(self, k: int, own: slice, by: By, matrix: Float64 | None = None, its: slice = WHOLE) -> None:
        """Joints depend on one that the trees start from; what a joint depends on in several ways is one link."""
        if k in self.trees.varying:
            key = (self.trees.places[k], own.start, its.start, matrix is None)
            known = self._links.get(key)
            if known is None:
                products = [] if matrix is None else [(by, matrix)]
                self._links[key] = Link(self.trees.places[k], own, its, by, products)
            elif matrix is None:
                self._links[key] = replace(known, by=_one(known.by) + _one(by))
            else:
                known.products.append((by, matrix))


def _matrix(trees: Trees, operation: Operation) -> Float64 | None:
    """What a value is its first argument's product with; None if it is computed otherwise."""
    if operation.primitive == "product":
        return rows(operation, trees.w)
    if operation.primitive == "transposed":
        return rows(operation, trees.w).T
    if operation.primitive in ("mean", "total", "spread"):
        units = _units(trees, operation.of[-1])
        number = 1.0 if operation.primitive == "total" else 1 / units
        return np.full((units, 1) if operation.primitive == "spread" else (1, units), number)
    return None


def _units(trees: Trees, k: int) -> int:
    return int(trees.values[k].shape[-1])


def _one(by: By) -> Float64:
    return np.ones((1, 1, 1)) if by is None else by
