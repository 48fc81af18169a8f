"""Comparisons of gradients and their messages."""

import copy
import pickle
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from factories.gradients import with_gradients

from rnn_goldens import Golden, GoldenMismatch, UnknownName, Unsupported, Verdict, load
from rnn_goldens.comparison.actual import actual_gradients
from rnn_goldens.comparison.call_patterns import compare_gradient_calls
from rnn_goldens.comparison.verdict import compare_gradients
from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.implementations import torch as layers

ID = "lstm/lengths"

Gradients = dict[str, Any]


@pytest.fixture
def golden() -> Golden:
    return with_gradients(ID)


def right(golden: Golden) -> Gradients:
    """Return copies of the expected gradients."""
    assert golden.gradients is not None
    return {name: PRECISIONS[golden.dtype].round(array) for name, array in golden.gradients.expected.items()}


def message(golden: Golden, actual: Mapping[str, Any]) -> str:
    verdict = golden.compare_gradients(actual)
    assert not verdict.passed
    lines = verdict.message.splitlines()
    assert len(lines) <= 15
    assert max(map(len, lines[1:])) <= 80  # the first line may include the name of a deviation
    return verdict.message


def first_line(golden: Golden, actual: Mapping[str, Any]) -> str:
    return message(golden, actual).splitlines()[0]


@pytest.mark.parametrize("golden_id", ["documented/single-sequence", ID, "gru/plain", "lstm/unbatched"])
def test_right_gradients_pass_as_a_mapping_and_as_keywords(golden_id: str) -> None:
    golden = with_gradients(golden_id)
    assert golden.compare_gradients(right(golden)).not_checked == ()
    assert golden.check_gradients(**right(golden)).passed
    assert golden.check_gradients(right(golden)).largest_error <= 1


def test_the_gradients_of_a_torch_module_are_those_of_its_parameters() -> None:
    golden = with_gradients("gru/plain", "float64")
    network = layers.layer(golden.cell, golden.network)
    layers.set_weights(network, golden)
    x = torch.tensor(golden.x, requires_grad=True)
    out, h_n = network(x)
    cotangents = [torch.tensor(golden.cotangents[name]) for name in ("d_out", "d_h_n")]
    torch.autograd.backward([out, h_n], cotangents)
    assert golden.check_gradients(network, x=x.grad).not_checked == ()
    inside = torch.nn.Module()
    inside.rnn = network
    assert golden.check_gradients(inside, x=x.grad).not_checked == ()


def test_a_torch_module_before_backward_has_no_gradients() -> None:
    golden = with_gradients("gru/plain", "float64")
    network = layers.layer(golden.cell, golden.network)
    verdict = golden.compare_gradients(network)
    first = "gru/plain in float64: weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0 wrong"
    assert verdict.message.splitlines()[0] == first
    assert "weight_ih_l0: is None: torch fills .grad in backward()" in verdict.message


def test_unknown_parameters_of_a_torch_module_are_reported_by_their_full_names() -> None:
    golden = with_gradients("gru/plain", "float64")
    network = torch.nn.Module()
    network.rnn, network.head = layers.layer(golden.cell, golden.network), torch.nn.Linear(2, 1)
    wrong = {name for name, found in golden.compare_gradients(network).differences.items() if not found.passed}
    assert wrong == {name for name, _ in network.named_parameters()}
    assert "rnn.weight_ih_l0" in wrong
    assert "head.bias" in wrong


def test_the_first_line_lists_the_right_and_the_wrong_gradients_in_the_order_of_the_golden(golden: Golden) -> None:
    actual = right(golden)
    actual["weight_hh_l0"] *= 1.01
    some = {name: actual[name] for name in ("x", "h0", "weight_hh_l0")}
    assert first_line(golden, some) == "lstm/lengths in float32: x, h0 right; weight_hh_l0 wrong"
    assert "  right: x, h0, c0, weight_ih_l0, bias_ih_l0, bias_hh_l0\n" in message(golden, actual)
    backwards = dict(sorted(actual.items()))
    assert list(backwards) != list(actual)
    assert list(golden.compare_gradients(backwards).differences) == list(actual)
    assert first_line(golden, {"nonsense": actual["x"], **backwards}).endswith("6 right; weight_hh_l0, nonsense wrong")


