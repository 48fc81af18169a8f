"""Cells of ``equinox.nn``."""
