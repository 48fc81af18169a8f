"""ONNX's operators in its reference and in ONNX Runtime, and users' ONNX files."""