@pytest.mark.slow
def test_the_message_describes_where_a_gradient_is_wrong(golden: Golden) -> None:
    actual = right(golden)
    actual["weight_hh_l0"][3 + 1, 2] += 1
    actual["bias_hh_l0"][11] += 1
    actual["x"][1, 2, 3] += 1
    actual["c0"][0, 2, 1] += 1
    text = message(golden, actual)
    assert "weight_hh_l0: 1 of 36 elements wrong; at gate f, unit 1, column 2: got" in text
    assert "bias_hh_l0: 1 of 12 elements wrong; at gate o, unit 2: got" in text
    assert "1 of 48 elements wrong at time step 2 of 0 to 3; at time step 2 (batch 1," in text
    assert "c0: 1 of 9 elements wrong; at layer 0 (batch 2, unit 1): got" in text


def test_the_first_wrong_element_of_d_x_is_at_the_last_time_step(golden: Golden) -> None:
    d_x = right(golden)["x"]
    d_x[0, 0, 3] += 1
    d_x[1, 2, 0] += 2
    d_x[1, 1, 3] += 3
    found = golden.compare_gradients({"x": d_x}).differences["x"]
    assert found.first is not None
    assert found.largest is not None
    assert (found.first.index, found.first.place) == ((1, 2, 0), "time step 2 (batch 1, input 0)")
    assert (found.largest.index, found.time_steps) == ((1, 1, 3), (0, 1, 2))


def test_missing_gradients_are_listed_as_not_checked(golden: Golden) -> None:
    verdict = golden.check_gradients(x=right(golden)["x"])
    assert verdict.passed
    assert verdict.not_checked == ("h0", "c0", "weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    assert list(verdict.differences) == ["x"]


def test_a_check_without_gradients_fails(golden: Golden) -> None:
    assert first_line(golden, {}) == "lstm/lengths in float32: no gradient was given: nothing was checked"
    with pytest.raises(GoldenMismatch, match="nothing was checked") as raised:
        golden.check_gradients()
    assert str(raised.value) == raised.value.verdict.message == message(golden, {})


def test_none_counts_as_not_checked_where_the_gradient_is_zero() -> None:
    golden = load("rnn-tanh/one-step", gradients=True)
    verdict = golden.check_gradients({**right(golden), "weight_hh_l0": None})
    assert verdict.not_checked == ("weight_hh_l0",)
    assert "nothing was checked" in first_line(golden, {"weight_hh_l0": None})
    assert "5 wrong" not in first_line(golden, dict.fromkeys(right(golden)))
    assert "weight_ih_l0: is None" in message(golden, dict.fromkeys(right(golden)))


def test_the_gradient_of_a_default_initial_state_is_not_checked() -> None:
    golden = with_gradients("gru/plain")
    verdict = golden.check_gradients(right(golden), h0=np.zeros(golden.state_shape, np.float32))
    assert verdict.not_checked == ("h0",)
    assert not golden.compare_gradients(h0=np.zeros(golden.state_shape, np.float32)).passed


@pytest.mark.sampled(every=4)
@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("weight_hh_l0", lambda _, a: a.T, "has shape (3, 12), want (12, 3); it is transposed: PyTorch's"),
        ("x", lambda _, a: a[:, :2], "x: has shape (3, 2, 4), want (3, 4, 4)"),
        ("weight_hh_l0", lambda *_: None, "weight_hh_l0: is None: torch fills .grad in backward()"),
        ("bias_ih_l0", lambda _, a: a * np.nan, "12 of 12 elements wrong, among them 12 NaN; at gate i, unit 0"),
        ("weight_ih_l0", lambda g, _: g.weights["weight_ih_l0"].copy(), "weight_ih_l0: is weight_ih_l0 itself, not"),
        ("bias_ih_l0", lambda _, a: PRECISIONS["bfloat16"].round(a.astype(float)), "all bfloat16 numbers: computed in"),
        ("bias_ih_l0", lambda *_: "gradient", "bias_ih_l0: is a str, not an array of numbers"),
        ("weight_hh", lambda *_: np.zeros(3), "weight_hh: is not an array of this golden; did you mean weight_hh_l0"),
        ("h0", lambda g, _: g.h_n.copy(), "h0: is the output h_n, not a gradient: check(out, h_n) compares outputs"),
        ("x", lambda _, a: a.swapaxes(0, 1), "x: has shape (4, 3, 4), want (3, 4, 4); it looks time-major, x is"),
        ("h0", lambda _, a: a[0], "h0: has shape (3, 3), want (1, 3, 3); only axes of size 1 differ"),
        ("nonsense", lambda *_: np.zeros(3), "nonsense: is not an array of this golden; its arrays: x, h0, c0,"),
        ("out", lambda *_: np.zeros(3), "out: is an output and has no gradient here: check(out, h_n) compares"),
        ("bias_ih_l0", lambda _, a: a.astype(np.float16), "is float16: less precise than the declared float32"),
        ("x", lambda _, a: a.swapaxes(0, 1)[:, :, :3], "x: has shape (4, 3, 3), want (3, 4, 4)"),
        ("c0", lambda g, _: g.c_n.copy(), "c0: is the output c_n, not a gradient: check(out, h_n) compares outputs"),
    ],
)  # fmt: skip
def test_each_kind_of_bad_gradient_has_its_message(golden: Golden, name: str, value: Any, text: str) -> None:
    actual = right(golden)
    actual[name] = value(golden, actual.get(name))
    assert text in message(golden, actual)


