"""A network of one layer is a recurrence with one input: both error analyses derive the same bound."""

from typing import Any

import numpy as np
import pytest

from rnn_goldens import load
from rnn_goldens.cells import Case, case_of
from rnn_goldens.error_analysis.error_bound import error_bound
from rnn_goldens.generator.recurrences.bound import ACCUMULATION, Bounds
from rnn_goldens.generator.recurrences.graph import Graph, Node
from rnn_goldens.golden.arrays import Float64


def column(graph: Graph, vector: Float64) -> Node:
    """Return a vector of each batch row as a column."""
    return graph.given(np.atleast_2d(vector)[:, None, :, None])


def unrolled(case: Case) -> tuple[Graph, list[Node]]:
    """Return the graph of a network of one layer, and its output at each step."""
    graph = Graph()
    w = {name.removesuffix("_l0"): array for name, array in case.weights.items()}
    program = case.cell.separate.program(w)
    state = [column(graph, part[0]) for part in case.state]
    outputs = []
    for t in range(case.x.shape[1]):
        values: list[Any] = [column(graph, case.x[:, t]), *state]
        for operation in program.operations:
            of = [values[place] for place in operation.of]
            values.append(computed(graph, operation.primitive, of, [w[n] for n in operation.weights], operation.detail))
        state = [values[place] for place in program.after]
        graph.carried.update(node.place for node in state)
        outputs.append(state[0])
    return graph, outputs


def computed(graph: Graph, primitive: str, of: list[Any], weights: list[Float64], detail: tuple[Any, ...]) -> Any:
    if primitive == "product":
        return (weights[0], of[0])  # its blocks of rows are products of their own
    if primitive == "block":
        matrix, v = of[0]
        index, blocks = detail
        return graph.given(np.split(matrix, blocks)[index][None, None]) @ v
    if primitive == "vector":
        index, blocks = detail
        return column(graph, np.split(weights[0], blocks)[index])
    of = [graph.given(part[0][None, None]) @ part[1] if isinstance(part, tuple) else part for part in of]
    return graph.compute(primitive, *of, detail=detail)


@pytest.mark.parametrize("golden_id", ["rnn-tanh/plain", "lstm/plain", "gru/plain", "gru-reset-before/plain"])
def test_both_analyses_derive_the_same_bound(golden_id: str) -> None:
    case = case_of(load(golden_id, dtype="float64"), np.float64)
    assert case.config.num_layers == case.config.num_directions == 1
    graph, outputs = unrolled(case)
    bounds = Bounds(graph, outputs).of(outputs)
    of_graph = np.stack([bound[ACCUMULATION, :, 0, :, 0] for bound in bounds], axis=1)
    of_network = error_bound(case).tolerance.accumulation["out"]  # rounded up to eight bits
    assert ((of_graph <= of_network) & (of_network <= of_graph * (1 + 2.0**-7))).all()
