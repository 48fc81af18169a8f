"""Gradients are certified for the cotangents of a scenario, or refused; autograd stays within their tolerance."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from factories.cotangents import SHAPES, gradient_scenario
from factories.for_each import for_each
from factories.scenarios import changed, scenario

from rnn_goldens import Golden
from rnn_goldens.comparison.actual import actual_gradients
from rnn_goldens.comparison.verdict import verdict_on
from rnn_goldens.corpus import open_corpus
from rnn_goldens.encoding.tree import content_hash
from rnn_goldens.errors import WrongUse
from rnn_goldens.generator.certification import certify
from rnn_goldens.generator.confirmation import LARGEST_CORRECT_ERROR
from rnn_goldens.generator.scenario import Refused, Scenario
from rnn_goldens.generator.tolerance_choice import hides_half
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.expected import Gradients
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import Config
from rnn_goldens.golden.tolerance import Bound, Exact
from rnn_goldens.implementations import numpy_cells
from rnn_goldens.implementations.torch import gradients_of_layers


def certified(with_cotangents: Scenario) -> Gradients:
    found = certify(with_cotangents).gradients
    assert found is not None
    return found


@pytest.mark.parametrize("shape", ["one step", "ragged", "unbatched"])
@pytest.mark.parametrize("cell", CELLS)
def test_a_golden_has_gradients_for_all_inputs_and_weights(cell: str, shape: str) -> None:
    with_cotangents = gradient_scenario(cell, shape)
    golden = certify(changed(with_cotangents, precisions=["float64"]))
    found = golden.gradients
    assert found is not None
    states = ["h0", "c0"][: len(golden.layout.states)]
    assert list(found.expected) == ["x", *states, *golden.weights]
    assert list(found.cotangents) == list(with_cotangents.given.cotangents)
    assert found.purpose == with_cotangents.gradient_purpose
    for name, array in found.expected.items():
        shape_of = getattr(golden, name).shape if name in ("x", "h0", "c0") else golden.weights[name].shape
        assert array.shape == shape_of
        if isinstance(found.tolerance, Bound):
            assert found.tolerance.storage[name].shape == found.tolerance.accumulation[name].shape == shape_of


def test_outputs_do_not_depend_on_cotangents() -> None:
    assert certify(scenario()).gradients is None
    with_cotangents = gradient_scenario("lstm")
    without = replace(with_cotangents, d_out=None, d_h_n=None, d_c_n=None, gradient_purpose="")
    golden, alone = certify(with_cotangents), certify(without)
    assert content_hash(golden) == content_hash(alone)
    assert golden.precisions == alone.precisions


def test_a_precision_in_which_the_tolerance_is_too_loose_is_left_out() -> None:
    with_cotangents = gradient_scenario("lstm", "plain", time=12)
    golden = certify(with_cotangents)
    assert golden.gradients is not None
    assert "bfloat16" in golden.precisions
    assert set(golden.gradients.precisions) < set(golden.precisions)


def test_a_precision_whose_tolerance_exceeds_a_quarter_of_the_largest_gradient_is_left_out() -> None:
    found = {steps: loosest_in_bfloat16(gradient_scenario("lstm", "plain", time=steps)) for steps in range(4, 7)}
    assert any(0.15 < loose <= 0.25 for loose, _ in found.values())
    assert any(0.25 < loose < 0.45 for loose, _ in found.values())
    assert [supported for _, supported in found.values()] == [loose <= 0.25 for loose, _ in found.values()]


def loosest_in_bfloat16(with_cotangents: Scenario) -> tuple[float, bool]:
    """Return the largest bfloat16 tolerance as a fraction of the largest gradient, and whether bfloat16 is listed."""
    found = certified(with_cotangents)
    allowed = (found.tolerance.allowed(n, a, PRECISIONS["bfloat16"]).max() for n, a in found.expected.items())
    loose = max(allowed) / max(np.abs(array).max() for array in found.expected.values())
    return float(loose), "bfloat16" in found.precisions


def test_halving_an_array_exceeds_the_tolerance_in_a_listed_16_bit_precision() -> None:
    with_cotangents = gradient_scenario("lstm", "plain", time=4)
    found = certified(with_cotangents)
    in_half = [name for name in ("bfloat16", "float16") if name in found.precisions]
    assert in_half
    for name, expected in found.expected.items():
        allowed = found.tolerance.allowed(name, expected, PRECISIONS[in_half[0]])
        assert (0.5 * np.abs(expected) > allowed).any()


def test_arrays_whose_halves_are_within_the_tolerance_are_listed_except_zeros() -> None:
    loose = Bound({"x": np.zeros(2), "h0": np.zeros(2)}, {"x": np.array([1.0, 1.0]), "h0": np.array([1.0, 1.0])})
    expected = {"x": np.array([0.001, -0.002]), "h0": np.zeros(2)}
    assert hides_half(loose, expected, "bfloat16") == ["x"]
    assert hides_half(loose, {"x": np.array([0.001, 1.0])}, "bfloat16") == []
    assert hides_half(loose, expected, "float64") == []


def test_halving_a_gradient_of_the_corpus_exceeds_its_tolerance() -> None:
    corpus = open_corpus()
    for entry in corpus.entries:
        if entry.gradient_precisions:
            found = corpus.load(entry.id, "float64", gradients=True).checkable_gradients()
            assert not [p for p in found.precisions if hides_half(found.tolerance, dict(found.expected), p)], entry.id


# Exact gradients.


def integer_scenario(**changes: Any) -> Scenario:
    """Return a scenario of a relu network of integers whose backward pass is easy to follow."""
    built = scenario("rnn_relu", time=2, bias=False, input_size=3, hidden_size=1)
    weights = {"weight_ih_l0": [[1, 2, 0]], "weight_hh_l0": [[2]]}
    x = [[[1, 1, 0], [0, 1, 1]]]
    return changed(built, weights=weights, x=x, d_h_n=[[[1]]], gradient_purpose="To follow.", **changes)


def test_gradients_that_no_precision_rounds_are_exact() -> None:
    found = certified(integer_scenario())
    assert isinstance(found.tolerance, Exact)
    assert found.precisions == ("float64", "float32", "bfloat16", "float16")
    assert found.expected["x"].tolist() == [[[2, 4, 0], [1, 2, 0]]]  # h1 = 3, h2 = 8, dh2 = 1, dh1 = 2
    assert found.expected["weight_ih_l0"].tolist() == [[2, 3, 1]]
    assert found.expected["weight_hh_l0"].tolist() == [[3]]


def test_precisions_that_round_in_the_backward_pass_are_left_out() -> None:
    found = certified(integer_scenario(d_out=[[[2.0**-7], [127 / 128]]]))
    assert isinstance(found.tolerance, Exact)
    assert found.tolerance.bits > 8
    assert "bfloat16" not in found.precisions
    assert "float16" in found.precisions


def test_bits_of_the_sum_over_steps_decide_the_precisions_too() -> None:
    """255 + 254 needs nine bits; everything else needs at most eight."""
    config = Config(input_size=1, hidden_size=1, bias=False)
    weights = {"weight_ih_l0": [[1]], "weight_hh_l0": [[0]]}
    built = changed(
        integer_scenario(), config=config, weights=weights, x=[[[255], [254]]], d_h_n=None, d_out=[[[1], [1]]]
    )
    found = certified(built)
    assert found.expected["weight_ih_l0"].tolist() == [[509]]
    assert found.precisions == ("float64", "float32", "float16")


def test_gradients_of_an_exact_golden_that_float32_rounds_have_a_bound() -> None:
    golden = certify(integer_scenario(d_out=[[[2.0**-13], [2.0**12]]], precisions=["float64", "float32"]))
    assert isinstance(golden.tolerance, Exact)
    assert golden.gradients is not None
    assert isinstance(golden.gradients.tolerance, Bound)


# Refused scenarios.


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"d_out": np.ones((2, 4, 3))},
            r"d_out has shape \(2, 4, 3\); expected \(2, 5, 2\): \(batch, time, unit\) of o",
        ),
        ({"d_h_n": np.ones((2, 2))}, r"d_h_n has shape \(2, 2\); expected \(1, 2, 2\): \(layer, batch, unit\) of h_n$"),
        ({"d_c_n": np.ones((1, 2, 2))}, r"no cotangent of gru 'd_c_n'\. .* Cotangents of gru: d_out, d_h_n$"),
        ({"d_out": np.full((2, 5, 2), 1 / 3)}, "d_out holds 0.333.* which float32 cannot represent"),
        ({"d_out": np.full((2, 5, 2), np.nan)}, "d_out holds NaN or infinity"),
        ({"d_out": "none"}, "d_out"),
        ({"d_out": np.zeros((2, 5, 2)), "d_h_n": None}, "every cotangent is zero"),
    ],
)
def test_invalid_cotangents_are_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        certify(changed(gradient_scenario("gru"), **changes))


def test_cotangents_need_a_purpose_and_a_purpose_needs_cotangents() -> None:
    with pytest.raises(WrongUse, match="gradient_purpose is empty; expected a sentence"):
        changed(gradient_scenario("gru"), gradient_purpose="")
    with pytest.raises(WrongUse, match="there is no cotangent: set d_out, d_h_n or d_c_n"):
        changed(scenario("gru"), gradient_purpose="To be refused.")
    with pytest.raises(WrongUse, match="gradient_purpose is 3"):
        changed(gradient_scenario("gru"), gradient_purpose=3)


def test_an_argument_on_a_kink_is_refused() -> None:
    """With x = 0 at the first step, no initial state and no bias, the relu's argument there is exactly zero."""
    weights = {"weight_ih_l0": np.ones((2, 3)), "weight_hh_l0": np.ones((2, 2))}
    x = np.ones((2, 4, 3))
    x[:, 0] = 0
    built = changed(
        scenario(bias=False), x=x, weights=weights, d_out=np.ones((2, 4, 2)), gradient_purpose="To be refused."
    )
    with pytest.raises(Refused, match="exactly on a kink"):
        certify(built)


