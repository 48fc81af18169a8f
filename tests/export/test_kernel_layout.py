"""Arrays in the layout of a library are what its kernels take and return."""

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import rnn_goldens
from rnn_goldens import UnknownName, Unsupported
from rnn_goldens.command_line import cli
from rnn_goldens.corpus import open_corpus
from rnn_goldens.export.array_files import npz
from rnn_goldens.export.exported_golden import ITSELF

pytest.importorskip("torch", reason="the kernels are in torch")

import torch
from implementations import library_signatures, serving_signatures

Arrays = Mapping[str, Any]

CORPUS = open_corpus()


def exported(golden_id: str, library: str) -> dict[str, Any]:
    return dict(np.load(io.BytesIO(npz(rnn_goldens.load(golden_id), library).files[ITSELF])))


def flashinfer(x: Arrays) -> Any:
    named = {"initial_state": x["S0"], "output_final_state": True, "cu_seqlens": x["offsets"]}
    return serving_signatures.flashinfer_prefill(x["q"], x["k"], x["v"], x["g"], x["beta"], **named)


def value_key(x: Arrays) -> Any:
    named = {"initial_state": x["S0"], "output_final_state": True, "cu_seqlens": x.get("offsets")}
    return serving_signatures.sglang_fused_recurrent(x["q"], x["k"], x["v"], x["g"], x["beta"], **named)


def key_value(x: Arrays) -> Any:
    named = {"initial_state": x["S0"], "output_final_state": True, "cu_seqlens": x.get("offsets")}
    return library_signatures.chunk_gated_delta_rule(x["q"], x["k"], x["v"], x["g"], x["beta"], **named)


def mlx(x: Arrays) -> Any:
    return serving_signatures.mlx_ops(x["q"], x["k"], x["v"], x["g"], x["beta"], x["S0"])


def ggml(x: Arrays) -> Any:
    return serving_signatures.ggml(x["q"], x["k"], x["v"], x["g"], x["beta"], x["S0"])


KERNELS: Mapping[str, Callable[[Arrays], Any]] = {
    "flashinfer": flashinfer, "vllm": value_key, "sglang": value_key, "mlx-lm": mlx, "ggml": ggml,
    "flash-linear-attention": key_value,
}  # fmt: skip


@pytest.mark.parametrize("library", KERNELS)
@pytest.mark.parametrize(
    "golden_id", ["gated-delta/several-steps", "gated-delta/grouped-values", "gated-delta/65-steps"]
)
def test_a_kernel_of_a_library_computes_what_is_expected_from_the_arrays(library: str, golden_id: str) -> None:
    found = exported(golden_id, library)
    assert json.loads(str(found["golden"]))["layout"] == library
    given = {name.removeprefix("inputs/"): torch.tensor(a) for name, a in found.items() if name.startswith("inputs/")}
    for output, got in zip(("o", "S_n"), KERNELS[library](given), strict=True):
        error = np.abs(got.double().numpy() - found[f"expected/{output}"])
        assert error.shape == found[f"tolerance/{output}"].shape
        assert (error <= found[f"tolerance/{output}"]).all()


def test_what_a_library_does_not_have_is_refused() -> None:
    with pytest.raises(Unsupported, match=r"^flashinfer has no kernel of causal_conv with all time steps"):
        npz(rnn_goldens.load("causal-conv/several-steps"), "flashinfer")
    with pytest.raises(Unsupported, match=r"^ggml does not have one beta for all heads"):
        npz(rnn_goldens.load("gated-delta/one-beta"), "ggml")
    with pytest.raises(UnknownName, match=r"^no library 'ggm'\. Did you mean 'ggml'"):
        npz(rnn_goldens.load("gated-delta/one-beta"), "ggm")


def test_the_command_refuses_formats_that_have_a_layout_of_their_own() -> None:
    done = CliRunner().invoke(cli, ["export", "gated-delta/*", "folder", "--to", "c", "--like", "ggml"])
    assert done.exit_code == 2
    assert "--like needs --to npz or safetensors" in done.output
