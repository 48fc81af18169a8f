"""A network that writes down what it does instead of doing it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.cells import Array, Case, Network, State, Weights
from rnn_goldens.cells.program import Operation, Program
from rnn_goldens.generator.error_analysis.graph import Graph


@dataclass(frozen=True)
class Node:
    """A value of the graph, in the place of an array.

    Attributes:
        place: where in the graph it stands.
    """

    place: int


@dataclass(frozen=True, eq=False)
class Step:
    """One step of one layer in one direction.

    Attributes:
        t: the time step.
        within: (batch,), which sequences have it.
        computed: where in the graph stands what it computes.
        state: where each state after it stands; it stands still where a sequence has ended.
    """

    t: int
    within: NDArray[np.bool_]
    computed: range
    state: tuple[int, ...]

    def operations(self, graph: Graph, primitives: Sequence[str]) -> Iterator[tuple[int, Operation]]:
        """Where values of some primitives stand, and what computes them."""
        for k in self.computed:
            operation = graph.operations[k]
            if operation is not None and operation.primitive in primitives:
                yield k, operation


@dataclass(frozen=True, eq=False)
class Forward:
    """The way there, written down.

    Attributes:
        case: what the network is asked.
        graph: all that is computed, with a batch axis.
        layers: by layer, of each direction the steps in the order of its visits.
    """

    case: Case
    graph: Graph
    layers: list[list[list[Step]]] = field(default_factory=list)

    @property
    def steps(self) -> Iterator[Step]:
        """All of them."""
        return (step for layer in self.layers for steps in layer for step in steps)


def traced(case: Case) -> Forward:
    """Write down what a network does with a case whose arrays are float64."""
    network = Tracing(case)
    network.run(case)
    return network.forward


class Tracing(Network):
    """A network of nodes; it computes each gate's sum apart.

    Attributes:
        forward: what it has written down.
    """

    def __init__(self, case: Case) -> None:
        super().__init__()
        self.graph = Graph(dict(case.weights))
        self.forward = Forward(case, self.graph)
        self.kept: dict[tuple[str, int], list[Any]] = {}
        self._vectors: dict[Operation, Node] = {}

    def program(self, case: Case, w: Weights) -> Program:
        """What a step computes."""
        return self.cell(case).apart.program(w)

    def weights(self, case: Case, suffix: str) -> Any:  # noqa: ANN401 - by the short names the long ones
        """The names in the graph, by those that a program has."""
        return {name: f"{name}_{suffix}" for name in super().weights(case, suffix)}

    def computed(self, program: Program, inputs: Sequence[Any], w: Mapping[str, Any]) -> Any:  # noqa: ANN401 - nodes
        """Every value of a program; of a product that is taken in blocks there are these, each a product of its own."""
        values = list(inputs)
        in_blocks = {operation.of[0] for operation in program.operations if operation.primitive == "block"}
        for k, operation in enumerate(program.operations, program.inputs):
            names = tuple(w[name] for name in operation.weights)
            of = [values[place] for place in operation.of]
            if operation.primitive == "product" and k in in_blocks:
                values.append((of[0], names))
            elif operation.primitive == "product":
                values.append(self.node("product", *of, weights=names, detail=(0, 1)))
            elif operation.primitive == "block" and isinstance(of[0], tuple):
                v, names = of[0]
                values.append(self.node("product", v, weights=names, detail=operation.detail))
            else:
                values.append(self.primitive(operation, of, names))
        return values

    def primitive(self, operation: Operation, of: Sequence[Any], weights: tuple[str, ...]) -> Any:  # noqa: ANN401
        """The value of another operation of a program."""
        return self.node(operation.primitive, *of, weights=weights, detail=operation.detail)

    def unroll(self, case: Case, suffix: str, layer_input: Any, state: Any, lengths: Array) -> Any:  # noqa: ANN401
        """Write down every step."""
        inputs, steps = self._by_time(layer_input), list[Step]()
        w, out = self.weights(case, suffix), [None] * len(inputs)
        program = self.program(case, w)
        for t in self.times(len(inputs), reverse=suffix.endswith("_reverse")):
            within, first = self.within(t, lengths), len(self.graph.values)
            values = self.kept[suffix, t] = self.computed(program, [inputs[t], *state], w)
            computed = range(first, len(self.graph.values))
            new = [values[k] for k in program.after]
            if not within.all():
                new = [self.node("choose", *parts, detail=(within,)) for parts in zip(new, state, strict=True)]
            state = self.handed_on(new)
            out[t] = self.only(within, state[0])
            steps.append(Step(t, within, computed, tuple(part.place for part in state)))
        if not suffix.endswith("_reverse"):
            self.forward.layers.append([])
        self.forward.layers[-1].append(steps)
        return out, state

    def handed_on(self, state: Sequence[Any]) -> Any:  # noqa: ANN401
        """A state that one step hands to the next."""
        self.graph.between.update(part.place for part in state)
        return tuple(state)

    def start(self, case: Case, index: int) -> Any:  # noqa: ANN401
        """The initial state, given."""
        return tuple(self.given(part) for part in super().start(case, index))

    def join(self, outs: Sequence[Any], layer: int, case: Case) -> Any:  # noqa: ANN401, ARG002
        """By time step, the directions' units one after the other."""
        return [self.joined(*sides) for sides in zip(*outs, strict=True)]

    def last_states(self, last: list[State]) -> State:  # noqa: ARG002
        """None: the steps have them."""
        return ()

    def joined(self, *parts: Any) -> Any:  # noqa: ANN401
        """The parts' units one after the other."""
        return parts[0] if len(parts) == 1 else self.node("joined", *parts)

    def only(self, within: Array, g: Any) -> Any:  # noqa: ANN401
        """Of the sequences that are within, and zero of others."""
        return g if within.all() else self.node("only", g, detail=(within,))

    def given(self, array: Array) -> Any:  # noqa: ANN401
        """A node of what is given."""
        return Node(self.graph.given(array))

    def node(self, primitive: str, *of: Any, weights: tuple[str, ...] = (), detail: tuple[Any, ...] = ()) -> Any:  # noqa: ANN401
        """A node of what is computed; a vector of weights is one for all steps."""
        operation = Operation(primitive, tuple(node.place for node in of), weights, detail)
        if primitive != "vector":
            return Node(self.graph.compute(operation))
        if operation not in self._vectors:
            self._vectors[operation] = Node(self.graph.compute(operation))
        return self._vectors[operation]

    def _by_time(self, layer_input: Any) -> list[Any]:  # noqa: ANN401
        if isinstance(layer_input, list):
            return layer_input
        return [self.given(layer_input[:, t]) for t in range(layer_input.shape[1])]
