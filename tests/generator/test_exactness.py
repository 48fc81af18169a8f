"""Networks that can be computed without rounding."""

import numpy as np
import pytest
from factories.scenarios import changed, scenario

from rnn_goldens import Golden
from rnn_goldens.generator.certify import certify
from rnn_goldens.generator.exactness import Needs, least_bit, needs_of_sum
from rnn_goldens.golden.shapes import Config
from rnn_goldens.golden.tolerance import Bound, Exact


@pytest.mark.parametrize(
    ("total", "bit", "bits"),
    [(0, 1, 1), (1, 1, 1), (2, 1, 1), (3, 1, 2), (8, 1, 3), (256, 1, 8), (257, 1, 9), (96.5, 0.5, 8)],
)
def test_the_required_bits_represent_every_partial_sum(total: float, bit: float, bits: int) -> None:
    assert needs_of_sum(total, bit).bits == bits


@pytest.mark.parametrize(
    ("values", "bit"),
    [
        ([3.0, 8.0], 1),
        ([8.0, 24.0], 8),
        ([0.5, 6.0], 0.5),
        ([-0.75], 0.25),
        ([0.0, 0.0], np.inf),
        ([2.0**-40], 2.0**-40),
    ],
)
def test_the_least_bit_is_the_largest_power_of_two_that_divides_all(values: list[float], bit: float) -> None:
    assert least_bit(np.array(values)) == bit


def test_requirements_of_two_sums_are_combined() -> None:
    assert Needs(3, 7.0, 1.0) | Needs(2, 9.0, 0.5) == Needs(3, 9.0, 0.5)


def test_no_order_of_summation_rounds_with_the_required_bits() -> None:
    numbers = np.random.default_rng(5)
    for _ in range(200):
        terms = numbers.integers(-40, 41, 6) * 0.25
        bits = needs_of_sum(float(np.abs(terms).sum()), least_bit(terms)).bits
        for _ in range(10):
            for partial in np.cumsum(numbers.permutation(terms)):
                mantissa = abs(np.frexp(partial)[0]) * 2**bits
                assert mantissa == int(mantissa)


def one_dot_product(weights: list[float], x: list[float]) -> Golden:
    inputs = np.zeros((1, 1, 3))
    inputs[0, 0] = x
    config = Config(input_size=3, hidden_size=1, bias=False)
    return certify(
        changed(scenario(), weights={"weight_ih_l0": [weights], "weight_hh_l0": [[0]]}, config=config, x=inputs)
    )


@pytest.mark.parametrize(
    ("weights", "x", "precisions"),
    [
        ([1, 1, 1], [255, 1, 0], {"float64", "float32", "bfloat16", "float16"}),
        ([1, 1, 1], [255, 2, 0], {"float64", "float32", "float16"}),
        ([2.0**14, 0, 0], [4, 0, 0], {"float64", "float32", "bfloat16"}),
        ([2.0**-14, 0, 0], [0.5, 0, 0], {"float64", "float32", "bfloat16"}),
    ],
    ids=["8 bits", "9 bits", "past float16's largest", "below float16's normal numbers"],
)
def test_a_golden_is_exact_in_the_precisions_that_do_not_round(
    weights: list[float], x: list[float], precisions: set[str]
) -> None:
    golden = one_dot_product(weights, x)
    assert isinstance(golden.tolerance, Exact)
    assert set(golden.precisions) == precisions


def test_a_network_that_float32_rounds_has_a_bound() -> None:
    assert isinstance(certify(scenario(scale=0.25)).tolerance, Exact)
    rounded = certify(scenario(scale=83 / 64, time=6, input_size=3, hidden_size=3))
    assert isinstance(rounded.tolerance, Bound)
    assert "exact" not in rounded.features
