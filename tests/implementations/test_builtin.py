"""Built-in implementations of recurrences: NumPy, ONNX Runtime and ONNX's reference evaluator."""

import re

import pytest

from rnn_goldens import Unsupported
from rnn_goldens.corpus import open_corpus
from rnn_goldens.golden.recurrences import RECURRENCES
from rnn_goldens.implementations import resolve
from rnn_goldens.implementations.resolution import backward_of

pytest.importorskip("onnxruntime", reason="the tests run ONNX's operators")

import onnx
import onnxruntime

from rnn_goldens.implementations import onnx_model

CORPUS = open_corpus()
DTYPES = ["float64", "float32", "bfloat16", "float16"]
CANNOT = f"onnxruntime {onnxruntime.__version__} cannot load float64 {{}} of operator set 27"
ATTENTION = ("linear_attention", "gated_linear_attention", "delta_rule", "gated_delta")

needs_operators = pytest.mark.skipif(
    onnx.defs.onnx_opset_version() < 27, reason="LinearAttention and CausalConvWithState are operators since onnx 1.23"
)


@pytest.mark.sampled(every=6)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("cell", RECURRENCES)
def test_numpy_passes_every_golden(cell: str, dtype: str) -> None:
    run = resolve("numpy")
    for entry in CORPUS.select(cell=cell):
        if dtype in entry.precisions:
            CORPUS.load(entry.id, dtype).check_calls(run)


@pytest.mark.parametrize("golden_id", ["gated-delta/packed", "slstm/several-steps", "causal-conv/several-steps"])
def test_numpy_computes_gradients(golden_id: str) -> None:
    golden = CORPUS.load(golden_id, "float32", gradients=True)
    assert not golden.check_gradients(backward_of("numpy", resolve("numpy"))(golden.for_implementation())).not_checked


@needs_operators
@pytest.mark.sampled(every=4)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("cell", [*ATTENTION, "causal_conv"])
@pytest.mark.parametrize("name", ["onnxruntime", "onnx-reference"])
def test_onnx_passes_all_but_packed_goldens_and_shared_key_heads(name: str, cell: str, dtype: str) -> None:
    run = resolve(name)
    rounds = name == "onnx-reference" and cell == "causal_conv" and dtype != "float32"
    for entry in CORPUS.select(cell=cell):
        if dtype not in entry.precisions:
            continue
        golden = CORPUS.load(entry.id, dtype)
        golden = golden.in_profile("all-stored") if rounds else golden
        if golden.offsets is not None:
            reason = "ONNX's operators have no packed sequences"
        elif "grouped-values" in golden.features:
            reason = "ONNX's LinearAttention has one number of heads for keys and values"
        elif (name, cell, dtype) == ("onnxruntime", "causal_conv", "bfloat16"):
            reason = "no bfloat16 CausalConvWithState in onnxruntime "
        else:
            golden.check_calls(run)
            continue
        with pytest.raises(Unsupported, match=f"^{reason}"):
            run(golden)


@needs_operators
@pytest.mark.parametrize(
    ("name", "golden_id", "reason"),
    [
        ("onnxruntime", "gated-delta/several-steps", CANNOT.format("LinearAttention")),
        ("onnxruntime", "causal-conv/without-activation", CANNOT.format("CausalConvWithState")),
        ("onnxruntime", "rg-lru/several-steps", "ONNX has no operator for rg_lru"),
        ("onnx-reference", "gated-delta/several-steps", "onnx.reference computes LinearAttention in float32"),
        ("onnx-reference", "causal-conv/several-steps", "onnx.reference computes SiLU in float32"),
    ],
)
def test_onnx_refuses_what_its_operators_do_not_have(name: str, golden_id: str, reason: str) -> None:
    with pytest.raises(Unsupported, match=f"^{re.escape(reason)}$"):
        resolve(name)(CORPUS.load(golden_id, "float64"))


def test_an_older_onnx_has_no_such_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx.defs, "onnx_opset_version", lambda: 26)
    for name in ("onnxruntime", "onnx-reference"):
        with pytest.raises(
            Unsupported, match=rf"^onnx {re.escape(onnx.__version__)} has no LinearAttention; 1\.23 does$"
        ):
            resolve(name)(CORPUS.load("gated-delta/one-step", "float32"))


@needs_operators
def test_an_older_onnx_runtime_cannot_load_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_model, "IR_VERSION_OF_RECURRENCES", 99)
    with pytest.raises(
        Unsupported, match=r"^onnxruntime [\d.]+ cannot load float32 LinearAttention of operator set 27$"
    ):
        resolve("onnxruntime")(CORPUS.load("gated-delta/one-step", "float32"))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("onnxruntime", "onnxruntime computes outputs but no gradients"),
        ("torch", "torch has no layer for gated_delta: check your own function"),
    ],
)
def test_gradients_of_recurrences_are_refused(name: str, reason: str) -> None:
    golden = CORPUS.load("gated-delta/one-step", "float64", gradients=True)
    with pytest.raises(Unsupported, match=f"^{reason}$"):
        backward_of(name, resolve(name))(golden.for_implementation())
