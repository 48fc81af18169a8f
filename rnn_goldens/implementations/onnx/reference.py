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
