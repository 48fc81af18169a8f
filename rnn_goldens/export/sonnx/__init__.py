"""Exports goldens as cases and accuracy pages for SONNX, the safety-related profile of ONNX.

The layout is that of the working group's ``ops`` folder: ``spec/informal/lstm/lstm_acc.md`` is the accuracy page of an
operator, and ``spec/tests/lstm/`` has its cases and a program that checks ONNX Runtime with them.
"""
