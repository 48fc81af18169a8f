"""Records the forward pass of a network as a graph."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.cells import Array, Case, Network, State, Weights
from rnn_goldens.cells.program import Operation, Program
from rnn_goldens.error_analysis.graph import Graph


@dataclass(frozen=True)
class Node:
    """A value of the graph, used in place of an array.

    Attributes:
        place: its position in the graph.
    """

    place: int


@dataclass(frozen=True, eq=False)
class Step:
    """One step of one layer in one direction.

    Attributes:
        t: the time step.
        within: (batch,), the sequences that have this step.
        computed: positions of the values that the step computes.
        state: positions of the states after the step; unchanged where a sequence has ended.
    """

    t: int
    within: NDArray[np.bool_]
    computed: range
    state: tuple[int, ...]

    def operations(self, graph: Graph, primitives: Sequence[str]) -> Iterator[tuple[int, Operation]]:
        """Yield the positions and operations of values that these primitives compute."""
        for k in self.computed:
            operation = graph.operations[k]
            if operation is not None and operation.primitive in primitives:
                yield k, operation


@dataclass(frozen=True, eq=False)
class Forward:
    """The forward pass as a graph.

    Attributes:
        case: the case.
        graph: all values, with a batch axis.
        layers: for each layer and direction, the steps in the order of computation.
    """

    case: Case
    graph: Graph
    layers: list[list[list[Step]]] = field(default_factory=list)

    @property
    def steps(self) -> Iterator[Step]:
        """All steps of all layers and directions."""
        return (step for layer in self.layers for steps in layer for step in steps)


def traced(case: Case) -> Forward:
    """Record the forward pass of a case whose arrays are float64."""
    network = Tracing(case)
    network.run(case)
    return network.forward


class Tracing(Network):
    """A network of nodes that computes the sum of each gate separately.

    Attributes:
        forward: the recorded forward pass.
    """

    def __init__(self, case: Case) -> None:
        super().__init__()
        self.graph = Graph(dict(case.weights))
        self.forward = Forward(case, self.graph)
        self.kept: dict[tuple[str, int], list[Any]] = {}
        self._vectors: dict[Operation, Node] = {}

    def program(self, case: Case, w: Weights) -> Program:
        """Return the program of a step."""
        return self.cell(case).separate.program(w)

    def weights(self, case: Case, suffix: str) -> Any:  # noqa: ANN401 - names instead of arrays
        """Return the names of the weights in the graph by their names in a program."""
        return {name: f"{name}_{suffix}" for name in super().weights(case, suffix)}

    def computed(self, program: Program, inputs: Sequence[Any], w: Mapping[str, Any]) -> Any:  # noqa: ANN401 - nodes
        """Return the node of every value of a program. A product used in blocks becomes one node per block."""
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
        """Return the node of an operation that is not a product."""
        return self.node(operation.primitive, *of, weights=weights, detail=operation.detail)

    def unroll(self, case: Case, suffix: str, layer_input: Any, state: Any, lengths: Array) -> Any:  # noqa: ANN401
        """Record every step of a layer and direction."""
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
        if suffix in [suffixes[0] for suffixes in case.config.layers]:
            self.forward.layers.append([])
        self.forward.layers[-1].append(steps)
        return out, state

    def handed_on(self, state: Sequence[Any]) -> Any:  # noqa: ANN401
        """Record a state that one step passes to the next."""
        self.graph.between.update(part.place for part in state)
        return tuple(state)

    def start(self, case: Case, index: int) -> Any:  # noqa: ANN401
        """Return the nodes of the initial state."""
        return tuple(self.given(part) for part in super().start(case, index))

    def join(self, outs: Sequence[Any], layer: int, case: Case) -> Any:  # noqa: ANN401, ARG002
        """Concatenate the units of the directions at each time step."""
        return [self.joined(*sides) for sides in zip(*outs, strict=True)]

    def last_states(self, last: list[State]) -> State:  # noqa: ARG002
        """Return nothing: the steps contain the states."""
        return ()

    def joined(self, *parts: Any) -> Any:  # noqa: ANN401
        """Concatenate units."""
        return parts[0] if len(parts) == 1 else self.node("joined", *parts)

    def only(self, within: Array, g: Any) -> Any:  # noqa: ANN401
        """Return g for the sequences that have this step, and zero for other sequences."""
        return g if within.all() else self.node("only", g, detail=(within,))

    def given(self, array: Array) -> Any:  # noqa: ANN401
        """Return a node for a given array."""
        return Node(self.graph.given(array))

    def node(self, primitive: str, *of: Any, weights: tuple[str, ...] = (), detail: tuple[Any, ...] = ()) -> Any:  # noqa: ANN401
        """Return a node for an operation. A vector of weights is one node for all steps."""
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
