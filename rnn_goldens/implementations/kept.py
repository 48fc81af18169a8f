"""What is made for a golden is kept for further calls with the same golden: it may remember the last call, wrongly."""

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.golden import Golden

Network = TypeVar("Network")


class Kept(Generic[Network]):
    """Makes a network for a golden in a precision, and returns the same one until another golden comes."""

    def __init__(self, make: Callable[[Golden], Network]) -> None:
        """Make nothing yet."""
        self._make = make
        self._kept: tuple[tuple[object, ...], Network] | None = None
        self._weights: Mapping[str, NDArray[np.float64]] | None = None

    def takes_weights(self, golden: Golden) -> bool:
        """Whether the network has other weights than a golden's so far, which from now on it is taken to have.

        Weights are set once, and not before each call: what a call does to them is seen by the next.
        """
        before, self._weights = self._weights, golden.stored.weights
        return before is None or any(not np.array_equal(before[n], array) for n, array in self._weights.items())

    def __call__(self, golden: Golden) -> Network:
        """The network for a golden."""
        __tracebackhide__ = True
        key = (golden.id, golden.cell, golden.config, golden.dtype)
        if self._kept is None or self._kept[0] != key:
            self._kept, self._weights = (key, self._make(golden)), None
        return self._kept[1]
