"""Goldens exported as ONNX test cases: existing runners read them, correct networks pass, damage is detected."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from export.onnx_runner import run_cases
from numpy.typing import NDArray
from onnx import numpy_helper

from rnn_goldens import Unsupported, load
from rnn_goldens.corpus import open_corpus
from rnn_goldens.export.exported_golden import encode, write
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.implementations.onnx_model import onnx_model

EVERY_KIND = (
    "lstm/plain", "gru/with-state", "rnn-tanh/no-bias", "exact/three-layers", "documented/mini-batch",
    "lstm/bidirectional-two-layers-unbatched", "lstm/lengths-bidirectional-two-layers", "gru/lengths-no-state",
)  # fmt: skip
"""Every cell; with and without biases, initial states, lengths, several layers, both directions and a batch axis."""

FOR_REFERENCE_EVALUATOR = (
    "lstm/one-unit", "gru/bidirectional-unbatched", "rnn-tanh/no-bias", "lstm/bidirectional-two-layers",
)  # fmt: skip
"""Goldens that ONNX's reference evaluator supports: it has no relu and ignores lengths."""


def export(folder: Path, *ids: str, dtype: str = "float32", to: str = "onnx") -> Path:
    write(folder, [encode(load(golden_id, dtype=dtype), to) for golden_id in ids])
    return folder


def tensors(case: Path, kind: str) -> dict[str, NDArray[np.generic]]:
    files = sorted((case / "test_data_set_0").glob(f"{kind}_*.pb"))
    protos = [onnx.load_tensor(str(case / "test_data_set_0" / f"{kind}_{n}.pb")) for n in range(len(files))]
    return {proto.name: numpy_helper.to_array(proto) for proto in protos}


def wrong_elements(case: Path) -> int:
    """Return the number of elements of ONNX Runtime's outputs that are outside their tolerance."""
    session = onnxruntime.InferenceSession(str(case / "model.onnx"), providers=["CPUExecutionProvider"])
    outputs = session.run(None, tensors(case, "input"))
    expected, allowed = tensors(case, "output"), tensors(case, "tolerance")
    assert [output.name for output in session.get_outputs()] == list(expected) == list(allowed)
    wrong = 0
    for actual, want, tolerance in zip(outputs, expected.values(), allowed.values(), strict=True):
        assert actual.shape == want.shape == tolerance.shape
        wrong += int((~(np.abs(actual.astype(float) - want.astype(float)) <= tolerance)).sum())
    return wrong


def damage(case: Path, times: float) -> None:
    """Move the last element of the last output by a multiple of the output's largest tolerance."""
    last = len(tensors(case, "output")) - 1
    path = case / f"test_data_set_0/output_{last}.pb"
    (name, want), allowed = list(tensors(case, "output").items())[-1], list(tensors(case, "tolerance").values())[-1]
    moved = want.copy()
    moved.flat[-1] += times * allowed.max()
    path.write_bytes(numpy_helper.from_array(moved, name).SerializeToString())


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_onnx_runtime_passes_in_onnxs_runner_and_by_the_tolerance_of_each_element(dtype: str, tmp_path: Path) -> None:
    cases = export(tmp_path / "cases", *EVERY_KIND, dtype=dtype)
    results = run_cases(cases, "onnxruntime")
    assert len(results) == len(EVERY_KIND)
    assert set(results.values()) == {""}, results
    assert [case.name for case in cases.iterdir() if wrong_elements(case)] == []


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_the_reference_evaluator_passes_in_every_precision(dtype: str, tmp_path: Path) -> None:
    results = run_cases(export(tmp_path / "cases", *FOR_REFERENCE_EVALUATOR, dtype=dtype), "onnx.reference")
    assert set(results) == {
        "test_lstm_one_unit",
        "test_gru_bidirectional_unbatched",
        "test_rnn_tanh_no_bias",
        "test_lstm_bidirectional_two_layers",
    }
    assert set(results.values()) == {""}, results


@pytest.mark.parametrize(("times", "detected"), [(0.5, False), (2.5, True)])
def test_a_damaged_output_is_detected_by_the_tolerance_of_a_case_and_of_each_element(
    times: float, detected: bool, tmp_path: Path
) -> None:
    cases = export(tmp_path / "cases", "lstm/plain", "gru/with-state")
    damage(cases / "test_lstm_plain", times)
    results = run_cases(cases, "onnxruntime")
    assert ("Not equal to tolerance rtol=0, atol=6.45" in results["test_lstm_plain"]) is detected
    assert results["test_gru_with_state"] == ""
    assert wrong_elements(cases / "test_lstm_plain") == detected


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_every_golden_passes_in_onnx_runtime_by_both_tolerances(dtype: str, tmp_path: Path) -> None:
    ids = [entry.id for entry in open_corpus().select() if dtype in entry.precisions]
    cases = export(tmp_path / "cases", *ids, dtype=dtype)
    assert set(run_cases(cases, "onnxruntime").values()) == {""}
    assert [case.name for case in cases.iterdir() if wrong_elements(case)] == []


