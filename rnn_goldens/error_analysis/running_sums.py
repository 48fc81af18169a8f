"""What correct algorithms lose in running sums of decays."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from rnn_goldens.cells.case_graph import KeptFactors, Recorded
from rnn_goldens.cells.graph import Graph
from rnn_goldens.golden.stored_arrays import Float64

_SMALLEST = 2.0**-149
"""The smallest float32, in place of a decay of zero, which has no logarithm."""


@dataclass(frozen=True)
class RunningSums:
    """The losses of running sums.

    Attributes:
        kept: by position of a factor, the sum of the absolute logarithms of all factors up to there: the running sum,
            and so the difference of two, is rounded.
        backward: by position of a cotangent, what it loses in algorithms that compute it from running sums.
    """

    kept: dict[int, Float64] = field(default_factory=dict)
    backward: dict[int, Float64] = field(default_factory=dict)

    def has(self, place: int) -> bool:
        """Return whether a value has such a loss."""
        return place in self.kept or place in self.backward

    def add(self, lost: Float64, y: Float64, places: Sequence[int]) -> None:
        """Add the losses of the values y at some places."""
        if places[0] in self.kept:
            lost += np.abs(y) * np.stack([self.kept[place] for place in places])
        if places[0] in self.backward:
            lost += np.stack([self.backward[place] for place in places])


def running_sums(recorded: Recorded) -> RunningSums:
    """Return the losses of the running sums of all sequences, in both passes."""
    found = RunningSums()
    for kept in recorded.kept:
        _add_kept(recorded.graph, kept, found)
        _add_backward(recorded.graph, kept, found)
    return found


def _add_kept(graph: Graph, kept: KeptFactors, found: RunningSums) -> None:
    for places in zip(*kept.factors, strict=True):
        total: Float64 | float = 0.0
        for place in places:
            total = total + np.abs(np.log(np.maximum(np.abs(graph.values[place]), _SMALLEST)))
            found.kept[place] = np.asarray(total)


def _add_backward(graph: Graph, kept: KeptFactors, found: RunningSums) -> None:
    """Add what running sums lose in the gradients by the logarithms of the factors.

    A scan or a chunk computes the gradient by a log-decay as the sum over all later steps of what the outputs read from
    the state minus what the inputs add to it. Each part is at most the state times its cotangent.
    """
    for places in zip(*kept.factors, strict=True):
        later: Float64 | float = 0.0
        for place, state in reversed(list(zip(places, kept.states, strict=True))):
            if state in graph.cotangents:
                product = np.abs(graph.values[state] * graph.values[graph.cotangents[state]])
                axes = tuple(axis for axis in (-2, -1) if graph.values[place].shape[axis] == 1)
                later = later + 2 * (product.sum(axis=axes, keepdims=True) if axes else product)
            _note_backward(graph, place, later, found)


def _note_backward(graph: Graph, place: int, lost: Float64 | float, found: RunningSums) -> None:
    """Note a loss of the gradient by the logarithm of a factor: at the argument of its exponential, if it is one."""
    (factor,) = graph.operations[place].of
    is_exp = graph.operations[factor].primitive == "exp"
    at = graph.operations[factor].of[0] if is_exp else factor
    if at in graph.cotangents:
        if not is_exp:
            lost = lost / np.maximum(np.abs(graph.values[factor]), _SMALLEST)
        shape = graph.values[graph.cotangents[at]].shape
        found.backward[graph.cotangents[at]] = np.broadcast_to(np.asarray(lost), shape)
