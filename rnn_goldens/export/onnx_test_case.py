"""Exports a golden as a test case for ONNX test runners: a folder with a model, its inputs, outputs and tolerances.

- ``model.onnx``: the model of ``implementations.onnx_model``, weights of a network as initializers.
- ``test_data_set_0/input_N.pb``, ``output_N.pb``: a TensorProto for each input and output of the graph, in order.
- ``test_data_set_0/tolerance_N.pb``: the tolerance of each element of ``output_N.pb``, in double. Runners ignore it.
- ``data.json`` for the runner of ONNX and ``config.txt`` for that of ONNX Runtime: the largest of these tolerances,
  which is the smallest single absolute tolerance that every correct implementation passes.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import numpy_helper

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.encoding import json_file
from rnn_goldens.export.exported_golden import Exported, about, allowed, expected, identifier
from rnn_goldens.golden.precision import PRECISIONS, Precision
from rnn_goldens.implementations.onnx_model import OnnxModel, onnx_model

DATA_SET = "test_data_set_0"


def stored_weights(golden: Golden) -> Exported:
    """Return the test case of a model that stores its weights, if any. Raises Unsupported as ``onnx_model``."""
    return _test_case(golden, onnx_model(golden), "")


def weights_as_inputs(golden: Golden) -> Exported:
    """Return the test case of a model that has an input for each of its weights; raises as ``stored_weights``."""
    return _test_case(golden, onnx_model(golden, stored_weights=False), "_weights_as_inputs")


def _test_case(golden: Golden, model: OnnxModel, ending: str) -> Exported:
    fed = model.feeds
    precision, kind = PRECISIONS[golden.dtype], next(iter(fed.values())).dtype
    certified, bounds = (model.named(arrays) for arrays in (expected(golden), allowed(golden)))
    outputs, tolerances = rounded(certified, bounds, precision, kind)
    largest = _rounded_up(max(float(array.max(initial=0)) for array in tolerances.values()), precision)
    files = {
        **case_folder(model.build(), input=fed, output=outputs, tolerance=tolerances),
        "data.json": json_file.encode({"rtol": 0.0, "atol": largest, "golden": about(golden)}),
        "config.txt": f"per_sample_tolerance: {largest!r}\nrelative_per_sample_tolerance: 0\n".encode(),
    }
    return Exported(golden.id, f"test_{identifier(golden.id)}{ending}", files)  # the runner of ONNX requires test_


def rounded(
    certified: Mapping[str, NDArray[np.float64]],
    tolerances: Mapping[str, NDArray[np.float64]],
    precision: Precision,
    kind: np.dtype[Any],
) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[np.float64]]]:
    """Return certified values rounded to a precision and stored as a type, and tolerances that include the rounding."""
    outputs = {name: precision.round(array).astype(kind) for name, array in certified.items()}
    lost = {name: np.abs(outputs[name].astype(np.float64) - array) for name, array in certified.items()}
    return outputs, {name: array + lost[name] for name, array in tolerances.items()}


def case_folder(model: bytes, **kinds: Mapping[str, NDArray[Any]]) -> dict[str, bytes]:
    """Return the files of a case: its model, and ``input_0.pb``, ``input_1.pb`` and so on for each kind of arrays."""
    return {"model.onnx": model} | {
        f"{DATA_SET}/{kind}_{number}.pb": numpy_helper.from_array(array, name).SerializeToString(deterministic=True)
        for kind, arrays in kinds.items()
        for number, (name, array) in enumerate(arrays.items())
    }


def _rounded_up(largest: float, precision: Precision) -> float:
    """Round up to a number of the precision: NumPy compares half precisions in half precision."""
    above = largest * (1 + 2 * precision.roundoff) + precision.smallest if largest else 0.0
    return float(precision.round(np.float64(above)))  # type: ignore[arg-type]
