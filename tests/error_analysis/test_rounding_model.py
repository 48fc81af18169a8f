"""Rounding losses of primitives, with numbers that are easy to follow, also under tf32 and wgsl."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from factories.perturbed_graph import OnePlace

from rnn_goldens.cells.case_graph import Recorded
from rnn_goldens.cells.graph import Graph, Node
from rnn_goldens.error_analysis.loss_policy import NETWORK, Losses, lost_in_sum
from rnn_goldens.error_analysis.profile_losses import OPERAND, TANH, is_long
from rnn_goldens.error_analysis.rounding_model import UNFLUSHED, loss
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.rounding_profile import IEEE, TF32, WGSL


def column(graph: Graph, units: list[float]) -> Node:
    return graph.given(np.array(units, dtype=float)[None, None, :, None])


def lost(primitive: str, *of: list[float], detail: tuple[Any, ...] = ()) -> Any:
    """Return the loss of each unit, in roundoffs of accumulation and of storage."""
    graph = Graph()
    return of_node(graph.compute(primitive, *(column(graph, units) for units in of), detail=detail))


def of_node(node: Node) -> list[list[float]]:
    lost_roundoffs = loss(node.graph, node.place, UNFLUSHED)
    assert lost_roundoffs is not None
    return [part[0, 0, :, 0].tolist() for part in np.broadcast_arrays(*lost_roundoffs, node.value)[:2]]


def test_products_and_totals_sum_the_absolute_values_of_their_terms() -> None:
    graph = Graph()
    matrix = graph.given(np.array([[[[5.0, 7.0], [6.0, 8.0]]]]))
    product = matrix @ column(graph, [0.5, -2.0])
    assert of_node(product) == [[2 * 16.5, 2 * 19.0], [11.5, 13.0]]  # the terms are 2.5 and 14, and 3 and 16
    assert lost("total_over", [1.0, -2.0, 4.0], detail=((-2,),)) == [[3 * 7.0], [3.0]]


def test_a_total_over_heads_may_interleave_the_terms_of_their_dot_products() -> None:
    graph = Graph()
    rows = graph.given(np.array([[[[1.0, -2.0]], [[3.0, 4.0]], [[-1.0, 1.0]]]]))  # of three heads
    total = graph.compute("total_over", rows @ column(graph, [2.0, 1.0]), detail=((-3,),))
    assert total.value.item() == 0 + 10 - 1
    assert of_node(total) == [[3 * 2 * (4.0 + 10.0 + 3.0)], [9.0]]


def test_an_outer_product_stores_two_values_and_a_product_with_a_weight_is_a_sum_of_one_term() -> None:
    graph = Graph()
    w, k, v = (graph.given(np.full((1, 1, rows, 1), 3.0)) for rows in (2, 2, 1))
    graph.weights.add(w.place)
    assert of_node(k @ v) == [[0.0, 0.0], [18.0, 18.0]]
    assert of_node(w @ v) == [[9.0, 9.0], [9.0, 9.0]]


@pytest.mark.parametrize(
    ("primitive", "of", "storage"),
    [
        ("sigmoid_slope", ([0.875], [2.0]), 0.109375 + 0.765625),  # s - s² loses more: s² is stored
        (
            "sigmoid_slope",
            ([0.25], [-1.0]),
            0.1875 + 0.1875,
        ),  # s (1 - s) loses more: 1 - s is stored, with the same relative error
        ("tanh_slope", ([0.75], [1.0]), 0.4375 + 2 * 0.4375),  # (1 - t) (1 + t) loses more: both factors are stored
        ("tanh_slope", ([0.875], [1.0]), 0.234375 + 0.765625),  # 1 - t² loses more: t² is stored
        ("difference", ([2.0], [1.0], [0.75]), 0.5 + 2.0 + 1.5),  # g a - g b loses more: both products are stored
        ("difference", ([2.0], [1.0], [-1.0]), 4.0 + 4.0),  # g (a - b) loses more: a - b is stored
        ("spread", ([4.0], [1.0, 1.0]), 2.0),  # 1/2 is exact
        ("spread", ([3.0], [1.0, 1.0, 1.0]), 2.0),  # 1/3 is rounded
    ],
)
def test_of_two_correct_formulas_the_larger_loss_counts(primitive: str, of: Any, storage: float) -> None:
    accumulated, stored = lost(primitive, *of)
    assert accumulated[0] == 0
    assert stored[0] == pytest.approx(storage, rel=1e-15)


def loss_of_sum(gs: list[list[list[float]]], vs: list[list[list[float]]] | None = None) -> Any:
    graph = Graph()
    of = [graph.given(np.array(part)[:, None, :, None]) for part in (*gs, *(vs or []))]
    node = graph.compute("summed_outer" if vs else "added_up", *of)
    lost_roundoffs = lost_in_sum(graph, node.place, NETWORK)[:2, 0, 0]
    return (lost_roundoffs if vs else lost_roundoffs[..., 0]).tolist()


def test_sums_over_time_and_batch_lose_every_partial_sum_from_either_end() -> None:
    # 1 and -2: both, and their sum -1, are stored.
    assert loss_of_sum([[[1.0], [-2.0]]]) == [[2 * 3.0], [3.0 + 1.0]]
    # 1, 2 and -4 of one sequence are stored, and so are the partial sums: 3 and -1 forward, or -2 and -1 backward.
    assert loss_of_sum([[[1.0]], [[2.0]], [[-4.0]]]) == [[3 * 7.0], [7.0 + 3.0 + 1.0]]
    assert loss_of_sum([[[1.0]], [[0.0]], [[0.0]]])[1] == [1.0]
    # 1 · 3 and 2 · 4 at two time steps of one sequence: the partial sums are 3 and 11.
    assert loss_of_sum([[[1.0]], [[2.0]]], [[[3.0]], [[4.0]]]) == [[[2 * 11.0]], [[11.0 + 11.0]]]


ROUNDOFF = PRECISIONS["float32"].roundoff

LONG = 1 + 2.0**-11
"""A number of twelve bits."""


def accumulated(
    primitive: str,
    *of: list[float],
    arithmetic: str,
    weight: list[list[float]] | None = None,
    of_computed: bool = False,
) -> Any:
    """Return the loss of accumulation of each unit."""
    graph = Graph()
    columns = [column(graph, units) for units in of]
    node = graph.given(np.array([[weight]])) @ columns[0] if weight else graph.compute(primitive, *columns)
    losses = Losses(Recorded(graph, {}, {}, lambda _, part: part), replace(NETWORK, arithmetic=arithmetic))
    varies = [of_computed and place == columns[0].place for place in range(len(graph.values))]
    found = losses.of(OnePlace(graph), node.place, [node.place], varies)
    assert found is not None
    return found[0, 0, 0, 0, :, 0].tolist()


@pytest.mark.parametrize(
    ("weight", "v", "of_computed", "rounded"),
    [
        ([[1.0, 3.0]], [1.0, 1.0], False, 0.0),  # all have at most 11 bits
        ([[LONG, 3.0]], [1.0, 1.0], False, LONG),  # one weight is rounded
        ([[1.0, 3.0]], [LONG, 1.0], False, LONG),  # one element of the vector is rounded
        ([[LONG, 3.0]], [LONG, 1.0], False, 2 * LONG**2),  # both operands of one term
        ([[1.0, 3.0]], [1.0, 1.0], True, 4.0),  # a computed vector may have any digits
        ([[1.0, -3.0]], [1.0, 1.0], True, 4.0),  # terms count by their absolute values
    ],
)
def test_a_product_loses_the_rounding_of_long_operands_under_tf32(
    weight: list[list[float]], v: list[float], of_computed: bool, rounded: float
) -> None:
    under = accumulated("matmul", v, arithmetic=TF32, weight=weight, of_computed=of_computed)
    (ieee,) = accumulated("matmul", v, arithmetic=IEEE, weight=weight)
    assert under == pytest.approx([ieee + OPERAND * rounded], rel=1e-12)


def test_operands_are_rounded_to_the_bits_of_float16() -> None:
    numbers = np.random.default_rng(1).normal(size=200)
    numbers[:50] = numbers[:50].astype(np.float16)
    np.testing.assert_array_equal(is_long(numbers), numbers != numbers.astype(np.float16))
    assert is_long(np.array([0.0, 2.0**-100, 1.0, 2047.0, 2049.0])).tolist() == [0, 0, 0, 0, 1]


@pytest.mark.parametrize(("g", "v", "rounded"), [(1.0, 3.0, 0.0), (LONG, 3.0, 3 * LONG), (LONG, LONG, 2 * LONG**2)])
def test_the_gradient_of_a_matrix_loses_the_rounding_of_its_operands(g: float, v: float, rounded: float) -> None:
    """Two steps of one sequence; a bias has no product."""
    graph = Graph()
    given = [graph.given(np.full((1, 1, 1, 1), number)) for number in (g, g, v, v)]
    matrix, bias = graph.compute("summed_outer", *given).place, graph.compute("added_up", *given[:2]).place
    under = replace(NETWORK, arithmetic=TF32)
    lost, ieee = (lost_in_sum(graph, matrix, policy)[0] for policy in (under, NETWORK))
    assert (lost - ieee).item() == pytest.approx(2 * OPERAND * rounded)
    assert (lost_in_sum(graph, bias, under) == lost_in_sum(graph, bias, NETWORK)).all()


@pytest.mark.parametrize("primitive", ["sum", "multiply", "mean", "sigmoid", "tanh", "exp"])
def test_only_products_of_matrices_change_under_tf32(primitive: str) -> None:
    of = [[LONG, 2.0]] * (2 if primitive in ("sum", "multiply") else 1)
    assert accumulated(primitive, *of, arithmetic=TF32) == accumulated(primitive, *of, arithmetic=IEEE)


@pytest.mark.parametrize("z", [-9.0, -1.0, -0.001, 0.0, 0.5, 3.0, 20.0])
def test_activations_lose_what_webgpu_allows(z: float) -> None:
    assert accumulated("tanh", [z], arithmetic=WGSL) == [TANH]
    y, relative = 1 / (1 + np.exp(-z)), 2 * (3 + 2 * abs(z))
    by_exp = relative * y * (1 - y) + 2.5 * 2 * y
    assert accumulated("sigmoid", [z], arithmetic=WGSL) == pytest.approx([max(by_exp, TANH / 2)])
    assert accumulated("exp", [z], arithmetic=WGSL) == pytest.approx([max(relative * np.exp(z), 8 * max(np.exp(z), 1))])


def test_what_webgpu_allows_is_lost() -> None:
    (lost,) = accumulated("tanh", [0.5], arithmetic=WGSL)
    assert 1e-5 < lost * ROUNDOFF < 1.02e-5
    assert accumulated("divide", [3.0], [4.0], arithmetic=WGSL) == [5 * 0.75]
    assert accumulated("sqrt", [4.0], arithmetic=WGSL) == [max(8, 2 * 2 + 5) * 2.0]


@pytest.mark.parametrize("z", [-20.0, -1.0, 0.0, 2.0, 30.0])
def test_a_softplus_is_a_logarithm_of_an_exponential(z: float) -> None:
    """Simulated: e^z with its largest error, then a logarithm that is off by 2^-21, or by 3 units in the last place."""
    e = np.exp(z)
    wrong = np.log(1 + e * (1 + 2 * (3 + 2 * abs(z)) * ROUNDOFF))
    error = abs(wrong - np.log1p(e)) + max(2.0**-21 if wrong < np.log(2) else 0.0, 6 * ROUNDOFF * wrong)
    (lost,) = accumulated("softplus", [z], arithmetic=WGSL)
    assert lost * ROUNDOFF >= error * (1 - 1e-4)


@pytest.mark.parametrize("primitive", ["log", "rsqrt"])
def test_other_functions_lose_no_more_than_in_the_rounding_model(primitive: str) -> None:
    assert accumulated(primitive, [0.75], arithmetic=WGSL) == accumulated(primitive, [0.75], arithmetic=IEEE)
