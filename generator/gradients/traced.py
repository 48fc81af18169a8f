"""A network and its way back, writing down what they do instead of doing it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnn_goldens.cells import Array, Backward, Case, Cotangents, State, Weights
from rnn_goldens.cells.backward import Block, Factors
from rnn_goldens.cells.program import Operation, Program
from rnn_goldens.generator.gradients.graph import Graph


@dataclass(frozen=True)
class Node:
    """A value of the graph, in the place of an array.

    Attributes:
        place: where in the graph it stands.
    """

    place: int


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
        graph: all that is computed.
        x: where the cotangents of x stand, by time step.
        start: where those of each initial state stand, by its name, in the order of layers and directions.
        weights: by name, the blocks of rows: which, of how many, and what adds up to it.
        last: where the last h of each layer and direction stands.
    """

    graph: Graph
    x: list[int]
    start: Mapping[str, list[int]]
    weights: Mapping[str, Sequence[tuple[int, int, WeightGradient]]]
    last: Sequence[int]


def traced(case: Case, cotangents: Cotangents) -> TracedGradients:
    """Write down both passes of a case that has a batch axis, in float64."""
    return _Tracing(case).traced(case, cotangents)


class _Tracing(Backward):
    """A network of nodes.

    What a step hands to the one before it, and what enters there, is one sum, for it may be added up in any order.
    """

    def __init__(self, case: Case) -> None:
        super().__init__()
        self.graph = Graph(dict(case.weights))
        self.last: list[int] = []

    def traced(self, case: Case, cotangents: Cotangents) -> TracedGradients:
        found: dict[str, Any] = self.of_batch(case, cotangents)
        return TracedGradients(self.graph, **found, last=self.last)

    def program(self, case: Case, w: Weights) -> Program:
        return self.cell(case).apart.program(w)

    def weights(self, case: Case, suffix: str) -> Any:  # noqa: ANN401 - by the short names the long ones
        return {name: f"{name}_{suffix}" for name in super().weights(case, suffix)}

    def computed(self, program: Program, inputs: Sequence[Any], w: Mapping[str, Any]) -> Any:  # noqa: ANN401 - nodes
        values = list(inputs)
        for operation in program.operations:
            of = [values[k] for k in operation.of]
            weights = tuple(w[name] for name in operation.weights)
            if operation.primitive == "sum":
                values.append(self._sum([node.place for node in of]))
            else:
                values.append(self._node(operation.primitive, *of, weights=weights, detail=operation.detail))
        return values

    # The way there.

    def unroll(self, case: Case, suffix: str, layer_input: Any, state: Any, lengths: Array) -> Any:  # noqa: ANN401
        steps = _by_time(layer_input, self._given)
        w, out = self.weights(case, suffix), [None] * len(steps)
        program = self.program(case, w)
        for t in self.times(len(steps), reverse=suffix.endswith("_reverse")):
            within = self.within(t, lengths)
            values = self.kept[suffix, t] = self.computed(program, [steps[t], *state], w)
            new = [values[k] for k in program.after]
            state = tuple(
                self._node("choose", after, before, detail=(within,)) if not within.all() else after
                for after, before in zip(new, state, strict=True)
            )
            out[t] = self.only(within, state[0])
        self.last.append(state[0].place)
        return out, state

    def start(self, case: Case, index: int) -> Any:  # noqa: ANN401
        return tuple(self._given(part) for part in super().start(case, index))

    def join(self, outs: Sequence[Any], layer: int, case: Case) -> Any:  # noqa: ANN401, ARG002
        return [self.joined(*sides) for sides in zip(*outs, strict=True)]

    def last_states(self, last: list[State]) -> State:  # noqa: ARG002 - those of the way there are not asked
        return ()

    # The primitives, and the way back.

    def sum(self, *terms: Any) -> Any:  # noqa: ANN401
        return self._sum([part for term in terms for part in self._summands(term.place)])

    def _sum(self, summands: Sequence[int]) -> Node:
        some = [k for k in summands if not self.graph.adds_nothing(k)] or summands[:1]
        return Node(some[0]) if len(some) == 1 else self._node("sum", *map(Node, some))

    def block(self, z: Any, index: int, blocks: int) -> Any:  # noqa: ANN401
        return z if blocks == 1 else self._node("block", z, detail=(index, blocks))

    def joined(self, *parts: Any) -> Any:  # noqa: ANN401
        return parts[0] if len(parts) == 1 else self._node("joined", *parts)

    def only(self, within: Array, g: Any) -> Any:  # noqa: ANN401
        return g if within.all() else self._node("only", g, detail=(within,))

    def nothing(self, like: Any) -> Any:  # noqa: ANN401
        return self._given(np.zeros_like(self.graph.values[like.place][0]))

    def from_out(self, case: Case, cotangents: Cotangents) -> Any:  # noqa: ANN401
        return [self._given(d_out) for d_out in super().from_out(case, cotangents)]

    def from_last(self, case: Case, cotangents: Cotangents, index: int) -> Any:  # noqa: ANN401
        return tuple(self._given(part) for part in super().from_last(case, cotangents, index))

    def hand_down(self, ways: Sequence[Sequence[Any]], layer: int) -> Any:  # noqa: ANN401
        """What each direction hands down is computed on its own: sums go on from there."""
        apart = [[self._node("same", d_x) for d_x in way] for way in ways]
        return [self._node("same", d_x) for d_x in super().hand_down(apart, layer)]

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
        operation = self.graph.operation(k)
        return operation.of if operation is not None and operation.primitive == "sum" else (k,)

    def _given(self, array: Array) -> Any:  # noqa: ANN401
        return Node(self.graph.given(array))

    def _node(self, primitive: str, *of: Any, weights: tuple[str, ...] = (), detail: tuple[Any, ...] = ()) -> Any:  # noqa: ANN401
        return Node(self.graph.compute(Operation(primitive, tuple(node.place for node in of), weights, detail)))


def _by_time(layer_input: Any, given: Callable[[Array], Any]) -> list[Any]:  # noqa: ANN401
    if isinstance(layer_input, list):
        return layer_input
    return [given(layer_input[:, t]) for t in range(layer_input.shape[1])]


def _places(nodes: Iterable[Any]) -> tuple[int, ...]:
    return tuple(node.place for node in nodes)
