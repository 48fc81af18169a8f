"""The interface of a wrong forward or backward pass, which alterations, edits and kernels have."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from rnn_goldens.cells.numpy_primitives import Array
from rnn_goldens.golden.expected import OUTPUTS

Base = TypeVar("Base")


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


def overriding(base: type[Base], methods: Mapping[str, Callable[..., Any]]) -> type[Base]:
    """Return a class in which functions replace methods: they take the object without them, then the arguments."""
    if unknown := [name for name in methods if not hasattr(base, name)]:
        raise TypeError(f"{base.__name__} has no method {unknown[0]!r}")
    wrong = type("Overriding", (base,), {"replaced": methods})
    for name, function in methods.items():
        setattr(wrong, name, _method(wrong, function))
    return wrong


def _method(owner: type, function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *arguments, **named: function(super(owner, self), *arguments, **named)
