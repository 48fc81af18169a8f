"""Layers of ``mlx.nn``."""
