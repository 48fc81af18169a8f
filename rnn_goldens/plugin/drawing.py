"""Tests that draw goldens: they begin with what an earlier run found, and fail if they compare nothing."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
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


@contextmanager
def watched(item: pytest.Item, drawing: ModuleType) -> Iterator[None]:
    """Fail a test that returns, and refused every golden that it drew."""
    watch = drawing.watch_of(getattr(item, "obj", None))
    if watch is None:
        yield
        return
    watch.begin()
    try:
        yield
    finally:
        watch.end()
    if why := watch.nothing_checked():
        pytest.fail(why, pytrace=False)
