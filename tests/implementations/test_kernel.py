"""A kernel in a layout of its own is called in it: declared, or as its library's."""

from collections.abc import Callable
from typing import Any

import pytest

import rnn_goldens
from rnn_goldens import GoldenMismatch, UnknownName, Unsupported
from rnn_goldens.corpus import open_corpus
from rnn_goldens.errors import WrongUse
from rnn_goldens.implementations import adapt, outputs_of
from rnn_goldens.implementations.user_networks import adapt_backward

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


def test_gradients_pass_through_a_layout() -> None:
    run = adapt_backward(rnn_goldens.kernel(of.head_first, order="batch head time"))
    golden = rnn_goldens.load("gated-delta/several-steps", gradients=True)
    golden.check_gradients(run(golden.for_implementation()))


def test_a_declared_library_is_called_by_its_convention() -> None:
    found = outcomes(rnn_goldens.kernel(serving.sglang_fused_recurrent, "sglang"), "gated_delta")
    assert not found["failed"]
    assert len(found["passed"]) >= 15


def test_an_unknown_library_or_layout_is_an_error_that_lists_what_exists() -> None:
    with pytest.raises(UnknownName, match=r"no library 'flashinfr'. Did you mean 'flashinfer'"):
        rnn_goldens.kernel(of.value_key, "flashinfr")
    with pytest.raises(UnknownName, match=r"no state of a kernel 'value_key'. Did you mean 'value key'"):
        rnn_goldens.kernel(of.value_key, state="value_key")
    with pytest.raises(WrongUse, match="a kernel's layout: got an unexpected keyword argument 'stat'"):
        rnn_goldens.kernel(of.value_key, stat="value key")
    with pytest.raises(WrongUse, match="value_key has no parameters initial_state_indices, inplace_update; or "):
        rnn_goldens.kernel(of.value_key, "sglang")


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
