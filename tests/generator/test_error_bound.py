"""The bound against what it bounds: derivatives by differences, and computations that really round."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from made_scenarios import SHAPES, changed, scenario
from nudged import assert_attained

from rnn_goldens.cells import DEFINED, Array, Case, Network
from rnn_goldens.generator.error_bound import error_bound
from rnn_goldens.generator.exact import exact_answer
from rnn_goldens.generator.margin import LARGEST_CORRECT_ERROR
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import CELLS, LAYOUTS, Config, weight_shapes

SMALL: dict[str, dict[str, Any]] = {
    "one layer": {"time": 4},
    "two layers in two directions": {"time": 2, "num_layers": 2, "bidirectional": True},
    "ragged": {"time": 3, "bidirectional": True, "lengths": [3, 1]},
}


@pytest.mark.sampled(every=4)
@pytest.mark.parametrize("shape", SMALL)
@pytest.mark.parametrize("cell", CELLS)
def test_errors_of_the_worst_sign_everywhere_attain_the_bound(cell: str, shape: str) -> None:
    assert_attained(scenario(cell, scale=0.34375, state=True, **SMALL[shape]).case())


class Shuffled(Network):
    """Sums in an order of its own, rounding every partial sum, and stores every intermediate result."""

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
    asked = scenario(cell, scale=0.34375, **SHAPES[shape])
    case, answer = asked.case(), exact_answer(asked)
    found = error_bound(case)
    low = Case(
        case.cell,
        case.config,
        {name: w.astype(dtype) for name, w in case.weights.items()},
        case.x.astype(dtype),
        tuple(s.astype(dtype) for s in case.state),
        case.lengths,
    )
    for seed in range(10):
        for (name, want), got in zip(answer.outputs.items(), Shuffled(seed).run(low), strict=True):
            allowed = found.tolerance.allowed(name, want, PRECISIONS[dtype])
            assert (np.abs(got - want) <= allowed).all()


def test_the_bound_follows_the_signed_product_of_jacobians_not_their_norms() -> None:
    asked = scenario("rnn_tanh", scale=0.5, time=60, hidden_size=4, bias=False)
    early, late = error_bound(asked.case()).tolerance.storage["out"][0, [8, 59]]
    assert late.max() < 20 * early.max()


def test_beyond_a_sequences_end_nothing_may_be_off_but_the_smallest_number() -> None:
    asked = scenario("gru", lengths=[4, 2])
    allowed = error_bound(asked.case()).tolerance.allowed("out", exact_answer(asked).out, PRECISIONS["float32"])
    assert (allowed[1, 2:] == PRECISIONS["float32"].smallest).all()
    assert (allowed[1, :2] > 1e-8).all()


def test_a_relu_argument_near_zero_switches_precisions_off() -> None:
    asked = changed(
        scenario(time=1, bias=False),
        weights={"weight_ih_l0": [[1, 2.0**-8, 1], [83 / 64, 0, 0]], "weight_hh_l0": [[0, 0], [0, 0]]},
        x=[[[1, 2.0**-14, -1]], [[1, 1, 1]]],
    )
    assert error_bound(asked.case()).undecided == {"float32", "bfloat16", "float16"}


def test_the_bound_admits_both_biases_added_to_what_comes_of_x_alone() -> None:
    """Keras and Flax store W x + b, then add W h: here that is where all is lost."""
    asked = changed(
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
    case, want = asked.case(), exact_answer(asked).out
    x, h, (w, u, b, c) = (
        np.float16(1.4453125),
        np.float16(0.57421875),
        (np.float16(a.item()) for a in case.weights.values()),
    )
    got = np.tanh(w * x + (b + c) + u * h)
    allowed = error_bound(case).tolerance.allowed("out", want, PRECISIONS["float16"])
    assert got.dtype == np.float16
    assert 0.2 * allowed < abs(float(got) - want) < LARGEST_CORRECT_ERROR * allowed


def test_a_large_batch_takes_little_memory() -> None:
    """Were the derivatives written out as a matrix for each step and sequence, it would be more than 100 MB."""
    numbers = np.random.default_rng(1)
    shapes = weight_shapes(LAYOUTS["lstm"], Config(8, 64))
    case = Case(
        DEFINED["lstm"],
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
