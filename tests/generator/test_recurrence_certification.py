"""Certified goldens of recurrences: what is accepted, what is refused, and what follows from a scenario."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from factories.recurrences import recurrence_scenario, with_all_cotangents

from rnn_goldens import Refused, certify
from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.precision import PRECISIONS, SupportedOnly
from rnn_goldens.golden.recurrences import RECURRENCES
from rnn_goldens.golden.tolerance import Contracts, Exact
from rnn_goldens.implementations import numpy_cells


@pytest.mark.parametrize("cell", RECURRENCES)
def test_every_recurrence_is_certified_with_gradients_in_every_precision(cell: str) -> None:
    golden = certify(with_all_cotangents(recurrence_scenario(cell)))
    assert golden.precisions == ("float64", "float32", "bfloat16", "float16")
    assert golden.gradients is not None
    assert set(golden.gradients.expected) == {*golden.inputs, *golden.states, *golden.weights}


@pytest.mark.parametrize("cell", RECURRENCES)
def test_the_first_half_and_then_the_second_half_give_the_whole(cell: str) -> None:
    whole = certify(recurrence_scenario(cell, time=6))
    whole.check_calls(numpy_cells.run)


def test_packed_sequences_equal_the_sequences_one_by_one() -> None:
    packed = certify(recurrence_scenario("gated_delta", offsets=(0, 2, 3, 7)))
    scenario = recurrence_scenario("gated_delta", offsets=(0, 2, 3, 7))
    for number, steps in enumerate((slice(0, 2), slice(2, 3), slice(3, 7))):
        alone = replace(
            scenario,
            inputs={name: np.asarray(array)[:, steps] for name, array in scenario.inputs.items()},
            states={name: np.asarray(array)[number : number + 1] for name, array in scenario.states.items()},
            offsets=None,
        )
        golden = certify(alone)
        assert (golden.expected["o"] == packed.expected["o"][:, steps]).all()
        assert (golden.expected["S_n"][0] == packed.expected["S_n"][number]).all()


def test_without_a_scale_it_is_the_root_of_d_k_also_if_that_is_irrational() -> None:
    without = certify(recurrence_scenario("delta_rule", d_k=3))
    with_one = certify(recurrence_scenario("delta_rule", d_k=3, scale=1.0))
    np.testing.assert_allclose(without.expected["o"] * np.sqrt(3), with_one.expected["o"], rtol=1e-15)


@pytest.mark.parametrize("cell", ["gated_delta", "selective_scan"])
def test_a_larger_chunk_never_has_a_smaller_tolerance_and_steps_have_the_smallest(cell: str) -> None:
    tolerance = certify(recurrence_scenario(cell, time=34)).tolerance
    assert isinstance(tolerance, Contracts)
    algorithms = [tolerance.step, *tolerance.chunks.values()]
    for smaller, larger in pairwise(algorithms):
        for kind in ("accumulation", "state", "storage"):
            for name, array in getattr(smaller, kind).items():
                assert (getattr(larger, kind)[name] >= array).all()
        assert any((larger.accumulation[name] > array).any() for name, array in smaller.accumulation.items())


@pytest.mark.parametrize(
    ("time", "sizes"),
    [(5, [16]), (16, [16]), (17, [16, 32]), pytest.param(70, [16, 32, 64, 128], marks=pytest.mark.slow)],
)
def test_a_golden_states_the_sizes_of_chunks_that_its_sequences_can_have(time: int, sizes: list[int]) -> None:
    tolerance = certify(recurrence_scenario("gated_delta", time=time)).tolerance
    assert isinstance(tolerance, Contracts)
    assert list(tolerance.chunks) == sizes


def test_the_longest_packed_sequence_decides_how_large_a_chunk_can_be() -> None:
    tolerance = certify(recurrence_scenario("gated_delta", offsets=(0, 12, 24, 36))).tolerance
    assert isinstance(tolerance, Contracts)
    assert list(tolerance.chunks) == [16]


def test_a_recurrence_without_a_chunked_form_has_one_tolerance() -> None:
    tolerance = certify(recurrence_scenario("min_gru")).tolerance
    assert isinstance(tolerance, Contracts)
    assert tolerance.chunks == {}


def test_an_input_without_influence_has_a_gradient_of_zero() -> None:
    scenario = recurrence_scenario("gated_delta")
    cotangents = {"d_S_n": np.ones((2, 2, 4, 3))}
    golden = certify(replace(scenario, cotangents=cotangents, gradient_purpose="The last state only."))
    assert golden.gradients is not None
    assert not golden.gradients.expected["q"].any()
    assert golden.gradients.expected["k"].any()


def test_an_exact_golden_counts_the_bits_of_steps_and_of_chunks() -> None:
    scenario = recurrence_scenario("linear_attention", scale=1.0)
    integers = {name: np.rint(np.asarray(array)) for name, array in {**scenario.inputs, **scenario.states}.items()}
    exact = replace(
        scenario,
        inputs={name: integers[name] for name in scenario.inputs},
        states={name: integers[name] for name in scenario.states},
    )
    golden = certify(exact)
    assert isinstance(golden.tolerance, Exact)
    assert "exact" in golden.features


def test_a_saturated_gate_is_a_feature_or_must_be_declared() -> None:
    scenario = recurrence_scenario("rg_lru")
    scenario = replace(scenario, inputs={**scenario.inputs, "r": np.full((2, 5, 2), 12.0)}, declared=None)
    assert "saturated" in certify(scenario).features
    with pytest.raises(Refused, match="an activation is saturated; if that is its purpose, declare it saturated"):
        certify(replace(scenario, declared=()))


SCENARIO = recurrence_scenario("gated_delta")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"inputs": {**SCENARIO.inputs, "k": np.zeros((2, 5, 2, 7))}},
            r"k has shape \(2, 5, 2, 7\); expected \(2, 5, 2, 4\): \(batch, time, heads, d_k\)$",
        ),
        (
            {"inputs": {n: a for n, a in SCENARIO.inputs.items() if n != "g"}},
            r"g is missing; expected \(2, 5, 2\): \(batch, time, heads\)$",
        ),
        (
            {"inputs": {**SCENARIO.inputs, "w": [[0.0]]}},
            r"no input of gated_delta 'w'\. Inputs of gated_delta: q, k, v, g, beta$",
        ),
        ({"inputs": {**SCENARIO.inputs, "g": np.full((2, 5, 2), -np.inf)}}, "g holds NaN or infinity"),
        ({"inputs": {**SCENARIO.inputs, "g": np.full((2, 5, 2), -0.1)}}, "which float32 cannot represent"),
        (
            {"states": {"h0": np.zeros((2, 2, 4, 3))}},
            r"no initial state of gated_delta 'h0'\. .*; S0 is missing; expected \(2, 2, 4, 3\): \(sequence, ",
        ),
        ({"offsets": [0, 3]}, r"offsets \[0, 3\] must increase from 0 to 5"),
        ({"offsets": [0]}, r"offsets \[0\] hold no sequence: list where each begins, and 5, the end of the last"),
        ({"offsets": []}, r"offsets \[\] hold no sequence"),
        ({"offsets": [0, 4, 3, 5]}, r"offsets \[0, 4, 3, 5\] must increase from 0 to 5"),
        (
            {"offsets": [0, 3, 3, 5]},
            r"offsets \[0, 3, 3, 5\]: offsets\[1\] and offsets\[2\] are equal, and a sequence of no time steps is not",
        ),
        ({"offsets": [0, 2.5, 5]}, "offsets holds 2.5, which is not an integer"),
        ({"offsets": [0, 3, 5]}, "packed sequences have a batch of 1, not of 2"),
        ({"inputs": {}}, r"q is missing; expected \(batch, time, query_heads, d_k\)$"),
        (
            {"inputs": {**SCENARIO.inputs, "q": np.zeros((2, 0, 2, 4))}},
            r"q has shape \(2, 0, 2, 4\): no time step, so there is nothing to check: give at least one$",
        ),
        (
            {"inputs": {**SCENARIO.inputs, "q": np.zeros((0, 5, 2, 4))}},
            r"q has shape \(0, 5, 2, 4\): no sequence, so there is nothing to check: give at least one$",
        ),
        ({"cotangents": {"d_o": np.zeros((2, 5, 2, 3))}, "gradient_purpose": "One."}, "every cotangent is zero$"),
        (
            {"cotangents": {"d_out": np.ones((2, 5, 2, 3))}, "gradient_purpose": "One."},
            r"no cotangent of gated_delta 'd_out'\. .* Cotangents of gated_delta: d_o, d_S_n$",
        ),
    ],
)
def test_wrong_arrays_are_refused_with_their_names(change: dict[str, Any], message: str) -> None:
    with pytest.raises(Refused, match=f"^gated-delta/made-for-a-test: .*{message}"):
        certify(replace(SCENARIO, **change))


KEY_HEADS = {"heads": 6, "query_heads": 3, "key_heads": 3, "d_k": 4, "d_v": 3}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"heads": 2, "query_heads": 3, "d_k": 4, "d_v": 3}, "query_heads, 3, is not a multiple of heads, 2"),
        ({"heads": 2, "query_heads": 2, "d_k": 4}, "config has no d_v"),
        ({"heads": 2, "query_heads": 2, "d_k": 4, "d_v": 0}, "d_v is 0, but must be a positive integer"),
        ({**SCENARIO.config, "decay": "row"}, "decay is 'row', but must be 'head' or 'key'"),
        ({**SCENARIO.config, "chunk": 64}, "no size or option of gated_delta 'chunk'"),
        ({**KEY_HEADS, "key_heads": 4}, "heads, 6, is not a multiple of key_heads, 4"),
        ({**KEY_HEADS, "key_heads": 6}, "heads, 6, is not a multiple of key_heads, 6: leave key_heads out if"),
        ({**KEY_HEADS, "heads": 1}, "heads, 1, is not a multiple of key_heads, 3"),
        ({**KEY_HEADS, "query_heads": 6}, "query_heads, 6, is not key_heads, 3"),
        ({**KEY_HEADS, "beta_heads": 1}, "beta_heads and key_heads exclude each other"),
        ({**SCENARIO.config, "beta_heads": 2}, "beta_heads is 2 for 2 heads, but can only be 1 for several heads"),
        ({**SCENARIO.config, "heads": 1, "beta_heads": 1}, "beta_heads is 1 for 1 heads, but can only be 1"),
        ({**SCENARIO.config, "groups": 2}, "no size or option of gated_delta 'groups'"),
    ],
)
def test_a_wrong_configuration_is_one_error(config: dict[str, Any], message: str) -> None:
    with pytest.raises(Refused, match=f"^gated-delta/made-for-a-test: .*{message}"):
        certify(replace(SCENARIO, config=config))


def test_groups_divide_the_channels() -> None:
    scenario = recurrence_scenario("selective_scan", d=6, groups=2)
    with pytest.raises(Refused, match="d, 6, is not a multiple of groups, 4"):
        certify(replace(scenario, config={**scenario.config, "groups": 4}))


def test_wrong_names_and_purposes_are_errors_when_declared() -> None:
    with pytest.raises(WrongUse, match=r"no recurrence 'gated_dleta'\. Did you mean 'gated_delta'"):
        replace(SCENARIO, cell="gated_dleta")
    with pytest.raises(WrongUse, match=r"gradient_purpose is 'One\.', but there is no cotangent: set cotangents$"):
        replace(SCENARIO, cotangents={}, gradient_purpose="One.")


def test_a_listed_precision_whose_tolerance_is_too_loose_is_refused_and_not_dropped() -> None:
    growing = recurrence_scenario("delta_rule", time=20)
    growing = replace(growing, inputs={**growing.inputs, "k": 4 * np.asarray(growing.inputs["k"])}, declared=None)
    golden = certify(replace(growing, precisions=SupportedOnly(PRECISIONS)))
    assert golden.precisions == ("float64",)
    assert "chaotic" in golden.features
    with pytest.raises(Refused, match=r"tolerance .* in bfloat16, at most 0\.1 is allowed: remove it from precisions$"):
        certify(replace(growing, precisions=("float64", "bfloat16")))
