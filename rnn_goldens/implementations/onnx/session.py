"""ONNX Runtime on the CPU, running the golden's ONNX model. float16 it computes in float32, between casts."""

from functools import lru_cache
from typing import Any

import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NoKernel
from onnxruntime.capi.onnxruntime_pybind11_state import RuntimeException

from rnn_goldens.checkable.golden import Question
from rnn_goldens.errors import Unsupported
from rnn_goldens.implementations.batch_of_one import outputs
from rnn_goldens.implementations.onnx import model as onnx_model

SILENT = 4
"""Errors are raised; without this they are written to stderr as well."""


def run(golden: Question) -> tuple[NDArray[Any], ...]:
    """Return out, h_n (and c_n). Refuses what ONNX Runtime says it has no implementation of: float64, bfloat16."""
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
    """A session of a file or of its bytes, on the CPU."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = SILENT
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


_session = lru_cache(maxsize=1)(open_session)
"""Kept for the next call with the same bytes, as users keep theirs."""
