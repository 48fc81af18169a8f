"""What an earlier run found, asked first by tests that draw goldens."""

from collections.abc import Iterable
from types import ModuleType

import pytest


def begin_with_found(items: Iterable[pytest.Item], drawing: ModuleType) -> None:
    """Make each test that draws goldens begin with what was found before; warn where that can not be read.

    Raises:
        pytest.UsageError: it can not be read, and warnings are errors.
    """
    for item in items:
        why: str = drawing.begin_with_found(getattr(item, "obj", None))
        if why:
            try:
                item.warn(pytest.PytestWarning(f"rnn-goldens: what was found before is not asked: {why}"))
            except pytest.PytestWarning as warning:
                raise pytest.UsageError(str(warning)) from None
