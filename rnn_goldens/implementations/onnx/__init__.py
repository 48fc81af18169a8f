"""ONNX's operators in the reference evaluator and in ONNX Runtime, and users' ONNX files."""
