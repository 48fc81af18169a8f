"""The ONNX reference evaluator (``onnx.reference``), running the golden's ONNX model."""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported
from rnn_goldens.implementations.onnx.golden_model import onnx_model

_IN_FLOAT32 = {"LinearAttention": "LinearAttention", "CausalConvWithState": "SiLU"}
"""By operator, the part that the evaluator computes in float32 whatever the precision is."""


def run(golden: Inputs) -> tuple[NDArray[Any], ...]:
    """Return the output at each time step, then the last states.

    LinearAttention is float32 inside in half precisions; CausalConvWithState rounds each operation.

    Raises:
        Unsupported: for relu, for an LSTM if onnx is older than 1.23, and for float64 if a part is computed in float32.
    """
    model = onnx_model(golden)
    part = _IN_FLOAT32.get(model.operator)
    if part and golden.dtype == "float64" and golden.config.get("activation") != "none":
        raise Unsupported(f"onnx.reference computes {part} in float32")
    try:
        with np.errstate(all="ignore"):  # correct although numbers overflow: its sigmoid is 1 / (1 + exp(-x))
            evaluator = ReferenceEvaluator(onnx.load_from_string(model.build()))
            results: Any = evaluator.run(None, model.feeds())
    except RuntimeError as error:  # includes NotImplementedError; other refusals are recognised only by their text
        if "Unable to find input 'c_n_" in str(error):  # as named in ``model``
            raise Unsupported(f"onnx.reference of onnx {onnx.__version__} does not return c_n; 1.23 does") from error
        if "Unknown activation function" not in str(error):
            raise
        raise Unsupported(f"onnx.reference: {error}") from error
    return model.to_golden(results)
