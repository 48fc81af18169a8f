"""OpenVINO on the CPU, running the golden's ONNX model.

It computes in bfloat16 on processors that have it, unless told that float32 is wanted.
"""

from functools import lru_cache
from typing import Any

import openvino
from numpy.typing import NDArray

from rnn_goldens.checkable.golden import Question
from rnn_goldens.errors import Unsupported
from rnn_goldens.implementations.batch_of_one import outputs
from rnn_goldens.implementations.onnx import model as onnx_model

FLOAT32 = {"INFERENCE_PRECISION_HINT": "f32"}


def run(golden: Question) -> tuple[NDArray[Any], ...]:
    """Return out, h_n (and c_n). Raises Unsupported where gradients are asked."""
    if golden.asks_gradients:
        raise Unsupported("openvino computes outputs, and no gradients")
    compiled = _compiled(onnx_model.build(golden).SerializeToString())
    feeds = onnx_model.feeds(golden)
    results = compiled({name: _tensor(array) for name, array in feeds.items()})
    return outputs(golden, [results[output].view(feeds["x"].dtype) for output in compiled.outputs])


@lru_cache(maxsize=1)
def _compiled(model: bytes) -> openvino.CompiledModel:
    """Kept for the next call with the same bytes, as users keep theirs."""
    core = openvino.Core()
    return core.compile_model(core.read_model(model), "CPU", FLOAT32)


def _tensor(array: NDArray[Any]) -> openvino.Tensor:
    """An input; bfloat16, which OpenVINO hands over as its bits, both ways."""
    if array.dtype.name != "bfloat16":
        return openvino.Tensor(array)
    return openvino.Tensor(array.view("uint16"), array.shape, openvino.Type.bf16)
