"""Ways in which gradients go wrong, though the outputs are right: where on the way back, and how."""

from collections.abc import Callable
from typing import Any

from rnn_goldens.cells import Array, Backward, Case, Cotangents
from rnn_goldens.cells.notation import Term
from rnn_goldens.cells.program import Equations
from rnn_goldens.deviations.deviation import Gradients, Wrong, in_steps
from rnn_goldens.golden.shapes import CELLS


def instead(value: Term, way: Term) -> Term:
    """The value of the one, and the way back of the other."""
    return Term("instead", (value, way))


def detached(z: Term) -> Term:
    """Z, through which nothing goes back."""
    return instead(z, Term("constant", (), (0,)))


def in_way_back(**equations: Equations) -> Wrong:
    """The right values, but for the way back through the equations of the cells that are named."""
    if unknown := set(equations) - set(CELLS):
        raise TypeError(f"there is no cell {', '.join(unknown)}")
    return Wrong(equations=equations, right=Backward)


def in_steps_back(**steps: Callable[..., Any]) -> Wrong:
    """The right way back, but for the steps that are given as functions, as of ``in_steps``."""
    return in_steps(Backward, **steps)


def in_cotangents(change: Callable[[Case, Cotangents], Cotangents]) -> Wrong:
    """The right way back, from other cotangents."""
    return Wrong(asked=(change,), right=Backward)


def in_gradients(change: Callable[[Case, Gradients], Gradients]) -> Wrong:
    """The right way back, whose gradients are then spoiled."""
    return Wrong(outputs=(change,), right=Backward)


def in_gradient(begins: str | tuple[str, ...], change: Callable[[Array], Array], but: str = " ") -> Wrong:
    """The right way back, and other gradients of what begins so by name, and does not hold ``but``."""
    return in_gradients(
        lambda _, gradients: {
            name: change(array) if name.startswith(begins) and but not in name else array
            for name, array in gradients.items()
        }
    )
