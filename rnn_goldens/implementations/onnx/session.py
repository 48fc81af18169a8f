"""ONNX Runtime on the CPU, running the golden's ONNX model. The runtime computes float16 in float32, and casts back."""

from functools import lru_cache
from typing import Any

import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidGraph, RuntimeException
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NoKernel

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported
from rnn_goldens.implementations.onnx.golden_model import onnx_model

SILENT = 4
"""Log level at which errors are raised but not written to stderr."""


def run(golden: Inputs) -> tuple[NDArray[Any], ...]:
    """Return the output at each time step, then the last states.

    ONNX Runtime has no kernels for the operators of recurrences: it computes the functions that define them.

    Raises:
        Unsupported: ONNX Runtime has no kernel for the precision (float64, bfloat16), or is older than the operator.
    """
    model, version = onnx_model(golden), onnxruntime.__version__
    try:
        results = _session(model.build()).run(None, model.feeds())
    except (NoKernel, RuntimeException) as error:
        if isinstance(error, RuntimeException) and "does not support" not in str(error):
            raise
        raise Unsupported(f"no {golden.dtype} {model.operator} in onnxruntime {version}: {error}") from error
    except (Fail, InvalidGraph) as error:
        needed = f"{golden.dtype} {model.operator} of operator set {model.opset}"
        raise Unsupported(f"onnxruntime {version} cannot load {needed}") from error
    return model.to_golden(results)


def open_session(model: str | bytes) -> onnxruntime.InferenceSession:
    """Return a session for a file or its bytes, on the CPU."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = SILENT
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


_session = lru_cache(maxsize=1)(open_session)
"""Returns the same session for the next call with the same bytes."""