def test_a_kink_without_a_cotangent_is_ignored() -> None:
    x = np.zeros((1, 2, 3))
    x[:, 0] = 1
    weights = {"weight_ih_l0": np.ones((1, 3)), "weight_hh_l0": np.zeros((1, 1))}
    config = Config(input_size=3, hidden_size=1, bias=False)
    built = changed(scenario(), x=x, weights=weights, config=config, d_out=[[[1], [0]]], gradient_purpose="One step.")
    assert certified(built).expected["weight_ih_l0"].tolist() == [[1, 1, 1]]


def test_gradients_that_are_all_zero_are_refused() -> None:
    built = changed(
        integer_scenario(),
        d_h_n=None,
        d_out=[[[0], [1]]],
        weights={"weight_ih_l0": [[1, -2, 0]], "weight_hh_l0": [[-2]]},
    )
    built = changed(built, x=[[[3, 1, 0], [0, 1, 1]]])
    with pytest.raises(Refused, match="every gradient is zero"):
        certify(built)


def test_a_tolerance_that_is_too_loose_everywhere_is_refused() -> None:
    loose = changed(gradient_scenario("lstm", "plain", time=12), precisions=["bfloat16"])
    with pytest.raises(Refused, match=r"gradients is too loose in every precision: in bfloat16 it is "):
        certify(loose)


