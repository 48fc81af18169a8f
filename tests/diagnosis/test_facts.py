"""Facts about wrong outputs: each is reported if and only if it is true."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

import rnn_goldens
from rnn_goldens import Golden
from rnn_goldens.cells import Array, Case, Network, State, Weights, case_of
from rnn_goldens.cells.notation import Term, Weight, mix, sigmoid, tanh
from rnn_goldens.cells.recurrence import recurrence_case, run
from rnn_goldens.cells.step_program import Equations
from rnn_goldens.cells.steps import steps_of
from rnn_goldens.comparison.actual import actual_outputs
from rnn_goldens.deviations import deviation
from rnn_goldens.deviations.alteration import in_equations
from rnn_goldens.diagnosis import Evidence
from rnn_goldens.diagnosis.facts import FACTS, facts, facts_about
from rnn_goldens.diagnosis.observation import Value
from rnn_goldens.diagnosis.unexplained_failures import finding
from rnn_goldens.golden.expected import OUTPUTS
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.implementations import numpy_cells
from rnn_goldens.implementations.numpy_cells import arithmetic

Outputs = tuple[Array, ...]


def facts_in(golden: Golden, *outputs: object) -> dict[str, Value]:
    return facts(actual_outputs(golden, *outputs))


def right(golden: Golden) -> Outputs:
    return Network().run(case_of(golden, arithmetic(golden.dtype)))


def deviating(name: str) -> Callable[[Golden], Outputs]:
    return lambda golden: deviation(name).alteration(case_of(golden, arithmetic(golden.dtype)))


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
    ("fact", "golden_id", "outputs"),
    [
        ("not_finite", "gru/plain", changed(out=with_nan)),
        ("all_zero", "gru/plain", changed(out=np.zeros_like)),
        ("only_last_states", "gru/plain", changed(h_n=lambda h: h + 1)),
        ("only_out", "gru/plain", changed(out=lambda out: out + 1)),
        ("c_right", "lstm/one-step", changed(out=lambda out: out + 1, h_n=lambda h: h + 1)),
        ("first_layer_right", "gru/two-layers", deviating("relu_between_layers")),
        ("forward_right", "gru/bidirectional", deviating("reverse_not_reversed")),
        ("first_row_right", "gru/plain", changed(out=second_row_off)),
        ("only_beyond_lengths", "gru/lengths", deviating("outputs_not_zeroed")),
        ("same_numbers_by_unit", "gru/plain", changed(out=lambda out: out[..., ::-1])),
        ("same_numbers_by_step", "gru/plain", changed(out=lambda out: out[:, ::-1])),
        ("constant_factor", "gru/plain", changed(out=lambda out: out * 3)),
        ("one_step_late", "gru/plain", changed(out=lambda out: np.roll(out, 1, axis=1))),
        ("one_step_early", "gru/plain", changed(out=lambda out: np.roll(out, -1, axis=1))),
        ("repeats", "gru/plain", changed(out=lambda out: out[:, :1] + 0 * out)),
        ("grows", "gru/plain", changed(out=growing_error)),
        ("wrong_from_step", "gru/plain", changed(out=wrong_from_third_step)),
        ("upper_layers_follow", "gru/two-layers-one-step", in_first_layer(lambda x: -x)),
        ("every_step_follows", "gru/with-state", deviating("h0_ignored")),
        ("no_step_follows", "gru/plain", deviating("gru_z_complemented")),
        ("first_step_right", "gru/plain", deviating("w_hh_transposed")),
        ("wrong_from_first_step", "gru/plain", deviating("w_ih_ignored")),
    ],
)
def test_a_fact_holds_for_wrong_outputs_and_not_for_right_ones(
    fact: str, golden_id: str, outputs: Callable[[Golden], Outputs]
) -> None:
    golden = rnn_goldens.load(golden_id)
    assert facts_in(golden, *outputs(golden))[fact]
    assert not facts_in(golden, *right(golden)).get(fact, False)


def test_outputs_of_an_integer_lstm_that_are_real_or_unsigned_are_recognised() -> None:
    golden = rnn_goldens.load("lstm-int8-tflm/saturated")
    real = (golden.out - float(golden.config["h_zero"])) * golden.config["h_scale"]
    assert facts_in(golden, real, golden.h_n, golden.c_n)["dequantized"]
    assert facts_in(golden, golden.out.view(np.uint8), golden.h_n, golden.c_n)["unsigned"]
    found = facts_in(golden, golden.out[:, ::-1], golden.h_n, golden.c_n)
    assert not found["dequantized"]
    assert not found["unsigned"]


def test_a_wrong_state_of_an_integer_lstm_does_not_make_its_right_outputs_unsigned() -> None:
    golden = rnn_goldens.load("lstm-int8-cmsis/zero-points")
    assert (golden.out >= 0).all()
    assert "unsigned" not in facts_in(golden, golden.out, golden.h_n, golden.c_n + 1)


@pytest.mark.parametrize(
    ("name", "golden_id", "sizes", "axis", "place"),
    [
        ("row", "gru/plain", {"batch": 9}, 0, 3),
        ("head", "gated-delta/grouped-queries", {"heads": 8}, 2, 4),
        ("head", "gated-delta/grouped-values", {"heads": 8}, 2, 4),
        ("value", "gated-delta/several-steps", {"d_v": 128}, 3, 4),
        ("channel", "causal-conv/several-steps", {"channels": 64}, 2, 16),
    ],
)
def test_the_place_from_which_on_a_kernel_computes_nothing_is_named(
    name: str, golden_id: str, sizes: dict[str, int], axis: int, place: int
) -> None:
    golden = rnn_goldens.load(golden_id).embedded(**sizes)
    out, *last = [np.array(part) for part in numpy_cells.run(golden)]
    first = place * golden.recurrence.queries if name == "head" else place
    out[(slice(None),) * axis + (slice(first, None),)] = 0
    assert facts_in(golden, out, *last)[f"wrong_from_{name}"] == place
    out[(slice(None),) * axis + (first - 1,)] = 0
    assert facts_in(golden, out, *last)[f"wrong_from_{name}"] != place


def test_a_head_is_named_only_if_two_heads_before_it_are_right() -> None:
    golden = rnn_goldens.load("gated-delta/grouped-queries").embedded(heads=8)
    of_each = golden.config["query_heads"] // golden.config["heads"]
    assert of_each > 1
    for place, named in ((1, False), (2, 2)):
        out, *last = [np.array(part) for part in numpy_cells.run(golden)]
        out[:, :, place * of_each :] = 0
        assert facts_in(golden, out, *last)["wrong_from_head"] == named


def test_no_channel_is_named_where_channels_mix() -> None:
    for cell, they_mix in (("slstm", True), ("min-gru", False)):
        golden = rnn_goldens.load(f"{cell}/several-steps").embedded(d=64)
        out, *last = [np.array(part) for part in numpy_cells.run(golden)]
        out[..., 16:] = 0
        assert ("wrong_from_channel" in facts_in(golden, out, *last)) is not they_mix


@pytest.mark.parametrize(
    ("place", "golden_id", "sizes", "lost"),
    [
        ("key", "gated-delta/210-steps", {"d_k": 128}, {"q", "k"}),
        ("key", "delta-rule/several-steps", {}, {"q", "k"}),
        ("state", "selective-scan/several-steps", {"n": 64}, {"B", "C"}),
    ],
)
def test_the_place_from_which_on_a_kernel_reads_nothing_is_named(
    place: str, golden_id: str, sizes: dict[str, int], lost: set[str]
) -> None:
    golden = rnn_goldens.load(golden_id).embedded(**sizes)
    first = golden.config["d_k" if place == "key" else "n"] // 2
    case = recurrence_case(golden, np.float32)
    before = {n: np.where(np.arange(a.shape[-1]) < first, a, 0) for n, a in case.inputs.items() if n in lost}
    found = run(case.with_arrays(**before))
    state = list(found.values())[-1]
    state.swapaxes(-1, -2 if place == "key" else -1)[..., first:] = 7
    assert facts_in(golden, *found.values())[f"unread_from_{place}"] == first
    assert not facts_in(golden, *(part + 1 for part in found.values()))[f"unread_from_{place}"]


def test_an_unchanged_state_is_recognised() -> None:
    golden = rnn_goldens.load("gru/with-state")
    out, _ = right(golden)
    assert facts_in(golden, out + 1, golden.h0)["still_initial"]


def test_outputs_of_less_precise_numbers_are_recognised() -> None:
    golden = rnn_goldens.load("gru/plain", dtype="float64")
    single = tuple(output.astype(np.float32).astype(np.float64) for output in right(golden))
    assert facts_in(golden, *single)["right_to_float32"]
    assert not facts_in(golden, *deviating("w_hh_transposed")(golden))["right_to_float32"]
    golden = rnn_goldens.load("lstm/plain", dtype="float64")
    out, *states = right(golden)
    assert facts_in(golden, out.astype(np.float32).astype(np.float64), *states)["numbers_of_float32"]
    assert not facts_in(golden, out + 1e-8, *states)["numbers_of_float32"]


def test_the_fact_c_right_does_not_hold_if_out_is_right() -> None:
    golden = rnn_goldens.load("lstm/plain")
    out, h_n, c_n = right(golden)
    assert not facts_in(golden, out, h_n + 1, c_n).get("c_right", False)


def test_wrong_missing_and_unexpected_outputs_are_facts() -> None:
    golden = rnn_goldens.load("gru/plain")
    out, h_n = right(golden)
    assert facts_in(golden, out[:, 0], h_n) == {"out_shape": True}
    golden = rnn_goldens.load("lstm/plain")
    out, h_n, _ = right(golden)
    assert facts_in(golden, None) == {"out_missing": True, "h_n_missing": True, "c_n_missing": True}
    found = facts_in(golden, out, h_n)
    assert [code for code, holds in found.items() if holds] == ["c_n_missing"]
    golden = rnn_goldens.load("gru/plain")
    found = facts_in(golden, golden.out, golden.h_n, golden.h_n)
    assert {code for code, value in found.items() if value} == {"c_n_unexpected"}


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_facts_about_out_do_not_need_the_last_states(cell: str) -> None:
    golden = rnn_goldens.load(f"{cell}/plain")
    out, *states = right(golden)
    found = facts_in(golden, 3 * out, states[0][0], *states[1:])
    assert found["h_n_shape"]
    assert found["constant_factor"] == pytest.approx(3)
    assert "only_out" not in found
    assert "all_zero" in found


@pytest.mark.parametrize("factor", [0.5, -1.0])
@pytest.mark.parametrize("cell", ["rnn-tanh", "lstm", "gru"])
def test_a_scaled_input_of_upper_layers_is_recognised_with_its_factor(cell: str, factor: float) -> None:
    golden = rnn_goldens.load(f"{cell}/two-layers-one-step")
    assert facts_in(golden, *feeding(lambda x: x * factor)(golden))["fed_times"] == pytest.approx(factor)
    assert not facts_in(golden, *deviating("relu_between_layers")(golden)).get("fed_times", False)


def test_numbers_of_facts_are_reported_if_they_are_the_same_or_the_largest() -> None:
    assert facts_of([evidence(constant_factor=3.0), evidence(constant_factor=3.001)], []) == [
        "out is 3 times the right one"
    ]
    assert facts_of([evidence(constant_factor=3.0), evidence(constant_factor=2.0)], []) == NO_PATTERN
    assert facts_of([evidence(constant_factor=3.0), evidence(constant_factor=False)], []) == NO_PATTERN
    (text,) = facts_of([evidence(nearly_right=1.5), evidence(nearly_right=2.3)], [])
    assert text == "the largest error is 2.3 times the tolerance: approximated or less precise?"
    assert facts_of([evidence(nearly_right=1.5), evidence(nearly_right=False)], []) == NO_PATTERN


def test_a_fact_that_few_goldens_can_show_is_reported_if_two_show_it() -> None:
    others = [evidence()] * 8
    text = "no step is right, given the state before it: look at the step or its inputs (in the 2 that can show it)"
    assert facts_of([evidence(no_step_follows=True)] * 2 + others, []) == [text]
    assert facts_of([evidence(no_step_follows=True), *others], []) == NO_PATTERN


def test_without_a_common_pattern_the_most_distinctive_feature_is_reported() -> None:
    failed = [*[evidence("bias"), evidence("bias", "state")] * 4, evidence("state")]
    passed = [evidence("state", passed=True)] * 9
    assert facts_of(failed, passed) == ["8 of 8 that have biases fail; 1 of 10 that have no biases fails"]
    (text,) = facts_of([evidence("bias"), evidence("state")], [evidence("state", passed=True)] * 2)
    assert text == "only gru/plain and gru/plain fail"


@pytest.mark.parametrize("golden_id", ["gru/with-state", "lstm/two-layers", "rnn-tanh/one-step"])
def test_nearly_right_outputs_match_no_other_fact(golden_id: str) -> None:
    golden = rnn_goldens.load(golden_id, dtype="bfloat16")
    outputs = [np.array(getattr(golden.stored, name)) for name in golden.layout.outputs]
    allowed = golden.tolerance.allowed("out", outputs[0], PRECISIONS["bfloat16"])
    outputs[0].flat[-1] += 1.5 * allowed.flat[-1]
    found = {code: value for code, value in facts_in(golden, *outputs).items() if value}
    assert found["nearly_right"] == pytest.approx(1.5)
    matches = {"constant_factor", "same_numbers_by_unit", "same_numbers_by_step", "every_step_follows"}
    assert not {*matches, "first_row_right", "only_out", "only_last_states"} & found.keys()
    sentence = FACTS["nearly_right"].sentence.format(found["nearly_right"])
    assert sentence.startswith("the largest error is 1.5 times the tolerance")


def test_a_cell_state_that_no_single_gate_explains_is_recognised() -> None:
    golden = rnn_goldens.load("lstm/one-step-with-state")
    (step,) = steps_of(case_of(golden, np.float64))
    c = golden.c_n[0] + 5
    h = step.gates["o"] * np.tanh(c)
    found = facts_in(golden, h[:, None], h[None], c[None])
    assert found["only_c"] is True
    single_gate = with_cell("lstm", without_forget_path)(golden)
    assert facts_in(golden, *single_gate)["only_c"] is False


def facts_of(failed: Sequence[Evidence], passed: Sequence[Evidence]) -> list[str]:
    return list(finding(failed, [], passed).sentences())


def evidence(*features: str, passed: bool = False, **found: bool | float) -> Evidence:
    return Evidence("gru/plain", "float32", "gru", features, passed, facts=found)


def test_one_failure_that_is_not_repeatable_is_reported() -> None:
    some = [evidence(not_repeatable=True), evidence(not_repeatable=False), evidence()]
    (text,) = facts_of(some, [])
    assert text.startswith("not repeatable: a second call returns other values")
    assert facts_of(some[1:], []) == NO_PATTERN


NO_PATTERN = ["every golden fails, the simplest too"]


def without_forget_path(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    i = sigmoid(w.W_ii @ x + w.b_ii + w.W_hi @ h + w.b_hi)
    g = tanh(w.W_ig @ x + w.b_ig + w.W_hg @ h + w.b_hg)
    o = sigmoid(w.W_io @ x + w.b_io + w.W_ho @ h + w.b_ho)
    c = i * g
    return o * tanh(c), c


def with_squared_update_gate(x: Term, h: Term, w: Weight) -> tuple[Term]:
    r = sigmoid(w.W_ir @ x + w.b_ir + w.W_hr @ h + w.b_hr)
    n = tanh(w.W_in @ x + w.b_in + r * (w.W_hn @ h + w.b_hn))
    return (mix(r * r, h, n),)


@pytest.mark.parametrize(
    ("golden_id", "gate", "equations"),
    [("lstm/large-c", "f", without_forget_path), ("gru/one-step", "z", with_squared_update_gate)],
)
def test_the_only_gate_that_can_be_wrong_is_identified(golden_id: str, gate: str, equations: Equations) -> None:
    golden = rnn_goldens.load(golden_id)
    found = facts_in(golden, *with_cell(golden.cell, equations)(golden))
    assert [code for code, value in found.items() if code.startswith("only_gate_") and value] == [f"only_gate_{gate}"]
    everything_wrong = facts_in(golden, *changed(h_n=lambda h: h + 0.5, out=lambda out: out + 0.5)(golden))
    assert not any(value for code, value in everything_wrong.items() if code.startswith("only_gate_"))


def test_every_fact_has_a_sentence_that_fits_a_line() -> None:
    assert all(len(fact.sentence.format(0.5)) <= 88 for fact in facts_about(OUTPUTS).values())
