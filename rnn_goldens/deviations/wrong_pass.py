"""The interface of a wrong forward or backward pass, which alterations, edits and kernels have."""

from collections.abc import Mapping
from typing import Any

from rnn_goldens.cells.numpy_primitives import Array
from rnn_goldens.golden.expected import OUTPUTS


class WrongPass:
    """A wrong forward pass, or a wrong backward pass with a right forward pass."""

    @property
    def of(self) -> str:
        """What is wrong: OUTPUTS, or GRADIENTS with right outputs."""
        return OUTPUTS

    @property
    def acts_on(self) -> tuple[str, ...]:
        """The changed parts of a network; () for recurrences."""
        return ()

    def outputs_by_name(self, case: Any) -> dict[str, Array]:  # noqa: ANN401, ARG002 - a case
        """Return the wrong outputs of a case by name."""
        raise TypeError("the forward pass is right")

    def gradients(self, case: Any, cotangents: Mapping[str, Array]) -> dict[str, Array]:  # noqa: ANN401, ARG002
        """Return the wrong gradients of a case, of a wrong backward pass."""
        raise TypeError("this is no deviation of the backward pass")

    def __and__(self, other: "WrongPass") -> "WrongPass":
        """Return both at once. Raises ValueError if they exclude each other."""
        raise ValueError("deviations of recurrences are not combined")
