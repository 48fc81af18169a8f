"""The ONNX reference evaluator (``onnx.reference``), running the golden's ONNX model."""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported
from rnn_goldens.implementations.batch_of_one import outputs
from rnn_goldens.implementations.onnx import model as onnx_model
from rnn_goldens.implementations.onnx import recurrence_model


def run(golden: Inputs) -> tuple[NDArray[Any], ...]:
    """Return out, h_n (and c_n). Raises Unsupported for relu, and for an LSTM if onnx is older than 1.23."""
    model, feeds = onnx_model.build(golden), onnx_model.feeds(golden)
    try:
        with np.errstate(over="ignore"):  # its sigmoid is 1 / (1 + exp(-x)), which is correct although exp overflows
            results = ReferenceEvaluator(model).run(None, feeds)
    except RuntimeError as error:  # includes NotImplementedError; other refusals are recognised only by their text
        if "Unable to find input 'c_n_" in str(error):  # as named in ``model``
            raise Unsupported(f"onnx.reference of onnx {onnx.__version__} does not return c_n; 1.23 does") from error
        if "Unknown activation function" not in str(error):
            raise
        raise Unsupported(f"onnx.reference: {error}") from error
    return outputs(golden, list(results))


def run_recurrence(golden: Inputs) -> tuple[NDArray[Any], ...]:
    """Return the output and the last state of ONNX's operator for a recurrence.

    LinearAttention is float32 inside in half precisions; CausalConvWithState rounds each operation.

    Raises:
        Unsupported: there is no operator for the golden, or the evaluator computes a part in float32 for float64.
    """
    operator = recurrence_model.operator_of(golden)
    if golden.dtype == "float64" and golden.config.get("activation") != "none":
        part = "SiLU" if operator == recurrence_model.CONVOLUTION else operator
        raise Unsupported(f"onnx.reference computes {part} in float32")
    evaluator = ReferenceEvaluator(onnx.load_from_string(recurrence_model.build(golden)))
    with np.errstate(all="ignore"):  # a decay of e^-8192 underflows
        found: Any = evaluator.run(None, recurrence_model.feeds(golden))
    return recurrence_model.outputs(golden, found)
