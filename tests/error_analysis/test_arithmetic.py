"""Losses under tf32 and wgsl, with numbers that are easy to follow, and simulated in float32."""

from typing import Any

import numpy as np
import pytest

from rnn_goldens.cells.program import Operation
from rnn_goldens.error_analysis.arithmetic import OPERAND, TANH, is_long
from rnn_goldens.error_analysis.gradient_bound import lost_in_sum
from rnn_goldens.error_analysis.gradient_graph import WeightGradient
from rnn_goldens.error_analysis.graph import Graph
from rnn_goldens.error_analysis.rounding_model import UNFLUSHED, loss
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.profile import IEEE, TF32, WGSL

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
    graph = Graph({"weight": np.array(weight)} if weight else {})
    nodes = tuple(graph.given(np.array([units], dtype=float)) for units in of)
    operation = Operation(primitive, nodes, ("weight",) if weight else (), (0, 1) if weight else ())
    lost = loss(graph, graph.compute(operation), UNFLUSHED, arithmetic, of_computed=of_computed)
    assert lost is not None
    return np.broadcast_to(lost[0], graph.values[-1].shape)[0].tolist()


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
    under = accumulated("product", v, arithmetic=TF32, weight=weight, of_computed=of_computed)
    (ieee,) = accumulated("product", v, arithmetic=IEEE, weight=weight)
    assert under == pytest.approx([ieee + OPERAND * rounded], rel=1e-12)


def test_operands_are_rounded_to_the_bits_of_float16() -> None:
    numbers = np.random.default_rng(1).normal(size=200)
    numbers[:50] = numbers[:50].astype(np.float16)
    np.testing.assert_array_equal(is_long(numbers), numbers != numbers.astype(np.float16))
    assert is_long(np.array([0.0, 2.0**-100, 1.0, 2047.0, 2049.0])).tolist() == [0, 0, 0, 0, 1]


@pytest.mark.parametrize(("g", "v", "rounded"), [(1.0, 3.0, 0.0), (LONG, 3.0, 3 * LONG), (LONG, LONG, 2 * LONG**2)])
def test_the_gradient_of_a_matrix_loses_the_rounding_of_its_operands(g: float, v: float, rounded: float) -> None:
    """Two steps of one sequence; a bias has no product."""
    graph = Graph({})
    gs, vs = (tuple(graph.given(np.array([[number]])) for _ in range(2)) for number in (g, v))
    (lost, *_), (ieee, *_) = (lost_in_sum(graph, WeightGradient(gs, vs), name) for name in (TF32, IEEE))
    assert (lost - ieee).item() == pytest.approx(2 * OPERAND * rounded)
    assert (lost_in_sum(graph, WeightGradient(gs, ()), TF32) == lost_in_sum(graph, WeightGradient(gs, ()))).all()


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


def test_a_tanh_may_be_off_by_little_more_than_webgpu_allows() -> None:
    (lost,) = accumulated("tanh", [0.5], arithmetic=WGSL)
    assert 1e-5 < lost * ROUNDOFF < 1.02e-5


def test_a_quotient_loses_two_and_a_half_units_in_the_last_place() -> None:
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
