"""ONNX Runtime on the CPU, running the golden's ONNX model. The runtime computes float16 in float32, and casts back."""

from functools import lru_cache
from typing import Any

import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NoKernel
from onnxruntime.capi.onnxruntime_pybind11_state import RuntimeException

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported
from rnn_goldens.implementations.batch_of_one import outputs
from rnn_goldens.implementations.onnx import model as onnx_model

SILENT = 4
"""Log level at which errors are raised but not written to stderr."""


def run(golden: Inputs) -> tuple[NDArray[Any], ...]:
    """Return out, h_n (and c_n). Raises Unsupported where ONNX Runtime has no kernel: float64, bfloat16."""
    model = onnx_model.build(golden).SerializeToString()
    try:
        session = _session(model)
        results = session.run(None, onnx_model.feeds(golden))
    except (NoKernel, RuntimeException) as error:
        if isinstance(error, RuntimeException) and "does not support" not in str(error):
            raise
        raise Unsupported(f"no {golden.dtype} {golden.cell} in onnxruntime: {error}") from error
    return outputs(golden, results)


def open_session(model: str | bytes) -> onnxruntime.InferenceSession:
    """Return a session for a file or its bytes, on the CPU."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = SILENT
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


_session = lru_cache(maxsize=1)(open_session)
"""Returns the same session for the next call with the same bytes."""
