"""Certified outputs: exact results, correctly rounded, and networks that can be computed without rounding."""

from decimal import Decimal, getcontext
from fractions import Fraction
from math import nextafter, tanh
from typing import Any

import numpy as np
import pytest
from factories.scenarios import changed, chaotic, scenario
from flint import arb, ctx

from rnn_goldens import Golden
from rnn_goldens.cells import Array
from rnn_goldens.cells.matrix_primitives import NUMPY
from rnn_goldens.cells.network import recorded
from rnn_goldens.generator import ball_evaluation
from rnn_goldens.generator.ball_evaluation import BITS_OF_A_SIGN, Balls, Undecided, balls, proven, rounded
from rnn_goldens.generator.certification import certify
from rnn_goldens.generator.exact_sums import Needs, least_bit, needs_of_sum
from rnn_goldens.generator.scenario import Refused, Scenario
from rnn_goldens.golden.shapes import Config
from rnn_goldens.golden.stored_arrays import Float64
from rnn_goldens.golden.tolerance import Bound, Exact


def ball(value: arb) -> Array:
    return np.array([[[[value]]]], dtype=object)


def out_of(scenario: Scenario) -> Float64:
    return proven(recorded(scenario.case()))[0]["out"]


def test_one_step_of_an_activation_is_correctly_rounded() -> None:
    arguments = np.array([0.0078125, 0.75, 1.5, -2.25, 3.0])
    config = Config(input_size=1, hidden_size=1, bias=False)
    example = changed(
        scenario("rnn_tanh"),
        config=config,
        weights={"weight_ih_l0": [[1]], "weight_hh_l0": [[0]]},
        x=arguments.reshape(5, 1, 1),
    )
    getcontext().prec = 60
    powers = [(2 * Decimal(float(z))).exp() for z in arguments]
    expected = [float((power - 1) / (power + 1)) for power in powers]
    assert out_of(example).ravel().tolist() == expected
    assert expected != [tanh(nextafter(float(z), 9)) for z in arguments]


def test_a_ball_is_rounded_only_if_both_ends_round_equally() -> None:
    with ctx.workprec(192):
        assert rounded(ball(arb(1) / 3)) == 1 / 3
        assert rounded(ball(arb(-0.75))) == -0.75
        with pytest.raises(Undecided, match="may round to"):
            rounded(ball(arb(1, 1e-10)))


PRIMITIVES: dict[str, tuple[Any, ...]] = {
    "sigmoid": (0.5,),
    "tanh": (-0.75,),
    "exp": (1.5,),
    "sqrt": (2.0,),
    "rsqrt": (2.0,),
    "log": (2.5,),
    "softplus": (-0.75,),
    "relu": (0.25,),
    "negative": (0.25,),
    "scaled": (0.75, Fraction(1, 5)),
    "clip": (0.75, Fraction(-1, 2), Fraction(1, 2)),
    "maximum": (0.5, 0.75),
    "multiply": (0.3, 0.7),
    "divide": (0.3, 0.7),
    "mix": (0.25, 0.3, -0.7),
    "sum": (0.1, 0.2, 0.3),
    "mean": (0.1,),
}


@pytest.mark.parametrize("primitive", PRIMITIVES)
def test_primitives_of_balls_agree_with_numpy(primitive: str) -> None:
    arrays = [np.array([[[[a], [a / 2]]]]) if isinstance(a, float) else a for a in PRIMITIVES[primitive]]
    of_balls = [balls(a) if isinstance(a, np.ndarray) else a for a in arrays]
    with ctx.workprec(192):
        exact_value = rounded(getattr(Balls(), primitive)(*of_balls))
    np.testing.assert_allclose(getattr(NUMPY, primitive)(*arrays), exact_value, rtol=1e-15)


