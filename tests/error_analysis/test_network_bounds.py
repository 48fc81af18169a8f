"""The error bound is compared with perturbed computations, and with computations that round."""

import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from factories.perturbed_graph import assert_attained, error_bound
from factories.scenarios import SHAPES, changed, in_type, scenario

from rnn_goldens.cells import BUILT_IN_CELLS, Array, Case, Network
from rnn_goldens.cells.network import recorded
from rnn_goldens.generator.ball_evaluation import proven
from rnn_goldens.generator.confirmation import LARGEST_CORRECT_ERROR
from rnn_goldens.golden.built_in_cells import CELLS, LAYOUTS
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.rounding_profile import TF32, WGSL
from rnn_goldens.golden.shapes import Config, weight_shapes

SMALL: dict[str, dict[str, Any]] = {
    "one layer": {"time": 4},
    "two layers in two directions": {"time": 2, "num_layers": 2, "bidirectional": True},
    "ragged": {"time": 3, "bidirectional": True, "lengths": [3, 1]},
}


@pytest.mark.sampled(every=12)
@pytest.mark.parametrize("shape", SMALL)
@pytest.mark.parametrize("cell", CELLS)
def test_worst_case_rounding_errors_attain_the_bound(cell: str, shape: str) -> None:
    assert_attained(scenario(cell, scale=0.34375, state=True, **SMALL[shape]).case())


@pytest.mark.parametrize("arithmetic", [TF32, WGSL])
@pytest.mark.parametrize("cell", CELLS)
def test_worst_case_errors_of_an_arithmetic_attain_the_bound(cell: str, arithmetic: str) -> None:
    assert_attained(scenario(cell, scale=0.34375, state=True, time=4).case(), arithmetic=arithmetic)


class Shuffled(Network):
    """A network that sums in random order, rounds every partial sum, and stores every intermediate result."""

    def __init__(self, seed: int) -> None:
        self.numbers = np.random.default_rng(seed)

    def product(self, v: Array, matrix: Array) -> Array:
        total = np.zeros((len(v), len(matrix)), v.dtype)
        for column in self.numbers.permutation(v.shape[1]):
            total = total + v[:, column : column + 1] * matrix[:, column]
        return total


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_order_of_summation_exceeds_the_bound(cell: str, shape: str, dtype: str) -> None:
    example = scenario(cell, scale=0.34375, **SHAPES[shape])
    case = example.case()
    certified, _ = proven(recorded(case))
    found = error_bound(case)
    low = in_type(case, dtype)
    for seed in range(10):
        for (name, want), got in zip(certified.items(), Shuffled(seed).run(low), strict=True):
            allowed = found.tolerance.allowed(name, want, PRECISIONS[dtype])
            assert (np.abs(got - want) <= allowed).all()


def test_the_bound_follows_the_signed_product_of_jacobians_not_their_norms() -> None:
    example = scenario("rnn_tanh", scale=0.5, time=60, hidden_size=4, bias=False)
    early, late = error_bound(example.case()).tolerance.storage["out"][0, [8, 59]]
    assert late.max() < 20 * early.max()


def test_beyond_the_end_of_a_sequence_the_tolerance_is_the_smallest_number() -> None:
    example = scenario("gru", lengths=[4, 2])
    allowed = error_bound(example.case()).tolerance.allowed(
        "out", proven(recorded(example.case()))[0]["out"], PRECISIONS["float32"]
    )
    assert (allowed[1, 2:] == PRECISIONS["float32"].smallest).all()
    assert (allowed[1, :2] > 1e-8).all()


def test_an_overflow_leaves_the_bounds_of_other_sequences_as_they_are() -> None:
    alone = scenario("lstm", state=True, scale=0.34375).case()
    beside = replace(alone, x=np.where(np.arange(2)[:, None, None] == 1, np.inf, alone.x))
    with np.errstate(all="ignore"):
        bounds = [error_bound(case).tolerance for case in (alone, beside)]
    for right, found in zip(*((of.accumulation, of.storage) for of in bounds), strict=True):
        assert np.isnan(found["out"][1]).any()
        np.testing.assert_array_equal(found["out"][0], right["out"][0])


def test_a_relu_argument_near_zero_leaves_precisions_undecided() -> None:
    example = changed(
        scenario(time=1, bias=False),
        weights={"weight_ih_l0": [[1, 2.0**-8, 1], [83 / 64, 0, 0]], "weight_hh_l0": [[0, 0], [0, 0]]},
        x=[[[1, 2.0**-14, -1]], [[1, 1, 1]]],
    )
    assert error_bound(example.case()).undecided == {"float32", "bfloat16", "float16"}


def test_the_bound_allows_both_biases_to_be_added_to_the_product_with_x() -> None:
    """Keras and Flax store W x + b and then add W h; here this order has the largest rounding error."""
    example = changed(
        scenario("rnn_tanh", time=1, input_size=1, hidden_size=1, state=True),
        weights={
            "weight_ih_l0": [[1.3828125]],
            "weight_hh_l0": [[-3.484375]],
            "bias_ih_l0": [-1.984375],
            "bias_hh_l0": [1.9921875],
        },
        x=[[[1.4453125]]],
        h0=[[[0.57421875]]],
    )
    case = example.case()
    want = proven(recorded(case))[0]["out"]
    x, h, (w, u, b, c) = (
        np.float16(1.4453125),
        np.float16(0.57421875),
        (np.float16(a.item()) for a in case.weights.values()),
    )
    got = np.tanh(w * x + (b + c) + u * h)
    allowed = error_bound(case).tolerance.allowed("out", want, PRECISIONS["float16"])
    assert got.dtype == np.float16
    assert 0.2 * allowed < abs(float(got) - want) < LARGEST_CORRECT_ERROR * allowed


@pytest.mark.slow
def test_a_large_batch_takes_little_memory() -> None:
    """Derivatives as one matrix per step and sequence would take more than 100 MB."""
    numbers = np.random.default_rng(1)
    shapes = weight_shapes(LAYOUTS["lstm"], Config(8, 64))
    case = Case(
        BUILT_IN_CELLS["lstm"],
        Config(8, 64),
        {name: numbers.uniform(-1, 1, shape) / 8 for name, shape in shapes.items()},
        numbers.uniform(-1, 1, (32, 20, 8)),
        (np.zeros((1, 32, 64)),) * 2,
    )
    tracemalloc.start()
    try:
        error_bound(case)
        assert tracemalloc.get_traced_memory()[1] < 80 * 2**20
    finally:
        tracemalloc.stop()
