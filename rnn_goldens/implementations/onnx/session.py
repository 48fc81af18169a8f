"""ONNX Runtime on the CPU, running the golden's ONNX model. The runtime computes float16 in float32, and casts back."""

from functools import lru_cache
from typing import Any

import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidGraph, RuntimeException
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NoKernel

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported
from rnn_goldens.implementations.batch_of_one import outputs
from rnn_goldens.implementations.onnx import model as onnx_model
from rnn_goldens.implementations.onnx import recurrence_model

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


def run_recurrence(golden: Inputs) -> tuple[NDArray[Any], ...]:
    """Return the output and the last state of ONNX's operator for a recurrence.

    ONNX Runtime has no kernels for these operators: it computes the functions that define them.

    Raises:
        Unsupported: there is no operator for the golden, no kernel for its precision (float64, and a convolution in
            bfloat16), or ONNX Runtime is older than the operators.
    """
    operator = recurrence_model.operator_of(golden)
    if golden.dtype == "float64":
        raise Unsupported(f"{operator} has no float64")
    version = onnxruntime.__version__
    try:
        session = _session(recurrence_model.build(golden))
    except NoKernel as error:
        raise Unsupported(f"no {golden.dtype} {operator} in onnxruntime {version}: {error}") from error
    except (Fail, InvalidGraph) as error:
        needed = f"operator set {recurrence_model.OPSET}, which has {operator}"
        raise Unsupported(f"onnxruntime {version} cannot load {needed}") from error
    return recurrence_model.outputs(golden, session.run(None, recurrence_model.feeds(golden)))


def open_session(model: str | bytes) -> onnxruntime.InferenceSession:
    """Return a session for a file or its bytes, on the CPU."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = SILENT
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


_session = lru_cache(maxsize=1)(open_session)
"""Returns the same session for the next call with the same bytes."""
