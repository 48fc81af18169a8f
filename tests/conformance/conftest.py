"""Imports the fixture ``small_golden``, a function that creates goldens that do not saturate."""

from implementations.conftest import small_golden

__all__ = ["small_golden"]
