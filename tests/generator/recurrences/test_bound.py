"""The error bound of recurrences is attained by errors of the worst sign, and is that of networks."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from factories.recurrences import recurrence_scenario, with_all_cotangents

from rnn_goldens import load
from rnn_goldens.cells import Case, case_of
from rnn_goldens.cells.recurrence import RecurrenceCase, lanes_of_cotangents
from rnn_goldens.error_analysis.error_bound import error_bound
from rnn_goldens.generator.recurrences.bound import ACCUMULATION, Bounds
from rnn_goldens.generator.recurrences.chunked import chunked
from rnn_goldens.generator.recurrences.differentiation import pulled_back
from rnn_goldens.generator.recurrences.graph import NUMPY, Graph, Node
from rnn_goldens.generator.recurrences.unrolled import Unrolled, unrolled, unrolled_gradients
from rnn_goldens.generator.scenarios.recurrences import ATTENTION
from rnn_goldens.golden.arrays import Float64
from rnn_goldens.golden.recurrences import RECURRENCES

SMALL = 1e-9


def one_lane(case: RecurrenceCase) -> RecurrenceCase:
    """Return the first batch row: results of one lane at once keep the derivative simple."""
    inputs = {name: array[:1] for name, array in case.inputs.items()}
    return replace(case, inputs=inputs, states={name: array[:1] for name, array in case.states.items()})


def with_errors(graph: Graph, places: list[int], errors: Mapping[int, Float64]) -> dict[int, Float64]:
    """Return all values, computed again with an error added to some of them."""
    values: dict[int, Float64] = {}
    for place in places:
        operation = graph.operations[place]
        if operation is None:
            values[place] = graph.values[place]
            continue
        of = [values[k] for k in operation.of]
        if operation.primitive == "solved" and place in errors:  # its error is one of the right side
            of[1] = np.broadcast_to(of[1], errors[place].shape) + SMALL * errors[place]
        value = np.asarray(getattr(NUMPY, operation.primitive)(*of, *operation.detail))
        value = value.reshape(1, 1, 1, 1) if value.ndim < 4 else value
        if operation.primitive != "solved" and place in errors:
            value = value + SMALL * errors[place]
        values[place] = value
    return values


def attained(of: Unrolled, node: Node, element: tuple[int, int]) -> float:
    """Return the change of an element by errors of the worst sign, as a fraction of its bound."""
    bounds, lane = Bounds(of.graph, of.results), (0, 0)
    (bound,) = bounds.of([node])
    errors: dict[int, Float64] = {}

    def visit(place: int, g: Float64) -> None:
        if place in bounds._lost:
            errors[place] = np.sign(bounds._through_solve(place, g)[0]) * bounds._lost[place].sum(axis=0)

    seed = np.zeros((1, *node.value.shape))
    seed[0, :, :, element[0], element[1]] = 1
    places = [place for place in bounds.places if place <= node.place]
    pulled_back(of.graph, places, {node.place: seed}, visit, skip=bounds._exact, kept_axes=(-4, -3))
    moved = with_errors(of.graph, bounds.places, errors)[node.place] - node.value
    return float(moved[lane][element] / SMALL / bound.sum(axis=0)[lane][element])


@pytest.mark.parametrize("cell", RECURRENCES)
def test_errors_of_the_worst_sign_attain_the_bound_of_the_step_form(cell: str) -> None:
    of = unrolled(one_lane(recurrence_scenario(cell, heads=1).case()))
    last = of.results[-1] if cell != "causal_conv" else of.results[0]  # its last state is exact
    for node in (of.results[len(of.results) // 2], last):
        assert attained(of, node, (0, 0)) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("cell", ATTENTION)
@pytest.mark.parametrize("size", [2, 7])
def test_errors_of_the_worst_sign_attain_the_bound_of_the_chunked_form(cell: str, size: int) -> None:
    of = chunked(one_lane(recurrence_scenario(cell, heads=1).case()), size)
    assert attained(of, of.results[-1], (0, 0)) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("by_key", [False, True])
@pytest.mark.parametrize("size", [1, 3, 64])
def test_the_chunked_form_has_the_values_of_the_step_form(size: int, by_key: bool) -> None:
    options: dict[str, Any] = {"decay": "key"} if by_key else {}
    case = recurrence_scenario("gated_delta", query_heads=4, d_k=3, **options).case()
    steps, chunks = unrolled(case), chunked(case, size)
    for one, other in zip(steps.results, chunks.results, strict=True):
        np.testing.assert_allclose(other.value, one.value, rtol=1e-12, atol=1e-13)


def test_running_sums_are_accounted_for_in_log_decays_and_their_gradients() -> None:
    of = unrolled(recurrence_scenario("gated_delta").case())
    with_sums = Bounds(of.graph, of.results).of(of.results)[-1]
    of.graph.kept.clear()
    without = Bounds(of.graph, of.results).of(of.results)[-1]
    assert (with_sums[ACCUMULATION] > without[ACCUMULATION]).all()
    scenario = with_all_cotangents(recurrence_scenario("gated_linear_attention", state=False))
    case, cotangents = scenario.case(), scenario.named(scenario.shapes.cotangents)
    graphs = unrolled_gradients(case, lanes_of_cotangents(case, cotangents))
    d_g = graphs.steps[0]["g"]
    assert d_g is not None
    assert not d_g.value.any()  # the state is zero before the first step
    (bound,) = Bounds(graphs.forward.graph, graphs.results).of([d_g])
    assert (bound[ACCUMULATION] > 0).all()  # but a running sum of later gradients rounds


@pytest.mark.parametrize("cell", ATTENTION)
@pytest.mark.parametrize("size", [1, 3, 64])
def test_the_backward_pass_of_the_chunked_form_has_the_gradients_of_the_step_form(cell: str, size: int) -> None:
    scenario = with_all_cotangents(recurrence_scenario(cell, query_heads=4))
    case, cotangents = scenario.case(), scenario.named(scenario.shapes.cotangents)
    lanes = lanes_of_cotangents(case, cotangents)
    steps = unrolled_gradients(case, lanes)
    chunks = unrolled_gradients(case, lanes, lambda one: chunked(one, size))
    for one, other in zip(steps.results, chunks.results, strict=True):
        np.testing.assert_allclose(other.value, one.value, rtol=1e-11, atol=1e-12)


def column(graph: Graph, vector: Float64) -> Node:
    """Return a vector of each batch row as a column."""
    return graph.given(np.atleast_2d(vector)[:, None, :, None])


def unrolled_network(case: Case) -> tuple[Graph, list[Node]]:
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
    graph, outputs = unrolled_network(case)
    bounds = Bounds(graph, outputs).of(outputs)
    of_graph = np.stack([bound[ACCUMULATION, :, 0, :, 0] for bound in bounds], axis=1)
    of_network = error_bound(case).tolerance.accumulation["out"]  # rounded up to eight bits
    assert ((of_graph <= of_network) & (of_network <= of_graph * (1 + 2.0**-7))).all()
