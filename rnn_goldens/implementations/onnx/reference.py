"""The ONNX reference evaluator (``onnx.reference``), running the golden's ONNX model."""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator

from rnn_goldens.checkable.golden import Question
from rnn_goldens.errors import Unsupported
from rnn_goldens.implementations.batch_of_one import outputs
from rnn_goldens.implementations.onnx import model as onnx_model


def run(golden: Question) -> tuple[NDArray[Any], ...]:
    """Return out, h_n (and c_n). Refuses what it says it does not know: relu; before onnx 1.23 an LSTM's last c too."""
    model, feeds = onnx_model.build(golden), onnx_model.feeds(golden)
    try:
        with np.errstate(over="ignore"):  # its sigmoid is 1 / (1 + exp(-x)): right, by way of infinity
            results = ReferenceEvaluator(model).run(None, feeds)
    except RuntimeError as error:  # its NotImplementedError is one, and others that only their texts tell
        if "Unable to find input 'c_n_" in str(error):  # as onnx_model.build names it
            raise Unsupported(f"onnx.reference of onnx {onnx.__version__} gives no last c; 1.23 does") from error
        if "Unknown activation function" not in str(error):
            raise
        raise Unsupported(f"onnx.reference: {error}") from error
    return outputs(golden, list(results))
