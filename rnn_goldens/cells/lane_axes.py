"""Axes of a recurrence that are lanes: the equations never add or multiply over them, as over the columns of a state.

Results of different lanes are bounded at once. So that the graph has them as lanes, such an axis becomes a part of the
axis of heads; what does not have the axis is repeated.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from rnn_goldens.cells.case_graph import Lane, Recorded
from rnn_goldens.cells.derivatives import ELEMENTWISE
from rnn_goldens.cells.step_program import GIVEN, Operation
from rnn_goldens.golden.recurrences import LANE_AXES


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
