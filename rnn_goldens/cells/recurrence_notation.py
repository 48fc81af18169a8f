"""The notation of equations of recurrences, besides that of ``notation``: matrices, and the declaration of arrays.

A value of a lane, which is one sequence and one head, is a matrix: a vector is one column, and a number is one row and
one column. Arithmetic broadcasts rows and columns as NumPy does. ``a @ b`` is the product of matrices or vectors, and
``a.mT`` is the transposed matrix.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from rnn_goldens.cells.notation import Term

Terms = tuple[Term, ...]

Equations = Callable[..., tuple[Terms, Terms]]
"""Takes inputs, weights, states and options by name; returns the outputs of a step and the states after it."""

T = TypeVar("T", bound=Callable[..., object])


def outer(a: Term, b: Term) -> Term:
    """The outer product of two columns: a bᵀ."""
    _require_terms("outer", a, b)
    return Term("outer", (a, b))


def kept(a: Term) -> Term:
    """The factor a, which a state keeps of itself.

    Other correct algorithms compute a product of such factors as exp(s_t - s_r), with s the running sum of the
    logarithms of a. The error analysis accounts for the rounding of these sums.
    """
    _require_terms("kept", a)
    return Term("kept_factor", (a,))


def stacked(*parts: Term) -> Term:
    """The rows of several terms, from the first to the last."""
    _require_terms("stacked", *parts)
    return Term("stacked", parts)


def without_first_row(a: Term) -> Term:
    """The rows of a, except the first."""
    return Term("rows", (a,), (1,))


def first_row(a: Term) -> Term:
    """The first row of a."""
    return Term("rows", (a,), (0, 1))


def _require_terms(function: str, *parts: object) -> None:
    for part in parts:
        if not isinstance(part, Term):
            raise TypeError(f"{function} takes terms, such as inputs and states, not {type(part).__name__}")


@dataclass(frozen=True)
class Declaration:
    """The arrays of a recurrence, as its decorator declares them. See ``recurrence``."""

    inputs: Mapping[str, str]
    states: Mapping[str, str]
    outputs: Mapping[str, str]
    weights: Mapping[str, str] = field(default_factory=dict)
    compared: Sequence[str] | None = None


def recurrence(
    *,
    inputs: Mapping[str, str],
    states: Mapping[str, str],
    outputs: Mapping[str, str],
    weights: Mapping[str, str] | None = None,
    compared: Sequence[str] | None = None,
) -> Callable[[T], T]:
    """Return a decorator that declares the arrays of a custom recurrence: by name, its axes separated by spaces.

    An axis is a size of the configuration, such as ``d_k``. An array has up to two, after ``heads`` if each head has
    its own; an array without ``heads`` is the same for all heads. The function takes inputs, weights and states by
    name, and returns two tuples: the outputs, and the states after the step.

    Args:
        inputs: (batch, time, *axes): a value for each time step.
        states: (batch, *axes): state S has the initial value ``S0`` and the last value ``S_n``.
        outputs: (batch, time, *axes).
        weights: (*axes): the same at each time step and in each sequence.
        compared: the states whose last values are compared; all if None.
    """
    declaration = Declaration(inputs, states, outputs, weights or {}, compared)

    def decorated(equations: T) -> T:
        equations.declaration = declaration  # type: ignore[attr-defined] # an attribute of the function
        return equations

    return decorated