@pytest.mark.parametrize("z", [-800.0, -40.0, 0.0, 40.0, 800.0])
def test_a_softplus_is_accurate_for_large_arguments_of_both_signs(z: float) -> None:
    with ctx.workprec(192):
        exact_value = rounded(Balls().softplus(balls(np.array([[z]]))))
    np.testing.assert_allclose(NUMPY.softplus(np.array([[z]])), exact_value, rtol=1e-15)
    half = NUMPY.softplus(np.array([[z]], np.float16))
    assert half.dtype == np.float16
    assert half == np.float16(exact_value)


@pytest.mark.parametrize("kinked", [("relu",), ("clip", Fraction(0), Fraction(1)), ("maximum", 0.0)])
def test_an_undecided_side_of_a_kink_raises(kinked: tuple[Any, ...]) -> None:
    primitive, *detail = kinked

    def result(z: arb) -> Any:
        others = [ball(arb(part)) if isinstance(part, float) else part for part in detail]
        return rounded(getattr(Balls(), primitive)(ball(z), *others))

    assert result(arb(0.5)) == 0.5
    assert result(arb(-2)) == 0
    assert result(arb(0)) == 0
    with pytest.raises(Undecided, match="either side of the kink"):
        result(arb(0, 1e-30))


def test_terms_that_cancel_are_positive_zero() -> None:
    around_zero = ball(arb("0 +/- 1e-400"))
    with ctx.workprec(BITS_OF_A_SIGN):
        assert np.signbit(rounded(around_zero)).tolist() == [[[[False]]]]
    with ctx.workprec(192), pytest.raises(Undecided, match="either zero"):
        rounded(around_zero)
    assert np.signbit(rounded(ball(-(arb(2) ** -2000)))).tolist() == [[[[True]]]]


def test_a_relu_network_equals_the_rational_result() -> None:
    example = scenario(scale=0.5, bias=False, time=2)
    weights, x = example.stored.weights, example.stored.x
    h = [Fraction(0)] * 2
    for x_t in x[0]:
        rows = [
            sum((Fraction(float(a)) * Fraction(float(b)) for a, b in zip(w, x_t, strict=True)), Fraction(0))
            + sum((Fraction(float(a)) * b for a, b in zip(u, h, strict=True)), Fraction(0))
            for w, u in zip(weights["weight_ih_l0"], weights["weight_hh_l0"], strict=True)
        ]
        h = [max(row, Fraction(0)) for row in rows]
    assert [Fraction(float(value)) for value in out_of(example)[0, -1]] == h


def test_an_undecided_result_is_refused_and_a_chaotic_network_needs_more_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proven(recorded(chaotic().case()))[1] > ball_evaluation.FIRST_BITS
    monkeypatch.setattr(ball_evaluation, "LAST_BITS", ball_evaluation.FIRST_BITS)
    with pytest.raises(Refused, match=r"made/for-a-test: undecided with 192 bits: .* may round to"):
        certify(chaotic())


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


def test_an_exact_network_has_a_bound_in_a_precision_that_rounds_it() -> None:
    weights, x = np.array([[1.0, 1, 1]]), np.array([[[255.0, 2, 0]]]) / 1024
    rounded = changed(
        scenario(),
        weights={"weight_ih_l0": weights, "weight_hh_l0": [[0]]},
        config=Config(input_size=3, hidden_size=1, bias=False),
        x=x,
        d_out=[[[1]]],
        gradient_purpose="Its gradients are exact.",
        precisions=["bfloat16"],
    )
    golden = certify(rounded)
    assert isinstance(golden.tolerance, Bound)
    assert golden.gradients is not None
    assert isinstance(golden.gradients.tolerance, Bound)


def test_a_network_that_float32_rounds_has_a_bound() -> None:
    assert isinstance(certify(scenario(scale=0.25)).tolerance, Exact)
    rounded = certify(scenario(scale=83 / 64, time=6, input_size=3, hidden_size=3))
    assert isinstance(rounded.tolerance, Bound)
    assert "exact" not in rounded.features
