"""A kernel with the signature of a known library is called by its names, its axes and its flags, without an adapter."""

from collections.abc import Callable
from typing import Any

import pytest

from rnn_goldens import Unsupported
from rnn_goldens.conventions.kernels import KERNELS, kernel_convention
from rnn_goldens.corpus import open_corpus
from rnn_goldens.implementations import adapt
from rnn_goldens.implementations.recurrence_function import FunctionOfArrays

pytest.importorskip("torch", reason="the tests use kernels in torch")

from implementations import library_signatures as of

CORPUS = open_corpus()
GROUPED = "does not have several query heads for each head: it has a state for each query head"
BETA = "does not have one beta for all heads"
FLA, TRANSFORMERS = "of flash-linear-attention,", "of transformers,"

CASES: list[tuple[Callable[..., Any], str, set[str]]] = [
    (of.chunk_gated_delta_rule, "gated_delta", {FLA, GROUPED, BETA, "a decay by key: its decay is by head"}),
    (of.fused_recurrent_gated_delta_rule, "gated_delta", {FLA, GROUPED, BETA}),
    (
        of.torch_recurrent_gated_delta_rule,
        "gated_delta",
        {
            TRANSFORMERS,
            GROUPED,
            BETA,
            "the caller repeats queries and keys",
            "its decay is by head",
            "no parameter offsets",
            "no parameter scale",
        },
    ),
    (of.selective_scan_fn, "selective_scan", {"no parameter state or h0"}),
    (of.causal_conv1d_fn, "causal_conv", {"no parameter offsets"}),
]


@pytest.mark.parametrize("gradients", [False, True])
@pytest.mark.parametrize(("kernel", "cell", "reasons"), CASES)
def test_it_passes_every_golden_or_refuses_it_with_the_reason(
    kernel: Callable[..., Any], cell: str, reasons: set[str], *, gradients: bool
) -> None:
    run, refused, passed = adapt(kernel), set[str](), 0
    for entry in CORPUS.select(cell=cell, gradients=gradients):
        golden = CORPUS.load(entry.id, "float32" if "float32" in entry.precisions else "float64", gradients=gradients)
        try:
            golden.check_calls(run)
        except Unsupported as why:
            refused.add(str(why))
        else:
            passed += 1
    assert passed or (gradients and cell == "selective_scan")  # all of its goldens with gradients have a state
    assert all(any(reason in text for reason in reasons) for text in refused)
    if not gradients:
        assert all(any(reason in text for text in refused) for reason in reasons)


def test_each_is_known_by_its_parameters() -> None:
    found = [FunctionOfArrays(kernel) for kernel, *_ in CASES]
    assert [one.convention.library for one in found] == [
        "flash-linear-attention", "flash-linear-attention", "transformers", "mamba_ssm", "causal_conv1d",
    ]  # fmt: skip
    assert all(cell in one.cells for one, (_, cell, _) in zip(found, CASES, strict=True))
    assert {one.convention.library for one in found} == {one.library for one in KERNELS}
    assert kernel_convention(["q", "k", "v"]).library == "rnn-goldens"
