"""MNN on the CPU, running the golden's ONNX model after conversion by MNN's converter.

The converter is the extension module ``_tools``. It is called directly, because importing the package ``MNN.tools``
installs another package with ``pip``, in order to report conversions.
"""

from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import MNN
import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported
from rnn_goldens.implementations.onnx_model import network_model


def run(golden: Inputs) -> tuple[NDArray[Any], ...]:
    """Return out, h_n (and c_n).

    Raises Unsupported for gradients, for other precisions than float32, and if the conversion fails.
    """
    if golden.has_cotangents:
        raise Unsupported("mnn computes outputs, and no gradients")
    if golden.dtype != "float32":
        raise Unsupported(f"MNN has no {golden.dtype} on this processor: it computes in float32")
    model = network_model(golden)
    fed = model.feeds
    names = ("out", *(f"{state}_n" for state in golden.layout.states))
    module = _module(model.build(), tuple(fed), names)
    found = [MNN.expr.convert(output, MNN.expr.NCHW) for output in module.forward([_input(a) for a in fed.values()])]
    return model.to_golden([np.array(output.read()) for output in found])


@lru_cache(maxsize=1)
def _module(model: bytes, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Any:  # noqa: ANN401 - MNN has no types
    """Return the module of a model; the same module for the next call with the same bytes."""
    import _tools as converter  # of MNN

    with TemporaryDirectory(prefix="rnn-goldens-") as folder:
        onnx_file, mnn_file = Path(folder) / "golden.onnx", Path(folder) / "golden.mnn"
        onnx_file.write_bytes(model)
        converter.mnnconvert(
            ["", "-f", "ONNX", "--modelFile", str(onnx_file), "--MNNModel", str(mnn_file), "--bizCode", "golden"]
        )
        if not mnn_file.is_file():
            raise Unsupported("MNN's converter did not write a model")
        return MNN.nn.load_module_from_file(str(mnn_file), list(inputs), list(outputs))


def _input(array: NDArray[Any]) -> Any:  # noqa: ANN401
    kind = MNN.expr.int if array.dtype.kind == "i" else MNN.expr.float
    return MNN.expr.const(np.ascontiguousarray(array), list(array.shape), MNN.expr.NCHW, kind)
