"""The bound of gradients is compared with perturbed computations, and with computations that round."""

from typing import Any

import numpy as np
import pytest
from factories.cotangents import gradient_scenario
from factories.for_each import for_each
from factories.perturbed_graph import assert_attained
from factories.scenarios import changed, in_type

from rnn_goldens.cells import Array, Backward
from rnn_goldens.cells.case_graph import with_gradients
from rnn_goldens.cells.network import recorded
from rnn_goldens.error_analysis.network_bounds import ErrorBound, bounds_of
from rnn_goldens.generator.ball_evaluation import proven
from rnn_goldens.generator.confirmation import LARGEST_CORRECT_ERROR
from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenarios import NETWORKS
from rnn_goldens.generator.scenarios.random_numbers import dyadic
from rnn_goldens.golden.built_in_cells import CELLS, DIALECTS, LAYOUTS
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.rounding_profile import TF32, WGSL

SMALL: dict[str, dict[str, Any]] = {
    "three steps": {"shape": "plain", "time": 3},
    "two layers in two directions": {"shape": "both directions", "time": 2, "num_layers": 2, "hidden_size": 1},
    "ragged": {"shape": "ragged", "time": 2, "num_layers": 1, "lengths": [2, 1]},
}


@for_each([(cell, shape) for cell in CELLS for shape in SMALL], every=20)
def test_worst_case_rounding_errors_attain_the_bound(cell: str, shape: str) -> None:
    scenario = gradient_scenario(cell, **SMALL[shape])
    assert_attained(scenario.case(), scenario.stored.cotangents)


@for_each([(cell, arithmetic) for cell in CELLS for arithmetic in (TF32, WGSL)], every=8)
def test_worst_case_errors_of_an_arithmetic_attain_the_bound(cell: str, arithmetic: str) -> None:
    scenario = gradient_scenario(cell, **SMALL["ragged"])
    assert_attained(scenario.case(), scenario.stored.cotangents, arithmetic)


@pytest.mark.slow
@for_each(list(DIALECTS))
def test_worst_case_rounding_errors_attain_the_bound_of_a_dialect(cell: str) -> None:
    scenario = next(s for s in NETWORKS if s.id == f"{cell.replace('_', '-')}/plain")
    x = np.asarray(scenario.x)[:1, :2]
    shapes = scenario.shape.array_shapes(LAYOUTS[cell], x.shape).outputs
    cotangents = {f"d_{name}": dyadic(f"{cell} {name}", shape, 1) for name, shape in shapes.items()}
    short = changed(scenario, x=x, gradient_purpose="Every output.", **cotangents)
    assert_attained(short.case(), short.stored.cotangents)


def gradient_bound(scenario: Scenario) -> ErrorBound:
    return bounds_of(None, with_gradients(recorded(scenario.case()), scenario.stored.cotangents))


