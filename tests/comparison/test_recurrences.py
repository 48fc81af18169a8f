"""Outputs of recurrences: how they are passed, and what a failure says."""

from functools import partial
from typing import Any

import numpy as np
import pytest

from rnn_goldens import Golden, GoldenMismatch, load
from rnn_goldens.comparison.actual import actual_outputs
from rnn_goldens.comparison.verdict import verdict_on
from rnn_goldens.errors import UnknownName
from rnn_goldens.golden.rounding_profile import ALL, Profile
from rnn_goldens.implementations import numpy_cells


@pytest.fixture
def golden() -> Golden:
    return load("gated-delta/grouped-queries", dtype="float32")


def test_outputs_are_passed_apart_as_a_tuple_or_by_name(golden: Golden) -> None:
    o, S_n = numpy_cells.run(golden)  # noqa: N806 - the state's name
    golden.check(o, S_n)
    golden.check((o, S_n))
    golden.check({"o": o, "S_n": S_n})
    golden.check(o, outputs="out")
    golden.check(o, outputs="o")
    golden.check(o, S_n, outputs=["o", "S_n"])


def test_outputs_are_chosen_by_the_names_of_the_golden(golden: Golden) -> None:
    o, S_n = numpy_cells.run(golden)  # noqa: N806 - the state's name
    wrong = {"o": o, "S_n": S_n + 9}
    assert golden.compare(wrong, outputs="o").not_checked == ("S_n",)
    assert not golden.compare(wrong, outputs=["o", "S_n"]).passed
    assert not golden.compare(wrong, outputs=["out", "S_n", "h_n"]).passed
    with pytest.raises(UnknownName, match=rf"no output of {golden.id} 'h_n'.* Outputs of {golden.id}: o, S_n"):
        golden.compare(wrong, outputs=["out", "h_n"])


def test_an_implementation_returns_outputs_in_order_or_by_name(golden: Golden) -> None:
    o, S_n = numpy_cells.run(golden)  # noqa: N806
    results: list[Any] = [(o, S_n), [o, S_n], {"S_n": S_n, "o": o}]
    for result in results:
        golden.check_calls(partial(lambda found, _: found, result), ())
    golden.comparing("out").check_calls(lambda _: (o,), ())


ALONE = r"\. To check o alone: --rnn-goldens-outputs=out .*"


@pytest.mark.parametrize(
    ("result", "kind", "hint"),
    [
        (lambda o, state: {"o": o, "S_n": state, "h_n": state, "x": o}, "h_n, x", ""),
        (lambda o, _: o, "one array", ALONE),
        (lambda o, _: (o,), "one array", ALONE),
        (lambda o, state: (o, state, state), "3 outputs", ""),
        (lambda *_: None, "a NoneType", ""),
    ],
)
def test_a_result_that_is_not_the_outputs_is_refused(golden: Golden, result: Any, kind: str, hint: str) -> None:
    returned = result(*numpy_cells.run(golden))
    expected = rf"\(o, S_n\) is expected, or a mapping with these names{hint}"
    with pytest.raises(TypeError, match=f"^the implementation returned {kind}; {expected}$"):
        golden.check_calls(lambda _: returned, ())


def test_a_missing_state_fails(golden: Golden) -> None:
    o, _ = numpy_cells.run(golden)
    with pytest.raises(GoldenMismatch, match="S_n is None"):
        golden.check(o)


def test_a_failure_names_head_and_value(golden: Golden) -> None:
    o, S_n = (array.copy() for array in numpy_cells.run(golden))  # noqa: N806
    o[0, 2, 4, 1] += 1
    verdict = golden.compare(o, S_n)
    assert "o is first wrong at time step 2 (batch 0, query head 4, value 1)" in verdict.message
    S_n[0, 2, 1, 0] += 1
    assert "at batch 0, head 2, key 1, value 0" in golden.compare(o, S_n).message


def test_time_major_outputs_are_named(golden: Golden) -> None:
    o, S_n = numpy_cells.run(golden)  # noqa: N806
    assert "it looks time-major, o is batch-first" in golden.compare(o.swapaxes(0, 1), S_n).message


@pytest.mark.parametrize("cell_id", ["gated-delta/several-steps", "selective-scan/several-steps", "min-gru/70-steps"])
def test_every_call_pattern_passes(cell_id: str) -> None:
    golden = load(cell_id, dtype="float32")
    patterns = [name for name, _ in golden.compared(numpy_cells.run, ["twice", "rows", "chunks", "views"])]
    assert {"once", "twice", "chunks", "views"} <= set(patterns)


def test_a_kernel_that_ignores_its_state_fails_in_chunks() -> None:
    golden = load("gated-delta/from-zero", dtype="float32")

    def without_state(inputs: Any) -> Any:
        if inputs.time < golden.time:
            vars(inputs)["states"] = {"S0": np.zeros_like(inputs.states["S0"])}
        return numpy_cells.run(inputs)

    failed = golden.compare_calls(without_state, "chunks")[-1]
    assert not failed.passed
    assert "with the state carried over" in failed.message


def test_names_of_networks_are_errors_that_name_those_of_the_recurrence(golden: Golden) -> None:
    for name in ("x", "h0", "out", "h_n", "c_n"):
        with pytest.raises(AttributeError, match="is a golden for gated_delta"):
            getattr(golden, name)


def test_the_same_outputs_are_compared_under_another_profile() -> None:
    golden = load("gated-delta/several-steps", dtype="bfloat16")
    expected = golden.in_profile("all-stored").expected_of()
    actual = actual_outputs(golden, *(array + 0.9 * expected.allowed(name) for name, array in expected.values.items()))
    assert not verdict_on(actual).passed
    assert verdict_on(actual.under(Profile(half=ALL))).passed
    assert not verdict_on(actual.under(Profile())).passed


def test_states_of_half_precision_are_not_carried_over_in_chunks() -> None:
    golden = load("gated-delta/several-steps", dtype="bfloat16")
    assert "chunks" not in [name for name, _ in golden.compared(numpy_cells.run, ["chunks", "twice"])]
