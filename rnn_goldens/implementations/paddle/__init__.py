"""Layers of ``paddle.nn``."""
