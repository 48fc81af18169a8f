"""A kernel with the signature of a known library is called by its names, its axes and its flags, without an adapter."""

from collections.abc import Callable
from typing import Any

import pytest

from rnn_goldens import Unsupported
from rnn_goldens.conventions.kernels import KERNELS, PLAIN, kernel_conventions
from rnn_goldens.corpus import open_corpus
from rnn_goldens.implementations import adapt, outputs_of
from rnn_goldens.implementations.recurrence_function import FunctionOfArrays
from rnn_goldens.implementations.resolution import adapt_backward

pytest.importorskip("torch", reason="the tests use kernels in torch")

from implementations import kernels_in_layouts as step
from implementations import library_signatures as of
from implementations import model_signatures as models
from implementations import serving_signatures as serving

CORPUS = open_corpus()
GROUPED = "does not have several query heads for each head: it has a state for each query head"
BETA = "does not have one beta for all heads"
BY_KEY = "a decay by key: its decay is by head"
FLA, TRANSFORMERS = "of flash-linear-attention,", "of transformers,"

CASES: list[tuple[Callable[..., Any], str, set[str]]] = [
    (of.chunk_gated_delta_rule, "gated_delta", {FLA, GROUPED, BETA, BY_KEY}),
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
    (of.selective_scan_fn, "mamba", {"no parameter state or h0"}),
    (of.causal_conv1d_fn, "causal_conv", {"no parameter offsets"}),
    (of.causal_conv1d, "causal_conv", set()),
    (step.scan_step, "selective_scan", {"no parameter offsets", "groups of channels: its groups are of heads"}),
    (step.scan_step, "mamba", {"no parameter offsets"}),
    (step.pooled_scan_step, "mamba", {"no parameter offsets"}),
    (step.conv_step, "causal_conv", {"no parameter offsets"}),
    (serving.flashinfer_prefill, "gated_delta", {"of flashinfer,", GROUPED, BETA, BY_KEY}),
    *(
        (decode, "gated_delta", {"of flashinfer,", GROUPED, BETA, BY_KEY, "no parameter offsets"})
        for decode in (serving.flashinfer_decode_pretranspose, serving.flashinfer_decode, serving.flashinfer_mtp)
    ),
    (serving.vllm_fused_recurrent, "gated_delta", {"of vllm,", GROUPED, BETA, BY_KEY}),
    (serving.vllm_chunk, "gated_delta", {"of vllm,", GROUPED, BETA, BY_KEY}),
    (serving.sglang_chunk, "gated_delta", {"of sglang,", GROUPED, BETA, BY_KEY}),
    (serving.sglang_update, "gated_delta", {"of sglang,", GROUPED, BETA, BY_KEY}),
    (serving.sglang_fused_recurrent, "gated_delta", {"of sglang,", GROUPED, BETA, BY_KEY}),
    (serving.mlx_ops, "gated_delta", {"of mlx-lm,", GROUPED, BETA, "no parameter offsets"}),
    (serving.mlx_update, "gated_delta", {"of mlx-lm,", GROUPED, BETA, BY_KEY, "no parameter offsets"}),
    (models.chunk_gated_delta_rule, "gated_delta_net", set()),
    (models.chunk_kda, "kda", set()),
    (models.chunk_simple_gla, "retention", {"several heads for each key head"}),
    (models.chunk_rwkv7, "generalized_delta", set()),
    (models.chunk_rwkv6, "rwkv6", set()),
    (models.chunk_dplr_delta_rule, "generalized_delta", set()),
    (models.mamba_chunk_scan_combined, "mamba2", {"no parameter offsets"}),
    (serving.ggml, "gated_delta", {"of ggml,", GROUPED, BETA, "no parameter scale", "no parameter offsets"}),
]


@pytest.mark.parametrize("gradients", [False, True])
@pytest.mark.parametrize(("kernel", "cell", "reasons"), CASES)
def test_it_passes_every_golden_or_refuses_it_with_the_reason(
    kernel: Callable[..., Any], cell: str, reasons: set[str], *, gradients: bool
) -> None:
    run, backward, refused, passed = adapt(kernel), adapt_backward(kernel), set[str](), 0
    for entry in CORPUS.select(cell=cell, gradients=gradients):
        golden = CORPUS.load(entry.id, "float32" if "float32" in entry.precisions else "float64", gradients=gradients)
        try:
            if gradients:
                golden.check_gradients(backward(golden.for_implementation()))
            else:
                golden.check(*outputs_of(run(golden), layout=golden.layout))
        except Unsupported as why:
            refused.add(str(why))
        else:
            passed += 1
    of_layout = ("gradients: the kernel", "no parameter state or h0")  # no golden can have gradients
    assert passed or (gradients and any(any(reason in text for reason in of_layout) for text in refused))
    assert all(any(reason in text for reason in (*reasons, *of_layout[: 2 if gradients else 0])) for text in refused)
    if not gradients:
        assert all(any(reason in text for text in refused) for reason in reasons)


def test_each_is_known_by_its_parameters_or_its_package() -> None:
    known = {id(FunctionOfArrays(kernel, cell).convention) for kernel, cell, _ in CASES}
    assert known == {id(one) for one in KERNELS}
    assert kernel_conventions(["q", "k", "v"]) == (PLAIN,)