def test_a_square_gradient_is_reported_as_transposed_only_if_its_transpose_is_right() -> None:
    golden = with_gradients("documented/mini-batch")
    d_w = right(golden)["weight_hh_l0"]
    text = message(golden, {**right(golden), "weight_hh_l0": d_w.T.copy()})
    assert "weight_hh_l0: is transposed: its transpose is right" in text
    text = message(golden, {**right(golden), "weight_hh_l0": d_w + np.array([[0, 1], [0, 0]], np.float32)})
    assert "weight_hh_l0: 1 of 4 elements wrong; at unit 0, column 1: got" in text
    assert "transpose" not in text


def test_a_bias_gradient_of_a_network_without_biases_is_refused() -> None:
    golden = with_gradients("documented/single-sequence")
    text = message(golden, {**right(golden), "bias_ih_l0": np.zeros(2)})
    assert "bias_ih_l0: was given, but this network has no biases" in text


def test_gradients_that_are_not_given_once_by_name_are_refused(golden: Golden) -> None:
    for outputs in ((golden.out.copy(), golden.h_n.copy()), golden.out.copy()):
        with pytest.raises(TypeError, match=r"gradients are given by name: check_gradients\("):
            golden.check_gradients(outputs)
    with pytest.raises(TypeError, match="gradients are given by name; 0 is not a name"):
        golden.check_gradients({0: right(golden)["x"]})
    with pytest.raises(TypeError, match="the gradient of x is given twice"):
        golden.check_gradients(right(golden), x=right(golden)["x"])


@pytest.mark.slow
def test_many_wrong_gradients_fit_into_15_lines() -> None:
    golden = with_gradients("lstm/bidirectional-two-layers")
    actual = {name: array + 1 for name, array in right(golden).items()}
    text = message(golden, actual)
    assert text.splitlines()[0] == f"{golden.id} in float32: all {len(actual)} wrong"
    assert "more\n" in text


def test_the_expected_gradients_themselves_are_refused(golden: Golden) -> None:
    assert golden.gradients is not None
    for name, array in golden.gradients.expected.items():
        with pytest.raises(WrongUse, match=f"the golden's own gradient of {name}"):
            golden.check_gradients({name: array})


def test_all_cotangents_are_present_and_read_only_in_the_precision_under_test() -> None:
    golden = with_gradients(ID, "float16", only=("d_h_n",))
    assert list(golden.cotangents) == ["d_out", "d_h_n", "d_c_n"]
    assert not golden.cotangents["d_out"].any()
    assert golden.cotangents["d_h_n"].any()
    for name, array in golden.cotangents.items():
        assert array.dtype == np.float16
        assert array.shape == getattr(golden, name.removeprefix("d_")).shape
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 1


def test_the_error_without_gradients_says_how_to_load_them() -> None:
    golden = load(ID)
    with pytest.raises(AttributeError, match=r"loaded without gradients; use load\(…, gradients=True\)"):
        _ = golden.cotangents
    with pytest.raises(WrongUse, match="loaded without gradients"):
        golden.check_gradients(x=np.zeros(3))
    assert not golden.has_cotangents
    assert not golden.for_implementation().has_cotangents


def test_a_precision_that_the_gradients_do_not_support_is_refused(golden: Golden) -> None:
    assert golden.gradients is not None
    some = replace(golden, gradients=replace(golden.gradients, precisions=("float64",)))
    with pytest.raises(UnknownName, match="Precisions of the gradients of lstm/lengths: float64"):
        some.check_gradients(right(golden))
    with pytest.raises(
        AttributeError, match="has no cotangents in float32: its gradients can be checked in float64 only"
    ):
        _ = some.cotangents
    assert some.in_precision("float64").cotangents["d_out"].any()


