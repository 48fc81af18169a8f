from decimal import Decimal, getcontext
from fractions import Fraction
from math import exp, nextafter, tanh

import numpy as np
import pytest
from flint import arb, ctx
from made_scenarios import SHAPES, changed, chaotic, scenario

from rnn_goldens.cells import Array, Case, Network
from rnn_goldens.generator import exact
from rnn_goldens.generator.exact import Undecided, exact_answer
from rnn_goldens.generator.scenario import Refused, Scenario
from rnn_goldens.golden.shapes import CELLS, Config, state_names


def definition(asked: Scenario) -> tuple[Array, ...]:
    inputs, answer = asked.inputs(), exact_answer(asked)
    state = tuple(inputs.get(f"{name}0", np.zeros_like(answer.h_n)) for name in state_names(asked.cell))
    return Network().run(
        Case(asked.cell, asked.config, asked.torch_weights(), inputs["x"], state, inputs.get("lengths"))
    )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
def test_networks_of_every_shape_are_those_of_the_definition(cell: str, shape: str) -> None:
    asked = scenario(cell, scale=0.25, **SHAPES[shape])
    outputs = exact_answer(asked).outputs
    assert list(outputs) == (["out", "h_n", "c_n"] if cell == "lstm" else ["out", "h_n"])
    for certified, computed in zip(outputs.values(), definition(asked), strict=True):
        np.testing.assert_allclose(certified, computed, rtol=0 if cell == "rnn_relu" else 1e-13, atol=1e-14)


def test_one_step_of_each_activation_is_the_correctly_rounded_one() -> None:
    arguments = np.array([0.0078125, 0.75, 1.5, -2.25, 3.0])
    config = Config(input_size=1, hidden_size=1, bias=False)
    asked = changed(
        scenario("rnn_tanh"),
        config=config,
        weights={"weight_ih_l0": [[1]], "weight_hh_l0": [[0]]},
        x=arguments.reshape(5, 1, 1),
    )
    getcontext().prec = 60
    powers = [(2 * Decimal(float(z))).exp() for z in arguments]
    expected = [float((power - 1) / (power + 1)) for power in powers]
    assert exact_answer(asked).out.ravel().tolist() == expected
    assert expected != [tanh(nextafter(float(z), 9)) for z in arguments]


def test_a_ball_is_rounded_only_if_both_ends_round_to_the_same() -> None:
    with ctx.workprec(192):
        assert exact._round(arb(1) / 3) == 1 / 3
        assert exact._round(arb(-0.75)) == -0.75
        with pytest.raises(Undecided, match="may round to"):
            exact._round(arb(1, 1e-10))
        assert exact._sigmoid(arb(1)).overlaps(arb(1) / (1 + arb(-1).exp()))
        assert abs(float(exact._sigmoid(arb(-3))) - 1 / (1 + exp(3))) < 1e-16


def test_a_relu_takes_no_side_it_is_not_sure_of() -> None:
    assert exact._relu(arb(2)) == 2
    assert exact._relu(arb(-2)) == 0
    assert exact._relu(arb(0)) == 0
    with pytest.raises(Undecided, match="either side of zero"):
        exact._relu(arb(0, 1e-30))


def test_a_relu_network_is_the_rational_answer() -> None:
    asked = scenario(scale=0.5, bias=False, time=2)
    weights, x = asked.torch_weights(), asked.inputs()["x"]
    h = [Fraction(0)] * 2
    for x_t in x[0]:
        rows = [
            sum((Fraction(float(a)) * Fraction(float(b)) for a, b in zip(w, x_t, strict=True)), Fraction(0))
            + sum((Fraction(float(a)) * b for a, b in zip(u, h, strict=True)), Fraction(0))
            for w, u in zip(weights["weight_ih_l0"], weights["weight_hh_l0"], strict=True)
        ]
        h = [max(row, Fraction(0)) for row in rows]
    assert [Fraction(float(value)) for value in exact_answer(asked).out[0, -1]] == h


def test_chaos_costs_precision_not_certainty() -> None:
    assert exact_answer(chaotic()).bits > exact.FIRST_BITS


def test_what_no_precision_decides_is_refused_not_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "LAST_BITS", exact.FIRST_BITS)
    with pytest.raises(Refused, match=r"made/for-a-test: not decided with 192 bits: .* may round to"):
        exact_answer(chaotic())
