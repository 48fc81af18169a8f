"""The fixture of the tests of built-in implementations: goldens that do not saturate."""

from implementations.conftest import small_golden

__all__ = ["small_golden"]
