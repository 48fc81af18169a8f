"""Layers of ``mindspore.nn``."""
