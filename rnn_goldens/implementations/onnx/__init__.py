"""ONNX's operators in its reference and in ONNX Runtime, and files of a user's own."""
