"""Changes of the backward pass, which leave the outputs right."""

import re
from collections.abc import Callable
from typing import Any

from rnn_goldens.cells import Array, Backward, Case, Cotangents
from rnn_goldens.cells.step_program import Equations
from rnn_goldens.deviations.alteration import Alteration, Gradients, in_equations, in_steps


def in_derivatives(**equations: Equations) -> Alteration:
    """Return a change of the derivatives of cells' equations, which keep the right values."""
    return in_equations(Backward, **equations)


def in_steps_back(**steps: Callable[..., Any]) -> Alteration:
    """Return a change of steps of the backward pass. The arguments are functions, as for ``in_steps``."""
    return in_steps(Backward, **steps)


def in_cotangents(change: Callable[[Case, Cotangents], Cotangents]) -> Alteration:
    """Return a change of the cotangents."""
    return Alteration(inputs=(change,), right=Backward)


def in_gradients(change: Callable[[Case, Gradients], Gradients]) -> Alteration:
    """Return a change of the gradients."""
    return Alteration(outputs=(change,), right=Backward)


def in_gradient(pattern: str, change: Callable[[Array, Case], Array]) -> Alteration:
    """Return a change of the gradients whose names begin with a match of a regular expression."""
    return in_gradients(
        lambda case, gradients: {
            name: change(array, case) if re.match(pattern, name) else array for name, array in gradients.items()
        }
    )


def in_names(other: Callable[[str], str]) -> Alteration:
    """Return the change in which each gradient is that of the array with another name, if there is one."""
    return in_gradients(lambda _, gradients: {name: gradients.get(other(name), a) for name, a in gradients.items()})
