"""Records recurrences as graphs: the step form, and both passes for gradients."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from rnn_goldens.cells.program import Operation
from rnn_goldens.cells.recurrence import RecurrenceCase, states_in_lanes, step_program, time_steps, weights_in_lanes
from rnn_goldens.generator.recurrences.bound import add_kept, add_kept_backward
from rnn_goldens.generator.recurrences.differentiation import gradient_nodes
from rnn_goldens.generator.recurrences.graph import Graph, Node
from rnn_goldens.golden.arrays import Float64


@dataclass(frozen=True, eq=False)
class Unrolled:
    """One sequence, or a batch of equal length, as a graph.

    Attributes:
        case: the case.
        graph: all values.
        steps: the inputs of each time step by name.
        weights: the weights by name.
        start: the initial states by name.
        outputs: the outputs of each time step by name.
        last: the last states by name.
        kept: positions of the factors that a state keeps of itself, by time step.
        states: position of the first state after each time step.
    """

    case: RecurrenceCase
    graph: Graph
    steps: list[dict[str, Node]]
    weights: dict[str, Node]
    start: dict[str, Node]
    outputs: list[dict[str, Node]] = field(default_factory=list)
    last: dict[str, Node] = field(default_factory=dict)
    kept: list[list[int]] = field(default_factory=list)
    states: list[int] = field(default_factory=list)

    @property
    def results(self) -> list[Node]:
        """All outputs, then the compared last states."""
        compared = self.case.config.recurrence.compared
        return [*(node for step in self.outputs for node in step.values()), *(self.last[name] for name in compared)]


def given(case: RecurrenceCase) -> Unrolled:
    """Return a graph of only the inputs of a case."""
    graph = Graph()

    def nodes(arrays: Mapping[str, Float64]) -> dict[str, Node]:
        return {name: graph.given(array) for name, array in arrays.items()}

    return Unrolled(
        case,
        graph,
        [nodes(step) for step in time_steps(case)],
        nodes(weights_in_lanes(case)),
        nodes(states_in_lanes(case)),
    )


def unrolled(case: RecurrenceCase) -> Unrolled:
    """Return the graph of the step form of a case without packing."""
    found, recurrence = given(case), case.config.recurrence
    program, graph, states = step_program(case), found.graph, dict(found.start)
    for step in found.steps:
        first = len(graph.values)
        nodes = _computed(graph, program.operations, [*step.values(), *found.weights.values(), *states.values()])
        results = [nodes[place] for place in program.after]
        found.outputs.append(dict(zip(recurrence.outputs, results, strict=False)))
        states = dict(zip(states, results[len(recurrence.outputs) :], strict=True))
        graph.carried.update(node.place for node in states.values() if graph.operations[node.place] is not None)
        found.kept.append([place for place in range(first, len(graph.values)) if _is_kept(graph, place)])
        found.states.append(next(iter(states.values())).place)
    found.last.update(states)
    add_kept(graph, found.kept)
    return found


def _computed(graph: Graph, operations: Sequence[Operation], inputs: Sequence[Node]) -> list[Node]:
    """Return the node of every value of a program."""
    nodes = list(inputs)
    for operation in operations:
        of = [nodes[place] for place in operation.of]
        nodes.append(graph.compute(operation.primitive, *of, detail=operation.detail))
    return nodes


def _is_kept(graph: Graph, place: int) -> bool:
    operation = graph.operations[place]
    return operation is not None and operation.primitive == "kept_factor"


@dataclass(frozen=True, eq=False)
class UnrolledGradients:
    """Both passes as a graph.

    Attributes:
        forward: the forward pass; its graph has both passes.
        steps: the gradients by the inputs of each time step, by name; None where an input has no influence.
        weights: the gradients by the weights.
        start: the gradients by the initial states.
    """

    forward: Unrolled
    steps: list[dict[str, Node | None]]
    weights: dict[str, Node | None]
    start: dict[str, Node | None]

    @property
    def results(self) -> list[Node]:
        """All gradients."""
        parts = (*self.steps, self.weights, self.start)
        return [node for part in parts for node in part.values() if node is not None]


def unrolled_gradients(
    case: RecurrenceCase, cotangents: Mapping[str, Float64], form: Callable[[RecurrenceCase], Unrolled] = unrolled
) -> UnrolledGradients:
    """Return the graph of both passes of a case without packing.

    Args:
        case: the case.
        form: returns the graph of the forward pass.
        cotangents: in lanes, by name of the output: (time, batch, heads, rows, columns) for outputs, without time for
            last states.
    """
    forward = form(case)
    graph, recurrence = forward.graph, case.config.recurrence
    pairs: list[tuple[Node, Node]] = []
    for name in recurrence.outputs:
        if name in cotangents:
            pairs += [(step[name], graph.given(g)) for step, g in zip(forward.outputs, cotangents[name], strict=True)]
    for name in recurrence.compared:
        if f"{name}_n" in cotangents:
            pairs.append((forward.last[name], graph.given(cotangents[f"{name}_n"])))
    parts = [*forward.steps, forward.weights, forward.start]
    found = iter(gradient_nodes(graph, pairs, [node for part in parts for node in part.values()]))
    *steps, weights, start = ({name: next(found) for name in part} for part in parts)
    add_kept_backward(graph, forward.kept, forward.states)
    return UnrolledGradients(forward, steps, weights, start)
