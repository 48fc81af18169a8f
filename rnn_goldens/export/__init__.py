"""Exports goldens to other formats: encoders that return bytes, and one function that writes them."""

from typing import NamedTuple

HDF5, WEBNN = "hdf5", "webnn"


class Format(NamedTuple):
    """A format of ``export``. Functions are given as ``module:function`` below this package."""

    encode: str  # the function that encodes a golden
    needs: str = ""  # the package that it requires, which is also the name of the extra that installs it; "" for none
    engine: str = ""  # an engine that has no float64 networks, and so determines the default precision; "" for none
    together: str = ""  # the function that returns what to write for all encoded goldens; "" if that is only these


_ONNX = ("onnx", "ONNX Runtime")

FORMATS = {
    "onnx": Format("onnx_test_case:stored_weights", *_ONNX),
    "onnx-weights-as-inputs": Format("onnx_test_case:weights_as_inputs", *_ONNX),
    "npz": Format("array_files:npz"),
    "safetensors": Format("array_files:safetensors", "safetensors"),
    HDF5: Format("array_files:hdf5", together="array_files:hdf5_files"),
    "c": Format("c_header:c_header", together="c_header:with_checker"),
    "tflite": Format("tflite_model:tflite", "ai_edge_litert"),
    "sonnx": Format("sonnx:sonnx_case", *_ONNX, "sonnx.accuracy:with_pages"),
    WEBNN: Format("webnn_tests:webnn_tests", engine="WebNN", together="webnn_tests:joined"),
}
"""The formats by name. Defined here, without imports, for the help of the command."""

WITH_LAYOUT = ("npz", "safetensors")
"""Formats that can have the layout of a library's kernels."""
