"""A kernel in a layout of its own is called in it: declared, or as its library's."""

import re
from collections.abc import Callable
from typing import Any

import pytest

import rnn_goldens
from rnn_goldens import GoldenMismatch, UnknownName, Unsupported
from rnn_goldens.corpus import open_corpus
from rnn_goldens.errors import WrongUse
from rnn_goldens.implementations import adapt, outputs_of
from rnn_goldens.implementations.resolution import adapt_backward

pytest.importorskip("torch", reason="the tests use kernels in torch")

import torch
from implementations import kernels_in_layouts as of
from implementations import serving_signatures as serving

CORPUS = open_corpus()

LAYOUTS: list[tuple[Callable[..., Any], dict[str, Any], set[str]]] = [
    (of.head_first, {"order": "batch head time"}, {"offsets"}),
    (of.value_key, {"state": "value key"}, set()),
    (of.log2, {"decay": "log2"}, set()),
    (of.factor, {"decay": "factor"}, set()),
    (of.without_scale, {"scale": "one"}, set()),
    (of.tokens, {"order": "tokens head"}, set()),
    (of.step, {"order": "batch head"}, {"offsets"}),
    (of.tiled, {"heads": "tiled"}, set()),
    (of.pool, {"slots": "slots", "in_place": True}, set()),
    (of.raw_gates, {"decay": "A_log", "names": {"a": "g", "b": "beta"}}, {"offsets"}),
]


def outcomes(kernel: Callable[..., Any], cell: str, precision: str = "float32") -> dict[str, set[str]]:
    """Return the ids of the goldens that pass and fail, and the last words of the reasons of those refused."""
    run, found = adapt(kernel), {"passed": set[str](), "failed": set[str](), "refused": set[str]()}
    for entry in CORPUS.select(cell=cell):
        if precision in entry.precisions:
            golden = CORPUS.load(entry.id, precision)
            try:
                golden.check(*outputs_of(run(golden), layout=golden.layout))
            except Unsupported as why:
                found["refused"].add(str(why).rpartition(" ")[2])
            except (GoldenMismatch, RuntimeError, IndexError, TypeError, WrongUse, AssertionError):
                found["failed"].add(entry.id)
            else:
                found["passed"].add(entry.id)
    return found


@pytest.mark.parametrize(("kernel", "layout", "refused"), LAYOUTS, ids=[kernel.__name__ for kernel, *_ in LAYOUTS])
def test_a_right_kernel_passes_in_its_declared_layout_and_fails_without_it(
    kernel: Callable[..., Any], layout: dict[str, Any], refused: set[str]
) -> None:
    found = outcomes(rnn_goldens.kernel(kernel, **layout), "gated_delta")
    assert not found["failed"]
    assert len(found["passed"]) >= 20
    assert found["refused"] == refused
    undeclared = outcomes(kernel, "gated_delta")
    assert found["passed"] & (undeclared["failed"] | {*CORPUS.ids} - undeclared["passed"])


@pytest.mark.parametrize("precision", ["float64", "bfloat16"])
@pytest.mark.parametrize(("kernel", "layout"), [(of.log2, {"decay": "log2"}), (of.factor, {"decay": "factor"})])
def test_a_decay_is_float32_in_half_precisions(
    kernel: Callable[..., Any], layout: dict[str, Any], precision: str
) -> None:
    declared = rnn_goldens.kernel(kernel, **layout)
    found = outcomes(declared, "gated_delta", precision)
    assert not found["failed"]
    assert len(found["passed"]) >= 20


def test_gates_that_a_half_precision_cannot_hold_are_refused() -> None:
    names = {"a": "g", "b": "beta"}
    found = outcomes(rnn_goldens.kernel(of.raw_gates, decay="A_log", names=names), "gated_delta", "bfloat16")
    assert not found["failed"]
    assert found["passed"] == {"gated-delta/exact-steps", "gated-delta/exact-twenty-steps"}
    assert "one" in found["refused"]  # beta would be another one


def test_a_window_may_have_an_unused_column() -> None:
    found = outcomes(rnn_goldens.kernel(of.wide_window, window="width"), "causal_conv")
    assert not found["failed"]
    assert len(found["passed"]) >= 5


def test_a_declared_library_is_called_by_its_convention() -> None:
    found = outcomes(rnn_goldens.kernel(serving.sglang_fused_recurrent, "sglang"), "gated_delta")
    assert not found["failed"]
    assert len(found["passed"]) >= 15


def test_a_name_that_does_not_exist_is_an_error_that_lists_what_exists() -> None:
    kernel = rnn_goldens.kernel
    cases: list[tuple[Callable[[], object], str]] = [
        (lambda: kernel(of.value_key, "flashinfr"), "no library 'flashinfr'. Did you mean 'flashinfer'"),
        (lambda: kernel(of.value_key, state="value_key"), "no state of a kernel 'value_key'. Did you mean 'value key'"),
        (lambda: kernel(of.value_key, stat="value key"), "no part of a kernel's layout 'stat'. Did you mean 'state'"),
        (lambda: kernel(of.value_key, names={"sclae": "scale"}), "no parameter of value_key 'sclae'. Did you mean"),
        (lambda: kernel(of.value_key, names={"scale": "sacle"}), "no array, state or option 'sacle'. Did you mean"),
        (lambda: kernel(of.value_key, flags={"use_norm": False}), "no parameter of value_key 'use_norm'"),
        (lambda: kernel(of.value_key, slots="indices", in_place=True), "no parameter of value_key 'indices'"),
    ]
    for declare, message in cases:
        with pytest.raises(UnknownName, match=re.escape(message)):
            declare()


