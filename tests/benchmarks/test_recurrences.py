"""The measurements of recurrences, each on a few goldens, and the tables that they write."""

import re
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import page
from benchmarks.recurrences import (
    other_criteria,
    relative_error,
    right_implementations,
    tolerance_ratios,
    wrong_implementations,
)
from benchmarks.recurrences.goldens import CONDITIONS, Condition
from benchmarks.recurrences.kernels import IMPLEMENTATIONS
from benchmarks.recurrences.onnx_cases import LEFT_OUT, onnx_cases
from rnn_goldens.cells.recurrence import run
from rnn_goldens.deviations import deviation
from rnn_goldens.deviations.recurrences.edits import ATTENTION
from rnn_goldens.golden.precision import PRECISIONS

GOLDEN, EXACT, LONG = "gated-delta/several-steps", "delta-rule/exact-steps", "delta-rule/full-numbers"


def test_a_correct_implementation_is_judged_by_each_contract() -> None:
    found = right_implementations.measured([GOLDEN], ["torch_step", "torch_chunk_16", "numpy_step"])
    assert {one.condition.columns for one in found} == {condition.columns for condition in CONDITIONS}
    assert {one.implementation: one.condition.algorithm for one in found} == {
        "torch_step": "step", "torch_chunk_16": "chunk=16", "numpy_step": "step",
    }  # fmt: skip
    assert len(found) == 2 * len(CONDITIONS) + len(PRECISIONS)
    assert right_implementations.failures(found) == []
    assert "| float64   |                 |           3 |      0 | " in right_implementations.report(found)


def test_correct_implementations_compute_what_heads_and_channels_share() -> None:
    ids = ["gated-delta/grouped-values", "delta-rule/one-beta", "selective-scan/groups"]
    found = right_implementations.measured(ids, ["torch_step", "torch_chunk_16", "numpy_chunk_64"])
    assert {one.golden for one in found} == {*ids}
    assert right_implementations.failures(found) == []


def test_a_failure_is_reported() -> None:
    found = right_implementations.measured([GOLDEN], ["numpy_step"])
    wrong = replace(found[0], fraction=1.5)
    assert right_implementations.failures([wrong, *found[1:]]) == [wrong]
    line = "FAILED: numpy_step on gated-delta/several-steps in float64, step: 1.50"
    assert line in right_implementations.report([wrong])


def test_chunks_may_exceed_the_tolerance_of_steps() -> None:
    found = right_implementations.measured([LONG], ["numpy_chunk_64", "torch_chunk_64"])
    assert max(one.fraction for one in found) < 1 < max(one.of_step for one in found)


@pytest.mark.slow
def test_the_ratio_of_a_larger_chunk_is_empty_where_no_sequence_is_longer() -> None:
    lines = tolerance_ratios.report().splitlines()
    rows = {line.split(" ")[1]: line.split("|")[3:-1] for line in lines if line.startswith("|") and "outputs" in line}
    filled = {name: [bool(entry.strip()) for entry in row] for name, row in rows.items()}
    assert filled["delta-rule/150-steps"] == [True] * 5
    assert filled["delta-rule/65-steps"] == [True] * 4 + [False]
    assert filled["gated-delta/twenty-steps"] == [True] * 2 + [False] * 3


def test_deviations_are_detected_under_each_contract() -> None:
    found = (measured := wrong_implementations.measured([GOLDEN])).margins
    pair = ("past_state_ignored", "gated_delta")
    assert all(of[pair].is_detected and of[pair].golden == GOLDEN for of in found.values())
    margins = [found[Condition("bfloat16", contract)][pair].margin for contract in ("float32-inside", "all-stored")]
    assert margins[0] > margins[1]
    page = wrong_implementations.report(measured)
    assert "pairs of a deviation and a recurrence" in page
    assert "`borders_of_packed_sequences_ignored` (" in page  # the golden is not packed


