"""Cotangents of a scenario become gradients of its golden, or are refused with the reason."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from made_cotangents import asked
from made_scenarios import changed, scenario

from rnn_goldens.corpus import open_corpus
from rnn_goldens.encoding.tree import content_hash
from rnn_goldens.errors import WrongUse
from rnn_goldens.generator.certify import certify
from rnn_goldens.generator.gradients.certify import certify_gradients, hides_half
from rnn_goldens.generator.scenario import Refused, Scenario
from rnn_goldens.golden.gradients import Gradients
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import CELLS, Config
from rnn_goldens.golden.tolerance import Bound, Exact
from rnn_goldens.implementations import numpy_cells


def certified(asked_for: Scenario) -> Gradients:
    found = certify(asked_for).gradients
    assert found is not None
    return found


@pytest.mark.parametrize("shape", ["one step", "ragged", "unbatched"])
@pytest.mark.parametrize("cell", CELLS)
def test_a_golden_has_the_gradients_that_its_scenario_asks_for(cell: str, shape: str) -> None:
    asked_for = asked(cell, shape)
    golden = certify(changed(asked_for, precisions=["float64"]))
    found = golden.gradients
    assert found is not None
    states = ["h0", "c0"][: len(golden.layout.states)]
    assert list(found.expected) == ["x", *states, *golden.weights]
    assert list(found.cotangents) == list(asked_for.given_cotangents)
    assert found.purpose == asked_for.gradient_purpose
    for name, array in found.expected.items():
        shape_of = getattr(golden, name).shape if name in ("x", "h0", "c0") else golden.weights[name].shape
        assert array.shape == shape_of
        if isinstance(found.tolerance, Bound):
            assert found.tolerance.storage[name].shape == found.tolerance.accumulation[name].shape == shape_of


def test_a_golden_without_cotangents_has_none() -> None:
    assert certify(scenario()).gradients is None


def test_the_forward_part_is_the_same_with_cotangents_and_without() -> None:
    asked_for = asked("lstm")
    without = replace(asked_for, d_out=None, d_h_n=None, d_c_n=None, gradient_purpose="")
    golden, alone = certify(asked_for), certify(without)
    assert content_hash(golden) == content_hash(alone)
    assert golden.precisions == alone.precisions


def test_gradients_that_are_too_loose_in_a_precision_leave_it_out() -> None:
    asked_for = asked("lstm", "plain", time=12)
    golden = certify(asked_for)
    assert golden.gradients is not None
    assert "bfloat16" in golden.precisions
    assert set(golden.gradients.precisions) < set(golden.precisions)


def test_a_quarter_of_the_largest_gradient_is_where_a_precision_is_left_out() -> None:
    found = {steps: loosest_in_bfloat16(asked("lstm", "plain", time=steps)) for steps in range(4, 7)}
    assert any(0.15 < loose <= 0.25 for loose, _ in found.values())
    assert any(0.25 < loose < 0.45 for loose, _ in found.values())
    assert [kept for _, kept in found.values()] == [loose <= 0.25 for loose, _ in found.values()]


def loosest_in_bfloat16(asked_for: Scenario) -> tuple[float, bool]:
    """The largest tolerance in units of the largest gradient, and whether gradients are checked in it."""
    found = certified(asked_for)
    allowed = (found.tolerance.allowed(n, a, PRECISIONS["bfloat16"]).max() for n, a in found.expected.items())
    loose = max(allowed) / max(np.abs(array).max() for array in found.expected.values())
    return float(loose), "bfloat16" in found.precisions


def test_a_precision_in_which_half_of_an_array_could_be_missing_is_left_out() -> None:
    asked_for = asked("lstm", "plain", time=4)
    found = certified(asked_for)
    in_half = [name for name in ("bfloat16", "float16") if name in found.precisions]
    assert in_half
    for name, expected in found.expected.items():
        allowed = found.tolerance.allowed(name, expected, PRECISIONS[in_half[0]])
        assert (0.5 * np.abs(expected) > allowed).any()


def test_an_array_that_may_be_halved_everywhere_is_named_one_of_zeros_is_not() -> None:
    loose = Bound({"x": np.zeros(2), "h0": np.zeros(2)}, {"x": np.array([1.0, 1.0]), "h0": np.array([1.0, 1.0])})
    expected = {"x": np.array([0.001, -0.002]), "h0": np.zeros(2)}
    assert hides_half(loose, expected, "bfloat16") == ["x"]
    assert hides_half(loose, {"x": np.array([0.001, 1.0])}, "bfloat16") == []
    assert hides_half(loose, expected, "float64") == []


def test_no_gradient_of_the_corpus_can_be_halved_in_a_precision_that_checks_it() -> None:
    corpus = open_corpus()
    for entry in corpus.entries:
        if entry.gradient_precisions:
            found = corpus.load(entry.id, "float64", gradients=True).checkable_gradients()
            assert not [p for p in found.precisions if hides_half(found.tolerance, dict(found.expected), p)], entry.id


# Exact gradients.


def whole(**changes: Any) -> Scenario:
    """A relu network of whole numbers, of which a person can follow the way back."""
    made = scenario("rnn_relu", time=2, bias=False, input_size=3, hidden_size=1)
    weights = {"weight_ih_l0": [[1, 2, 0]], "weight_hh_l0": [[2]]}
    x = [[[1, 1, 0], [0, 1, 1]]]
    return changed(made, weights=weights, x=x, d_h_n=[[[1]]], gradient_purpose="To follow.", **changes)


def test_gradients_that_no_precision_has_to_round_are_exact() -> None:
    found = certified(whole())
    assert isinstance(found.tolerance, Exact)
    assert found.precisions == ("float64", "float32", "bfloat16", "float16")
    assert found.expected["x"].tolist() == [[[2, 4, 0], [1, 2, 0]]]  # h1 = 3, h2 = 8, dh2 = 1, dh1 = 2
    assert found.expected["weight_ih_l0"].tolist() == [[2, 3, 1]]
    assert found.expected["weight_hh_l0"].tolist() == [[3]]


def test_precisions_that_would_round_on_the_way_back_are_left_out() -> None:
    found = certified(whole(d_out=[[[2.0**-7], [127 / 128]]]))
    assert isinstance(found.tolerance, Exact)
    assert found.tolerance.bits > 8
    assert "bfloat16" not in found.precisions
    assert "float16" in found.precisions


def test_the_sum_over_the_steps_counts_too() -> None:
    """255 + 254 takes nine bits, where nothing else takes more than eight."""
    config = Config(input_size=1, hidden_size=1, bias=False)
    weights = {"weight_ih_l0": [[1]], "weight_hh_l0": [[0]]}
    made = changed(whole(), config=config, weights=weights, x=[[[255], [254]]], d_h_n=None, d_out=[[[1], [1]]])
    found = certified(made)
    assert found.expected["weight_ih_l0"].tolist() == [[509]]
    assert found.precisions == ("float64", "float32", "float16")


def test_gradients_of_an_exact_golden_that_float32_rounds_are_given_a_bound() -> None:
    golden = certify(whole(d_out=[[[2.0**-13], [2.0**12]]], precisions=["float64", "float32"]))
    assert isinstance(golden.tolerance, Exact)
    assert golden.gradients is not None
    assert isinstance(golden.gradients.tolerance, Bound)


# What is refused.


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"d_out": np.ones((2, 4, 3))}, r"d_out has shape \(2, 4, 3\); out has \(2, 5, 2\)"),
        ({"d_h_n": np.ones((2, 2))}, r"d_h_n has shape \(2, 2\); h_n has \(1, 2, 2\)"),
        ({"d_c_n": np.ones((1, 2, 2))}, "d_c_n is given, and the cell has no c_n"),
        ({"d_out": np.full((2, 5, 2), 1 / 3)}, "d_out holds 0.333.* which is no float32 number"),
        ({"d_out": np.full((2, 5, 2), np.nan)}, "d_out holds NaN or infinity"),
        ({"d_out": "none"}, "d_out"),
        ({"d_out": np.zeros((2, 5, 2)), "d_h_n": None}, "every cotangent is zero, so they ask for nothing"),
    ],
)
def test_cotangents_that_do_not_fit_are_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        certify(changed(asked("gru"), **changes))


def test_cotangents_need_a_purpose_and_a_purpose_needs_cotangents() -> None:
    with pytest.raises(WrongUse, match="gradient_purpose is empty; it is a sentence"):
        changed(asked("gru"), gradient_purpose="")
    with pytest.raises(WrongUse, match="there is no cotangent: give d_out, d_h_n or d_c_n"):
        changed(scenario("gru"), gradient_purpose="To be refused.")
    with pytest.raises(WrongUse, match="gradient_purpose is 3"):
        changed(asked("gru"), gradient_purpose=3)


def test_an_argument_on_a_kink_is_refused() -> None:
    """Zero x, no state, no bias: a relu's argument is exactly zero at the first step."""
    weights = {"weight_ih_l0": np.ones((2, 3)), "weight_hh_l0": np.ones((2, 2))}
    x = np.ones((2, 4, 3))
    x[:, 0] = 0
    made = changed(
        scenario(bias=False), x=x, weights=weights, d_out=np.ones((2, 4, 2)), gradient_purpose="To be refused."
    )
    with pytest.raises(Refused, match="exactly on a kink"):
        certify(made)


