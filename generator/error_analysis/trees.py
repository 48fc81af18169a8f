"""A graph in trees: each computes one value, a joint, from other joints and from what is given.

Between joints everything is computed unit by unit and used once, so one derivative a unit says it all. Trees of the
same operations, one at each time step, are read side by side.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnn_goldens.cells.derivatives import RULES
from rnn_goldens.cells.program import Operation
from rnn_goldens.generator.error_analysis.graph import Graph
from rnn_goldens.generator.error_analysis.losses import loses
from rnn_goldens.golden.arrays import Float64

BY_SEVERAL_UNITS = ("product", "transposed", "mean", "total", "spread", "block")
"""Primitives whose units depend on several units of an argument, or of which some units do not."""

TERM_BY_TERM = ("negative", "product", "transposed", "mean", "total")
"""Primitives of whose results a sum has to know what they are made of."""


@dataclass(frozen=True, eq=False)
class Trees:
    """Trees of the same operations, side by side.

    Attributes:
        w: the weights.
        values: (trees or 1, batch or 1, units or 1) each; the joints that the trees compute are the last.
        operations: what computes each of the others; None of what is given to the trees.
        places: where in the graph each stands, tree by tree.
        leaves: which of the values the trees start from.
        varying: which of the values rounding may change.
    """

    w: Any
    values: list[Float64]
    operations: list[Operation | None]
    places: list[tuple[int, ...]]
    leaves: set[int]
    varying: set[int]


_DERIVED: Mapping[str, tuple[int, ...]] = {
    **{
        primitive: tuple(k for k, rule in enumerate(rules) if rule)
        for primitive, rules in RULES.items()
        if None in rules
    },
    "spread": (0,),
}
"""Of primitives that have no derivative by some of their arguments, those that they have one by."""


def derived_from(operation: Operation) -> tuple[int, ...]:
    """The arguments that a value has a derivative by: where they stand."""
    numbers = _DERIVED.get(operation.primitive)
    return operation.of if numbers is None else tuple(operation.of[number] for number in numbers)


def in_trees(graph: Graph, asked: Iterable[int]) -> list[Trees]:
    """All that some values come from, each of them a joint."""
    return _Cut(graph, set(asked)).found


class _Cut:
    """A graph cut into trees: what is a joint, and which trees are alike."""

    def __init__(self, graph: Graph, asked: set[int]) -> None:
        self.graph, self.values, self.operations = graph, graph.values, graph.operations
        self.varies: list[bool] = []
        self.derived: list[tuple[int, ...]] = []
        for operation in graph.operations:
            of = () if operation is None else tuple(one for one in derived_from(operation) if self.varies[one])
            self.varies.append(operation is not None and (bool(of) or loses(operation)))
            self.derived.append(of)
        live = self._live(asked)
        self.joints = self._joints(asked, live)
        alike = defaultdict[int, list[int]](list)
        for k, key in self._keys(live).items():
            if k in self.joints:
                alike[key].append(k)
        self.found = [self._side_by_side(joints) for joints in alike.values()]

    def _live(self, asked: set[int]) -> list[int]:
        """Values that those that are asked depend on, in order."""
        found = set(asked)
        for k in range(max(found, default=-1), -1, -1):
            if k in found:
                found.update(self.derived[k])
        return sorted(found)

    def _joints(self, asked: set[int], live: Sequence[int]) -> set[int]:
        """Values that are asked, handed on, used more than once, or of which a value uses several units."""
        used, found = set[int](), {*asked, *self.graph.between.intersection(live)}
        for k in live:
            operation = self.operations[k]
            several = operation is not None and operation.primitive in BY_SEVERAL_UNITS
            of_parts = operation is not None and operation.primitive == "joined"
            for one in self.derived[k]:
                if several or one in used or (not of_parts and self.values[one].shape[-1] < self.values[k].shape[-1]):
                    found.add(one)
                used.add(one)
        return {k for k in found if self.varies[k]}

    def _keys(self, live: Sequence[int]) -> dict[int, int]:
        """Of each value a number that is the same for those that are computed alike."""
        numbers: dict[object, int] = {}
        found: dict[int, int] = {}
        for k in live:
            operation, derived = self.operations[k], self.derived[k]
            if operation is not None:
                within = (found[one] if one in derived and self._within(one) else None for one in operation.of)
                of = tuple(zip((self.values[one].shape for one in operation.of), within, strict=True))
                key = (operation.primitive, operation.weights, _hashable(operation), of)
                found[k] = numbers.setdefault(key, len(numbers))
        return found

    def _within(self, k: int) -> bool:
        """Whether what computes an argument has to be known in the trees that it is an argument in."""
        return k not in self.joints or self.operations[k].primitive in TERM_BY_TERM  # type: ignore[union-attr] # no joint

    def _side_by_side(self, joints: Sequence[int]) -> Trees:
        trees = Trees(self.graph.w, [], [], [], set(), set())
        self._copied(trees, {}, tuple(joints), within=True)
        return trees

    def _copied(
        self, trees: Trees, known: dict[tuple[object, bool], int], places: tuple[int, ...], *, within: bool
    ) -> int:
        """Add a value, one in each tree, after what it is computed of, if that is within: where it stands."""
        if (places, within) in known:
            return known[places, within]
        first, operation = places[0], self.operations[places[0]]
        local = None
        if operation is not None and within:
            derived = self.derived[first]
            each = zip(*(self.operations[k].of for k in places), strict=True)  # type: ignore[union-attr] # all are alike
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
        if first in self.joints or not within:
            trees.leaves.add(k)
        if any(self.varies[place] for place in places):
            trees.varying.add(k)
        return k


def _hashable(operation: Operation) -> object:
    if operation.primitive in ("only", "choose"):
        return operation.detail[0].tobytes()
    return operation.detail
