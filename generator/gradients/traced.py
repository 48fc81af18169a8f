"""A network and its way back, writing down what they do instead of doing it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnn_goldens.cells import Array, Backward, Case, Cotangents
from rnn_goldens.cells.backward import Block, Factors
from rnn_goldens.cells.program import Operation
from rnn_goldens.generator.error_analysis.forward import Forward, Node, Tracing
from rnn_goldens.generator.error_analysis.graph import Graph


@dataclass(frozen=True)
class WeightGradient:
    """The gradient of a block of a weight's rows: a sum over steps and sequences of g vᵀ, or of g.

    Attributes:
        gs: where the cotangents stand, in the order of the way back.
        vs: where what the matrix was multiplied with stands; none of a vector.
    """

    gs: tuple[int, ...]
    vs: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class TracedGradients:
    """Both passes, written down.

    Attributes:
        forward: the way there; its graph has all that is computed.
        x: where the cotangents of x stand, by time step.
        start: where those of each initial state stand, by its name, in the order of layers and directions.
        weights: by name, the blocks of rows: which, of how many, and what adds up to it.
    """

    forward: Forward
    x: list[int]
    start: Mapping[str, list[int]]
    weights: Mapping[str, Sequence[tuple[int, int, WeightGradient]]]

    @property
    def graph(self) -> Graph:
        """All that is computed."""
        return self.forward.graph


def traced(case: Case, cotangents: Cotangents) -> TracedGradients:
    """Write down both passes of a case that has a batch axis, in float64."""
    return _Tracing(case).traced(case, cotangents)


class _Tracing(Tracing, Backward):
    """A network of nodes that goes back.

    What a step hands to the one before it, and what enters there, is one sum, for it may be added up in any order.
    """

    def traced(self, case: Case, cotangents: Cotangents) -> TracedGradients:
        found: dict[str, Any] = self.of_batch(case, cotangents)
        return TracedGradients(self.forward, **found)

    def primitive(self, operation: Operation, of: Sequence[Any], weights: tuple[str, ...]) -> Any:  # noqa: ANN401
        if operation.primitive == "sum":
            return self._sum([node.place for node in of])
        return super().primitive(operation, of, weights)

    def enter(self, d_state: Any, d_out: Any, t: int) -> Any:  # noqa: ANN401
        return self.handed_on(super().enter(d_state, d_out, t))

    def carry(self, d_before: Any, d_after: Any, within: Array, t: int) -> Any:  # noqa: ANN401
        return self.handed_on(super().carry(d_before, d_after, within, t))

    def sum(self, *terms: Any) -> Any:  # noqa: ANN401
        return self._sum([part for term in terms for part in self._summands(term.place)])

    def _sum(self, summands: Sequence[int]) -> Any:  # noqa: ANN401
        some = [k for k in summands if not self.graph.adds_nothing(k)] or summands[:1]
        return Node(some[0]) if len(some) == 1 else self.node("sum", *map(Node, some))

    def block(self, z: Any, index: int, blocks: int) -> Any:  # noqa: ANN401
        return z if blocks == 1 else self.node("block", z, detail=(index, blocks))

    def nothing(self, like: Any) -> Any:  # noqa: ANN401
        return self.given(np.zeros_like(self.graph.values[like.place]))

    def from_out(self, case: Case, cotangents: Cotangents) -> Any:  # noqa: ANN401
        return [self.given(d_out) for d_out in super().from_out(case, cotangents)]

    def from_last(self, case: Case, cotangents: Cotangents, index: int) -> Any:  # noqa: ANN401
        return tuple(self.given(part) for part in super().from_last(case, cotangents, index))

    def hand_down(self, ways: Sequence[Sequence[Any]], layer: int) -> Any:  # noqa: ANN401
        """What each direction hands down is computed on its own: sums go on from there."""
        apart = [[self.node("same", d_x) for d_x in way] for way in ways]
        return [self.node("same", d_x) for d_x in super().hand_down(apart, layer)]

    def gathered(self, name: str, weight: Any, factors: Mapping[Block, list[Factors]]) -> Any:  # noqa: ANN401, ARG002
        mine = sorted((index, blocks, steps) for (of, index, blocks), steps in factors.items() if of == name)
        return [
            (index, blocks, WeightGradient(_places(g for g, _ in steps), _places(v for _, v in steps if v is not None)))
            for index, blocks, steps in mine
        ]

    def named(self, case: Case, d_inputs: Any, d_start: Any, weights: Any) -> Any:  # noqa: ANN401
        start = zip(*d_start, strict=True) if case.state_given else ()
        states = {
            f"{name}0": [part.place for part in parts] for name, parts in zip(case.cell.states, start, strict=False)
        }
        return {"x": [d_x.place for d_x in d_inputs], "start": states, "weights": {n: weights[n] for n in case.weights}}

    def _summands(self, k: int) -> tuple[int, ...]:
        operation = self.graph.operations[k]
        return operation.of if operation is not None and operation.primitive == "sum" else (k,)


def _places(nodes: Iterable[Any]) -> tuple[int, ...]:
    return tuple(node.place for node in nodes)
