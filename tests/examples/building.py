"""Where the examples are, and what the fixtures that find their tools and build them are called with."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
STRICT = "CFLAGS=-std=c11 -O2 -Wall -Wextra -Wpedantic -Werror"

Need = Callable[..., None]
Build = Callable[[str, str], Path]


def lacking(what: str) -> None:
    """Skip the test, or fail it where nothing may be skipped."""
    if os.environ.get("NOTHING_SKIPPED"):
        pytest.fail(f"{what}, and nothing may be skipped here")
    pytest.skip(what)
