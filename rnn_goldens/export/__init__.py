"""A golden in the formats that others read: encoders that give bytes, and the one function that writes them."""

FORMATS = ("onnx", "npz", "safetensors", "c")
"""What ``export`` takes, which says so in its help: nothing is imported here."""
