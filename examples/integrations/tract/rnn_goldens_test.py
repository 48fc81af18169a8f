# Golden vectors of recurrent networks, with a tolerance for each element: https://github.com/rnn-goldens/rnn-goldens
# RNN_GOLDENS_VECTORS=rnn-goldens-vectors-VERSION pytest tests/rnn_goldens_test.py
import json
import os
from pathlib import Path

import numpy
import onnx
import pytest
import tract
from numpy._core._multiarray_umath import __cpu_features__ as CPU
from onnx.numpy_helper import to_array

if "RNN_GOLDENS_VECTORS" not in os.environ:
    pytest.skip("RNN_GOLDENS_VECTORS is not set", allow_module_level=True)
VECTORS = Path(os.environ["RNN_GOLDENS_VECTORS"])

NO_OPERATOR = {
    "linear_attention",
    "gated_linear_attention",
    "delta_rule",
    "gated_delta",
    "causal_conv",
}
KNOWN_ATTRIBUTES = {"rnn_tanh", "lstm", "gru", "lstm_peephole", "gru_reset_before"}
KNOWN_FAILURES = {
    "lstm/plain": "an LSTM without initial_h fails if batch and time are not 1",
    "lstm/overflowing-no-state": "an LSTM without initial_h fails if batch and time are not 1",
}
# tanh on x86-64 saturates at 0.9999993 with AVX2 and FMA but no AVX-512, else at 0.9999994
SATURATING = {"rnn-tanh/overflowing", "rnn-tanh/sweeping"}
TANH_SATURATES_EARLY = CPU["AVX2"] and CPU["FMA3"] and not CPU["AVX512F"]


def known_failure(golden):
    """Why tract fails a golden today, or None."""
    if golden["cell"] in NO_OPERATOR:
        return "no operator LinearAttention or CausalConvWithState"
    if "lengths" in golden["features"]:
        return "sequence_lens must be a constant"
    if golden["cell"] not in KNOWN_ATTRIBUTES:
        return "activations, clip, input_forget and direction=reverse are ignored"
    if golden["id"] in SATURATING and TANH_SATURATES_EARLY:
        return "tanh saturates at 0.9999993 on this processor"
    return KNOWN_FAILURES.get(golden["id"])


def cases():
    for golden in json.loads((VECTORS / "index.json").read_text())["goldens"]:
        if "float32" in golden["files"].get("onnx", {}):
            reason = known_failure(golden)
            marks = [pytest.mark.xfail(strict=True, reason=reason)] if reason else []
            yield pytest.param(
                VECTORS / golden["files"]["onnx"]["float32"], id=golden["id"], marks=marks
            )


def tensors(case, kind):
    protos = map(onnx.load_tensor, sorted(case.glob(f"test_data_set_0/{kind}_*.pb")))
    return {proto.name: to_array(proto) for proto in protos}


@pytest.mark.parametrize("case", list(cases()))
def test_rnn_golden(case):
    inputs, outputs, tolerances = (tensors(case, kind) for kind in ("input", "output", "tolerance"))
    model = tract.onnx().load(case / "model.onnx").into_model().into_runnable()
    results = model.run(list(inputs.values()))
    assert len(results) == len(outputs)
    for (name, want), result in zip(outputs.items(), results):
        got, tolerance = result.to_numpy(), tolerances[name]
        assert got.shape == want.shape, name
        wrong = ~(numpy.abs(got.astype(numpy.float64) - want) <= tolerance)
        at = tuple(numpy.argwhere(wrong)[0].tolist()) if wrong.any() else ()
        assert not wrong.any(), (
            f"{name} is wrong in {wrong.sum()} of {wrong.size} elements, first at {at}: "
            f"got {got[at]}, want {want[at]} ± {tolerance[at]}"
        )
