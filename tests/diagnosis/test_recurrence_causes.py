"""The causes of failures of recurrences, and the contracts that wrong outputs satisfy."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from diagnosis.test_conditions import end_of_run

from rnn_goldens import Golden, Unsupported, Verdict, load
from rnn_goldens.cells.recurrence import recurrence_case
from rnn_goldens.cells.recurrence_backward import RecurrenceBackward
from rnn_goldens.comparison.actual import Actual, actual_by_name
from rnn_goldens.comparison.verdict import verdict_on
from rnn_goldens.deviations import deviation
from rnn_goldens.deviations.recurrences.edits import Edit
from rnn_goldens.diagnosis.contracts import Contract, of_all, satisfied_by
from rnn_goldens.diagnosis.search import diagnosed
from rnn_goldens.diagnosis.summary import no_outputs
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.rounding_profile import DEFAULT, Profile
from rnn_goldens.golden.tolerance import in_use


def verdict_of(name: str, golden: Golden) -> Verdict:
    found = deviation(name).outputs(recurrence_case(golden, np.float32))
    rounded = {name: PRECISIONS[golden.dtype].round(array.astype(np.float64)) for name, array in found.items()}
    return golden.compare(rounded)


@pytest.mark.parametrize(
    ("golden_id", "name"),
    [
        ("gated-delta/several-steps", "scale_left_out"),
        ("gated-delta/several-steps", "decay_after_update"),
        ("gated-delta/grouped-queries", "query_heads_tiled"),
        ("gated-delta/grouped-values", "value_heads_tiled"),
        ("gated-delta/grouped-values", "heads_beyond_key_heads_left_out"),
        ("gated-delta/one-beta", "one_beta_for_first_head_only"),
        ("selective-scan/groups", "groups_tiled"),
        ("slstm/several-steps", "normalizer_at_least_1"),
        ("selective-scan/several-steps", "state_without_input_matrix"),
    ],
)
def test_a_deviation_is_named(golden_id: str, name: str) -> None:
    assert name in verdict_of(name, load(golden_id, dtype="float32")).explained_by


def test_a_deviation_of_the_backward_pass_is_named() -> None:
    golden = load("gated-delta/several-steps", dtype="float32", gradients=True)
    case = recurrence_case(golden, np.float32)
    name = "d_q_without_scale"
    found = deviation(name).gradients(case, dict(golden.cotangents))
    assert golden.gradients is not None
    verdict = golden.compare_gradients({n: found[n] for n in golden.gradients.expected})
    assert name in verdict.explained_by


@pytest.mark.parametrize("name", ["decay_after_update", "decay_left_out"])
def test_a_deviation_of_the_forward_pass_is_named_by_gradients_of_autograd(name: str) -> None:
    golden = load("gated-delta/several-steps", dtype="float32", gradients=True)
    wrong = deviation(name).wrong
    assert isinstance(wrong, Edit)
    differentiated = RecurrenceBackward(wrong.equations)
    found = differentiated.gradients(recurrence_case(golden, np.float64), dict(golden.cotangents))
    verdict = golden.compare_gradients({n: found[n].astype(np.float32) for n in golden.checkable_gradients().expected})
    assert verdict.explained_by == (name,)


def test_a_state_in_bfloat16_is_wrong_by_one_contract_and_right_by_another_that_is_named() -> None:
    golden = load("gated-delta/65-steps", dtype="bfloat16")
    verdict = verdict_of("state_kept_in_bfloat16", golden)
    assert not verdict.passed
    assert "right by another contract" in " ".join(verdict.message.split())
    assert "--rnn-goldens-profile=all-stored" in verdict.message
    assert verdict_of("state_kept_in_bfloat16", replace(golden, profile=Profile(half="all-stored"))).passed


def in_bfloat16(name: str) -> Callable[[Golden], Actual]:
    """Return a kernel with a deviation, in float32 inside."""

    def run(golden: Golden) -> Actual:
        found = deviation(name).outputs(recurrence_case(golden, np.float32))
        return actual_by_name(golden, {n: PRECISIONS["bfloat16"].round(of.astype(float)) for n, of in found.items()})

    return run


def test_the_end_of_a_run_names_the_contract_that_all_failures_satisfy() -> None:
    ids = ["gated-delta/65-steps", "gated-delta/150-steps", "gated-delta/one-step", "gated-delta/square"]
    text = end_of_run(ids, in_bfloat16("state_kept_in_bfloat16"), dtype="bfloat16")
    assert (
        "all that fail by float32-inside pass by all-stored; if your contract allows that, declare "
        "--rnn-goldens-profile=all-stored" in text
    )
    assert "--rnn-goldens-profile" not in end_of_run(ids, in_bfloat16("scale_left_out"), dtype="bfloat16")


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        ("scale_left_out", 'scale="one"'),
        ("decay_exponential_left_out", 'decay="factor"'),
        ("decay_to_base_2", 'decay="log2"'),
        ("value_heads_tiled", 'heads="tiled"'),
        ("last_state_written_transposed", 'state="value key"'),
    ],
)
def test_what_is_right_in_another_layout_says_how_to_declare_it(name: str, layout: str) -> None:
    def wrong(golden: Golden) -> Actual:
        return actual_by_name(golden, deviation(name).outputs(recurrence_case(golden, np.float32)))

    text = end_of_run(["gated-delta/grouped-values", "gated-delta/several-steps"], wrong).replace("\n    ", " ")
    assert f"rnn_goldens.kernel(FUNCTION, {layout})" in text


def noisy(golden: Golden) -> Actual:
    return actual_by_name(golden, {name: array * (1 + 1e-4) for name, array in golden.stored.expected.items()})


@pytest.mark.parametrize(("golden_id", "advised"), [("gated-delta/65-steps", True), ("gated-delta/large-state", False)])
def test_a_failure_does_not_advise_a_contract_that_refuses_its_golden(golden_id: str, advised: bool) -> None:
    actual = noisy(load(golden_id, dtype="float32"))
    verdict = diagnosed(actual, verdict_on(actual))
    assert not verdict.passed
    assert ("--rnn-goldens-profile=tf32" in verdict.message) is advised


def test_a_contract_that_refuses_every_failed_golden_is_not_named() -> None:
    refused, checked = "gated-delta/large-state", "gated-delta/65-steps"
    assert "tf32" not in end_of_run([refused], noisy)
    assert "all that fail by the default pass by tf32;" in end_of_run([checked], noisy)
    assert "pass by tf32, or are refused by it;" in end_of_run([checked, refused], noisy)


def off_by(fraction: float, algorithm: str) -> Callable[[Golden], Actual]:
    """Return a kernel whose errors are a fraction of the tolerance by an algorithm."""

    def run(golden: Golden) -> Actual:
        under, precision = Profile(algorithm=algorithm), PRECISIONS[golden.dtype]
        tolerance = in_use(golden.tolerance, under, golden.dtype)
        expected = golden.stored.expected
        return actual_by_name(
            golden, {n: array + fraction * tolerance.allowed(n, array, precision) for n, array in expected.items()}
        )

    return run


@pytest.mark.parametrize(
    ("declared", "right_by", "message"),
    [
        pytest.param("chunk=64", "chunk=128", "all that fail by chunk=64 pass by chunk=128;", marks=pytest.mark.slow),
        ("chunk=64", "chunk=256", "all that fail by chunk=64 pass by chunk=256;"),
        pytest.param("step", "chunk=16", "all that fail by step pass by chunk=16;", marks=pytest.mark.slow),
        ("step", "chunk=64", "all that fail by step pass by chunk=64; if your contract allows that, declare "
         "--rnn-goldens-profile=chunk=64"),
    ],
)  # fmt: skip
def test_the_end_of_a_run_names_the_smallest_chunk_that_all_failures_satisfy(
    declared: str, right_by: str, message: str
) -> None:
    ids = ["delta-rule/150-steps", "delta-rule/packed-chunks", "delta-rule/65-steps"]
    text = end_of_run(ids, off_by(0.9, right_by), [declared], dtype="float64")
    assert message in text


def test_failures_that_need_different_chunks_pass_by_the_larger_one() -> None:
    contracts = [
        Contract(DEFAULT, Profile(algorithm="chunk=256")),
        Contract(DEFAULT, Profile(algorithm="chunk=128")),
    ]
    found = of_all(contracts)
    assert found is not None
    assert found.satisfied.algorithm == "chunk=256"
    steps = of_all([Contract(DEFAULT, Profile(algorithm="step", half="all-stored")), *contracts])
    assert steps is not None
    assert steps.satisfied == Profile(algorithm="chunk=256", half="all-stored")


def test_a_golden_that_passes_without_tf32_may_be_refused_by_it() -> None:
    of_both = of_all([Contract(DEFAULT, Profile("tf32")), Contract(DEFAULT, Profile(algorithm="chunk=128"))])
    assert of_both is not None
    assert "pass by tf32,chunk=128, or are refused by it;" in of_both.of_all


def test_the_declared_contract_is_named_where_only_the_arithmetic_changes() -> None:
    declared = Profile(algorithm="chunk=256")
    contract = Contract(declared, replace(declared, arithmetic="tf32"))
    assert contract.of_all.startswith("all that fail by chunk=256 pass by tf32,chunk=256;")
    assert Contract(DEFAULT, Profile("tf32")).of_all.startswith("all that fail by the default pass by tf32;")


def test_a_known_bug_is_not_advised_a_larger_chunk() -> None:
    golden = load("delta-rule/150-steps", dtype="float64")
    actual = off_by(0.9, "chunk=256")(golden)
    assert satisfied_by(actual, []) is not None
    assert satisfied_by(actual, [("chunk_state_in_float16",)]) is None


def test_no_contract_is_named_for_outputs_that_satisfy_none() -> None:
    verdict = verdict_of("scale_left_out", load("gated-delta/several-steps", dtype="bfloat16"))
    assert "contract" not in verdict.message


FEATURES = {"gru/a": ["bias", "unbatched"], "gru/b": ["unbatched"], "gru/c": ["bias"]}
TEXT = "2 goldens failed before outputs were compared: tuple index out of range"


def summary(*passed: str) -> str:
    failed = [(golden, "float32", "tuple index out of range") for golden in ("gru/a", "gru/b")]
    return " ".join(line.strip() for line in no_outputs(failed, FEATURES, passed))


def test_an_option_of_all_failed_and_no_passed_goldens_is_reported() -> None:
    option = 'all have no batch axis, unlike all passed goldens: to exclude them, without=["unbatched"]'
    assert summary("gru/c") == f"{TEXT}; {option}"
    assert summary() == TEXT
    assert summary("gru/c", "gru/b") == TEXT


def test_a_gradient_of_an_array_that_a_recurrence_does_not_have_is_wrong() -> None:
    golden = load("gated-delta/several-steps", gradients=True)
    found = {name: np.array(array) for name, array in golden.checkable_gradients().expected.items()}
    verdict = golden.compare_gradients({**found, "bias_ih_l0": np.ones(3)})
    assert "bias_ih_l0: is not an array of this golden" in verdict.message


def test_a_recurrence_has_no_steps_of_layers() -> None:
    with pytest.raises(Unsupported, match="a recurrence, which has no layers"):
        load("gated-delta/several-steps").steps()
