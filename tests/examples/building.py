"""Where the examples are, and what the fixtures that find their tools and build them are called with."""

from collections.abc import Callable
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"
STRICT = "CFLAGS=-std=c11 -O2 -Wall -Wextra -Wpedantic -Werror"

Need = Callable[..., None]
Build = Callable[[str, str], Path]
