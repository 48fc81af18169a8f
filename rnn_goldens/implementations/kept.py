"""What is made for a golden is kept for further calls with the same golden: it may remember the last call, wrongly."""

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable.golden import Question

Network = TypeVar("Network")


class Kept(Generic[Network]):
    """Makes a network for a golden in a precision, and returns the same one until another golden comes.

    Its weights are set once, and not before each call: what a call does to them is seen by the next.
    """

    def __init__(self, make: Callable[[Question], Network], set_weights: Callable[[Network, Question], None]) -> None:
        """Make nothing yet."""
        self._make, self._set_weights = make, set_weights
        self._kept: tuple[tuple[object, ...], Network] | None = None
        self._weights: Mapping[str, NDArray[np.float64]] | None = None

    def __call__(self, golden: Question) -> Network:
        """The network for a golden, with its weights."""
        __tracebackhide__ = True
        key = (golden.id, golden.cell, golden.config, golden.dtype)
        if self._kept is None or self._kept[0] != key:
            self._kept, self._weights = (key, self._make(golden)), None
        network, before, weights = self._kept[1], self._weights, golden.stored.weights
        if before is None or any(not np.array_equal(before[name], array) for name, array in weights.items()):
            self._weights = None  # until they are set: that may fail
            self._set_weights(network, golden)
            self._weights = weights
        return network
