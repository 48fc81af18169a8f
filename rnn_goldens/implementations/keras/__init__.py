"""Keras's layers on any backend, and classes of layers."""
