"""The message on wrong gradients names the deviation that explains them, or states facts about them."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from factories.for_each import for_each

import rnn_goldens
from rnn_goldens import Golden, GoldenMismatch
from rnn_goldens.cells import Backward, Case, Cell, case_of
from rnn_goldens.cells.step_program import with_equations
from rnn_goldens.comparison.actual import actual_gradients
from rnn_goldens.deviations import deviation
from rnn_goldens.diagnosis import EXPLAINED, Evidence
from rnn_goldens.diagnosis.facts import FACTS, facts
from rnn_goldens.diagnosis.observation import Of, Value
from rnn_goldens.diagnosis.run_diagnosis import diagnose_run, reexamine
from rnn_goldens.diagnosis.search import CandidateSearch
from rnn_goldens.diagnosis.summary import summary
from rnn_goldens.diagnosis.unexplained_failures import finding
from rnn_goldens.golden.expected import GRADIENTS
from rnn_goldens.golden.precision import PRECISIONS

NAMES = ["lstm_forget_path_dropped", "weight_hh_by_state_after", "bias_hh_gradient_zero", "tanh_slope_twice"]

Gradients = dict[str, Any]


def golden_named(golden_id: str, dtype: str = "float32") -> Golden:
    return rnn_goldens.load(golden_id, dtype=dtype, gradients=True)


def wrong_gradients(golden: Golden, name: str) -> Gradients:
    dtype = np.float64 if golden.dtype == "float64" else np.float32
    cotangents = {of: array.astype(dtype) for of, array in golden.cotangents.items()}
    found = deviation(name).gradients(case_of(golden, dtype), cotangents)
    return {of: PRECISIONS[golden.dtype].round(array) for of, array in found.items()}


def differentiated(golden: Golden, name: str) -> Gradients:
    """Return the correct gradients of a forward pass with wrong equations."""
    equations = deviation(name).alteration.equations

    class Differentiated(Backward):
        def cell(self, case: Case) -> Cell:
            return with_equations(super().cell(case), equations[case.cell.name])

    return Differentiated().gradients(case_of(golden, np.float64), golden.cotangents)


def right_gradients(golden: Golden) -> Gradients:
    assert golden.gradients is not None
    return {name: array.copy() for name, array in golden.gradients.expected.items()}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", NAMES)
def test_the_message_names_the_deviation_with_its_sentence(name: str, dtype: str) -> None:
    golden = golden_named("lstm/plain", dtype)
    verdict = golden.compare_gradients(wrong_gradients(golden, name))
    first, *others = verdict.message.splitlines()
    assert first.startswith(f"lstm/plain in {dtype}, like {name}: ")
    assert first.endswith(" wrong")
    assert any(line.startswith(f"  looks like {name}: {deviation(name).sentence[:20]}") for line in others)
    assert verdict.explained_by == (name,)
    assert len(verdict.message.splitlines()) <= 15


def test_the_first_line_lists_the_right_gradients() -> None:
    golden = golden_named("lstm/plain")
    first, second, *_ = golden.compare_gradients(wrong_gradients(golden, "bias_hh_gradient_zero")).message.splitlines()
    assert first == "lstm/plain in float32, like bias_hh_gradient_zero: 4 right; bias_hh_l0 wrong"
    assert second == "  right: x, weight_ih_l0, weight_hh_l0, bias_ih_l0"


def test_equivalent_deviations_are_all_named() -> None:
    golden = golden_named("gru/plain")  # has two rows
    verdict = golden.compare_gradients(wrong_gradients(golden, "biases_halved"))
    assert set(verdict.explained_by) == {"biases_mean_over_batch", "biases_halved"}
    message = " ".join(verdict.message.split())
    assert "looks like one of 2 deviations, which are equivalent here: biases_mean_over_batch, biases_halved" in message


@pytest.mark.slow
def test_nearly_right_gradients_are_not_explained() -> None:
    golden = golden_named("gru/plain")
    assert golden.gradients is not None
    nearly_right = {
        name: array + 1.5 * golden.gradients.tolerance.allowed(name, array, PRECISIONS["float32"])
        for name, array in right_gradients(golden).items()
    }
    verdict = golden.compare_gradients(nearly_right)
    assert not verdict.passed
    assert verdict.explained_by == ()


def test_missing_gradients_do_not_hide_the_cause_and_none_counts_as_zero() -> None:
    golden = golden_named("lstm/plain")
    found = wrong_gradients(golden, "lstm_cell_path_dropped")
    del found["x"], found["bias_ih_l0"]
    verdict = golden.compare_gradients(found)
    assert "lstm_cell_path_dropped" in verdict.explained_by
    assert "not checked: x, bias_ih_l0" in verdict.message
    golden = golden_named("lstm/with-state")
    verdict = golden.compare_gradients({**right_gradients(golden), "h0": None})
    assert "h0: is None" in verdict.message
    assert verdict.explained_by == ("h0_gradient_zero",)


@pytest.mark.parametrize("value", ["text", [["a"]], np.full((1, 1, 4), np.nan), np.ones((1, 1, 3))], ids=repr)
def test_gradients_that_cannot_be_compared_are_not_explained(value: object) -> None:
    golden = golden_named("lstm/one-step")
    verdict = golden.compare_gradients({**wrong_gradients(golden, "biases_halved"), "x": value})
    assert verdict.explained_by == ()
    assert ("x: has shape (1, 1, 3)" in verdict.message) == (np.shape(value) == (1, 1, 3))  # type: ignore[call-overload]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_gradients_of_a_wrong_forward_pass_identify_its_deviation(dtype: str) -> None:
    name, golden = "gru_reset_before_product", golden_named("gru/one-step-with-state", dtype)
    verdict = golden.compare_gradients(differentiated(golden, name))
    assert verdict.explained_by == (name,)
    assert "these are the gradients of wrong outputs, which check(out, h_n) compares" in verdict.message


def test_wrong_outputs_are_reported_before_wrong_gradients() -> None:
    golden = golden_named("gru/plain")
    wrong = deviation("gru_reset_before_product")

    def run(inputs: Any) -> Any:
        assert not inputs.has_cotangents
        return wrong.outputs(case_of(inputs, np.float32))

    with pytest.raises(GoldenMismatch) as caught:
        golden.check_gradient_calls(lambda _: differentiated(golden, wrong.name), run)
    first, *others = str(caught.value).splitlines()
    assert first.startswith(
        "gru/plain in float32, like gru_reset_before_product: the outputs are wrong, and gradients with them: "
    )
    assert any(line.startswith("  out is first wrong at time step ") for line in others)
    assert caught.value.verdict.explained_by == (wrong.name,)


def test_a_run_function_that_returns_no_outputs_does_not_prevent_the_diagnosis_of_gradients() -> None:
    golden = golden_named("gru/plain")

    def gradients_only(_: Any) -> Any:
        return wrong_gradients(golden, "gru_reset_path_dropped")

    with pytest.raises(GoldenMismatch, match="like gru_reset_path_dropped: "):
        golden.check_gradient_calls(gradients_only, gradients_only)


def test_gradients_that_accumulate_over_calls_are_identified() -> None:
    golden, sums = golden_named("rnn-tanh/one-step"), Gradients()

    def adds_up(_: Any) -> Gradients:
        for name, array in right_gradients(golden).items():
            sums[name] = sums.get(name, 0) + array
        return dict(sums)

    with pytest.raises(GoldenMismatch) as caught:
        golden.check_gradient_calls(adds_up)
    assert "gradients_accumulated" in caught.value.verdict.explained_by


@pytest.mark.parametrize(("calls_add_up", "fact"), [(True, "gradients_add_up"), (False, "second_gradients_differ")])
def test_biases_that_change_from_call_to_call_are_a_fact_and_no_deviation(calls_add_up: bool, fact: str) -> None:
    golden, calls = golden_named("rnn-tanh/one-step"), []

    def changing(_: Any) -> Gradients:
        calls.append(1)
        factor = len(calls) if calls_add_up else 1 / len(calls)
        return {n: factor * a if "bias" in n else a for n, a in right_gradients(golden).items()}

    with pytest.raises(GoldenMismatch) as caught:
        golden.check_gradient_calls(changing)
    assert caught.value.verdict.explained_by == ()
    assert caught.value.verdict.facts[fact]


def facts_of(golden: Golden, actual: Mapping[str, object]) -> dict[str, Value]:
    return facts(actual_gradients(golden, actual))


def kind_off(kind: str) -> Callable[[str, Any], Any]:
    return lambda name, array: array + 3 if name.startswith(kind) else array


CHANGES: list[tuple[str, Callable[[str, Any], Any], str]] = [
    ("lstm/plain", lambda _, a: 0 * a, "gradients_all_zero"),
    ("lstm/plain", lambda n, a: 0 * a if n in ("x", "bias_hh_l0") else a, "wrong_gradients_zero"),
    ("lstm/plain", lambda _, a: 0.3 * a, "gradients_factor"),
    ("lstm/plain", lambda n, a: 0.3 * a if n in ("x", "bias_hh_l0") else a, "wrong_gradients_factor"),
    ("lstm/plain", lambda n, a: a.T if n == "weight_ih_l0" else a, "gradients_transposed"),
    ("gru/plain", lambda n, a: np.roll(a, 3, axis=0) if n != "x" else a, "gradient_gates_moved"),
    ("lstm/plain", lambda n, a: a + 3 if n.startswith("bias") else a, "only_biases_wrong"),
    ("lstm/with-state", lambda n, a: a + 3 if n in ("h0", "c0") else a, "only_start_wrong"),
    ("lstm/plain", lambda n, a: a + 3 if n == "x" else a, "only_x_wrong"),
    ("lstm/plain", lambda n, a: a + 3 if "hh" in n else a, "only_recurrent_wrong"),
    ("lstm/plain", lambda n, a: a + 3 if "ih" in n else a, "only_input_wrong"),
    *(
        ("lstm/with-state", kind_off(kind), f"only_{kind}_wrong")
        for kind in ("h0", "c0", "weight_ih", "weight_hh", "bias_ih", "bias_hh")
    ),
    ("gru/bidirectional-two-layers", lambda n, a: a + 3 if "_l0" in n else a, "top_layer_right"),
    ("gru/bidirectional-two-layers", lambda n, a: a + 3 if "reverse" in n else a, "forward_gradients_right"),
    ("lstm/plain", lambda _, a: np.full_like(a, np.nan), "gradients_not_finite"),
]


@for_each(CHANGES, lambda case: case[2])
def test_a_fact_holds_for_wrong_gradients_and_not_for_others(
    golden_id: str, change: Callable[[str, Any], Any], fact: str
) -> None:
    golden = golden_named(golden_id)
    assert facts_of(golden, {name: change(name, array) for name, array in right_gradients(golden).items()})[fact]
    assert not facts_of(golden, wrong_gradients(golden, "backward_not_through_time")).get(fact)


def test_one_wrong_gradient_is_one_fact_in_the_message() -> None:
    golden = golden_named("gru/one-step")
    verdict = golden.compare_gradients({n: a + 3 * (n == "bias_hh_l0") for n, a in right_gradients(golden).items()})
    assert [code for code, value in verdict.facts.items() if value] == ["only_bias_hh_wrong"]
    assert FACTS["only_bias_hh_wrong"].sentence in " ".join(verdict.message.split())


SHAPES: list[tuple[str, Callable[[Any], Any]]] = [
    ("x", lambda array: array[:, :-1]),
    ("x", lambda array: array.swapaxes(0, 1)),
    ("h0", lambda array: array[0]),
    ("weight_hh_l0", lambda array: array[:, :, None]),
    ("bias_ih_l0", lambda array: array[None] * 0),
]


@for_each(SHAPES)
def test_a_gradient_of_a_wrong_shape_has_no_facts(name: str, change: Callable[[Any], Any]) -> None:
    golden = golden_named("lstm/lengths")
    actual = right_gradients(golden)
    assert not any(facts_of(golden, {**actual, name: change(actual[name])}).values())


@for_each(
    [
        ("lstm/plain", "f", "in the weights' gradients only the rows of f are wrong"),
        ("lstm/plain", "fo", "in the weights' gradients only the rows of f and o are wrong"),
        ("lstm/plain", "ifg", "in the weights' gradients only the rows of i, f and g are wrong"),
        ("gru/plain", "n", "in the weights' gradients only the rows of n are wrong"),
        ("gru/plain", "rz", "in the weights' gradients only the rows of r and z are wrong"),
    ]
)
def test_the_gates_with_wrong_rows_are_reported(golden_id: str, gates: str, sentence: str) -> None:
    golden = golden_named(golden_id)
    rows = np.repeat([letter in gates for letter in golden.layout.gates], golden.network.hidden_size)
    actual = {
        name: array + 3 * rows.reshape(-1, *[1] * (array.ndim - 1)) if name.startswith(("weight", "bias")) else array
        for name, array in right_gradients(golden).items()
    }
    failed = Evidence(golden_id, "float32", golden.cell, facts=facts_of(golden, actual), of=GRADIENTS)
    assert sentence in finding([failed], [], []).sentences()


def test_a_layer_is_right_or_wrong_only_with_all_its_weights() -> None:
    golden = golden_named("gru/bidirectional-two-layers")
    actual = {name: array + 3 * (name == "weight_ih_l0") for name, array in right_gradients(golden).items()}
    assert not facts_of(golden, actual).get("top_layer_right")


def test_no_gate_is_reported_if_the_rows_of_every_gate_are_wrong() -> None:
    for golden_id, observed in ("lstm/plain", None), ("lstm/one-step", False):
        golden = golden_named(golden_id)
        actual = {name: array + 3 for name, array in right_gradients(golden).items()}
        assert facts_of(golden, actual).get("lstm_gate_rows_wrong") is observed


def test_the_first_right_step_is_reported_if_all_steps_before_are_wrong() -> None:
    golden = golden_named("lstm/plain")
    actual = right_gradients(golden)
    actual["x"][:, :2] += 3
    assert facts_of(golden, actual)["later_steps_right"] == 2.0
    actual["x"][:, 0] -= 3
    assert facts_of(golden, actual)["later_steps_right"] is False  # step 0 is right, too


def test_a_fact_is_replaced_by_facts_of_the_same_kind_only() -> None:
    for fact in FACTS.values():
        assert all((Of.GRADIENT in FACTS[code].of) is (Of.GRADIENT in fact.of) for code in fact.unless)


def diagnosed(cell: str, ids: list[str], actual: Callable[[Golden], Mapping[str, object]]) -> Any:
    search, evidence = CandidateSearch(), []
    for golden_id in ids:
        golden = golden_named(golden_id)
        verdict = golden.compare_gradients(actual(golden))
        causes = () if verdict.passed else tuple(search.explain(actual_gradients(golden, actual(golden))))
        evidence.append(Evidence(golden_id, "float32", cell, golden.features, verdict.passed, causes, of=GRADIENTS))
    evidence, _ = reexamine(evidence, search.failures, golden_named)
    (found,) = diagnose_run(evidence, golden_named)
    return found


def test_a_run_is_explained_by_a_cause_of_all_failures() -> None:
    ids = ["gru/one-step", "gru/plain", "gru/with-state"]
    found = diagnosed("gru", ids, lambda golden: wrong_gradients(golden, "gru_reset_left_out_backward"))
    assert found.certainty == EXPLAINED
    assert [candidate.cause for candidate in found.candidates] == [("gru_reset_left_out_backward",)]


@pytest.mark.slow
def test_two_deviations_at_once_are_found() -> None:
    def actual(golden: Golden) -> Mapping[str, object]:
        found = wrong_gradients(golden, "weight_hh_by_state_after")
        return {**found, "bias_ih_l0": 0 * found["bias_ih_l0"]}

    found = diagnosed("gru", ["gru/one-step", "gru/plain"], actual)
    assert found.certainty == EXPLAINED
    assert {frozenset(s.cause) for s in found.candidates} == {
        frozenset({"weight_hh_by_state_after", "bias_ih_gradient_zero"})
    }


def test_a_passed_golden_contradicts_a_cause_only_in_checked_gradients() -> None:
    failed = Evidence("gru/plain", "float32", "gru", explained_by=(("biases_doubled",),), of=GRADIENTS)
    all_checked = Evidence("gru/with-state", "float32", "gru", passed=True, of=GRADIENTS)
    some_checked = Evidence(
        "gru/with-state", "float32", "gru", passed=True, of=GRADIENTS, checked=("x", "weight_hh_l0")
    )
    outputs = Evidence("gru/with-state", "float32", "gru", passed=True)
    against = {
        name: bool(diagnose_run([failed, passed], golden_named)[0].candidates[0].against)
        for name, passed in {"all_checked": all_checked, "some_checked": some_checked, "outputs": outputs}.items()
    }
    assert against == {"all_checked": True, "some_checked": False, "outputs": False}


def test_right_outputs_exclude_deviations_of_the_forward_pass() -> None:
    golden = golden_named("gru/with-state")
    actual = differentiated(golden, "gru_reset_before_product")
    search = CandidateSearch(pairs=False)
    assert search.explain(actual_gradients(golden, actual)) == [("gru_reset_before_product",)]
    with pytest.raises(GoldenMismatch) as caught:
        golden.check_gradient_calls(lambda _: actual, case_outputs)
    assert caught.value.verdict.explained_by == ()
    assert "gru_reset_before_product" not in str(caught.value)


def case_outputs(inputs: Any) -> Any:
    return Backward().run(case_of(inputs, np.float32))


def test_accumulated_gradients_are_reported_before_uncertain_findings() -> None:
    features = ("bias", "multilayer", "bidirectional", "lengths", "long", "saturated")
    add_up = {"gradients_add_up": True}
    failed = [Evidence(f"gru/{n}", "float32", "gru", features, facts=add_up, of=GRADIENTS) for n in range(3)]
    passed = [Evidence(f"gru/right-{n}", "float32", "gru", passed=True, of=GRADIENTS) for n in range(9)]
    first = list(summary(diagnose_run([*failed, *passed], golden_named)))[2]
    assert first == "  - the second call returns the sum of both: gradients accumulate over calls and"
