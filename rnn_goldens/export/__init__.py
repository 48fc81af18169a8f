"""Exports goldens to other formats: encoders that return bytes, and one function that writes them."""

FORMATS = ("onnx", "npz", "safetensors", "c")
"""The formats of ``export``. Defined here, without imports, for the help of the command."""
