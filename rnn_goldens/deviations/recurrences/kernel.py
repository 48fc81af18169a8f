"""Kernels as classes of small methods, of which a deviation replaces one."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.cells.recurrence import RecurrenceCase
from rnn_goldens.deviations.recurrences.deviation import Outputs


class Kernel(ABC):
    """The forward pass of one sequence of each batch row, in the type of the arrays of a case."""

    def __init__(self, case: RecurrenceCase) -> None:
        self.case = case
        self.dtype: np.dtype[Any] = next(iter(case.inputs.values())).dtype

    @abstractmethod
    def run(self) -> Outputs:
        """Return the outputs and the compared last states."""

    def number(self, value: float) -> Any:  # noqa: ANN401 - a scalar of any precision
        """Return a number of the type of the arrays: a wider one would widen them."""
        return self.dtype.type(value)

    def kept(self, state: Array) -> Array:
        """Return a state as it is kept between steps."""
        return state


@dataclass(frozen=True, eq=False)
class Replaced:
    """The forward pass of a kernel with other methods.

    Attributes:
        kernel: the right kernel.
        methods: by the name of the method they replace; they take the right kernel before the method's arguments.
    """

    kernel: type[Kernel]
    methods: Mapping[str, Callable[..., Any]]

    def __call__(self, case: RecurrenceCase) -> Outputs:
        """Return the wrong outputs."""
        changed, right = self.kernel(case), self.kernel(case)
        for name, method in self.methods.items():
            setattr(changed, name, partial(method, right))
        return changed.run()


def replaced(kernel: type[Kernel], **methods: Callable[..., Any]) -> Replaced:
    """Return the forward pass of a kernel with other methods."""
    assert all(hasattr(kernel, name) for name in methods)
    return Replaced(kernel, methods)


def sigmoid(z: Array) -> Array:
    """Return 1 / (1 + e^-z)."""
    result: Array = 1 / (1 + np.exp(-z))
    return result


def softplus(z: Array) -> Array:
    """Return log(1 + e^z), without overflow."""
    result: Array = np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))
    return result
