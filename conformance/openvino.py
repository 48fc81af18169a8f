"""OpenVINO on the CPU, running the golden's ONNX model.

On processors that support bfloat16, OpenVINO computes in bfloat16 unless float32 is requested.
"""

from functools import lru_cache
from typing import Any

import openvino
from numpy.typing import NDArray

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported
from rnn_goldens.implementations.onnx_model import network_model

FLOAT32 = {"INFERENCE_PRECISION_HINT": "f32"}


def run(golden: Inputs) -> tuple[NDArray[Any], ...]:
    """Return out, h_n (and c_n). Raises Unsupported for gradients."""
    if golden.has_cotangents:
        raise Unsupported("openvino computes outputs, and no gradients")
    model = network_model(golden)
    compiled, feeds = _compiled(model.build()), model.feeds
    results = compiled({name: _tensor(array) for name, array in feeds.items()})
    return model.to_golden([results[output].view(feeds["x"].dtype) for output in compiled.outputs])


@lru_cache(maxsize=1)
def _compiled(model: bytes) -> openvino.CompiledModel:
    """Return the compiled model; the same model for the next call with the same bytes."""
    core = openvino.Core()
    return core.compile_model(core.read_model(model), "CPU", FLOAT32)


def _tensor(array: NDArray[Any]) -> openvino.Tensor:
    """Return an input tensor; OpenVINO exchanges bfloat16 as its bits."""
    if array.dtype.name != "bfloat16":
        return openvino.Tensor(array)
    return openvino.Tensor(array.view("uint16"), array.shape, openvino.Type.bf16)