def test_gradients_that_overflow_are_refused() -> None:
    """With x = 40 the slope of tanh is 0, and the cotangent 2e308 is infinite."""
    overflowing = changed(
        scenario("rnn_tanh", bias=False),
        config=Config(input_size=1, hidden_size=1, bias=False),
        weights={"weight_ih_l0": [[1]], "weight_hh_l0": [[0.5]]},
        x=[[[0.5], [0.25], [40]]],
        d_out=[[[1], [1], [1.5e308]]],
        d_h_n=[[[1.5e308]]],
        gradient_purpose="To be refused.",
        precisions=["float64"],
        declared=("saturated",),
    )
    with pytest.raises(Refused, match="gradients is too loose in every precision: in float64 it is nan"):
        certify(overflowing)


def test_a_scenario_is_refused_if_an_implementation_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    right = numpy_cells.gradients
    monkeypatch.setattr(numpy_cells, "gradients", lambda g: {n: a * (1 + 2.0**-30) for n, a in right(g).items()})
    with pytest.raises(Refused, match="numpy in float64 differs from the certified gradients: "):
        certify(gradient_scenario("rnn_tanh"))


def test_a_scenario_converted_to_arrays_keeps_its_cotangents() -> None:
    original = gradient_scenario("lstm")
    sent = original.in_arrays().stored.cotangents
    assert sent.keys() == {"d_out", "d_h_n", "d_c_n"}
    assert all(np.array_equal(array, original.stored.cotangents[name]) for name, array in sent.items())


def assert_within(golden: Golden, found: Any) -> None:
    assert golden.gradients is not None
    for precision in golden.gradients.precisions:
        verdict = verdict_on(actual_gradients(low := golden.in_precision(precision), found(low)))
        assert verdict.largest_error <= LARGEST_CORRECT_ERROR, (precision, verdict.message)


@for_each([(cell, shape, seed) for seed in (9, 10) for shape in SHAPES for cell in CELLS], every=20)
def test_autograd_stays_within_the_tolerance(cell: str, shape: str, seed: int) -> None:
    assert_within(certify(gradient_scenario(cell, shape, seed=seed), confirm=False), gradients_of_layers)
