"""Rounding losses of the primitives of the backward pass, with numbers that are easy to follow."""

from typing import Any

import numpy as np
import pytest

from rnn_goldens.cells.program import Operation
from rnn_goldens.error_analysis.gradient_bound import lost_in_sum
from rnn_goldens.error_analysis.gradient_graph import WeightGradient
from rnn_goldens.error_analysis.graph import Graph
from rnn_goldens.error_analysis.rounding_model import UNFLUSHED, loss

MATRIX = np.array([[1.0, 2.0], [3.0, -4.0], [5.0, 6.0], [7.0, 8.0]])


def lost(primitive: str, *of: list[float], detail: tuple[Any, ...] = (), weights: tuple[str, ...] = ()) -> Any:
    """Return the loss of each unit, in roundoffs of accumulation and of storage."""
    graph = Graph({"weight": MATRIX})
    nodes = tuple(graph.given(np.array([units], dtype=float)) for units in of)
    lost_roundoffs = loss(graph, graph.compute(Operation(primitive, nodes, weights, detail)), UNFLUSHED)
    assert lost_roundoffs is not None
    return [part[0].tolist() for part in np.broadcast_arrays(*lost_roundoffs, graph.values[-1])[:2]]


def test_a_transposed_product_sums_over_the_units_of_a_gate() -> None:
    """0.5 times the row (5, 6) plus 2 times the row (7, 8) of the second block: 2.5 + 14 and 3 + 16."""
    units, second_of_two = [0.5, 2.0], (1, 2)
    assert lost("transposed", units, detail=second_of_two, weights=("weight",)) == [[2 * 16.5, 2 * 19.0], [16.5, 19.0]]


def test_terms_of_a_sum_count_by_their_absolute_value() -> None:
    """The row (1, 2) plus the row (3, -4) of the first block: the absolute values of the terms add up to 4 and 6."""
    units, first_of_two = [1.0, 1.0], (0, 2)
    assert lost("transposed", units, detail=first_of_two, weights=("weight",)) == [[2 * 4.0, 2 * 6.0], [4.0, 2.0]]


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


def test_a_total_sums_over_all_units() -> None:
    assert lost("total", [1.0, -2.0, 4.0]) == [[3 * 7.0], [3.0]]


def loss_of_sum(gs: list[list[list[float]]], vs: list[list[list[float]]] | None = None) -> Any:
    graph = Graph({})
    nodes = tuple(graph.given(np.array(g)) for g in gs)
    lost_roundoffs = lost_in_sum(graph, WeightGradient(nodes, tuple(graph.given(np.array(v)) for v in vs or [])))
    return lost_roundoffs[:2].tolist()


def test_a_bias_of_one_step_is_summed_over_the_batch() -> None:
    """1 and -2: both, and their sum -1, are stored."""
    assert loss_of_sum([[[1.0], [-2.0]]]) == [[2 * 3.0], [3.0 + 1.0]]


def test_sums_over_time_may_start_from_either_end() -> None:
    """1, 2 and -4 of one sequence are stored, and so are the partial sums: 3 and -1 forward, or -2 and -1 backward."""
    assert loss_of_sum([[[1.0]], [[2.0]], [[-4.0]]]) == [[3 * 7.0], [7.0 + 3.0 + 1.0]]


def test_adding_zero_loses_nothing() -> None:
    assert loss_of_sum([[[1.0]], [[0.0]], [[0.0]]])[1] == [1.0]


def test_each_product_is_a_term_of_the_gradient_of_a_matrix() -> None:
    """1 · 3 and 2 · 4 at two time steps of one sequence: the partial sums are 3 and 11."""
    assert loss_of_sum([[[1.0]], [[2.0]]], [[[3.0]], [[4.0]]]) == [[[2 * 11.0]], [[11.0 + 11.0]]]
