"""The folder of the examples, compiler flags, types of the fixtures, and a function that skips a test."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
STRICT = "CFLAGS=-std=c11 -O2 -Wall -Wextra -Wpedantic -Werror"

Need = Callable[..., None]
Build = Callable[[str, str], Path]


def lacking(what: str) -> None:
    """Skip the test, or fail it if NOTHING_SKIPPED is set."""
    if os.environ.get("NOTHING_SKIPPED"):
        pytest.fail(f"{what}, but NOTHING_SKIPPED is set")
    pytest.skip(what)