@pytest.mark.slow
def test_a_pair_that_only_a_larger_chunk_hides_is_named() -> None:
    found = wrong_implementations.measured(["delta-rule/65-steps"])
    pair, default = ("state_kept_in_float16", "delta_rule"), Condition("float32", "float32-inside")
    larger = default._replace(algorithm="chunk=256")
    assert found.margins[default][pair].margin > found.margins[larger][pair].margin
    hidden = {**found.margins, larger: {**found.margins[larger], pair: wrong_implementations.Best(1.5, "")}}
    page = wrong_implementations.report(replace(found, margins=hidden))
    assert "`state_kept_in_float16` (delta_rule 1.50)" in page


@pytest.mark.slow
def test_gradients_of_each_form_are_within_the_tolerance_and_deviations_are_not() -> None:
    found = right_implementations.measured_gradients(["min-gru/several-steps"])
    assert {one.implementation for one in found} == set(right_implementations.DIFFERENTIABLE)
    assert right_implementations.failures(found) == []
    assert f"1 goldens, {len(found)} comparisons" in right_implementations.report_gradients(found)
    backward = wrong_implementations.measured_backward([GOLDEN])
    assert any(best.is_detected for best in backward.margins[CONDITIONS[1]].values())
    assert "| float32   |" in wrong_implementations.report(backward)


def test_all_results_on_an_exact_golden_are_equal() -> None:
    names = [name for name, of in IMPLEMENTATIONS.items() if "delta_rule" in of.cells and name != "jax_scan"]
    found = right_implementations.measured([EXACT], names)
    assert {one.implementation for one in found} == set(names)
    assert all(one.exact for one in found)
    assert {one.fraction for one in found} == {0.0}
    page = right_implementations.report([replace(found[0], fraction=np.inf), *found[1:]])
    assert f"{len(found) - 1} of {len(found)}" in page


def test_drawn_inputs_accept_right_outputs_and_reject_wrong_ones() -> None:
    case = relative_error.drawn("linear_attention", 63, batch=1)
    question = relative_error.Question(case, right := run(case))
    assert question.ratio(right) == 0
    assert question.accepts({name: array * 1.004 for name, array in right.items()})
    assert not question.accepts({name: array * 1.006 for name, array in right.items()})
    assert not question.accepts({name: np.full_like(array, np.nan) for name, array in right.items()})


@pytest.mark.slow
def test_onnx_cases_accept_the_definition_and_reject_a_deviation() -> None:
    cases = {one.name: one for one in onnx_cases()}
    assert sum(one.case.cell in ATTENTION for one in cases.values()) >= 14
    assert LEFT_OUT not in cases
    assert [name for name, one in cases.items() if not one.accepts(run(one.case))] == []
    one = cases["test_linear_attention_gated_delta"]
    assert not one.accepts(deviation("state_read_before_update").outputs(one.case))


@pytest.mark.slow
def test_a_deviation_without_effect_passes_another_criterion() -> None:
    deviations = [deviation(name) for name in ("scale_by_d_v", "state_read_before_update")]
    found = other_criteria.measured(deviations)[other_criteria.ONNX]
    assert {name for name, _ in found.pairs} == {name for name, _ in found.without_effect} == {"scale_by_d_v"}
    assert other_criteria.rejected_right(other_criteria.of_right()) == []


def test_the_figure_has_a_bar_for_each_criterion_and_right_kernels_that_fail() -> None:
    assert other_criteria.figure({"goldens": (0, 0), "one": (10, 0), "other": (5, 2)}, 20).splitlines()[1:-1] == [
        "wrong kernels that pass, of 20; right ones that fail",
        f"{'goldens':<27}   0",
        f"{'one':<27}  10 {'█' * 30}",
        f"{'other':<27}   5 {'█' * 15}; 2 right ones fail",
    ]


def test_the_front_pages_show_the_figure_that_was_measured() -> None:
    measured = (page.ROOT / "docs/results/recurrences.md").read_text("utf-8")
    (figure,) = re.findall("```text\nwrong kernels.*?```", measured, re.DOTALL)
    for name in ("README.md", "docs/index.md"):
        assert figure in (page.ROOT / name).read_text("utf-8"), f"copy the figure of recurrences.md to {name}"
