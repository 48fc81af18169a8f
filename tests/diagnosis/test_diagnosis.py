"""A failure message names the deviation that explains the failure, if there is one."""

import numpy as np
import pytest

import rnn_goldens
from rnn_goldens import Golden
from rnn_goldens.cells import case_of
from rnn_goldens.comparison.actual import actual_outputs
from rnn_goldens.deviations import deviation, together
from rnn_goldens.diagnosis import candidate_search
from rnn_goldens.diagnosis.candidate_search import CandidateSearch
from rnn_goldens.diagnosis.causes import Evidence
from rnn_goldens.diagnosis.run_diagnosis import diagnose_run
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.implementations.numpy_cells import arithmetic

NAMES = ["lstm_gates_iofg", "w_hh_transposed", "b_hh_missing", "lstm_forget_bias_plus_1", "out_time_major"]


def wrong_outputs(golden: Golden, name: str) -> tuple[object, ...]:
    return deviation(name).run(case_of(golden, arithmetic(golden.dtype)))


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize("name", NAMES)
def test_the_message_names_the_deviation(name: str, dtype: str) -> None:
    golden = rnn_goldens.load("lstm/plain", dtype=dtype)
    first, second, *_ = golden.compare(*wrong_outputs(golden, name)).message.splitlines()
    assert first.startswith(f"lstm/plain in {dtype}, like {name}: out ")
    assert second.startswith(f"  looks like {name}: ")


def test_equivalent_deviations_are_all_named() -> None:
    golden = rnn_goldens.load("documented/single-sequence")
    message = golden.compare(*wrong_outputs(golden, "w_hh_ignored")).message
    assert (
        "\n  looks like one of 2 deviations, which are equivalent here: w_hh_ignored, state_never_fed_forward\n"
        in message
    )


@pytest.mark.slow
def test_random_right_missing_and_extra_outputs_are_not_explained() -> None:
    golden = rnn_goldens.load("gru/plain", dtype="float32")
    noise = np.random.default_rng(1)
    assert (
        CandidateSearch().explain(
            actual_outputs(golden, noise.normal(size=golden.out.shape), noise.normal(size=golden.h_n.shape))
        )
        == []
    )
    assert CandidateSearch().explain(actual_outputs(golden, golden.out, golden.h_n)) == []
    assert CandidateSearch().explain(actual_outputs(golden, None, golden.h_n)) == []
    assert CandidateSearch().explain(actual_outputs(golden, golden.out, golden.h_n, golden.h_n)) == []


def test_nearly_right_outputs_are_not_explained() -> None:
    golden = rnn_goldens.load("gru/plain", dtype="float32")
    error = golden.tolerance.allowed("out", golden.stored.out, PRECISIONS["float32"]) * 1.5
    verdict = golden.compare(golden.stored.out + error, golden.h_n)
    assert not verdict.passed
    assert "looks like" not in verdict.message


def test_no_search_runs_on_a_golden_with_too_many_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    golden = rnn_goldens.load("lstm/plain")
    monkeypatch.setattr(candidate_search, "MAX_STEPS", 3)
    assert CandidateSearch().explain(actual_outputs(golden, *wrong_outputs(golden, "lstm_gates_iofg"))) == []


@pytest.mark.parametrize("name", ["w_hh_transposed", "lstm_gates_iofg", "float32_arithmetic"])
def test_the_message_has_at_most_15_lines(name: str) -> None:
    golden = rnn_goldens.load("lstm/lengths-bidirectional-two-layers", dtype="float64")
    message = golden.compare(*wrong_outputs(golden, name)).message
    assert f"\n  looks like {name}: " in message
    assert len(message.splitlines()) <= 15


def test_a_passed_golden_on_which_a_pair_cannot_run_does_not_contradict_the_pair() -> None:
    pair = (
        "state_never_fed_forward",
        "state_leaks_across_rows",
    )  # the first passes a state with fewer rows to the second
    golden = rnn_goldens.load("gru/no-bias")
    with pytest.raises(ValueError, match="broadcast"):
        together(pair)(case_of(golden, np.float64))
    failed = Evidence("gru/plain", "float32", "gru", explained_by=(pair,))
    passed = Evidence("gru/no-bias", "float32", "gru", passed=True)
    (found,) = diagnose_run([failed, passed], lambda golden_id, dtype: rnn_goldens.load(golden_id, dtype=dtype))
    assert found.candidates[0].cause == pair
    assert found.candidates[0].against == ()
