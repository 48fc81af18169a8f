"""The graph of a network or a recurrence with named arrays; gradients are outputs of its adjoint graph.

Axes over which the equations never add or multiply, as over the columns of a state, are lanes: results of different
lanes are bounded at once. Such an axis becomes a part of the axis of heads; what does not have the axis is repeated.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from rnn_goldens.cells.adjoint import ELEMENTWISE, gradients
from rnn_goldens.cells.graph import Graph, Node
from rnn_goldens.cells.recurrence import in_order
from rnn_goldens.cells.step_program import GIVEN, Operation
from rnn_goldens.golden.recurrences import LANE_AXES
from rnn_goldens.golden.shapes import Shape, cotangent_of
from rnn_goldens.golden.stored_arrays import Float64

Index = Any
"""The index of the part of an array that a node holds."""

Parts = dict[str, list[tuple[Index, Node]]]
"""By name of an array, its parts."""


@dataclass(frozen=True)
class KeptFactors:
    """The factors that the states of one sequence keep of themselves.

    Attributes:
        factors: their positions, by time step.
        states: the position of the first state after each time step.
    """

    factors: Sequence[Sequence[int]]
    states: Sequence[int]


@dataclass(frozen=True)
class Lane:
    """An axis that is a part of the axis of heads in a graph.

    Attributes:
        name: the axis, such as ``d_v``.
        size: its size.
    """

    name: str
    size: int

    def place(self, axes: str) -> int | None:
        """Return where the axis is in an array of some axes: -2 for rows, -1 for columns; None if it has none."""
        names = [axis for axis in axes.split() if axis not in LANE_AXES]
        return names.index(self.name) - 2 if self.name in names else None

    def to_heads(self, array: Float64, axes: str) -> Float64:
        """Return (batch, heads, rows, columns) with the axis as a part of heads; repeated if the array lacks it.

        An array that all heads share stays as it is, and broadcasts.
        """
        if (place := self.place(axes)) is None:
            return array if array.shape[1] == 1 else np.repeat(array, self.size, axis=1)
        batch, heads = array.shape[:2]
        moved = np.moveaxis(array, place, 2)
        return np.expand_dims(moved.reshape(batch, heads * self.size, moved.shape[-1]), place)

    def from_heads(self, array: Float64, axes: str) -> Float64:
        """Return (batch, heads, rows, columns) from an array of ``to_heads``."""
        place = self.place(axes)
        if place is None and array.shape[1] == 1:
            return array
        batch, heads = array.shape[0], array.shape[1] // self.size
        apart = array.reshape(batch, heads, self.size, *array.shape[2:])
        return apart[:, :, 0] if place is None else np.moveaxis(apart.squeeze(place), 2, place)


@dataclass(frozen=True, eq=False)
class Recorded:
    """A graph with named arrays.

    Attributes:
        graph: all values.
        shapes: the shape of each array by name, as a golden stores it.
        axes: the axes of one part by name; the part is in lanes: (batch, heads, rows, columns).
        to_lanes: returns a part of an array, given its name, in lanes.
        inputs: x, weights, initial states.
        outputs: what is computed: outputs and last states, or gradients.
        gradients_of: names of the inputs that a golden has gradients of, in its order.
        kept: for each sequence, the factors that states keep of themselves.
        lane: an axis that is a part of the axis of heads; None if there is none.
        states: the same graph with the stored states after every step as outputs; None if they were not recorded.
    """

    graph: Graph
    shapes: dict[str, Shape]
    axes: Mapping[str, str]
    to_lanes: Callable[[str, Float64], Float64]
    gradients_of: Sequence[str] = ()
    inputs: Parts = field(default_factory=dict)
    outputs: Parts = field(default_factory=dict)
    kept: list[KeptFactors] = field(default_factory=list)
    lane: Lane | None = None
    states: "Recorded | None" = None

    @property
    def results(self) -> list[Node]:
        """The nodes of all outputs."""
        return [node for parts in self.outputs.values() for _, node in parts]

    @property
    def end(self) -> int:
        """The number of values up to the last output."""
        return 1 + max((node.place for node in self.results), default=-1)

    def given(self, name: str, index: Index, array: Float64) -> Node:
        """Add a part of an input, in lanes."""
        node = self.graph.given(array if self.lane is None else self.lane.to_heads(array, self.axes[name]))
        self.inputs.setdefault(name, []).append((index, node))
        return node

    def add_output(self, name: str, index: Index, node: Node) -> None:
        """Name a value as a part of an output."""
        self.outputs.setdefault(name, []).append((index, node))

    def arrays(self, values: Mapping[int, Float64] | Sequence[Float64]) -> dict[str, Float64]:
        """Return the outputs as arrays, from values by position in the graph."""
        found = {}
        for name, parts in self.outputs.items():
            array = None
            for index, node in parts:
                part, axes = values[node.place], self.axes[name]
                part = in_order(part if self.lane is None else self.lane.from_heads(part, axes), axes)
                if array is None:
                    array = found[name] = np.zeros(self.shapes[name], part.dtype)
                array[index] = part.reshape(array[index].shape)
        return found


@np.errstate(all="ignore")
def with_gradients(forward: Recorded, cotangents: Mapping[str, Float64]) -> Recorded:
    """Add the backward pass to the graph of a forward pass, and return the graph with gradients as outputs.

    A missing cotangent is zero, and what is zero adds nothing to the graph.
    """
    assert forward.lane is None, "gradients add up over axes that are lanes in outputs"
    graph, seeds = forward.graph, []
    for name, parts in forward.outputs.items():
        if (array := cotangents.get(cotangent_of(name))) is not None:
            seeds += [_seed(node, forward.to_lanes(name, array[index])) for index, node in parts if array[index].any()]
    listed = [node for parts in forward.inputs.values() for _, node in parts]
    found = dict(zip([node.place for node in listed], gradients(graph, seeds, listed), strict=True))
    outputs = {
        name: [(index, found[node.place]) for index, node in forward.inputs[name]] for name in forward.gradients_of
    }
    return replace(forward, outputs=outputs)


def _seed(node: Node, g: Float64) -> tuple[Node, Node]:
    """Return an output and its cotangent; an output that is zero beyond the end of a sequence has none there."""
    g, operation = g.reshape(node.value.shape), node.operation
    if operation.primitive == "only":
        return Node(node.graph, operation.of[0]), node.graph.given(np.where(operation.detail[0], g, 0.0))
    return node, node.graph.given(g)


class _Labels(NamedTuple):
    """The names of the axes of rows and of columns; "" if they have none."""

    rows: str = ""
    columns: str = ""


def lane_of(recorded: Recorded) -> Lane | None:
    """Return the largest axis that is a lane in every operation of a graph; None if there is none."""
    found, mixed, sizes = dict[int, _Labels](), {""}, dict[str, int]()
    for name, parts in recorded.inputs.items():
        names = [axis for axis in recorded.axes[name].split() if axis not in LANE_AXES]
        for _, node in parts:
            found[node.place] = _Labels(*names)
            sizes |= dict(zip(names, node.value.shape[2:], strict=False))
    for place, operation in enumerate(recorded.graph.operations[: recorded.end]):
        if operation is not GIVEN:
            found[place] = _labels(operation, [found.get(k, _Labels()) for k in operation.of], mixed)
    lanes = [Lane(name, size) for name, size in sizes.items() if name not in mixed and size > 1]
    return max(lanes, key=lambda lane: lane.size, default=None)


def _labels(operation: Operation, of: Sequence[_Labels], mixed: set[str]) -> _Labels:
    """Return the names of the axes of a value; add those that the operation mixes."""
    if operation.primitive in ELEMENTWISE or not of:
        return _Labels(_common([one.rows for one in of], mixed), _common([one.columns for one in of], mixed))
    if operation.primitive in _MOVED:
        labels, those = _MOVED[operation.primitive](*of)
        mixed |= those
        return labels
    mixed |= {label for one in of for label in one}
    return _Labels()


_MOVED: Mapping[str, Callable[..., tuple[_Labels, set[str]]]] = {
    "matmul": lambda a, b: (_Labels(a.rows, b.columns), {a.columns, b.rows}),
    "outer": lambda a, b: (_Labels(a.rows, b.rows), set()),
    "transpose": lambda a: (_Labels(a.columns, a.rows), set()),
    "stacked": lambda *of: (_Labels("", of[0].columns), {one.rows for one in of} | _several(one.columns for one in of)),
    "rows": lambda a: (_Labels("", a.columns), {a.rows}),
    "solved": lambda a, b: (_Labels("", b.columns), {*a, b.rows}),
}
"""By primitive that is not elementwise: the names of the axes of its result, and those that it mixes."""


def _common(labels: Sequence[str], mixed: set[str]) -> str:
    """Return the name of an axis on which values are aligned."""
    mixed |= _several(labels)
    return max(labels, default="")


def _several(labels: Iterable[str]) -> set[str]:
    """Return different names of one axis: none of them is a lane."""
    names = set(labels) - {""}
    return names if len(names) > 1 else set()
