"""What is made for a golden is kept for further calls with the same golden: it may remember the last call, wrongly."""

from collections.abc import Callable
from typing import Generic, TypeVar

from rnn_goldens.golden import Golden

Network = TypeVar("Network")


class Kept(Generic[Network]):
    """Makes a network for a golden in a precision, and returns the same one until another golden comes."""

    def __init__(self, make: Callable[[Golden], Network]) -> None:
        """Make nothing yet."""
        self._make = make
        self._kept: tuple[tuple[object, ...], Network] | None = None

    def __call__(self, golden: Golden) -> Network:
        """The network for a golden."""
        __tracebackhide__ = True
        key = (golden.id, golden.cell, golden.config, golden.dtype)
        if self._kept is None or self._kept[0] != key:
            self._kept = (key, self._make(golden))
        return self._kept[1]