def test_inputs_have_cotangents_and_no_gradients(golden: Golden) -> None:
    inputs = golden.for_implementation()
    assert inputs.has_cotangents
    for name, array in golden.cotangents.items():
        np.testing.assert_array_equal(inputs.cotangents[name], array)
        assert not np.shares_memory(inputs.cotangents[name], array)
    with pytest.raises(AttributeError, match="which an implementation does not receive"):
        _ = inputs.gradients
    assert golden.gradients is not None
    expected = {array.tobytes() for array in golden.gradients.expected.values()}
    assert not expected & {array.tobytes() for array in inputs.stored.weights.values()}


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda g: pickle.loads(pickle.dumps(g))])
def test_a_copy_of_a_golden_has_its_gradients(golden: Golden, copied: Any) -> None:
    other = copied(golden)
    assert other.check_gradients(right(golden)).passed
    assert not other.gradients.expected["x"].flags.writeable


def test_a_second_call_finds_gradients_that_accumulate(golden: Golden) -> None:
    sums: Gradients = {}

    def adds_up(_: Any) -> Gradients:
        for name, array in right(golden).items():
            sums[name] = sums.get(name, 0) + array
        return sums

    golden.check_gradient_calls(lambda _: right(golden))
    with pytest.raises(
        GoldenMismatch, match="the second call returns the sum of both: gradients accumulate over calls"
    ):
        golden.check_gradient_calls(adds_up)


def test_there_is_no_second_call_after_a_wrong_first_call(golden: Golden) -> None:
    calls: list[Any] = []

    def wrong(inputs: Any) -> Gradients:
        calls.append(inputs)
        return {**right(golden), "x": "no array"}

    with pytest.raises(GoldenMismatch, match="6 right; x wrong"):
        golden.check_gradient_calls(wrong)
    assert len(calls) == 1

    def compared(actual: Mapping[str, Any], meaning: str) -> Verdict:
        return compare_gradients(golden, actual, meaning=meaning)

    assert [name for name, _ in compare_gradient_calls(golden, wrong, compared)] == ["once"]
    assert [name for name, _ in compare_gradient_calls(golden, lambda _: right(golden), compared)] == ["once", "twice"]


@pytest.mark.parametrize("later", [lambda a: a + 1, lambda _: None, lambda _: "no array"])
def test_the_message_says_that_only_the_second_call_fails(golden: Golden, later: Any) -> None:
    calls = iter([lambda a: a, later])

    def backward(_: Any) -> Gradients:
        actual, change = right(golden), next(calls)
        return {**actual, "x": change(actual["x"])}

    with pytest.raises(GoldenMismatch, match="the second call differs from the first: 6 right; x wrong"):
        golden.check_gradient_calls(backward)


def test_a_loss_of_an_output_that_is_not_compared_is_refused_unless_its_cotangents_are_zero(golden: Golden) -> None:
    with pytest.raises(Unsupported, match=r"^there are cotangents of h_n, which is not compared$"):
        golden.comparing("out").check_gradient_calls(lambda _: right(golden))
    of_out = with_gradients(ID, only=("d_out",))
    of_out.comparing("out").check_gradient_calls(lambda _: right(of_out))


def test_gradients_missing_from_the_second_call_are_reported(golden: Golden) -> None:
    left_out = iter([[], ["weight_hh_l0", "x"]])

    def backward(_: Any) -> Gradients:
        leave_out = next(left_out)
        return {name: array for name, array in right(golden).items() if name not in leave_out}

    text = f"{ID} in float32: the second call returns no gradient of x, weight_hh_l0, but the first one did"
    with pytest.raises(GoldenMismatch, match=f"^{text}$") as failed:
        golden.check_gradient_calls(backward)
    assert failed.value.verdict.not_checked == ("x", "weight_hh_l0")
    assert not failed.value.verdict.passed


def test_a_notebook_displays_the_gradients_of_a_golden(golden: Golden) -> None:
    assert "<th" in golden._repr_html_()
    assert "weight_hh_l0, bias_ih_l0" in golden._repr_html_()
    assert "weight_hh_l0" in golden.compare_gradients(right(golden))._repr_html_()


def test_gradients_that_were_passed_wrongly_are_not_diagnosed(golden: Golden) -> None:
    assert actual_gradients(golden, right(golden)).numbers.keys() == right(golden).keys()
    assert actual_gradients(golden, {**right(golden), "weight_hh": np.zeros(3)}).numbers == {}
