"""Goldens exported as .npz and .safetensors are read back to the last bit; what a format lacks is refused."""

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from factories.for_each import for_each
from factories.goldens import make_golden
from numpy.typing import NDArray
from safetensors import safe_open

from rnn_goldens import Golden, Unsupported, load
from rnn_goldens.comparison.verdict import compare
from rnn_goldens.export.exported_golden import ITSELF, encode, write
from rnn_goldens.golden.precision import PRECISIONS

FORMATS = ("npz", "safetensors")
GOLDENS = ("lstm/lengths-bidirectional-two-layers", "gru/bidirectional-unbatched", "exact/no-bias")


def read(golden: Golden, to: str, folder: Path) -> tuple[Mapping[str, NDArray[Any]], dict[str, Any]]:
    """Export a golden; return its arrays and metadata, read without code of this project."""
    write(folder, [encode(golden, to)])
    path = folder / f"{golden.id}.{to}"
    if to == "npz":
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return arrays, json.loads(str(arrays.pop("golden")))
    with safe_open(path, "np") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, json.loads(file.metadata()["golden"])  # noqa: SIM118


def same_bits(a: NDArray[Any], b: NDArray[Any]) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("golden_id", GOLDENS)
def test_every_array_is_read_back_to_the_last_bit(golden_id: str, dtype: str, to: str, tmp_path: Path) -> None:
    golden = load(golden_id, dtype=dtype)
    arrays, _ = read(golden, to, tmp_path)
    stored = golden.stored
    inputs = {name: getattr(golden, name) for name in ("x", "h0", "c0", "lengths") if getattr(stored, name) is not None}
    outputs = {name: getattr(stored, name) for name in ("out", "h_n", "c_n") if getattr(stored, name) is not None}
    allowed = {n: golden.tolerance.allowed(n, array, PRECISIONS[dtype]) for n, array in outputs.items()}
    groups = {"weights": golden.weights, "inputs": inputs, "expected": outputs, "tolerance": allowed}
    expected = {f"{group}/{name}": array for group, by_name in groups.items() for name, array in by_name.items()}
    assert arrays.keys() == expected.keys()
    for name, array in expected.items():
        assert same_bits(arrays[name], array), name


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_the_exported_tolerance_agrees_with_check(dtype: str, to: str, tmp_path: Path) -> None:
    golden = load("lstm/plain", dtype=dtype)
    arrays, _ = read(golden, to, tmp_path)
    for name in ("out", "h_n", "c_n"):
        expected, tolerance = arrays[f"expected/{name}"], arrays[f"tolerance/{name}"]
        for times, passes in ((0.98, True), (1.02, False)):
            outputs = {n: arrays[f"expected/{n}"] for n in ("out", "h_n", "c_n")} | {name: expected + times * tolerance}
            assert compare(golden, outputs["out"], outputs["h_n"], outputs["c_n"]).passed is passes


@pytest.mark.parametrize("to", FORMATS)
def test_the_metadata_is_json_and_absent_inputs_are_not_exported(to: str, tmp_path: Path) -> None:
    arrays, about = read(load("gru/no-bias", dtype="bfloat16"), to, tmp_path)
    assert (about["id"], about["cell"], about["precision"]) == ("gru/no-bias", "gru", "bfloat16")
    assert about["config"] == dict(load("gru/no-bias").config)
    assert about["purpose"] == load("gru/no-bias").purpose
    assert [name for name in arrays if name.startswith("inputs/")] == ["inputs/x"]
    assert arrays["inputs/x"].dtype == np.float32


@pytest.mark.parametrize("to", FORMATS)
def test_export_is_deterministic(to: str) -> None:
    first, second = (encode(load("lstm/plain"), to).files for _ in range(2))
    assert first == second


@for_each(
    [
        ("onnx", "slstm/one-step", "ONNX has no operator for slstm"),
        ("onnx", "gated-delta/packed", "ONNX's operators have no packed sequences"),
        ("sonnx", "lstm/two-layers", "a case has one operator, and the golden several layers"),
        ("sonnx", "lstm-hard-sigmoid/plain", "the profile restricts the activations to Sigmoid, Tanh and Relu"),
        ("sonnx", "lstm-projection/plain", "ONNX has no operator RNN, GRU or LSTM for lstm_projection"),
        ("sonnx", "gated-delta/one-step", "ONNX has no operator RNN, GRU or LSTM for gated_delta"),
        ("webnn", "rnn-tanh/plain", "WebNN has no operator for rnn_tanh"),
        ("webnn", "lstm/two-layers", "WebNN's operators have one layer"),
        ("webnn", "gru/lengths", "WebNN's operators have no lengths"),
        ("webnn", "lstm-peephole/plain", "WebNN's output gate sees the old c, the golden's the new c"),
        ("webnn", "gated-delta/one-step", "WebNN has no operator for gated_delta"),
    ]
)
def test_what_a_format_does_not_have_is_refused(to: str, golden_id: str, reason: str) -> None:
    with pytest.raises(Unsupported, match=reason):
        encode(load(golden_id, dtype="float32"), to)


def test_a_custom_cell_and_a_half_precision_are_refused() -> None:
    with pytest.raises(Unsupported, match="ONNX has no operator for minimal_gated_unit"):
        encode(replace(make_golden(), cell="minimal_gated_unit"), "onnx")
    with pytest.raises(Unsupported, match="tests are exported in float32 only"):
        encode(load("gru/plain", dtype="float16"), "webnn")


def test_an_integer_golden_keeps_its_types_in_arrays() -> None:
    golden = load("lstm-16x8-cmsis/state")
    with np.load(io.BytesIO(encode(golden, "npz").files[ITSELF])) as arrays:
        assert arrays["weights/W_i"].dtype == np.int8
        assert arrays["inputs/x"].dtype == arrays["inputs/c0"].dtype == np.int16
        assert np.array_equal(arrays["expected/out"], golden.out)
        assert not arrays["tolerance/out"].any()
