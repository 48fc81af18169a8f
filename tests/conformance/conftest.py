"""Goldens that do not saturate, as the tests of built-in implementations have them."""

from implementations.conftest import small_golden

__all__ = ["small_golden"]
