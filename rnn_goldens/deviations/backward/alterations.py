"""Changes of the backward pass, which leave the outputs right."""

from collections.abc import Callable
from typing import Any

from rnn_goldens.cells import Array, Backward, Case, Cotangents
from rnn_goldens.cells.program import Equations
from rnn_goldens.deviations.alteration import Alteration, Gradients, in_steps
from rnn_goldens.deviations.parts import detached, instead
from rnn_goldens.golden.built_in_cells import LAYOUTS

__all__ = [
    "detached",
    "in_cotangents",
    "in_derivatives",
    "in_gradient",
    "in_gradients",
    "in_names",
    "in_steps_back",
    "instead",
]


def in_derivatives(**equations: Equations) -> Alteration:
    """Return a change of the derivatives of cells' equations, which keep the right values."""
    if unknown := set(equations) - set(LAYOUTS):
        raise TypeError(f"there is no cell {', '.join(unknown)}")
    return Alteration(equations=equations, right=Backward)


def in_steps_back(**steps: Callable[..., Any]) -> Alteration:
    """Return a change of steps of the backward pass. The arguments are functions, as for ``in_steps``."""
    return in_steps(Backward, **steps)


def in_cotangents(change: Callable[[Case, Cotangents], Cotangents]) -> Alteration:
    """Return a change of the cotangents."""
    return Alteration(inputs=(change,), right=Backward)


def in_gradients(change: Callable[[Case, Gradients], Gradients]) -> Alteration:
    """Return a change of the gradients."""
    return Alteration(outputs=(change,), right=Backward)


def in_gradient(prefix: str | tuple[str, ...], change: Callable[[Array], Array], but: str = " ") -> Alteration:
    """Return a change of the gradients whose names start with a prefix and do not contain ``but``."""
    return in_gradients(
        lambda _, gradients: {
            name: change(array) if name.startswith(prefix) and but not in name else array
            for name, array in gradients.items()
        }
    )


def in_names(other: Callable[[str], str]) -> Alteration:
    """Return the change in which each gradient is that of the array with another name, if there is one."""
    return in_gradients(lambda _, gradients: {name: gradients.get(other(name), a) for name, a in gradients.items()})
