"""The error bound of recurrences is attained by errors of the worst sign, step by step and in chunks."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from factories.for_each import for_each
from factories.perturbed_graph import assert_bound_is_attained
from factories.recurrences import SHARED, recurrence_scenario, with_all_cotangents

from rnn_goldens.cells.case_graph import Recorded, with_gradients
from rnn_goldens.cells.chunked import in_chunks
from rnn_goldens.cells.graph import Graph
from rnn_goldens.cells.recurrence import RecurrenceCase
from rnn_goldens.cells.recurrence_graph import recorded_recurrence
from rnn_goldens.cells.step_program import Operation
from rnn_goldens.error_analysis.bounds import Bounds
from rnn_goldens.error_analysis.loss_policy import ACCUMULATION, CONTRACTS, STATE, STORAGE
from rnn_goldens.generator.recurrence_scenario import RecurrenceScenario
from rnn_goldens.generator.scenarios.recurrences import ATTENTION
from rnn_goldens.golden.recurrences import RECURRENCES
from rnn_goldens.golden.stored_arrays import Float64

STEPS = 3
CHUNKED = [name for name, of in RECURRENCES.items() if of.chunked]


def small(cell: str) -> RecurrenceScenario:
    """Return a scenario of a few steps and one head, with a cotangent for each output."""
    return with_all_cotangents(recurrence_scenario(cell, time=STEPS, heads=1))


def recorded(scenario: RecurrenceScenario, size: int = 0, *, gradients: bool = False) -> Recorded:
    case = scenario.case()
    forward = recorded_recurrence(case, in_chunks(size) if size else None)
    if not gradients:
        return forward
    return with_gradients(forward, scenario.stored.cotangents)


def bounds_of(of: Recorded) -> dict[str, Float64]:
    """Return the bound of each output by kind."""
    bounds = Bounds(of, of.results, CONTRACTS).of_results()
    kinds = [of.arrays({place: bound[k] for place, bound in bounds.items()}) for k in range(3)]
    return {name: np.stack([kind[name] for kind in kinds]) for name in of.outputs}


@for_each([(cell, gradients) for cell in RECURRENCES for gradients in (False, True)], every=9)
def test_errors_of_the_worst_sign_attain_the_bound_of_the_step_form(cell: str, gradients: bool) -> None:
    of = recorded(small(cell), gradients=gradients)
    assert_bound_is_attained(of, CONTRACTS, [0, 1, 2], bounds_of(of))


@for_each([(cell, size, g) for cell in CHUNKED for size in (2, 7) for g in (False, True)], every=16)
def test_errors_of_the_worst_sign_attain_the_bound_of_the_chunked_form(cell: str, size: int, gradients: bool) -> None:
    of = recorded(small(cell), size, gradients=gradients)
    assert_bound_is_attained(of, CONTRACTS, [0, 1, 2], bounds_of(of))


@for_each(
    [
        (cell, shared, size, gradients)
        for cell, shared in (("delta_rule", "key heads"), ("gated_delta", "one beta"), ("selective_scan", "groups"))
        for size, gradients in ((0, False), (0, True), (2, False))
    ],
    every=4,
)
def test_errors_of_the_worst_sign_attain_the_bound_if_heads_share_arrays(
    cell: str, shared: str, size: int, gradients: bool
) -> None:
    """In gradients, what is computed of shared arrays alone has one error in this graph; the bound allows for each."""
    sizes = SHARED[shared] if cell == "selective_scan" else {**SHARED[shared], "scale": 1.0}
    scenario = with_all_cotangents(recurrence_scenario(cell, time=2, **sizes))
    of = recorded(scenario, size, gradients=gradients)
    assert_bound_is_attained(of, CONTRACTS, [0, 1, 2], bounds_of(of))


@pytest.mark.parametrize("size", [0, 1, 3])
@pytest.mark.parametrize("decay", ["head", "key"])
def test_heads_that_share_a_key_have_the_bounds_of_heads_with_equal_keys(size: int, decay: str) -> None:
    """Only the gradients of what they share differ: these are sums."""
    shared = with_all_cotangents(recurrence_scenario("gated_delta", decay=decay, **SHARED["key heads"]))
    config = {name: value for name, value in shared.config.items() if name != "key_heads"} | {"query_heads": 6}
    inputs = {n: np.repeat(a, 2, axis=2) if n in ("q", "k") else np.asarray(a) for n, a in shared.inputs.items()}
    repeated = replace(shared, config=config, inputs=inputs)
    for gradients in (False, True):
        expected = bounds_of(recorded(repeated, size, gradients=gradients))
        for name, bound in bounds_of(recorded(shared, size, gradients=gradients)).items():
            if name in ("q", "k"):
                sums = expected[name].reshape(*bound.shape[:-2], 3, 2, bound.shape[-1]).sum(axis=-2)
                assert (bound[ACCUMULATION] > sums[ACCUMULATION]).all()
                assert (bound[ACCUMULATION] < 4 * sums[ACCUMULATION]).all()
            else:
                np.testing.assert_allclose(bound, expected[name], rtol=1e-12, err_msg=name)


def one_by_one(of: Recorded) -> dict[str, Float64]:
    return of.arrays(of.graph.values)


@pytest.mark.parametrize(
    "scenario",
    [
        recurrence_scenario("gated_delta", query_heads=4, d_k=3),
        recurrence_scenario("gated_delta", query_heads=4, d_k=3, decay="key"),
        recurrence_scenario("selective_scan"),
        recurrence_scenario("gated_delta", **SHARED["key heads"]),
        recurrence_scenario("gated_delta", **SHARED["one beta"]),
        recurrence_scenario("selective_scan", **SHARED["groups"]),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 64])
def test_the_chunked_form_has_the_values_of_the_step_form(size: int, scenario: RecurrenceScenario) -> None:
    chunks = one_by_one(recorded(scenario, size))
    for name, array in one_by_one(recorded(scenario)).items():
        np.testing.assert_allclose(chunks[name], array, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("cell", CHUNKED)
@pytest.mark.parametrize("size", [1, 3, 64])
def test_the_backward_pass_of_the_chunked_form_has_the_gradients_of_the_step_form(cell: str, size: int) -> None:
    sizes: dict[str, Any] = {"query_heads": 4} if cell in ATTENTION else {}
    scenario = with_all_cotangents(recurrence_scenario(cell, **sizes))
    chunks = one_by_one(recorded(scenario, size, gradients=True))
    for name, array in one_by_one(recorded(scenario, gradients=True)).items():
        np.testing.assert_allclose(chunks[name], array, rtol=1e-11, atol=1e-12)


def test_running_sums_are_accounted_for_in_log_decays_and_their_gradients() -> None:
    of = recorded(recurrence_scenario("gated_delta"))
    with_sums = bounds_of(of)["S_n"]
    without = bounds_of(replace(of, kept=[]))["S_n"]
    assert (with_sums[ACCUMULATION] > without[ACCUMULATION]).all()
    scenario = with_all_cotangents(recurrence_scenario("gated_linear_attention", state=False))
    of = recorded(scenario, gradients=True)
    assert not one_by_one(of)["g"][:, 0].any()  # the state is zero before the first step
    assert (bounds_of(of)["g"][ACCUMULATION, :, 0] > 0).all()  # but a running sum of later gradients rounds


def test_packed_sequences_have_the_bound_of_the_sequences_alone() -> None:
    packed = recurrence_scenario("gated_delta", offsets=(0, 2, 3, 7))
    bound, cases = bounds_of(recorded(packed)), packed.case().sequences()
    for number, (one, steps) in enumerate(zip(cases, (slice(0, 2), slice(2, 3), slice(3, 7)), strict=True)):
        alone = of_case(one)
        np.testing.assert_array_equal(bound["o"][:, :, steps], alone["o"])
        np.testing.assert_array_equal(bound["S_n"][:, number : number + 1], alone["S_n"])


def of_case(case: RecurrenceCase) -> dict[str, Float64]:
    return bounds_of(recorded_recurrence(case))


@pytest.mark.parametrize("cell", ATTENTION)
def test_only_states_between_chunks_are_stored(cell: str) -> None:
    stored = {size: bounds_of(recorded(small(cell), size))["o"][STATE] for size in (STEPS, STEPS - 1)}
    assert not stored[STEPS].any()
    assert not stored[STEPS - 1][:, :-1].any()
    assert stored[STEPS - 1][:, -1].any()


def test_sums_of_log_decays_in_a_chunk_are_kept_in_float32() -> None:
    assert not recorded(small("delta_rule"), STEPS).graph.running
    of = recorded(small("gated_delta"), STEPS)
    kept = bounds_of(of)["o"]
    of.graph.running.clear()
    rounded = bounds_of(of)["o"]
    assert (rounded[STORAGE] >= kept[STORAGE]).all()
    assert (rounded[STORAGE] > kept[STORAGE]).any()


def test_a_sum_does_not_extend_over_a_state_that_is_passed_on() -> None:
    graph = Graph()
    a, b, c = (graph.given(np.ones((1, 1, 1, 1))) for _ in range(3))
    state = graph.summed(a, b)
    assert graph.summed(state, c).operation == Operation("sum", (a.place, b.place, c.place))
    graph.carried.add(state.place)
    assert graph.summed(state, c).operation == Operation("sum", (state.place, c.place))
