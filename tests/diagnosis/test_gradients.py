"""A failing gradient names the deviation of the backward pass that gives it, or says what can be seen in it."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

import rnn_goldens
from rnn_goldens import Golden, GoldenMismatch
from rnn_goldens.cells import Backward, Case, Cell, case_of
from rnn_goldens.cells.cell import with_equations
from rnn_goldens.deviations import DEVIATIONS, deviation
from rnn_goldens.deviations.backward import BACKWARD_DEVIATIONS
from rnn_goldens.diagnosis.causes import EXPLAINED, NOT_RECOGNISED, Evidence
from rnn_goldens.diagnosis.fact_list import FACTS
from rnn_goldens.diagnosis.facts import facts
from rnn_goldens.diagnosis.gradient_facts import GRADIENT_FACTS
from rnn_goldens.diagnosis.run import asked_again, diagnosed_run
from rnn_goldens.diagnosis.summary import summary
from rnn_goldens.diagnosis.suspects import Suspects
from rnn_goldens.golden.expected import GRADIENTS
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.judging.given import gradients_given
from rnn_goldens.judging.verdict import compare

torch: Any = pytest.importorskip("torch", reason="networks of torch are what is wrong here")
of_torch: Any = pytest.importorskip("rnn_goldens.implementations.torch.gradients")

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
    """What a framework gives that differentiates a wrong forward pass: other equations."""
    equations = deviation(name).wrong.equations

    class Differentiated(Backward):
        def cell(self, case: Case) -> Cell:
            return with_equations(super().cell(case), equations[case.cell.name])

    return Differentiated().gradients(case_of(golden, np.float64), golden.cotangents)


def right_gradients(golden: Golden) -> Gradients:
    assert golden.gradients is not None
    return {name: array.copy() for name, array in golden.gradients.expected.items()}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", NAMES)
def test_a_failure_names_the_deviation_with_its_sentence(name: str, dtype: str) -> None:
    golden = golden_named("lstm/plain", dtype)
    verdict = golden.compare_gradients(wrong_gradients(golden, name))
    first, *others = verdict.message.splitlines()
    assert first.startswith(f"lstm/plain in {dtype}, like {name}: ")
    assert first.endswith(" wrong")
    assert any(line.startswith(f"  looks like {name}: {deviation(name).sentence[:20]}") for line in others)
    assert verdict.explained_by == (name,)
    assert len(verdict.message.splitlines()) <= 15


def test_the_first_line_says_which_are_right() -> None:
    golden = golden_named("lstm/plain")
    first, second, *_ = golden.compare_gradients(wrong_gradients(golden, "bias_hh_gradient_zero")).message.splitlines()
    assert first == "lstm/plain in float32, like bias_hh_gradient_zero: 4 right; bias_hh_l0 wrong"
    assert second == "  right: x, weight_ih_l0, weight_hh_l0, bias_ih_l0"


def test_deviations_that_a_golden_does_not_tell_apart_are_all_named() -> None:
    golden = golden_named("gru/plain")  # whose cotangents are of out alone
    verdict = golden.compare_gradients(wrong_gradients(golden, "d_out_twice"))
    assert set(verdict.explained_by) == {"d_out_twice", "gradients_accumulated"}
    assert "looks like one of 2 deviations, which are alike here: d_out_twice,\n    gradients_acc" in verdict.message


@pytest.mark.slow
def test_what_is_nearly_right_is_not_called_a_deviation() -> None:
    golden = golden_named("gru/plain")
    assert golden.gradients is not None
    off = {
        name: array + 1.5 * golden.gradients.tolerance.allowed(name, array, PRECISIONS["float32"])
        for name, array in right_gradients(golden).items()
    }
    verdict = golden.compare_gradients(off)
    assert not verdict.passed
    assert verdict.explained_by == ()


@pytest.mark.slow
def test_noise_is_not_explained() -> None:
    golden, numbers = golden_named("gru/plain"), np.random.default_rng(1)
    noise = {name: numbers.normal(size=array.shape) for name, array in right_gradients(golden).items()}
    assert Suspects().explain(gradients_given(golden, noise)) == []
    assert Suspects().explain(gradients_given(golden, right_gradients(golden))) == []


def test_what_was_not_given_does_not_hide_a_name() -> None:
    golden = golden_named("lstm/plain")
    found = wrong_gradients(golden, "lstm_cell_path_dropped")
    del found["x"], found["bias_ih_l0"]
    verdict = golden.compare_gradients(found)
    assert "lstm_cell_path_dropped" in verdict.explained_by
    assert "not checked: x, bias_ih_l0" in verdict.message


def test_a_gradient_that_is_none_is_taken_for_one_to_which_nothing_comes_back() -> None:
    golden = golden_named("lstm/with-state")
    verdict = golden.compare_gradients({**right_gradients(golden), "h0": None})
    assert "h0: is None" in verdict.message
    assert verdict.explained_by == ("h0_gradient_zero",)


@pytest.mark.parametrize("value", ["text", [["a"]]])
def test_what_is_no_array_is_not_explained(value: object) -> None:
    golden = golden_named("lstm/plain")
    verdict = golden.compare_gradients({**wrong_gradients(golden, "biases_halved"), "x": value})
    assert verdict.explained_by == ()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ["gru_reset_before_product", "gru_update_gate_inverted"])
def test_gradients_of_a_wrong_forward_pass_name_it(name: str, dtype: str) -> None:
    if name not in {d.name for d in DEVIATIONS}:
        name = next(d.name for d in DEVIATIONS if d.cells == ("gru",) and d.wrong.acts_on == ("equations",))
    golden = golden_named("gru/with-state", dtype)
    verdict = golden.compare_gradients(differentiated(golden, name))
    assert verdict.explained_by == (name,)
    assert "these are the gradients of wrong outputs, which check(out, h_n) compares" in verdict.message


def test_gradients_of_torch_with_gates_in_another_order_name_it() -> None:
    golden = golden_named("lstm/plain")
    order, hidden = [0, 3, 1, 2], golden.config.hidden_size  # ONNX's: the rows are read as i, o, f, g

    def moved(array: Any) -> Any:
        return np.concatenate([np.split(array, 4)[place] for place in np.argsort(order)])

    def back(array: Any) -> Any:
        return np.concatenate([np.split(array, 4)[place] for place in order])

    layer = torch.nn.LSTM(golden.config.input_size, hidden, batch_first=True)
    layer.load_state_dict({name: torch.tensor(moved(array)) for name, array in golden.weights.items()})
    x = torch.tensor(golden.x, requires_grad=True)
    found = of_torch.gradients(golden, layer(x), {"x": x, **dict(layer.named_parameters())})
    given = {name: array if name == "x" or array is None else back(array.numpy()) for name, array in found.items()}
    assert golden.compare_gradients(given).explained_by == ("lstm_gates_iofg",)


def test_where_the_outputs_are_wrong_that_is_said_first() -> None:
    golden = golden_named("gru/plain")
    wrong = deviation("gru_reset_before_product")

    def run(question: Any) -> Any:
        assert not question.asks_gradients
        return wrong.run(case_of(question, np.float32))

    with pytest.raises(GoldenMismatch) as caught:
        golden.check_gradient_calls(lambda _: differentiated(golden, wrong.name), run)
    first, *others = str(caught.value).splitlines()
    assert first.startswith(
        "gru/plain in float32, like gru_reset_before_product: the outputs are wrong, and gradients with them: "
    )
    assert any(line.startswith("  out is first wrong at time step ") for line in others)
    assert caught.value.verdict.explained_by == (wrong.name,)


def test_outputs_that_can_not_be_had_change_nothing() -> None:
    golden = golden_named("gru/plain")

    def gradients_alone(_: Any) -> Any:
        return wrong_gradients(golden, "gru_reset_path_dropped")

    with pytest.raises(GoldenMismatch, match="like gru_reset_path_dropped: "):
        golden.check_gradient_calls(gradients_alone, gradients_alone)


def test_gradients_that_add_up_over_calls_are_named() -> None:
    golden, kept = golden_named("rnn-tanh/one-step"), Gradients()

    def adds_up(_: Any) -> Gradients:
        for name, array in right_gradients(golden).items():
            kept[name] = kept.get(name, 0) + array
        return dict(kept)

    with pytest.raises(GoldenMismatch) as caught:
        golden.check_gradient_calls(adds_up)
    assert "gradients_accumulated" in caught.value.verdict.explained_by


def test_one_gradient_that_adds_up_over_calls_is_told_as_that_and_as_no_deviation() -> None:
    golden, calls = golden_named("rnn-tanh/one-step"), []

    def adds_up(_: Any) -> Gradients:
        calls.append(1)
        return {n: len(calls) * a if "bias" in n else a for n, a in right_gradients(golden).items()}

    with pytest.raises(GoldenMismatch) as caught:
        golden.check_gradient_calls(adds_up)
    assert caught.value.verdict.explained_by == ()
    assert caught.value.verdict.facts["gradients_add_up"]


def test_a_second_call_that_gives_something_else_is_told_as_that_and_as_no_deviation() -> None:
    golden, calls = golden_named("rnn-tanh/one-step"), []

    def half_the_second_time(_: Any) -> Gradients:
        calls.append(1)
        return {n: a / len(calls) if "bias" in n else a for n, a in right_gradients(golden).items()}

    with pytest.raises(GoldenMismatch) as caught:
        golden.check_gradient_calls(half_the_second_time)
    assert caught.value.verdict.explained_by == ()
    assert caught.value.verdict.facts["second_gradients_differ"]


@pytest.mark.sampled(every=4)
@pytest.mark.parametrize(
    ("golden_id", "spoil", "fact"),
    [
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
            ("lstm/with-state", lambda n, a, kind=kind: a + 3 if n.startswith(kind) else a, f"only_{kind}_wrong")
            for kind in ("h0", "c0", "weight_ih", "weight_hh", "bias_ih", "bias_hh")
        ),
        ("gru/bidirectional-two-layers", lambda n, a: a + 3 if "_l0" in n else a, "top_layer_right"),
        ("gru/bidirectional-two-layers", lambda n, a: a + 3 if "reverse" in n else a, "forward_gradients_right"),
        ("lstm/plain", lambda _, a: np.full_like(a, np.nan), "gradients_not_finite"),
    ],
)
def test_what_can_be_seen_is_said(golden_id: str, spoil: Callable[[str, Any], Any], fact: str) -> None:
    golden = golden_named(golden_id)
    given = {name: spoil(name, array) for name, array in right_gradients(golden).items()}
    verdict = golden.compare_gradients(given)
    assert verdict.facts[fact]
    assert verdict.explained_by == ()
    others = facts(gradients_given(golden, wrong_gradients(golden, "backward_not_through_time")))
    assert not others.get(fact)


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("x", lambda array: array[:, :-1]),
        ("x", lambda array: array.swapaxes(0, 1)),
        ("h0", lambda array: array[0]),
        ("weight_hh_l0", lambda array: array[:, :, None]),
        ("bias_ih_l0", lambda array: array[None] * 0),
    ],
)
def test_of_a_gradient_of_another_shape_nothing_else_is_seen(name: str, spoil: Callable[[Any], Any]) -> None:
    golden = golden_named("lstm/lengths")
    given = right_gradients(golden)
    verdict = golden.compare_gradients({**given, name: spoil(given[name])})
    assert not any(verdict.facts.values())
    assert f"{name}: has shape" in verdict.message
    assert "look at" not in verdict.message


@pytest.mark.slow
@pytest.mark.parametrize(
    ("golden_id", "wrong", "fact"),
    [
        ("lstm/plain", ["weight_hh_l0"], "only_weight_hh_wrong"),
        ("lstm/plain", ["bias_hh_l0"], "only_bias_hh_wrong"),
        ("lstm/with-state", ["c0"], "only_c0_wrong"),
    ],
)
def test_no_gradient_is_said_to_be_wrong_that_is_right(golden_id: str, wrong: list[str], fact: str) -> None:
    golden = golden_named(golden_id)
    given = {name: array + 3 * (name in wrong) for name, array in right_gradients(golden).items()}
    said = [code for code, value in golden.compare_gradients(given).facts.items() if value]
    assert said == [fact]


@pytest.mark.parametrize(
    ("golden_id", "gates", "sentence"),
    [
        ("lstm/plain", "f", "in the weights' gradients the rows of f alone are wrong"),
        ("lstm/plain", "fo", "in the weights' gradients the rows of f and o alone are wrong"),
        ("lstm/plain", "ifg", "in the weights' gradients the rows of i, f and g alone are wrong"),
        ("gru/plain", "n", "in the weights' gradients the rows of n alone are wrong"),
        ("gru/plain", "rz", "in the weights' gradients the rows of r and z alone are wrong"),
    ],
)
def test_the_gates_whose_rows_are_wrong_are_said(golden_id: str, gates: str, sentence: str) -> None:
    golden = golden_named(golden_id)
    rows = np.repeat([letter in gates for letter in golden.layout.gates], golden.config.hidden_size)
    given = {
        name: array + 3 * rows.reshape(-1, *[1] * (array.ndim - 1)) if name.startswith(("weight", "bias")) else array
        for name, array in right_gradients(golden).items()
    }
    assert sentence in " ".join(golden.compare_gradients(given).message.split())


def test_where_the_rows_of_every_gate_are_wrong_none_is_said_to_be_so_alone() -> None:
    golden = golden_named("lstm/plain")
    given = {name: array + 3 for name, array in right_gradients(golden).items()}
    assert "rows" not in golden.compare_gradients(given).message
    one_step = golden_named("lstm/one-step")
    given_of_one_step = {name: array + 3 for name, array in right_gradients(one_step).items()}
    assert facts(gradients_given(one_step, given_of_one_step))["lstm_gate_rows_wrong"] is False
    assert "lstm_gate_rows_wrong" not in facts(gradients_given(golden, given))


def test_the_step_from_which_on_a_gradient_is_right_is_said() -> None:
    golden = golden_named("lstm/plain")
    given = right_gradients(golden)
    given["x"][:, :2] += 3
    verdict = golden.compare_gradients(given)
    assert verdict.facts["later_steps_right"] == 2.0


def test_no_fact_of_gradients_has_the_name_of_one_of_outputs() -> None:
    assert FACTS.keys() & GRADIENT_FACTS.keys() == set()
    assert all(fact.unless == () or set(fact.unless) <= GRADIENT_FACTS.keys() for fact in GRADIENT_FACTS.values())


def diagnosed(cell: str, ids: list[str], given: Callable[[Golden], Mapping[str, object]]) -> Any:
    suspects, evidence = Suspects(), []
    for golden_id in ids:
        golden = golden_named(golden_id)
        verdict = golden.compare_gradients(given(golden))
        causes = () if verdict.passed else tuple(suspects.explain(gradients_given(golden, given(golden))))
        evidence.append(Evidence(golden_id, "float32", cell, golden.features, verdict.passed, causes, of=GRADIENTS))
    again = asked_again(evidence, suspects.failures, golden_named)
    (found,) = diagnosed_run(again.evidence, golden_named)
    return found


def test_a_run_is_explained_by_what_explains_all_of_it() -> None:
    ids = ["gru/one-step", "gru/plain", "gru/with-state"]
    found = diagnosed("gru", ids, lambda golden: wrong_gradients(golden, "gru_reset_left_out_backward"))
    assert found.certainty == EXPLAINED
    assert [suspect.cause for suspect in found.suspects] == [("gru_reset_left_out_backward",)]


@pytest.mark.slow
def test_two_at_once_are_found() -> None:
    def given(golden: Golden) -> Mapping[str, object]:
        found = wrong_gradients(golden, "weight_hh_by_state_after")
        return {**found, "bias_ih_l0": 0 * found["bias_ih_l0"]}

    found = diagnosed("gru", ["gru/one-step", "gru/plain"], given)
    assert found.certainty == EXPLAINED
    assert {frozenset(s.cause) for s in found.suspects} == {
        frozenset({"weight_hh_by_state_after", "bias_ih_gradient_zero"})
    }


def test_what_passed_speaks_against_a_cause_only_in_what_was_checked() -> None:
    failed = Evidence("gru/plain", "float32", "gru", explained_by=(("biases_doubled",),), of=GRADIENTS)
    whole = Evidence("gru/with-state", "float32", "gru", passed=True, of=GRADIENTS)
    part = Evidence("gru/with-state", "float32", "gru", passed=True, of=GRADIENTS, checked=("x", "weight_hh_l0"))
    outputs = Evidence("gru/with-state", "float32", "gru", passed=True)
    against = {
        name: bool(diagnosed_run([failed, passed], golden_named)[0].suspects[0].against)
        for name, passed in {"whole": whole, "part": part, "outputs": outputs}.items()
    }
    assert against == {"whole": True, "part": False, "outputs": False}


def test_every_name_of_either_catalogue_is_looked_up() -> None:
    names = [*(d.name for d in DEVIATIONS), *(d.name for d in BACKWARD_DEVIATIONS)]
    assert [deviation(name).name for name in names] == names


def d_c_n_added_to_d_h(golden: Golden) -> Gradients:
    """A slip of the backward pass alone, whose gradients are those of an LSTM that returns h for c_n."""
    d = golden.cotangents
    wrong = {**d, "d_h_n": d["d_h_n"] + d["d_c_n"], "d_c_n": 0 * d["d_c_n"]}
    return Backward().gradients(case_of(golden, np.float64), wrong)


@pytest.mark.parametrize("outputs_right", [True, False])
def test_where_the_outputs_are_right_no_deviation_of_theirs_is_named(outputs_right: bool) -> None:
    golden, suspects = golden_named("gru/with-state"), Suspects()
    given = differentiated(golden, "gru_reset_before_product")
    found = suspects.explain(gradients_given(golden, given), outputs_right=outputs_right)
    assert found == ([] if outputs_right else [("gru_reset_before_product",)])


def test_outputs_that_were_had_and_are_right_rule_out_every_deviation_of_theirs() -> None:
    golden = golden_named("gru/plain")
    with pytest.raises(GoldenMismatch) as caught:
        golden.check_gradient_calls(
            lambda _: differentiated(golden, "gru_reset_before_product"),
            case_outputs,
        )
    assert caught.value.verdict.explained_by == ()
    assert "gru_reset_before_product" not in str(caught.value)


def case_outputs(question: Any) -> Any:
    return Backward().run(case_of(question, np.float32))


@pytest.mark.slow
def test_a_run_in_which_the_outputs_are_right_names_no_deviation_of_theirs() -> None:
    ids, cause = ["gru/one-step", "gru/plain", "gru/with-state"], ("gru_reset_before_product",)
    certainties = {}
    for outputs_right in (True, False):
        suspects, evidence = Suspects(), []
        for golden_id in ids:
            golden = golden_named(golden_id)
            given = differentiated(golden, *cause)
            causes = tuple(suspects.explain(gradients_given(golden, given), outputs_right=outputs_right))
            evidence.append(Evidence(golden_id, "float32", "gru", golden.features, explained_by=causes, of=GRADIENTS))
        again = asked_again(evidence, suspects.failures, golden_named)
        (found,) = diagnosed_run(again.evidence, golden_named)
        assert (cause in [suspect.cause for suspect in found.suspects]) is not outputs_right
        certainties[outputs_right] = found.certainty
    assert certainties == {True: NOT_RECOGNISED, False: EXPLAINED}


def test_outputs_are_diagnosed_as_before_where_gradients_were_loaded() -> None:
    golden = golden_named("gru/plain")
    outputs = deviation("gru_reset_before_product").run(case_of(golden, np.float32))
    assert not compare(golden, *outputs).passed
    assert golden.compare(*outputs).explained_by == ("gru_reset_before_product",)


def test_that_gradients_add_up_is_said_before_what_may_be_chance() -> None:
    features = ("bias", "multilayer", "bidirectional", "lengths", "long", "saturated")
    add_up = {"gradients_add_up": True}
    failed = [Evidence(f"gru/{n}", "float32", "gru", features, facts=add_up, of=GRADIENTS) for n in range(3)]
    passed = [Evidence(f"gru/right-{n}", "float32", "gru", passed=True, of=GRADIENTS) for n in range(9)]
    first = list(summary(diagnosed_run([*failed, *passed], golden_named)))[2]
    assert first == "  - the second call gives the sum of both: gradients add up over calls, and are"
