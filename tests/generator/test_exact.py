import numpy as np
import pytest
from flint import fmpq

from rnn_goldens import Golden
from rnn_goldens.generator.certify import certify
from rnn_goldens.generator.exact import exact_answer, needs
from rnn_goldens.generator.scenario import Refused, Scenario
from rnn_goldens.implementations import numpy_cells
from rnn_goldens.shapes import Config, state_shape, weight_shapes

SHAPES = [
    {},
    {"bias": False},
    {"num_layers": 2, "state": True},
    {"bidirectional": True, "num_layers": 2, "state": True, "lengths": [4, 2]},
    {"unbatched": True, "bidirectional": True, "state": True},
]


def scenario(
    *, state: bool = False, lengths: list[int] | None = None, unbatched: bool = False, scale: float = 0.5, **config: int
) -> Scenario:
    numbers = np.random.default_rng(3)
    shape = Config(**{"input_size": 3, "hidden_size": 2, **config})  # type: ignore[arg-type]
    batch = () if unbatched else (2,)
    return Scenario(
        id="made/for-a-test",
        title="Made for a test",
        purpose="To be certified.",
        documented_in="tests",
        cell="rnn_relu",
        config=shape,
        weights={name: numbers.integers(-2, 3, s) * scale for name, s in weight_shapes("rnn_relu", shape).items()},
        x=numbers.integers(-3, 4, (*batch, 4, 3)),
        h0=numbers.integers(-3, 4, state_shape(shape, batch)) if state else None,
        lengths=lengths,
    )


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_networks_of_every_shape_are_certified_by_two_routes_and_the_definition_agrees(shape: dict[str, int]) -> None:
    golden = certify(scenario(**shape))  # type: ignore[arg-type]
    assert golden.out.any()
    golden.check(*numpy_cells.run(golden))


@pytest.mark.parametrize(
    ("terms", "bits"),
    [
        ([], 1),
        ([0], 1),
        ([1], 1),
        ([1, 1], 1),
        ([2, 1], 2),
        ([3, -3, 2], 3),
        ([255, 1], 8),
        ([256, 1], 9),
        ([0.5, 96], 8),
    ],
)
def test_the_bits_are_those_that_hold_every_partial_sum(terms: list[float], bits: int) -> None:
    assert needs([fmpq(*float(term).as_integer_ratio()) for term in terms]).bits == bits


def test_no_order_of_summation_rounds_in_the_bits_that_are_promised() -> None:
    numbers = np.random.default_rng(5)
    for _ in range(200):
        terms = numbers.integers(-40, 41, 6) * 0.25
        bits = needs([fmpq(*float(term).as_integer_ratio()) for term in terms]).bits
        for _ in range(10):
            for partial in np.cumsum(numbers.permutation(terms)):
                mantissa = abs(np.frexp(partial)[0]) * 2**bits
                assert mantissa == int(mantissa)


def test_an_answer_that_no_float64_holds_is_refused() -> None:
    with pytest.raises(Refused, match=r"made/for-a-test: the exact answer holds .* no float64"):
        exact_answer(scenario(scale=255 * 2.0**-10, num_layers=6))


def one_dot_product(weights: list[float], x: list[float]) -> Golden:
    inputs = np.zeros((1, 1, 3))
    inputs[0, 0] = x
    config = Config(input_size=3, hidden_size=1, bias=False)
    changes = {"weights": {"weight_ih_l0": [weights], "weight_hh_l0": [[0]]}, "config": config, "x": inputs}
    return certify(Scenario(**{**vars(scenario()), **changes}))


@pytest.mark.parametrize(
    ("weights", "x", "precisions"),
    [
        ([1, 1, 1], [255, 1, 0], {"float64", "float32", "bfloat16", "float16"}),
        ([1, 1, 1], [255, 2, 0], {"float64", "float32", "float16"}),
        ([1, 1, 1], [2.0**15, -(2.0**15), 2.0**-14], {"float64"}),
        ([2.0**14, 0, 0], [4, 0, 0], {"float64", "float32", "bfloat16"}),
        ([2.0**-14, 0, 0], [0.5, 0, 0], {"float64", "float32", "bfloat16"}),
    ],
    ids=["8 bits", "9 bits", "31 bits that cancel", "past float16's largest", "below float16's normal numbers"],
)
def test_a_golden_is_for_the_precisions_that_round_nothing_on_the_way(
    weights: list[float], x: list[float], precisions: set[str]
) -> None:
    assert set(one_dot_product(weights, x).precisions) == precisions


def test_what_no_precision_holds_is_refused() -> None:
    with pytest.raises(Refused, match="every precision would round: 59 significant bits are needed"):
        one_dot_product([2.0**14, 2.0**14, 2.0**-14], [2.0**15, -(2.0**15), 2.0**-14])


def test_a_cell_without_a_rational_answer_is_refused() -> None:
    tanh = Scenario(**{**vars(scenario()), "cell": "rnn_tanh"})
    with pytest.raises(Refused, match="rnn_tanh has no exact rational answer"):
        certify(tanh)


def test_inputs_that_some_precision_can_not_hold_are_refused() -> None:
    for value, precision in ((0.1, "float32"), (257, "bfloat16"), (2.0**17, "float16")):
        with pytest.raises(Refused, match=f"x holds .* which is no {precision} number"):
            certify(Scenario(**{**vars(scenario()), "x": np.full((2, 4, 3), value)}))


def test_routes_that_disagree_make_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from rnn_goldens.implementations import torch_layers

    right = torch_layers.run

    def off_by_one(golden: object) -> object:
        out, h_n = right(golden)  # type: ignore[arg-type]
        out[1, 2, 0] += 1
        return out, h_n

    monkeypatch.setattr(torch_layers, "run", off_by_one)
    with pytest.raises(Refused, match=r"the two routes differ in out at \(1, 2, 0\): exact .*, torch"):
        certify(scenario())
