"""Cuts a graph into trees: each computes one value, a joint, from other joints and given values.

Between joints, everything is computed unit by unit and used once, so one derivative per unit is enough. Trees of the
same operations, one per time step, are processed together.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.cells.derivatives import RULES
from rnn_goldens.cells.program import Operation
from rnn_goldens.error_analysis.graph import Graph
from rnn_goldens.error_analysis.rounding_model import loses
from rnn_goldens.golden.arrays import Float64

BY_SEVERAL_UNITS = ("product", "transposed", "mean", "total", "spread", "block")
"""Primitives whose units depend on several units of an argument, or whose result depends on only some units."""

TERM_BY_TERM = ("negative", "product", "transposed", "mean", "total")
"""Primitives with ``terms``: the loss of a sum of their results depends on these terms."""


@dataclass(frozen=True, eq=False)
class Trees:
    """Trees of the same operations.

    Attributes:
        w: the weights.
        values: arrays (trees or 1, batch or 1, units or 1); the last one holds the joints that the trees compute.
        operations: the operation of each value; None for a value that is given to the trees.
        places: positions of each value in the graph, one per tree.
        leaves: indices of the values that the trees start from.
        varying: indices of the values that rounding may change.
        computed: by index of a value, whether rounding may change it in each tree: (trees or 1, 1, 1).
    """

    w: Any
    values: list[Float64]
    operations: list[Operation | None]
    places: list[tuple[int, ...]]
    leaves: set[int]
    varying: set[int]
    computed: list[NDArray[np.bool_]]


_DERIVED: Mapping[str, tuple[int, ...]] = {
    **{
        primitive: tuple(k for k, rule in enumerate(rules) if rule)
        for primitive, rules in RULES.items()
        if None in rules
    },
    "spread": (0,),
}
"""For primitives without a derivative by some arguments: the arguments by which they have a derivative."""


def derived_from(operation: Operation) -> tuple[int, ...]:
    """Return the positions of the arguments by which a value has a derivative."""
    numbers = _DERIVED.get(operation.primitive)
    return operation.of if numbers is None else tuple(operation.of[number] for number in numbers)


def in_trees(graph: Graph, targets: Iterable[int]) -> list[Trees]:
    """Return trees of everything that the targets depend on. Each target is a joint."""
    return _Cut(graph, set(targets)).trees


class _Cut:
    """Cuts a graph into trees: finds the joints, and groups trees of the same operations."""

    def __init__(self, graph: Graph, targets: set[int]) -> None:
        self.graph, self.values, self.operations = graph, graph.values, graph.operations
        self.varies: list[bool] = []
        self.derived: list[tuple[int, ...]] = []
        for operation in graph.operations:
            of = () if operation is None else tuple(one for one in derived_from(operation) if self.varies[one])
            self.varies.append(operation is not None and (bool(of) or loses(operation)))
            self.derived.append(of)
        live = self._live(targets)
        self.joints = self._joints(targets, live)
        groups = defaultdict[int, list[int]](list)
        for k, key in self._keys(live).items():
            if k in self.joints:
                groups[key].append(k)
        self.trees = [self._grouped(joints) for joints in groups.values()]

    def _live(self, targets: set[int]) -> list[int]:
        """Return the values that the targets depend on, in order."""
        live = set(targets)
        for k in range(max(live, default=-1), -1, -1):
            if k in live:
                live.update(self.derived[k])
        return sorted(live)

    def _joints(self, targets: set[int], live: Sequence[int]) -> set[int]:
        """Return targets, states, values used more than once, and values of which an operation uses several units."""
        used, joints = set[int](), {*targets, *self.graph.between.intersection(live)}
        for k in live:
            operation = self.operations[k]
            several = operation is not None and operation.primitive in BY_SEVERAL_UNITS
            of_parts = operation is not None and operation.primitive == "joined"
            for one in self.derived[k]:
                if several or one in used or (not of_parts and self.values[one].shape[-1] < self.values[k].shape[-1]):
                    joints.add(one)
                used.add(one)
        return {k for k in joints if self.varies[k]}

    def _keys(self, live: Sequence[int]) -> dict[int, int]:
        """Return a number for each value; equal numbers mean trees of the same operations."""
        numbers: dict[object, int] = {}
        keys: dict[int, int] = {}
        for k in live:
            operation, derived = self.operations[k], self.derived[k]
            if operation is not None:
                within = (keys[one] if one in derived and self._within(one) else None for one in operation.of)
                of = tuple(zip((self.values[one].shape for one in operation.of), within, strict=True))
                key = (operation.primitive, operation.weights, _hashable(operation), of)
                keys[k] = numbers.setdefault(key, len(numbers))
        return keys

    def _within(self, k: int) -> bool:
        """Return whether the trees that use a value contain its operation."""
        return k not in self.joints or self.operations[k].primitive in TERM_BY_TERM  # type: ignore[union-attr] # joints have operations

    def _grouped(self, joints: Sequence[int]) -> Trees:
        trees = Trees(self.graph.w, [], [], [], set(), set(), [])
        self._copied(trees, {}, tuple(joints), within=True)
        return trees

    def _copied(
        self, trees: Trees, known: dict[tuple[object, bool], int], places: tuple[int, ...], *, within: bool
    ) -> int:
        """Add a value of each tree and return its index; if its operation is in the trees, add its arguments first."""
        if (places, within) in known:
            return known[places, within]
        first, operation = places[0], self.operations[places[0]]
        local = None
        if operation is not None and within:
            derived = self.derived[first]
            each = zip(*(self.operations[k].of for k in places), strict=True)  # type: ignore[union-attr] # all have the same operation
            of = tuple(
                self._copied(trees, known, ones, within=one in derived and self._within(one))
                for one, ones in zip(operation.of, each, strict=True)
            )
            local = Operation(operation.primitive, of, operation.weights, operation.detail)
        known[places, within] = k = len(trees.values)
        same = all(place == first for place in places)
        trees.values.append(self.values[first][None] if same else np.stack([self.values[place] for place in places]))
        trees.operations.append(local)
        trees.places.append(places)
        varies = [self.varies[place] for place in places[: 1 if same else None]]
        trees.computed.append(np.array(varies)[:, None, None])
        if first in self.joints or not within:
            trees.leaves.add(k)
        if any(varies):
            trees.varying.add(k)
        return k


def _hashable(operation: Operation) -> object:
    if operation.primitive in ("only", "choose"):
        return operation.detail[0].tobytes()
    return operation.detail