def test_the_graph_has_the_exported_inputs_outputs_and_weights(tmp_path: Path) -> None:
    (case,) = export(tmp_path / "cases", "lstm/lengths").iterdir()
    graph = onnx.load(str(case / "model.onnx")).graph
    assert [value.name for value in graph.input] == list(tensors(case, "input")) == ["x", "lengths", "h0_l0", "c0_l0"]
    assert [value.name for value in graph.output] == list(tensors(case, "output")) == ["out", "h_n", "c_n"]
    assert {"l0/W", "l0/R", "l0/B"} <= {initializer.name for initializer in graph.initializer}
    golden = load("lstm/lengths")
    for name, array in tensors(case, "output").items():
        assert np.array_equal(array, getattr(golden, name))


@pytest.mark.parametrize("golden_id", ["lstm/lengths", "lstm-peephole/with-state", "gru-clip/with-state"])
def test_weights_can_be_inputs_of_the_graph(golden_id: str, tmp_path: Path) -> None:
    (case,) = export(tmp_path / "cases", golden_id, to="onnx-weights-as-inputs").iterdir()
    graph = onnx.load(str(case / "model.onnx")).graph
    assert case.name.endswith("_weights_as_inputs")
    assert {"l0/W", "l0/R", "l0/B"} <= {value.name for value in graph.input} == set(tensors(case, "input"))
    assert {initializer.name for initializer in graph.initializer} == {"joined"}
    assert wrong_elements(case) == 0


def test_an_unbatched_golden_is_a_batch_of_one(tmp_path: Path) -> None:
    (case,) = export(tmp_path / "cases", "gru/bidirectional-unbatched").iterdir()
    golden, outputs = load("gru/bidirectional-unbatched"), tensors(case, "output")
    assert np.array_equal(outputs["out"], golden.out[None])
    assert np.array_equal(outputs["h_n"], golden.h_n[:, None])


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_the_tolerance_of_an_element_includes_the_rounding_of_the_output(dtype: str, tmp_path: Path) -> None:
    (case,) = export(tmp_path / "cases", "gru/with-state", dtype=dtype).iterdir()
    golden = load("gru/with-state", dtype=dtype)
    for name, allowed in tensors(case, "tolerance").items():
        certified = getattr(golden.stored, name)
        rounding = np.abs(tensors(case, "output")[name].astype(float) - certified)
        assert np.array_equal(allowed, golden.tolerance.allowed(name, certified, PRECISIONS[dtype]) + rounding)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_runners_use_the_largest_tolerance_rounded_up_to_the_precision(dtype: str, tmp_path: Path) -> None:
    (case,) = export(tmp_path / "cases", "gru/with-state", dtype=dtype).iterdir()
    data = json.loads((case / "data.json").read_text("utf-8"))
    largest = max(array.max() for array in tensors(case, "tolerance").values())
    assert data["rtol"] == 0
    assert largest <= data["atol"] <= largest * (1 + 4 * PRECISIONS[dtype].roundoff) + PRECISIONS[dtype].smallest
    assert PRECISIONS[dtype].round(np.float64(data["atol"])) == data["atol"]  # type: ignore[arg-type]
    assert (data["golden"]["id"], data["golden"]["precision"]) == ("gru/with-state", dtype)
    config = dict(line.split(": ") for line in (case / "config.txt").read_text("utf-8").splitlines())
    assert (float(config["per_sample_tolerance"]), config["relative_per_sample_tolerance"]) == (data["atol"], "0")


def test_the_tolerance_of_an_exact_golden_is_zero(tmp_path: Path) -> None:
    (case,) = export(tmp_path / "cases", "exact/three-layers").iterdir()
    assert json.loads((case / "data.json").read_text("utf-8"))["atol"] == 0
    assert not any(array.any() for array in tensors(case, "tolerance").values())


_OF_RECURRENCES = ("gated-delta/grouped-queries", "causal-conv/several-steps", "delta-rule/scale")


def test_the_operator_has_as_many_heads_for_keys_as_for_values() -> None:
    golden = load("gated-delta/grouped-values", dtype="float32")
    with pytest.raises(Unsupported, match=r"^ONNX's LinearAttention has one number of heads for keys and values$"):
        onnx_model(golden.for_implementation())


@pytest.mark.parametrize("golden_id", [*_OF_RECURRENCES, "delta-rule/one-beta"])
def test_onnx_runtime_passes_the_operators_of_recurrences(golden_id: str, tmp_path: Path) -> None:
    (case,) = export(tmp_path / "cases", golden_id).iterdir()
    onnx.checker.check_model(onnx.load(str(case / "model.onnx")), full_check=True)
    assert wrong_elements(case) == 0
    damage(case, 2)
    assert wrong_elements(case) == 1
