"""The bound against what it bounds: derivatives by differences, and computations that really round."""

from typing import Any

import numpy as np
import pytest
from made_scenarios import SHAPES, changed, scenario

from rnn_goldens.cells import Array, Case, Network
from rnn_goldens.generator.certify import LARGEST_CORRECT_ERROR
from rnn_goldens.generator.error_bound import LOCAL, error_bound
from rnn_goldens.generator.exact import exact_answer
from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import CELLS, state_names


def case_of(asked: Scenario) -> Case:
    inputs, h_n = asked.inputs(), exact_answer(asked).h_n
    state = tuple(inputs.get(f"{name}0", np.zeros_like(h_n)) for name in state_names(asked.cell))
    return Case(asked.cell, asked.config, asked.torch_weights(), inputs["x"], state, inputs.get("lengths"))


def differences(step: Any, point: Array, size: int) -> Array:
    """Derivatives of a step by central differences, (batch, result, point)."""
    columns = []
    for i in range(point.shape[-1]):
        up, down = point.copy(), point.copy()
        up[:, i] += 1e-6
        down[:, i] -= 1e-6
        columns.append((step(up) - step(down)) / 2e-6)
    return np.stack(columns, axis=-1).reshape(len(point), size, point.shape[-1])


@pytest.mark.parametrize("cell", CELLS)
def test_the_jacobians_are_the_derivatives_of_the_definition(cell: str) -> None:
    numbers = np.random.default_rng(7)
    config = scenario(cell).config
    weights = {
        name.removesuffix("_l0"): numbers.normal(size=w.shape) for name, w in scenario(cell).torch_weights().items()
    }
    names = state_names(cell)
    x_t, state = numbers.normal(size=(2, 3)), numbers.normal(size=(2, len(names) * config.hidden_size))

    def step(x: Array, flat: Array) -> Array:
        parts = tuple(np.split(flat, len(names), axis=-1))
        return np.concatenate(getattr(Network(), cell)(x, parts, weights), axis=-1)

    local = LOCAL[cell](x_t, tuple(np.split(state, len(names), axis=-1)), weights)
    np.testing.assert_allclose(local.by_state, differences(lambda s: step(x_t, s), state, state.shape[1]), atol=1e-8)
    np.testing.assert_allclose(local.by_input, differences(lambda x: step(x, state), x_t, state.shape[1]), atol=1e-8)


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
    case, answer = case_of(asked), exact_answer(asked)
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
    asked.torch_weights()
    early, late = error_bound(case_of(asked)).tolerance.storage["out"][0, [8, 59]]
    assert late.max() < 20 * early.max()


def test_beyond_a_sequences_end_nothing_may_be_off_but_the_smallest_number() -> None:
    asked = scenario("gru", lengths=[4, 2])
    allowed = error_bound(case_of(asked)).tolerance.allowed("out", exact_answer(asked).out, PRECISIONS["float32"])
    assert (allowed[1, 2:] == PRECISIONS["float32"].smallest).all()
    assert (allowed[1, :2] > 1e-8).all()


def test_a_relu_argument_near_zero_switches_precisions_off() -> None:
    asked = changed(
        scenario(time=1, bias=False),
        weights={"weight_ih_l0": [[1, 2.0**-8, 1], [83 / 64, 0, 0]], "weight_hh_l0": [[0, 0], [0, 0]]},
        x=[[[1, 2.0**-14, -1]], [[1, 1, 1]]],
    )
    assert error_bound(case_of(asked)).undecided == {"float32", "bfloat16", "float16"}


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
    case, want = case_of(asked), exact_answer(asked).out
    x, h, (w, u, b, c) = (
        np.float16(1.4453125),
        np.float16(0.57421875),
        (np.float16(a.item()) for a in case.weights.values()),
    )
    got = np.tanh(w * x + (b + c) + u * h)
    allowed = error_bound(case).tolerance.allowed("out", want, PRECISIONS["float16"])
    assert got.dtype == np.float16
    assert 0.3 * allowed < abs(float(got) - want) < LARGEST_CORRECT_ERROR * allowed
