"""Folds a graph, so that bounds take less time: elementwise operations become one factor and one sum of losses.

A joint is a result, a value that is used more than once, or an operand of anything that is not elementwise. Joints of
the same form, one for each time step, are folded together.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from rnn_goldens.cells.adjoint import ELEMENTWISE, RULES, part_of
from rnn_goldens.cells.graph import Graph, Node
from rnn_goldens.cells.matrix_primitives import NUMPY
from rnn_goldens.cells.step_program import GIVEN, Operation
from rnn_goldens.error_analysis.loss_policy import SUMS, Losses
from rnn_goldens.error_analysis.rounding_model import TERM_BY_TERM
from rnn_goldens.golden.stored_arrays import Float64

By = Float64 | None
"""A derivative of each element: (places or 1, batch, heads, rows, columns); None for one."""

Places = tuple[int, ...]
"""Positions in the graph, one for each joint of a form."""

_ADDED = ("sum", "same", "handed", "kept_factor")
"""Primitives whose derivative is one."""


@dataclass(frozen=True, eq=False)
class Other:
    """An argument that is passed back by reverse mode.

    Attributes:
        operations: positions of the operation's results.
        number: which argument.
        arguments: its positions.
        by: the derivative of the joint by the result.
    """

    operations: Places
    number: int
    arguments: Places
    by: By


@dataclass(eq=False)
class Folded:
    """Joints of one form.

    Attributes:
        joints: their positions.
        losses: what is lost since earlier joints, (joints, batch, heads, elements, kinds); None if nothing.
        elementwise: derivatives by earlier joints.
        products: by earlier joint, factors and matrices whose products are its derivatives.
        others: other arguments.
    """

    joints: Places
    losses: Float64 | None = None
    elementwise: dict[Places, By] = field(default_factory=dict)
    products: dict[Places, list[tuple[By, Float64]]] = field(default_factory=dict)
    others: list[Other] = field(default_factory=list)


def is_handed(operation: Operation) -> bool:
    """Return whether a value is a state or a layer's output, which one part of a composition hands to another."""
    return operation.primitive in ("choose", "handed")


_DERIVED: Mapping[str, tuple[int, ...]] = {
    **{name: tuple(k for k, rule in enumerate(rules) if rule) for name, rules in RULES.items() if None in rules},
    "spread": (0,),
}
"""For primitives without a derivative by some arguments: the arguments by which they have a derivative."""


class Cut:
    """Finds the joints of a graph, and groups those of the same form."""

    def __init__(self, graph: Graph, results: Sequence[Node], losses: Losses) -> None:
        self.graph, self.losses = graph, losses
        self.varies: set[int] = set()
        self.derived: dict[int, list[tuple[int, int]]] = {}
        needed = graph.needed(results)
        for k in needed:
            operation = graph.operations[k]
            if operation is not GIVEN:
                numbers = _DERIVED.get(operation.primitive, range(len(operation.of)))
                self.derived[k] = [(n, operation.of[n]) for n in numbers if operation.of[n] in self.varies]
                if self.derived[k] or losses.loses(operation, k):
                    self.varies.add(k)
        self.computed = [k for k in needed if k in self.varies]
        self.joints = self._joints({node.place for node in results})

    def folded(self) -> list[Folded]:
        """Return the joints that the results depend on, by form."""
        groups, keys, numbers = defaultdict[int, list[int]](list), dict[int, int](), dict[object, int]()
        for k in self.computed:
            keys[k] = numbers.setdefault(self._form(k, keys), len(numbers))
            if k in self.joints:
                groups[keys[k]].append(k)
        return [_Folding(self, tuple(joints)).folded for joints in groups.values()]

    def _joints(self, results: set[int]) -> set[int]:
        used, joints = set[int](), set(results)
        for k in self.computed:
            operation, shape = self.graph.operations[k], self.graph.values[k].shape
            if operation.primitive == "solved" or (is_handed(operation) and shape[-1] == 1):
                joints.add(k)
            for _, argument in self.derived[k]:
                whole = operation.primitive in ELEMENTWISE and self.graph.values[argument].shape == shape
                if not whole or argument in used:
                    joints.add(argument)
                used.add(argument)
        return joints & self.varies

    def is_inside(self, k: int) -> bool:
        """Return whether the operation of a value is part of the form of the one that uses its result."""
        is_term = self.graph.operations[k].primitive in TERM_BY_TERM
        return k in self.varies and (k not in self.joints or is_term)

    def _form(self, k: int, keys: Mapping[int, int]) -> object:
        """Return what joints of the same form have in common."""
        operation = self.graph.operations[k]
        of = tuple(
            (
                self.graph.values[one].shape,
                keys[one] if self.is_inside(one) else None,
                one in self.varies,
                one in self.joints,
            )
            for one in operation.of
        )
        detail = tuple((d.shape, d.tobytes()) if isinstance(d, np.ndarray) else d for d in operation.detail)
        return operation.primitive, detail, of, self.losses.form(k)


