"""Records both passes of a network as a graph."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnn_goldens.cells import Array, Backward, Case, Cotangents
from rnn_goldens.cells.backward import Block, Factors
from rnn_goldens.cells.program import Operation
from rnn_goldens.error_analysis.forward import Forward, Node, Tracing
from rnn_goldens.error_analysis.graph import Graph


@dataclass(frozen=True)
class WeightGradient:
    """The gradient of a block of a weight's rows: a sum over steps and sequences of g vᵀ, or of g.

    Attributes:
        gs: positions of the cotangents in the graph, in the order of the backward pass.
        vs: positions of the vectors that the matrix was multiplied with; empty for a bias.
    """

    gs: tuple[int, ...]
    vs: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class TracedGradients:
    """Both passes as a graph.

    Attributes:
        forward: the forward pass; its graph contains both passes.
        x: positions of the gradients of x, by time step.
        start: positions of the gradients of each initial state, by its name, in the order of layers and directions.
        weights: by name, the blocks of rows: index, number of blocks, and the gradient of the block.
    """

    forward: Forward
    x: list[int]
    start: Mapping[str, list[int]]
    weights: Mapping[str, Sequence[tuple[int, int, WeightGradient]]]

    @property
    def graph(self) -> Graph:
        """The graph of both passes."""
        return self.forward.graph


def traced(case: Case, cotangents: Cotangents) -> TracedGradients:
    """Record both passes of a case that has a batch axis, in float64."""
    return _Tracing(case).traced(case, cotangents)


class _Tracing(Tracing, Backward):
    """A network of nodes with a backward pass.

    Contributions to the cotangent of a state are recorded as one sum, because they may be added in any order.
    """

    def traced(self, case: Case, cotangents: Cotangents) -> TracedGradients:
        gradients: dict[str, Any] = self.of_batch(case, cotangents)
        return TracedGradients(self.forward, **gradients)

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
        terms = [k for k in summands if not self.graph.adds_nothing(k)] or summands[:1]
        return Node(terms[0]) if len(terms) == 1 else self.node("sum", *map(Node, terms))

    def block(self, z: Any, index: int, blocks: int) -> Any:  # noqa: ANN401
        return z if blocks == 1 else self.node("block", z, detail=(index, blocks))

    def nothing(self, like: Any) -> Any:  # noqa: ANN401
        return self.given(np.zeros_like(self.graph.values[like.place]))

    def from_out(self, case: Case, cotangents: Cotangents) -> Any:  # noqa: ANN401
        return [self.given(d_out) for d_out in super().from_out(case, cotangents)]

    def from_last(self, case: Case, cotangents: Cotangents, index: int) -> Any:  # noqa: ANN401
        return tuple(self.given(part) for part in super().from_last(case, cotangents, index))

    def to_layer_below(self, d_inputs: Sequence[Sequence[Any]], layer: int) -> Any:  # noqa: ANN401
        """Record the contribution of each direction as a separate value, so that its terms do not join other sums."""
        contributions = [[self.node("same", d_x) for d_x in steps] for steps in d_inputs]
        return [self.node("same", d_x) for d_x in super().to_layer_below(contributions, layer)]

    def gathered(self, name: str, weight: Any, factors: Mapping[Block, list[Factors]]) -> Any:  # noqa: ANN401, ARG002
        of_weight = sorted((index, blocks, steps) for (of, index, blocks), steps in factors.items() if of == name)
        return [
            (index, blocks, WeightGradient(_places(g for g, _ in steps), _places(v for _, v in steps if v is not None)))
            for index, blocks, steps in of_weight
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
