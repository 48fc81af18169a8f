"""Exports goldens to other formats: encoders that return bytes, and one function that writes them."""

WEIGHTS_AS_INPUTS = "onnx-weights-as-inputs"
HDF5, SONNX, WEBNN = "hdf5", "sonnx", "webnn"

FORMATS = ("onnx", WEIGHTS_AS_INPUTS, "npz", "safetensors", HDF5, "c", SONNX, WEBNN)
"""The formats of ``export``. Defined here, without imports, for the help of the command."""
