"""Each sentence at the end of a run has a condition: here are wrong networks in which it does not hold."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

import rnn_goldens
from rnn_goldens import Golden
from rnn_goldens.cells import Array, Case, Network, State, Weights, case_of
from rnn_goldens.comparison.actual import Actual, actual_gradients, actual_outputs
from rnn_goldens.comparison.verdict import verdict_on
from rnn_goldens.diagnosis import Evidence
from rnn_goldens.diagnosis.facts import facts
from rnn_goldens.diagnosis.run_diagnosis import Limits, diagnose_run, reexamine
from rnn_goldens.diagnosis.search import CandidateSearch
from rnn_goldens.diagnosis.summary import summary
from rnn_goldens.diagnosis.unexplained_failures import finding
from rnn_goldens.implementations import numpy_cells
from rnn_goldens.implementations.numpy_cells import arithmetic

Run = Callable[[Golden], Any]


def end_of_run(ids: Iterable[str], run: Callable[[Golden], Actual], profile: Sequence[str] = (), **loaded: Any) -> str:
    """Return the diagnosis of a run over these goldens, on one line."""
    goldens = {name: rnn_goldens.load(name, **{"dtype": "float32", **loaded}).in_profile(*profile) for name in ids}
    evidence, search = list[Evidence](), CandidateSearch(pairs=False)
    for golden in goldens.values():
        actual = run(golden)
        passed = verdict_on(actual).passed
        causes = () if passed else tuple(search.explain(actual))
        observed = {} if passed or causes else facts(actual)
        of_one = Evidence(golden.id, golden.dtype, golden.cell, golden.features, passed, causes, observed, of=actual.of)
        evidence.append(of_one)
    evidence, cut_short = reexamine(evidence, search.failures, lambda name, _: goldens[name], Limits(pairs=0))
    found = diagnose_run(evidence, lambda name, _: goldens[name], cut_short)
    return " ".join(" ".join(summary(found)).split())


def of_outputs(run: Run) -> Callable[[Golden], Actual]:
    return lambda golden: actual_outputs(golden, *run(golden))


def right(golden: Golden) -> list[Array]:
    if golden.is_network:
        return [np.array(part) for part in Network().run(case_of(golden, arithmetic(golden.dtype)))]
    return [np.array(part) for part in numpy_cells.run(golden)]


def every_state(change: Callable[[Array], Array]) -> Run:
    """Return a network that changes each new state."""

    class Wrong(Network):
        def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
            return tuple(map(change, super().step(case, suffix, w, layer_input, t, state)))

    return lambda golden: Wrong().run(case_of(golden, arithmetic(golden.dtype)))


def every_input_in_float16(golden: Golden) -> Any:
    class Wrong(Network):
        def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
            narrow = layer_input.astype(np.float16).astype(layer_input.dtype)
            return super().step(case, suffix, w, narrow, t, state)

    with np.errstate(over="ignore"):
        return Wrong().run(case_of(golden, arithmetic(golden.dtype)))


def fourth_row_wrong(golden: Golden) -> list[Array]:
    out, h_n = right(golden)
    if golden.x.ndim == 3 and len(golden.x) > 3:
        out[3] += 0.5
        h_n[:, 3] += 0.5
    return [out, h_n]


PLAIN = ("gru/plain", "gru/with-state", "gru/one-step", "gru/two-layers", "gru/bidirectional")


def test_one_wrong_row_of_nine_does_not_show_that_the_rows_after_the_first_are_wrong() -> None:
    text = end_of_run(["sizes-gru/batch-9-no-state", *PLAIN], of_outputs(fourth_row_wrong))
    assert "only goldens of more than 3 rows fail" in text
    assert "the first row of a batch is right" not in text


def test_errors_of_every_layer_do_not_point_to_the_first() -> None:
    ids = ["rnn-tanh/two-layers-one-step", "rnn-tanh/one-step"]
    text = end_of_run(ids, of_outputs(every_state(lambda h: h + h.dtype.type(1e-5))))
    assert "look at the first layer" not in text


def test_inputs_in_float16_do_not_point_to_a_gate() -> None:
    beyond = [rnn_goldens.load(f"gru/numbers-beyond-float16{start}") for start in ("", "-no-state")]
    with np.errstate(all="ignore"):
        wrong = [facts(actual_outputs(golden, *every_input_in_float16(golden))) for golden in beyond]
    failed = [Evidence(g.id, g.dtype, g.cell, facts=found) for g, found in zip(beyond, wrong, strict=True)]
    passed = [Evidence(name, "float32", "gru", passed=True) for name in PLAIN]
    assert "if one gate is wrong" in " ".join(finding(failed, [], []).sentences())
    assert "if one gate is wrong" not in " ".join(finding(failed, [], passed).sentences())


def test_a_small_error_within_the_tolerance_of_large_goldens_is_no_question_of_size() -> None:
    large = ["sizes-rnn-tanh/input-257-no-state", "sizes-rnn-tanh/hidden-9-input-129-no-state"]
    scaled = of_outputs(lambda golden: [part * (1 + part.dtype.type(1e-5)) for part in right(golden)])
    text = end_of_run([*large, "rnn-tanh/plain", "rnn-tanh/one-step"], scaled)
    assert "only goldens of" not in text
    assert "the largest error is 1e-05 times the largest value: rounded or approximated?" in text


def test_an_initial_state_returned_as_the_last_is_not_computed_in_bfloat16() -> None:
    golden = rnn_goldens.load("lstm/with-state", dtype="float32")
    message = golden.compare(np.zeros_like(golden.out), golden.h0, golden.c0).message
    assert "bfloat16" not in message
    assert "no step updates the state: outputs are zero, and the last states are the initial ones" in message


def test_lengths_that_distinguish_all_failures_are_no_question_of_rows() -> None:
    def run(golden: Golden) -> list[Array]:
        return [part if golden.lengths is None else part * 0.9 + 0.01 for part in right(golden)]

    ids = ["gru/lengths", "gru/lengths-no-state", "gru/lengths-all-short", "gru/plain", "gru/one-step", "gru/square"]
    text = end_of_run(ids, of_outputs(run))
    assert "all failed goldens have sequences of several lengths; 3 passed goldens have sequences of one length" in text
    assert "rows fail" not in text


def packed_wrong(golden: Golden) -> list[Array]:
    o, state = right(golden)
    return [o if golden.offsets is None else o * 0.9 + 0.01, state]


RECURRENCE = ("gated-delta/several-steps", "gated-delta/one-step", "gated-delta/from-zero")


def test_packed_sequences_distinguish_failures() -> None:
    ids = ["gated-delta/packed", "gated-delta/packed-from-zero", *RECURRENCE]
    text = end_of_run(ids, of_outputs(packed_wrong))
    assert "all failed goldens hold packed sequences; 3 passed goldens hold no packed sequences" in text


def test_a_recurrence_is_wrong_from_a_step_on() -> None:
    def run(golden: Golden) -> list[Array]:
        o, state = right(golden)
        o[:, 16:] += 0.1
        return [o, state * 1.1 if golden.time > 16 else state]

    ids = ["gated-delta/twenty-steps", "gated-delta/65-steps", *RECURRENCE]
    assert "outputs are right before time step 16 and wrong from there on" in end_of_run(ids, of_outputs(run))


def test_a_recurrence_whose_state_is_never_updated_is_recognised() -> None:
    def run(golden: Golden) -> list[Array]:
        o, state = right(golden)
        return [0 * o, golden.states.get("S0", 0 * state)]

    text = end_of_run(RECURRENCE, of_outputs(run))
    assert "no step updates the state" in text
    assert "looks like" not in text


def gradients_of(golden: Golden) -> dict[str, Array]:
    assert golden.gradients is not None
    return {name: np.array(values) for name, values in golden.expected_of("gradients").values.items()}


def test_a_scaled_out_of_upper_layers_blames_neither_their_inputs_nor_the_layers() -> None:
    def run(golden: Golden) -> list[Array]:
        out, *states = right(golden)
        return [out * 0.8 if golden.network.num_layers > 1 else out, *states]

    text = end_of_run(["lstm/two-layers-one-step", "lstm/plain", "lstm/one-step"], of_outputs(run))
    assert "the last states are right; out is wrong" in text
    assert "upper layers" not in text


def test_zeros_without_an_initial_state_do_not_show_that_no_step_updates_it() -> None:
    def run(golden: Golden) -> list[Array]:
        return [0 * part for part in right(golden)]

    for ids in (["gru/plain", "gru/one-step"], ["gated-delta/from-zero"]):
        text = end_of_run(ids, of_outputs(run))
        assert "the output of every step is zero: is it ever written?" in text
        assert "no step updates the state" not in text


def test_the_mean_of_outputs_points_to_no_gate() -> None:
    ids = ["lstm/one-step-with-state", "lstm/large-c", "lstm/plain", "lstm/with-state"]
    text = end_of_run(ids, of_outputs(lambda golden: [np.full_like(part, part.mean()) for part in right(golden)]))
    assert "out is the same at every step" in text
    assert "if one gate is wrong" not in text


def test_doubled_gradients_of_a_first_call_are_not_accumulated() -> None:
    def doubled(golden: Golden) -> Actual:
        return actual_gradients(golden, {name: 2 * array for name, array in gradients_of(golden).items()})

    text = end_of_run(["rnn-tanh/plain"], doubled, gradients=True)
    assert "d_out_twice" in text  # its loss has out only
    assert "gradients_accumulated" not in text


def test_zero_gradients_of_one_layer_do_not_show_that_those_below_are_wrong() -> None:
    def upper_zero(golden: Golden) -> Actual:
        found = gradients_of(golden)
        return actual_gradients(golden, {n: a * (0 if n.endswith("_l1") else 1) for n, a in found.items()})

    text = end_of_run(["rnn-tanh/bidirectional-three-layers"], upper_zero, gradients=True)
    assert "the gradients of the last layer's weights are right, those below are wrong" not in text


def test_gradients_with_small_errors_are_not_the_right_ones_times_1() -> None:
    def slightly_off(golden: Golden) -> Actual:
        found = gradients_of(golden)
        found["weight_hh_l0"] += 1.9 * golden.expected_of("gradients").allowed("weight_hh_l0").max()
        return actual_gradients(golden, found)

    text = end_of_run(["rnn-tanh/plain"], slightly_off, gradients=True)
    assert "only the gradient of weight_hh is wrong" in text
    assert "times the right one" not in text


def test_doubled_gradients_of_biases_do_not_point_to_axes() -> None:
    def doubled(golden: Golden) -> Actual:
        found = gradients_of(golden)
        return actual_gradients(golden, {n: a * (1.7 if n.startswith("bias") else 1) for n, a in found.items()})

    text = end_of_run(["rnn-tanh/plain"], doubled, gradients=True)
    assert "the wrong gradients are 1.7 times the right ones" in text
    assert "axes" not in text
