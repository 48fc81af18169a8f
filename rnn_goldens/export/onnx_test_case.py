"""Exports a golden as a test case for ONNX test runners: a folder with a model, its inputs, outputs and tolerances.

- ``model.onnx``: the model of ``implementations.onnx.model``, weights as initializers.
- ``test_data_set_0/input_N.pb``, ``output_N.pb``: a TensorProto for each input and output of the graph, in order.
- ``test_data_set_0/tolerance_N.pb``: the tolerance of each element of ``output_N.pb``, in double. Runners ignore it.
- ``data.json`` for the runner of ONNX and ``config.txt`` for that of ONNX Runtime: the largest of these tolerances,
  which is the smallest single absolute tolerance that every correct implementation passes.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.encoding import json_file
from rnn_goldens.errors import Unsupported
from rnn_goldens.export.exported_golden import Exported, about, allowed, expected, identifier
from rnn_goldens.golden.precision import PRECISIONS, Precision
from rnn_goldens.implementations.onnx.model import ATTRIBUTES, TYPES, build, feeds

DATA_SET = "test_data_set_0"


def onnx_test_case(golden: Golden, *, stored_weights: bool = True) -> Exported:
    """Return the test case. Its name begins with ``test_``, as the runner of ONNX requires.

    ``stored_weights`` says whether the model stores the weights, or has an input for each of them.

    Raises:
        Unsupported: ONNX has no operator for the golden's cell, or it is a recurrence.
    """
    if not golden.is_network:
        raise Unsupported(f"recurrences such as {golden.cell} are not exported to onnx: npz, safetensors and c are")
    if golden.cell not in ATTRIBUTES:
        raise Unsupported(f"ONNX has no operator for the cell {golden.cell}")
    precision = PRECISIONS[golden.dtype]
    kind = helper.tensor_dtype_to_np_dtype(TYPES[golden.dtype])
    certified = {name: _batched(golden, name, array) for name, array in expected(golden).items()}
    outputs = {name: precision.round(array).astype(kind) for name, array in certified.items()}
    tolerances = {
        name: _batched(golden, name, array) + np.abs(outputs[name].astype(np.float64) - certified[name])
        for name, array in allowed(golden).items()
    }
    largest = _rounded_up(max(float(array.max(initial=0)) for array in tolerances.values()), precision)
    return Exported(
        golden.id,
        f"test_{identifier(golden.id)}{'' if stored_weights else '_weights_as_inputs'}",
        {
            "model.onnx": build(golden, stored_weights=stored_weights).SerializeToString(deterministic=True),
            **_tensors("input", feeds(golden, stored_weights=stored_weights)),
            **_tensors("output", outputs),
            **_tensors("tolerance", tolerances),
            "data.json": json_file.encode({"rtol": 0.0, "atol": largest, "golden": about(golden)}),
            "config.txt": f"per_sample_tolerance: {largest!r}\nrelative_per_sample_tolerance: 0\n".encode(),
        },
    )


def _batched(golden: Golden, name: str, array: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an output in the shape of the model's output: an unbatched golden becomes a batch of one."""
    return array if golden.batch_shape else np.expand_dims(array, 0 if name == "out" else 1)


def _tensors(kind: str, arrays: dict[str, NDArray[Any]]) -> dict[str, bytes]:
    tensors: list[TensorProto] = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    return {
        f"{DATA_SET}/{kind}_{number}.pb": tensor.SerializeToString(deterministic=True)
        for number, tensor in enumerate(tensors)
    }


def _rounded_up(largest: float, precision: Precision) -> float:
    """Round up to a number of the precision: NumPy compares half precisions in half precision."""
    above = largest * (1 + 2 * precision.roundoff) + precision.smallest if largest else 0.0
    return float(precision.round(np.float64(above)))  # type: ignore[arg-type]