def test_a_declared_kernel_is_called_in_patterns() -> None:
    golden = CORPUS.load("gated-delta/several-steps", "float32")
    run = adapt(rnn_goldens.kernel(of.pool, slots="slots", in_place=True))
    golden.check_calls(run, "steps")
    with pytest.raises(GoldenMismatch, match="place_of_padding_is_last"):  # it does not know rows of padding
        golden.check_calls(run, "pool")


def test_a_declaration_that_contradicts_itself_or_the_kernel_is_wrong_use() -> None:
    kernel = rnn_goldens.kernel
    golden = rnn_goldens.load("causal-conv/several-steps")
    cases: list[tuple[Callable[[], object], str]] = [
        (
            lambda: kernel(of.value_key, "sglang"),
            "value_key has no parameter output_final_state, as sglang's fused_recurrent",
        ),
        (lambda: kernel(of.value_key, float32="S0"), "is a tuple of names, as in float32=('S0',)"),
        (lambda: kernel(of.value_key, slots_by_step=True), "slots_by_step of a kernel needs slots"),
        (lambda: kernel(of.conv_step, window="circular"), "needs a call for each time step"),
        (lambda: kernel(None), "a kernel is a function, not None"),  # type: ignore[arg-type]
        (lambda: adapt(kernel(of.wide_window, scale="one"))(golden), "needs q, which causal_conv does not have"),
        (lambda: adapt(kernel(of.wide_window, decay="A_log"))(golden), "needs g and beta, which causal_conv"),
    ]
    for declare, message in cases:
        with pytest.raises(WrongUse, match=re.escape(message)):
            declare()


def test_packed_sequences_are_refused_by_a_kernel_of_one_step() -> None:
    found = outcomes(rnn_goldens.kernel(of.step_with_offsets, order="batch head"), "gated_delta")
    assert not found["failed"]
    assert found["refused"] == {"step"}


def test_a_state_between_the_calls_of_a_step_is_float32_in_half_precisions() -> None:
    found = outcomes(rnn_goldens.kernel(of.step, order="batch head"), "gated_delta", "bfloat16")
    assert not found["failed"]
    assert len(found["passed"]) >= 20


def test_outputs_by_name_have_the_layout_as_well() -> None:
    found = outcomes(rnn_goldens.kernel(of.by_name, state="value key"), "gated_delta")
    assert not found["failed"]
    assert len(found["passed"]) >= 20


def test_more_outputs_than_are_compared_are_an_error() -> None:
    run = adapt(rnn_goldens.kernel(of.with_sums, state="value key"))
    golden = rnn_goldens.load("gated-delta/several-steps")
    with pytest.raises(TypeError, match=r"the implementation returned 3 .*\(o, S_n\) is expected"):
        golden.check(*outputs_of(run(golden), layout=golden.layout))


def test_a_kernel_that_returns_its_state_has_not_changed_it_in_place() -> None:
    run = adapt(rnn_goldens.kernel(of.value_key, state="value key", in_place=True))
    with pytest.raises(TypeError, match="did not change the one it was given: leave out in_place=True"):
        run(rnn_goldens.load("gated-delta/several-steps"))


@pytest.mark.parametrize(("kernel", "layout", "_"), LAYOUTS, ids=[kernel.__name__ for kernel, *_ in LAYOUTS])
def test_gradients_pass_through_a_layout_or_are_refused(
    kernel: Callable[..., Any], layout: dict[str, Any], _: set[str]
) -> None:
    run, passed, refused = adapt_backward(rnn_goldens.kernel(kernel, **layout)), 0, set[str]()
    for entry in CORPUS.select(cell="gated_delta", gradients=True):
        golden = CORPUS.load(entry.id, "float32", gradients=True)
        try:
            golden.check_gradients(run(golden.for_implementation()))
            passed += 1
        except Unsupported as why:
            refused.add(str(why))
    assert (passed > 5) is not any(reason.startswith("gradients: the kernel") for reason in refused)


def test_arrays_are_created_on_the_default_device_of_torch() -> None:
    devices = set[str]()

    def kernel(q: torch.Tensor, k: Any, v: Any, g: Any, beta: Any, state: Any, scale: float) -> None:
        devices.update(array.device.type for array in (q, k, v, g, beta, state))
        raise Unsupported(f"a kernel that has no memory, with scale {scale}")

    torch.set_default_device("meta")
    try:
        with pytest.raises(Unsupported, match="has no memory"):
            adapt(kernel)(rnn_goldens.load("gated-delta/several-steps"))
    finally:
        torch.set_default_device(None)
    assert devices == {"meta"}


def test_gradients_of_a_kernel_that_changes_its_state_are_refused_with_the_reason() -> None:
    run = adapt_backward(rnn_goldens.kernel(of.pool, slots="slots", in_place=True))
    golden = rnn_goldens.load("gated-delta/several-steps", gradients=True)
    with pytest.raises(Unsupported, match=r"^gradients: the kernel changes its state in place$"):
        run(golden.for_implementation())