@dataclass(eq=False)
class _Local:
    """Values of one form, for all of its joints: (places or 1, batch, heads, rows, columns)."""

    values: list[Float64] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    places: list[Places] = field(default_factory=list)
    varies: list[bool] = field(default_factory=list)


class _Folding:
    """Folds joints of one form: descends from each joint to the joints that it depends on."""

    def __init__(self, cut: Cut, joints: Places) -> None:
        self.cut, self.local = cut, _Local()
        self._known: dict[tuple[Places, bool], int] = {}
        self.folded = Folded(joints)
        root = self._copied(joints, is_inside=True)
        self._shape = (len(joints), *self.local.values[root].shape[1:])
        self._lost: Float64 | None = None
        self._down(root, None, is_root=True)
        if self._lost is not None:
            lost = np.moveaxis(self._lost, 0, -1)
            self.folded.losses = lost.reshape(*lost.shape[:3], -1, lost.shape[-1])

    def _copied(self, places: Places, *, is_inside: bool) -> int:
        """Add a value of all joints, after its arguments if its operation is part of the form; return its index."""
        key = places, is_inside
        if key not in self._known:
            first, local, graph = places[0], GIVEN, self.cut.graph
            if is_inside:
                operation = graph.operations[first]
                each = zip(*(graph.operations[k].of for k in places), strict=True)
                of = (self._copied(ones, is_inside=self.cut.is_inside(ones[0])) for ones in each)
                local = Operation(operation.primitive, tuple(of), (), operation.detail)
            same = all(place == first for place in places)
            values = graph.values
            self.local.values.append(values[first][None] if same else np.stack([values[place] for place in places]))
            self.local.operations.append(local)
            self.local.places.append(places)
            self.local.varies.append(first in self.cut.varies)
            self._known[key] = len(self.local.values) - 1
        return self._known[key]

    def _down(self, k: int, by: By, *, is_root: bool = False) -> None:
        """Descend from a value whose derivative is ``by``."""
        places, operation = self.local.places[k], self.local.operations[k]
        if not is_root and places[0] in self.cut.joints:
            known = self.folded.elementwise
            known[places] = _one(known[places]) + _one(by) if places in known else by
            return
        assert operation is not GIVEN, "rounding does not change a given value"
        if operation.primitive in SUMS:
            return
        lost = self.cut.losses.of(self.local, k, places, self.local.varies)
        if lost is not None:
            if self._lost is None:
                self._lost = np.zeros((len(lost), *self._shape))
            self._lost += lost if by is None else np.abs(by) * lost
        for number, _ in self.cut.derived[places[0]]:
            self._pass_on(k, operation, number, by)

    def _pass_on(self, k: int, operation: Operation, number: int, by: By) -> None:
        """Pass the derivative of a value on to one of its arguments."""
        of, y = operation.of[number], self.local.values[k]
        if operation.primitive in ELEMENTWISE:
            slope = _slope(operation, y, [self.local.values[one] for one in operation.of], number)
            part = slope if by is None else by if slope is None else by * slope
            self._down(of, part)
            return
        other = self.local.values[operation.of[0]]
        is_shared = other.shape[1:3] == (1, 1) and not self.local.varies[operation.of[0]]  # given, and in all lanes
        if operation.primitive == "matmul" and number == 1 and is_shared and y.shape[-1] == 1:
            self.folded.products.setdefault(self.local.places[of], []).append((by, other))
        else:
            self.folded.others.append(Other(self.local.places[k], number, self.local.places[of], by))


def _one(by: By) -> Float64:
    return np.ones((1, 1, 1, 1, 1)) if by is None else by


def _slope(operation: Operation, y: Float64, arguments: Sequence[Float64], number: int) -> By:
    """Return the derivative of an elementwise primitive by one argument; None if it is one."""
    if operation.primitive in _ADDED:
        return None
    found = np.asarray(part_of(NUMPY, operation, number, np.float64(1.0), y, arguments))
    return found.reshape((1,) * (y.ndim - found.ndim) + found.shape)
