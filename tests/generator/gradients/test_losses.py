"""What the primitives of the way back may lose, in numbers that are easy to follow."""

from typing import Any

import numpy as np
import pytest

from rnn_goldens.cells.program import Operation
from rnn_goldens.generator.error_analysis.graph import Graph
from rnn_goldens.generator.error_analysis.losses import UNFLUSHED, loss
from rnn_goldens.generator.gradients.bound import lost_in_sum
from rnn_goldens.generator.gradients.traced import WeightGradient

MATRIX = np.array([[1.0, 2.0], [3.0, -4.0], [5.0, 6.0], [7.0, 8.0]])


def lost(primitive: str, *of: list[float], detail: tuple[Any, ...] = (), weights: tuple[str, ...] = ()) -> Any:
    """In roundoffs of accumulation, and of storage, unit by unit."""
    graph = Graph({"weight": MATRIX})
    places = tuple(graph.given(np.array([units], dtype=float)) for units in of)
    found = loss(graph, graph.compute(Operation(primitive, places, weights, detail)), UNFLUSHED)
    assert found is not None
    return [part[0].tolist() for part in np.broadcast_arrays(*found, graph.values[-1])[:2]]


def test_a_transposed_product_adds_up_a_gates_units() -> None:
    """0.5 and 2 times the rows 5 6 and 7 8: sums of two numbers, 2.5 + 14 and 3 + 16."""
    given, rows = [0.5, 2.0], (1, 2)
    assert lost("transposed", given, detail=rows, weights=("weight",)) == [[2 * 16.5, 2 * 19.0], [16.5, 19.0]]


def test_what_is_added_up_counts_by_its_absolute_value() -> None:
    """1 and 1 times the rows 1 2 and 3 -4."""
    given, rows = [1.0, 1.0], (0, 2)
    assert lost("transposed", given, detail=rows, weights=("weight",)) == [[2 * 4.0, 2 * 6.0], [4.0, 2.0]]


@pytest.mark.parametrize(
    ("primitive", "of", "storage"),
    [
        ("sigmoid_slope", ([0.875], [2.0]), 0.109375 + 0.765625),  # s (1 - s), and s² that is stored on the way
        ("sigmoid_slope", ([0.25], [-1.0]), 0.1875 + 0.1875),  # or 1 - s, which is as far off
        ("tanh_slope", ([0.75], [1.0]), 0.4375 + 2 * 0.4375),  # 1 - t, 1 + t, and their product
        ("tanh_slope", ([0.875], [1.0]), 0.234375 + 0.765625),  # or t²
        ("difference", ([2.0], [1.0], [0.75]), 0.5 + 2.0 + 1.5),  # g a and g b
        ("difference", ([2.0], [1.0], [-1.0]), 4.0 + 4.0),  # or a - b
        ("spread", ([4.0], [1.0, 1.0]), 2.0),  # a half is no number to round
        ("spread", ([3.0], [1.0, 1.0, 1.0]), 2.0),  # a third is
    ],
)
def test_of_two_ways_that_are_right_the_one_that_loses_more_counts(primitive: str, of: Any, storage: float) -> None:
    accumulated, stored = lost(primitive, *of)
    assert accumulated[0] == 0
    assert stored[0] == pytest.approx(storage, rel=1e-15)


def test_a_total_adds_up_all_units() -> None:
    assert lost("total", [1.0, -2.0, 4.0]) == [[3 * 7.0], [3.0]]


def sum_of(gs: list[list[list[float]]], vs: list[list[list[float]]] | None = None) -> Any:
    graph = Graph({})
    places = tuple(graph.given(np.array(g)) for g in gs)
    found = lost_in_sum(graph, WeightGradient(places, tuple(graph.given(np.array(v)) for v in vs or [])))
    return found[:2].tolist()


def test_a_bias_of_one_step_is_added_up_over_the_batch() -> None:
    """1 and -2: by sequences each is stored, and their sum."""
    assert sum_of([[[1.0], [-2.0]]]) == [[2 * 3.0], [3.0 + 1.0]]


def test_over_the_time_it_is_added_up_from_either_end() -> None:
    """1, 2 and -4 of one sequence: each is stored, and the sums on the way: 3 and 1 from the one end, 2 and 1 from the
    other.
    """
    assert sum_of([[[1.0]], [[2.0]], [[-4.0]]]) == [[3 * 7.0], [7.0 + 3.0 + 1.0]]


def test_what_adds_zero_is_stored_already() -> None:
    assert sum_of([[[1.0]], [[0.0]], [[0.0]]])[1] == [1.0]


def test_of_a_matrix_each_product_of_two_is_a_term() -> None:
    """1 · 3 and 2 · 4 at two steps of one sequence, 3 and 11 the sums on the way."""
    assert sum_of([[[1.0]], [[2.0]]], [[[3.0]], [[4.0]]]) == [[[2 * 11.0]], [[11.0 + 11.0]]]
