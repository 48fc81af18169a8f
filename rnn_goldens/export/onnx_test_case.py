"""A golden as the folder that test runners of ONNX read: a model, its inputs and outputs, and what may be off.

- ``model.onnx``: the model of ``implementations.onnx.model``, weights as initializers.
- ``test_data_set_0/input_N.pb``, ``output_N.pb``: a TensorProto for each input and output of the graph, in its order.
- ``test_data_set_0/tolerance_N.pb``: by how much each element may be off from ``output_N.pb``, in double. No runner
  reads it that does not know it.
- ``data.json``, which ONNX's runner reads, and ``config.txt``, which ONNX Runtime's does: the largest of these as one
  absolute tolerance, the narrowest that fails no correct implementation where there is one for all elements.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.encoding import json_file
from rnn_goldens.errors import Unsupported
from rnn_goldens.export.content import about, allowed, expected
from rnn_goldens.export.exported import Exported, identifier
from rnn_goldens.golden.precision import PRECISIONS, Precision
from rnn_goldens.implementations.onnx.model import ATTRIBUTES, TYPES, build, feeds

DATA_SET = "test_data_set_0"


def onnx_test_case(golden: Golden) -> Exported:
    """The folder; its name begins with ``test_``, as ONNX's runner wants it.

    Raises:
        Unsupported: ONNX has no operator that is the golden's cell.
    """
    if golden.cell not in ATTRIBUTES:
        raise Unsupported(f"ONNX has no operator for the cell {golden.cell}")
    precision = PRECISIONS[golden.dtype]
    kind = helper.tensor_dtype_to_np_dtype(TYPES[golden.dtype])
    certified = {name: _batched(golden, name, array) for name, array in expected(golden).items()}
    outputs = {name: precision.round(array).astype(kind) for name, array in certified.items()}
    off = {
        name: _batched(golden, name, array) + np.abs(outputs[name].astype(np.float64) - certified[name])
        for name, array in allowed(golden).items()
    }
    most = _rounded_up(max(float(array.max(initial=0)) for array in off.values()), precision)
    return Exported(
        golden.id,
        f"test_{identifier(golden.id)}",
        {
            "model.onnx": build(golden).SerializeToString(deterministic=True),
            **_tensors("input", feeds(golden)),
            **_tensors("output", outputs),
            **_tensors("tolerance", off),
            "data.json": json_file.encode({"rtol": 0.0, "atol": most, "golden": about(golden)}),
            "config.txt": f"per_sample_tolerance: {most!r}\nrelative_per_sample_tolerance: 0\n".encode(),
        },
    )


def _batched(golden: Golden, name: str, array: NDArray[np.float64]) -> NDArray[np.float64]:
    """An output as the model gives it, to which an unbatched golden is a batch of one."""
    return array if golden.batch_shape else np.expand_dims(array, 0 if name == "out" else 1)


def _tensors(kind: str, arrays: dict[str, NDArray[Any]]) -> dict[str, bytes]:
    made: list[TensorProto] = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    return {
        f"{DATA_SET}/{kind}_{number}.pb": tensor.SerializeToString(deterministic=True)
        for number, tensor in enumerate(made)
    }


def _rounded_up(most: float, precision: Precision) -> float:
    """A number of the precision that is no smaller: NumPy compares half precisions in half precision."""
    above = most * (1 + 2 * precision.roundoff) + precision.smallest if most else 0.0
    return float(precision.round(np.float64(above)))  # type: ignore[arg-type]
