"""Linearizes trees: the rounding error of each joint, and its derivatives by earlier joints."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rnn_goldens.cells.derivatives import passed_back
from rnn_goldens.cells.program import Operation
from rnn_goldens.error_analysis.graph import arguments, rows
from rnn_goldens.error_analysis.rounding_model import Storing, loss
from rnn_goldens.error_analysis.trees import Trees, derived_from
from rnn_goldens.golden.arrays import Float64
from rnn_goldens.golden.profile import IEEE

WHOLE = slice(None)
"""All units."""

By = Float64 | None
"""Derivative of each unit by one other unit: (trees or 1, batch or 1, units or 1); None for the identity."""


@dataclass(frozen=True, eq=False)
class Link:
    """The derivative of the joints of trees by one of the leaves of the trees.

    Attributes:
        of: positions of the leaf, one per tree.
        joint_units, leaf_units: the units of the joint, and the units of the leaf that they depend on.
        by: the derivative, if each unit depends on one unit.
        products: otherwise, the derivative is the sum of these matrices, (units, units of the leaf), with their rows
            scaled by the first entry of each pair. Expanded for all trees, they would take most of the memory.
    """

    of: tuple[int, ...]
    joint_units: slice
    leaf_units: slice
    by: By
    products: list[tuple[By, Float64]]

    def pulled_back(self, g: Float64, tree: int) -> Float64:
        """Return the derivatives by the leaf, a new array, given those by a tree's joint: g, (batch, rows, units)."""
        part = g[..., self.joint_units]
        if not self.products:
            return part.copy() if self.by is None else np.asarray(part * _of_one(self.by, tree)[:, None])
        (by, matrix), *more = self.products
        if by is None and not more:
            product: Float64 = part.reshape(-1, part.shape[-1]) @ matrix
            return product.reshape(*part.shape[:-1], -1)
        total = matrix if by is None else _of_one(by, tree)[..., None] * matrix
        for by, matrix in more:
            total = total + (matrix if by is None else _of_one(by, tree)[..., None] * matrix)
        return np.asarray(part @ total)


def _of_one(by: Float64, tree: int) -> Float64:
    return np.asarray(by[tree if len(by) > 1 else 0])


@dataclass(frozen=True, eq=False)
class Linear:
    """The linearized joints of trees.

    Attributes:
        joints: positions of the joints, one per tree.
        losses: rounding errors since the leaves, (trees, batch, units, kinds): of accumulation, and of storage in each
            storage model.
        links: the derivatives by the leaves.
    """

    joints: tuple[int, ...]
    losses: Float64
    links: list[Link]


def linear(trees: Trees, storing: Sequence[Storing], arithmetic: str = IEEE) -> Linear:
    """Linearize trees."""
    descent = _Descent(trees, storing, arithmetic)
    return Linear(trees.places[-1], descent.lost, descent.links)


class _Descent:
    """Descends trees from the joints to the leaves, and collects losses and links."""

    def __init__(self, trees: Trees, storing: Sequence[Storing], arithmetic: str) -> None:
        self.trees, self.storing, self.arithmetic = trees, storing, arithmetic
        self._root = len(trees.values) - 1
        self.lost = np.zeros((*trees.values[self._root].shape, 1 + len(storing)))
        self._links: dict[tuple[object, ...], Link] = {}
        self._down(self._root, WHOLE, None)

    @property
    def links(self) -> list[Link]:
        """The derivatives of the joints by the leaves."""
        return list(self._links.values())

    def _down(self, k: int, joint_units: slice, by: By) -> None:
        """Descend from a value that some units of the joint depend on."""
        operation = self.trees.operations[k]
        if k in self.trees.leaves and k != self._root:
            self._link(k, joint_units, by)
        elif operation is not None:
            self._lose(k, joint_units, by)
            if (matrix := _matrix(self.trees, operation)) is not None:
                self._link(operation.of[0], joint_units, by, matrix)
            elif operation.primitive == "block":
                index, size = operation.detail[0], _units(self.trees, k)
                self._link(operation.of[0], joint_units, by, leaf_units=slice(index * size, (index + 1) * size))
            elif operation.primitive == "joined":
                self._down_each_part(operation, joint_units.start or 0, by)
            else:
                self._down_unit_by_unit(k, operation, joint_units, by)

    def _down_each_part(self, operation: Operation, start: int, by: By) -> None:
        at = 0
        for of in operation.of:
            end = at + _units(self.trees, of)
            self._down(of, slice(start + at, start + end), None if by is None else by[..., at:end])
            at = end

    def _down_unit_by_unit(self, k: int, operation: Operation, joint_units: slice, by: By) -> None:
        units, derived = _units(self.trees, k), derived_from(operation)
        for number, of in enumerate(operation.of):
            if of in self.trees.varying and of in derived:
                part = self._passed_back(k, operation, number, by)
                if _units(self.trees, of) < units:
                    self._link(of, joint_units, part, np.ones((units, 1)))
                else:
                    self._down(of, joint_units, part)

    def _passed_back(self, k: int, operation: Operation, number: int, by: By) -> By:
        """Return the derivative by an argument, unit by unit."""
        if operation.primitive in ("sum", "same"):
            return by
        if operation.primitive in ("only", "choose"):
            here = operation.detail[0][:, None]
            return np.where(here if number == 0 else ~here, _one(by), 0.0)
        values = arguments(self.trees, k)
        return passed_back(operation.primitive, number, _one(by), self.trees.values[k], values, operation.detail)

    def _lose(self, k: int, joint_units: slice, by: By) -> None:
        size = 1.0 if by is None else np.abs(by)
        operation = self.trees.operations[k]
        of_computed = self.trees.computed[operation.of[0]] if operation is not None and operation.of else True
        losses = [loss(self.trees, k, stored, self.arithmetic, of_computed=of_computed) for stored in self.storing]
        for number, (accumulated, stored) in enumerate(one for one in losses if one is not None):
            if number == 0:
                self.lost[..., joint_units, 0] += size * accumulated
            self.lost[..., joint_units, 1 + number] += size * stored

    def _link(
        self, k: int, joint_units: slice, by: By, matrix: Float64 | None = None, leaf_units: slice = WHOLE
    ) -> None:
        """Add the derivative by a leaf. Several paths to the same leaf are combined into one link."""
        if k in self.trees.varying:
            key = (self.trees.places[k], joint_units.start, leaf_units.start, matrix is None)
            known = self._links.get(key)
            if known is None:
                products = [] if matrix is None else [(by, matrix)]
                self._links[key] = Link(self.trees.places[k], joint_units, leaf_units, by, products)
            elif matrix is None:
                self._links[key] = replace(known, by=_one(known.by) + _one(by))
            else:
                known.products.append((by, matrix))


def _matrix(trees: Trees, operation: Operation) -> Float64 | None:
    """Return the matrix if a value is the product of its first argument with a matrix, else None."""
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