def test_a_kink_that_no_cotangent_reaches_is_no_matter() -> None:
    x = np.zeros((1, 2, 3))
    x[:, 0] = 1
    weights = {"weight_ih_l0": np.ones((1, 3)), "weight_hh_l0": np.zeros((1, 1))}
    config = Config(input_size=3, hidden_size=1, bias=False)
    made = changed(scenario(), x=x, weights=weights, config=config, d_out=[[[1], [0]]], gradient_purpose="One step.")
    assert certified(made).expected["weight_ih_l0"].tolist() == [[1, 1, 1]]


def test_gradients_that_are_all_zero_are_refused() -> None:
    made = changed(
        whole(), d_h_n=None, d_out=[[[0], [1]]], weights={"weight_ih_l0": [[1, -2, 0]], "weight_hh_l0": [[-2]]}
    )
    made = changed(made, x=[[[3, 1, 0], [0, 1, 1]]])
    with pytest.raises(Refused, match="every gradient is zero"):
        certify(made)


def test_a_tolerance_that_is_too_loose_everywhere_is_refused() -> None:
    loose = changed(asked("lstm", "plain", time=12), precisions=["bfloat16"])
    with pytest.raises(Refused, match=r"gradients is too loose in every precision: in bfloat16 it is "):
        certify_gradients(loose, certify(replace(loose, d_out=None, d_h_n=None, d_c_n=None, gradient_purpose="")))


def test_an_implementation_that_comes_too_near_the_tolerance_is_a_reason_to_refuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right = numpy_cells.gradients
    monkeypatch.setattr(numpy_cells, "gradients", lambda g: {n: a * (1 + 2.0**-30) for n, a in right(g).items()})
    with pytest.raises(Refused, match="numpy in float64 differs from the certified gradients: "):
        certify(asked("rnn_tanh"))


def test_a_scenario_in_arrays_has_its_cotangents() -> None:
    sent = asked("lstm").in_arrays()
    assert {name: array.tolist() for name, array in sent.cotangents.items()} == {
        name: array.tolist() for name, array in asked("lstm").cotangents.items()
    }