class Shuffled(Backward):
    """A backward pass that sums in random order and stores every partial sum of products and gradients."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.numbers = np.random.default_rng(seed)

    def product(self, v: Array, matrix: Array) -> Array:
        total = np.zeros((len(v), len(matrix)), v.dtype)
        for column in self.numbers.permutation(v.shape[1]):
            total = total + v[:, column : column + 1] * matrix[:, column]
        return total

    def transposed(self, g: Array, matrix: Array, index: int, blocks: int) -> Array:
        rows = len(matrix) // blocks
        return self.product(g, matrix[index * rows : (index + 1) * rows].T)

    def outer(self, gs: Any, vs: Any) -> Array:
        direction = self.numbers.choice([1, -1])
        total = gs[0].T @ vs[0] * 0
        for g, v in list(zip(gs, vs, strict=True))[::direction]:
            total = total + g.T @ v
        return np.asarray(total)


@pytest.mark.sampled(every=5)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", ["plain", "ragged", "both directions"])
@pytest.mark.parametrize("cell", CELLS)
def test_no_order_of_summation_comes_close_to_the_bound(cell: str, shape: str, dtype: str) -> None:
    scenario = gradient_scenario(cell, shape)
    case, cotangents = scenario.case(), scenario.stored.cotangents
    expected, _ = proven(with_gradients(recorded(case), cotangents))
    tolerance = gradient_bound(scenario).of_gradients
    low = in_type(case, dtype)
    for seed in range(5):
        found = Shuffled(seed).gradients(low, {name: array.astype(dtype) for name, array in cotangents.items()})
        for name, right in expected.items():
            allowed = tolerance.allowed(name, right, PRECISIONS[dtype])
            assert (np.abs(found[name] - right) <= LARGEST_CORRECT_ERROR * allowed).all()


class RowByRow(Backward):
    """A backward pass in float64 that stores the sums of weight gradients over sequences in bfloat16."""

    def outer(self, gs: Any, vs: Any) -> Array:
        store, total = PRECISIONS["bfloat16"].round, np.zeros((gs[0].shape[1], vs[0].shape[1]))
        for row in range(len(gs[0])):
            total = store(total + store(np.einsum("ti,tj->ij", [g[row] for g in gs], [v[row] for v in vs])))
        return total


@pytest.mark.parametrize("cell", CELLS)
def test_stored_partial_sums_over_sequences_stay_within_the_bound(cell: str) -> None:
    """The batch has 300 equal rows: a sum of ones in bfloat16 stops at 256."""
    scenario = changed(
        gradient_scenario(cell, time=1, of=("d_out",)), x=np.ones((300, 1, 3)), d_out=np.ones((300, 1, 2))
    )
    case, cotangents = scenario.case(), scenario.stored.cotangents
    expected, _ = proven(with_gradients(recorded(case), cotangents))
    tolerance, found = gradient_bound(scenario).of_gradients, RowByRow().gradients(case, cotangents)
    allowed = tolerance.allowed("weight_ih_l0", expected["weight_ih_l0"], PRECISIONS["bfloat16"])
    errors = np.abs(found["weight_ih_l0"] - expected["weight_ih_l0"])
    assert (errors <= LARGEST_CORRECT_ERROR * allowed).all()


@pytest.mark.parametrize("shape", ["plain", "two layers", "ragged"])
@pytest.mark.parametrize("cell", CELLS)
def test_the_graph_of_both_passes_has_the_bound_of_the_forward_pass(cell: str, shape: str) -> None:
    """Other values are used more than once in the graph of both passes than in that of the forward pass."""
    scenario = gradient_scenario(cell, shape, bidirectional=False)
    forward = recorded(scenario.case())
    alone = bounds_of(forward).tolerance
    together = bounds_of(forward, with_gradients(forward, scenario.stored.cotangents)).tolerance
    for one, other in ((alone.accumulation, together.accumulation), (alone.storage, together.storage)):
        assert all((one[name] == other[name]).all() for name in one)


def test_beyond_the_end_of_a_sequence_the_tolerance_is_the_smallest_number() -> None:
    scenario = gradient_scenario("gru", "ragged", lengths=[4, 2])
    tolerance = gradient_bound(scenario).of_gradients
    allowed = tolerance.allowed("x", np.zeros((2, 4, 3)), PRECISIONS["float32"])
    assert (allowed[1, 2:] == PRECISIONS["float32"].smallest).all()
    assert (allowed[1, :2] > 1e-9).all()


def test_flushing_in_float16_neither_loosens_other_precisions_nor_doubles_the_tolerance() -> None:
    """Cotangents decay: a bound that allows float16 to flush would be many times the bound without flushing."""
    decaying = gradient_scenario("rnn_tanh", time=24, of=("d_h_n",))
    bound = gradient_bound(decaying)
    assert not bound.in_float16
    assert (bound.of_gradients.storage["x"][:, 0] < 2.0**-10).all()
    assert gradient_bound(gradient_scenario("rnn_tanh", "one step")).in_float16
    little_more = gradient_bound(gradient_scenario("gru", time=8, of=("d_h_n",)))  # 2.2 times
    little_less = gradient_bound(gradient_scenario("gru", "plain", time=7))  # 1.6 times
    assert not little_more.in_float16
    assert little_less.in_float16
