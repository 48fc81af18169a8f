"""What can be seen in wrong outputs: each fact is so where it is said, and not where it is not."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

import rnn_goldens
from rnn_goldens import Golden
from rnn_goldens.cells import Array, Case, Network, State, Weights, case_of
from rnn_goldens.cells.notation import Term, Weight, mix, sigmoid, tanh
from rnn_goldens.cells.program import Equations
from rnn_goldens.cells.steps import steps_of
from rnn_goldens.deviations import deviation
from rnn_goldens.deviations.deviation import in_equations
from rnn_goldens.diagnosis.causes import Evidence
from rnn_goldens.diagnosis.fact_list import FACTS, Value
from rnn_goldens.diagnosis.facts import facts
from rnn_goldens.diagnosis.in_common import Common
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.implementations.numpy_cells import arithmetic
from rnn_goldens.judging.given import outputs_given

Outputs = tuple[Array, ...]


def seen_in(golden: Golden, *outputs: object) -> dict[str, Value]:
    return facts(outputs_given(golden, *outputs))


def right(golden: Golden) -> Outputs:
    return Network().run(case_of(golden, arithmetic(golden.dtype)))


def by(name: str) -> Callable[[Golden], Outputs]:
    return lambda golden: deviation(name).run(case_of(golden, arithmetic(golden.dtype)))


def changed(**change: Callable[[Array], Array]) -> Callable[[Golden], Outputs]:
    def outputs(golden: Golden) -> Outputs:
        named = dict(zip(("out", "h_n", "c_n"), right(golden), strict=False))
        return tuple(change[name](part.copy()) if name in change else part for name, part in named.items())

    return outputs


def with_nan(part: Array) -> Array:
    part[..., 0] = np.nan
    return part


def in_first_layer(change: Callable[[Array], Array]) -> Callable[[Golden], Outputs]:
    class Wrong(Network):
        def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
            return super().step(case, suffix, w, change(layer_input) if suffix == "l0" else layer_input, t, state)

    return lambda golden: Wrong().run(case_of(golden, arithmetic(golden.dtype)))


def feeding(change: Callable[[Array], Array]) -> Callable[[Golden], Outputs]:
    class Wrong(Network):
        def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
            return super().step(case, suffix, w, layer_input if suffix == "l0" else change(layer_input), t, state)

    return lambda golden: Wrong().run(case_of(golden, arithmetic(golden.dtype)))


def with_cell(cell: str, equations: Equations) -> Callable[[Golden], Outputs]:
    wrong = in_equations(**{cell: equations})
    return lambda golden: wrong(case_of(golden, arithmetic(golden.dtype)))


def growing_error(part: Array) -> Array:
    grown: Array = part + 1e-3 * 4.0 ** np.arange(part.shape[1])[:, None]
    return grown


def wrong_from_third_step(part: Array) -> Array:
    part[:, 2:] += 1
    return part


def second_row_off(part: Array) -> Array:
    part[1] += 1
    return part


@pytest.mark.parametrize(
    ("fact", "golden", "outputs"),
    [
        ("not_finite", "gru/plain", changed(out=with_nan)),
        ("all_zero", "gru/plain", changed(out=np.zeros_like)),
        ("only_last_states", "gru/plain", changed(h_n=lambda h: h + 1)),
        ("only_out", "gru/plain", changed(out=lambda out: out + 1)),
        ("c_right", "lstm/one-step", changed(out=lambda out: out + 1, h_n=lambda h: h + 1)),
        ("first_layer_right", "gru/two-layers", by("relu_between_layers")),
        ("forward_right", "gru/bidirectional", by("reverse_not_reversed")),
        ("first_row_right", "gru/plain", changed(out=second_row_off)),
        ("only_beyond_lengths", "gru/lengths", by("outputs_not_zeroed")),
        ("same_numbers_by_unit", "gru/plain", changed(out=lambda out: out[..., ::-1])),
        ("same_numbers_by_step", "gru/plain", changed(out=lambda out: out[:, ::-1])),
        ("constant_factor", "gru/plain", changed(out=lambda out: out * 3)),
        ("one_step_late", "gru/plain", changed(out=lambda out: np.roll(out, 1, axis=1))),
        ("one_step_early", "gru/plain", changed(out=lambda out: np.roll(out, -1, axis=1))),
        ("repeats", "gru/plain", changed(out=lambda out: out[:, :1] + 0 * out)),
        ("grows", "gru/plain", changed(out=growing_error)),
        ("wrong_from_step", "gru/plain", changed(out=wrong_from_third_step)),
        ("upper_layers_follow", "gru/two-layers-one-step", in_first_layer(lambda x: -x)),
        ("every_step_follows", "gru/with-state", by("h0_ignored")),
        ("no_step_follows", "gru/plain", by("gru_z_complemented")),
        ("first_step_right", "gru/plain", by("w_hh_transposed")),
        ("wrong_from_first_step", "gru/plain", by("w_ih_ignored")),
    ],
)
def test_a_fact_is_seen_where_it_is_so_and_not_in_right_outputs(
    fact: str, golden: str, outputs: Callable[[Golden], Outputs]
) -> None:
    asked = rnn_goldens.load(golden)
    assert seen_in(asked, *outputs(asked))[fact]
    assert not seen_in(asked, *right(asked)).get(fact, False)


def test_a_state_that_is_not_carried_on_is_seen() -> None:
    golden = rnn_goldens.load("gru/with-state")
    out, _ = right(golden)
    assert seen_in(golden, out + 1, golden.h0)["still_initial"]


def test_what_is_right_to_float32_is_seen_in_float64() -> None:
    golden = rnn_goldens.load("gru/plain", dtype="float64")
    single = tuple(output.astype(np.float32).astype(np.float64) for output in right(golden))
    assert seen_in(golden, *single)["right_to_float32"]
    assert not seen_in(golden, *by("w_hh_transposed")(golden))["right_to_float32"]


def test_numbers_of_float32_are_seen_in_what_is_wrong() -> None:
    golden = rnn_goldens.load("lstm/plain", dtype="float64")
    out, *states = right(golden)
    assert seen_in(golden, out.astype(np.float32).astype(np.float64), *states)["numbers_of_float32"]
    assert not seen_in(golden, out + 1e-8, *states)["numbers_of_float32"]


def test_what_gives_h_is_blamed_only_if_out_is_wrong_too() -> None:
    golden = rnn_goldens.load("lstm/plain")
    out, h_n, c_n = right(golden)
    assert not seen_in(golden, out, h_n + 1, c_n).get("c_right", False)


def test_where_out_has_another_shape_that_alone_is_seen() -> None:
    golden = rnn_goldens.load("gru/plain")
    out, h_n = right(golden)
    assert seen_in(golden, out[:, 0], h_n) == {"out_shape": True}


def test_what_is_missing_is_seen() -> None:
    golden = rnn_goldens.load("lstm/plain")
    out, h_n, _ = right(golden)
    assert seen_in(golden, None) == {"out_missing": True, "h_n_missing": True, "c_n_missing": True}
    seen = seen_in(golden, out, h_n)
    assert [code for code, so in seen.items() if so] == ["c_n_missing"]


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_where_the_last_states_have_another_shape_out_is_looked_at_all_the_same(cell: str) -> None:
    golden = rnn_goldens.load(f"{cell}/plain")
    out, *states = right(golden)
    seen = seen_in(golden, 3 * out, states[0][0], *states[1:])
    assert seen["h_n_shape"]
    assert seen["constant_factor"] == pytest.approx(3)
    assert "only_out" not in seen
    assert "all_zero" in seen


@pytest.mark.parametrize("factor", [0.5, -1.0])
@pytest.mark.parametrize("cell", ["rnn-tanh", "lstm", "gru"])
def test_what_upper_layers_are_fed_is_told_with_its_factor(cell: str, factor: float) -> None:
    golden = rnn_goldens.load(f"{cell}/two-layers-one-step")
    assert seen_in(golden, *feeding(lambda x: x * factor)(golden))["fed_times"] == pytest.approx(factor)
    assert not seen_in(golden, *by("relu_between_layers")(golden)).get("fed_times", False)


def test_the_factor_of_all_of_out_is_told() -> None:
    golden = rnn_goldens.load("gru/plain")
    assert seen_in(golden, *changed(out=lambda out: out * -3)(golden))["constant_factor"] == pytest.approx(-3)


def test_a_fact_with_a_number_is_said_if_it_is_one_number() -> None:
    assert facts_of([told(constant_factor=3.0), told(constant_factor=3.001)], []) == ["out is 3 times the right one"]
    assert facts_of([told(constant_factor=3.0), told(constant_factor=2.0)], []) == NOTHING_ELSE
    assert facts_of([told(constant_factor=3.0), told(constant_factor=False)], []) == NOTHING_ELSE


def test_what_few_can_show_is_said_if_two_do() -> None:
    others = [told()] * 8
    said = "no step follows from the state before it: look at the step, or what it is fed (in the 2 that can show it)"
    assert facts_of([told(no_step_follows=True)] * 2 + others, []) == [said]
    assert facts_of([told(no_step_follows=True), *others], []) == NOTHING_ELSE


def test_where_nothing_holds_of_all_the_feature_is_said_that_tells_most() -> None:
    failed = [*[told("bias"), told("bias", "state")] * 4, told("state")]
    passed = [told("state", passed=True)] * 9
    assert facts_of(failed, passed) == ["8 of 8 that have biases fail; 1 of 10 that have no biases fails"]
    (said,) = facts_of([told("bias"), told("state")], [told("state", passed=True)] * 2)
    assert said.startswith("no feature tells what fails from what passes")


@pytest.mark.parametrize("golden_id", ["gru/with-state", "lstm/two-layers", "rnn-tanh/one-step"])
def test_what_is_nearly_right_resembles_nothing_else(golden_id: str) -> None:
    golden = rnn_goldens.load(golden_id, dtype="bfloat16")
    outputs = [np.array(getattr(golden.stored, name)) for name in golden.layout.outputs]
    allowed = golden.tolerance.allowed("out", outputs[0], PRECISIONS["bfloat16"])
    outputs[0].flat[-1] += 1.5 * allowed.flat[-1]
    seen = {code: value for code, value in seen_in(golden, *outputs).items() if value}
    assert seen["nearly_right"] == pytest.approx(1.5)
    likeness = {"constant_factor", "same_numbers_by_unit", "same_numbers_by_step", "every_step_follows"}
    assert not {*likeness, "first_row_right", "only_out", "only_last_states"} & seen.keys()
    assert FACTS["nearly_right"].sentence.format(seen["nearly_right"]).startswith("at most 1.5 times the tolerance")


def test_the_largest_error_of_all_failures_is_said_of_what_is_nearly_right() -> None:
    (said,) = facts_of([told(nearly_right=1.5), told(nearly_right=2.3)], [])
    assert said == "at most 2.3 times the tolerance: approximated, of lower precision, or rounded on the way"
    assert facts_of([told(nearly_right=1.5), told(nearly_right=False)], []) == NOTHING_ELSE


def test_a_cell_state_that_no_single_gate_could_give_is_said_to_be_wrong() -> None:
    golden = rnn_goldens.load("lstm/one-step-with-state")
    (step,) = steps_of(case_of(golden, np.float64))
    c = golden.c_n[0] + 5
    h = step.gates["o"] * np.tanh(c)
    seen = seen_in(golden, h[:, None], h[None], c[None])
    assert seen["only_c"] is True
    gate_alone = with_cell("lstm", forgetting_all)(golden)
    assert seen_in(golden, *gate_alone)["only_c"] is False


def test_a_cell_state_of_a_cell_that_has_none_is_named() -> None:
    golden = rnn_goldens.load("gru/plain")
    seen = seen_in(golden, golden.out, golden.h_n, golden.h_n)
    assert {code for code, value in seen.items() if value} == {"c_n_unexpected"}


def facts_of(failed: Sequence[Evidence], passed: Sequence[Evidence]) -> list[str]:
    return list(Common(tuple(failed), (), tuple(passed)).sentences())


def told(*features: str, passed: bool = False, **seen: bool | float) -> Evidence:
    return Evidence("gru/plain", "float32", "gru", features, passed, facts=seen)


def test_one_failure_that_does_not_repeat_is_told_whatever_others_do() -> None:
    some = [told(not_repeatable=True), told(not_repeatable=False), told()]
    (said,) = facts_of(some, [])
    assert said.startswith("not repeatable: asked again, it gives other numbers")
    assert facts_of(some[1:], []) == NOTHING_ELSE


NOTHING_ELSE = ["every golden fails, the simplest too"]


def forgetting_all(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    i = sigmoid(w.W_ii @ x + w.b_ii + w.W_hi @ h + w.b_hi)
    g = tanh(w.W_ig @ x + w.b_ig + w.W_hg @ h + w.b_hg)
    o = sigmoid(w.W_io @ x + w.b_io + w.W_ho @ h + w.b_ho)
    c = i * g
    return o * tanh(c), c


def updating_by_tanh(x: Term, h: Term, w: Weight) -> tuple[Term]:
    r = sigmoid(w.W_ir @ x + w.b_ir + w.W_hr @ h + w.b_hr)
    n = tanh(w.W_in @ x + w.b_in + r * (w.W_hn @ h + w.b_hn))
    return (mix(r * r, h, n),)


@pytest.mark.parametrize(
    ("golden", "gate", "equations"),
    [
        ("lstm/large-c", "f", forgetting_all),
        ("gru/one-step", "z", updating_by_tanh),
    ],
)
def test_the_only_gate_that_can_be_off_is_solved_back(golden: str, gate: str, equations: Equations) -> None:
    asked = rnn_goldens.load(golden)
    found = seen_in(asked, *with_cell(asked.cell, equations)(asked))
    assert [code for code, value in found.items() if code.startswith("only_gate_") and value] == [f"only_gate_{gate}"]
    everything_off = seen_in(asked, *changed(h_n=lambda h: h + 0.5, out=lambda out: out + 0.5)(asked))
    assert not any(value for code, value in everything_off.items() if code.startswith("only_gate_"))


def test_every_fact_has_a_sentence_that_fits_a_line() -> None:
    assert all(len(fact.sentence.format(0.5)) <= 88 for fact in FACTS.values())
