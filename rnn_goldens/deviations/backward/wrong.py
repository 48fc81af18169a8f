"""What a deviation of the backward pass is: one named way in which gradients go wrong, though the outputs are right."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import numpy as np

from rnn_goldens.cells import Array, Backward, Case, Cell, Cotangents
from rnn_goldens.cells.cell import with_equations
from rnn_goldens.cells.notation import Term
from rnn_goldens.cells.program import Equations
from rnn_goldens.golden.shapes import CELLS, is_own_cell

Gradients = dict[str, Array]
"""By the name of the array."""


@dataclass(frozen=True, eq=False)
class WrongBackward:
    """Where the way back departs from the definition, and how.

    Attributes:
        given: changes of the cotangents.
        steps: classes that override methods of ``Backward``.
        equations: by cell, equations with the right values and another way back.
        found: changes of the gradients.
    """

    given: tuple[Callable[[Case, Cotangents], Cotangents], ...] = ()
    steps: tuple[type[Backward], ...] = ()
    equations: Mapping[str, Equations] = field(default_factory=dict)
    found: tuple[Callable[[Case, Gradients], Gradients], ...] = ()

    @np.errstate(all="ignore")  # being wrong can make numbers overflow; that is no news
    def __call__(self, case: Case, cotangents: Cotangents) -> Gradients:
        """The wrong gradients of a case."""
        for change in self.given:
            cotangents = change(case, cotangents)
        gradients = self.network().gradients(case, cotangents)
        for spoil in self.found:
            gradients = spoil(case, gradients)
        return gradients

    def __and__(self, other: "WrongBackward") -> "WrongBackward":
        """Both at once. Raises ValueError if they can not be: both have equations of one cell, or one is the other."""
        if twice := sorted(set(self.equations) & set(other.equations)):
            raise ValueError(f"both have another way back through the equations of {', '.join(twice)}")
        if any(issubclass(a, b) or issubclass(b, a) for a in self.steps for b in other.steps):
            raise ValueError("one of them is the other, done otherwise")
        return WrongBackward(
            (*self.given, *other.given),
            (*self.steps, *other.steps),
            {**self.equations, **other.equations},
            (*self.found, *other.found),
        )

    @property
    def acts_on(self) -> tuple[str, ...]:
        """Where it acts: ``cotangents``, the ``way back`` of equations, methods of ``Backward``, or ``gradients``."""
        right = {name: f for kind in reversed(Backward.__mro__) for name, f in vars(kind).items() if callable(f)}
        steps = {n for step in self.steps for n in right if n != "__init__" and getattr(step, n) is not right[n]}
        return (
            *(["cotangents"] if self.given else []),
            *(["way back"] if self.equations else []),
            *sorted(name for name in steps if not name.startswith("__")),
            *(["gradients"] if self.found else []),
        )

    @cached_property
    def network(self) -> type[Backward]:
        """The network whose way back is wrong inside."""
        wrong = self.equations

        class Deviating(*self.steps, Backward):  # type: ignore[misc] # its bases are known when it runs
            def cell(self, case: Case) -> Cell:
                right = super().cell(case)
                return with_equations(right, wrong[right.name]) if right.name in wrong else right

        return Deviating if wrong else cast(type[Backward], type("Deviating", (*self.steps, Backward), {}))


@dataclass(frozen=True, eq=False)
class BackwardDeviation:
    """A network whose outputs are right and whose gradients are not.

    Attributes:
        name: stable, in lower case with underscores; no deviation of the forward pass has it.
        sentence: what it does wrong.
        wrong: where it does it, and how.
        cells: the cells it can befall.
        needs: features without which it changes nothing.
        stands_for: defects found in the wild, as ``repository#number``.
        mend: what to do about it, where the sentence does not say so.
    """

    name: str
    sentence: str
    wrong: WrongBackward
    cells: tuple[str, ...] = CELLS
    needs: tuple[str, ...] = ()
    stands_for: tuple[str, ...] = ()
    mend: str = ""

    def befalls(self, cell: str) -> bool:
        """Whether a cell can have it: one of someone's own can have what all of ours can."""
        return cell in self.cells or (is_own_cell(cell) and self.cells == CELLS)

    def gradients(self, case: Case, cotangents: Cotangents) -> Gradients:
        """The wrong gradients of a case."""
        return self.wrong(case, cotangents)


def instead(value: Term, way: Term) -> Term:
    """The value of the one, and the way back of the other."""
    return Term("instead", (value, way))


def detached(z: Term) -> Term:
    """Z, through which nothing goes back."""
    return instead(z, Term("constant", (), (0,)))


def in_way_back(**equations: Equations) -> WrongBackward:
    """The right values, but for the way back through the equations of the cells that are named."""
    if unknown := set(equations) - set(CELLS):
        raise TypeError(f"there is no cell {', '.join(unknown)}")
    return WrongBackward(equations=equations)


def in_steps_back(**steps: Callable[..., Any]) -> WrongBackward:
    """The right way back, but for the steps that are given as functions.

    Args:
        steps: by the name of a method of ``Backward``, a function that takes the network as it is right, and the
            method's arguments.
    """
    if unknown := [step for step in steps if not hasattr(Backward, step)]:
        raise TypeError(f"Backward has no step {unknown[0]!r}")

    class Overriding(Backward):
        pass

    for name, function in steps.items():
        setattr(Overriding, name, _method(Overriding, function))
    return WrongBackward(steps=(Overriding,))


def _method(owner: type[Backward], function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *arguments, **named: function(super(owner, self), *arguments, **named)


def in_cotangents(change: Callable[[Case, Cotangents], Cotangents]) -> WrongBackward:
    """The right way back, from other cotangents."""
    return WrongBackward(given=(change,))


def in_gradients(change: Callable[[Case, Gradients], Gradients]) -> WrongBackward:
    """The right way back, whose gradients are then spoiled."""
    return WrongBackward(found=(change,))


def in_gradient(begins: str | tuple[str, ...], change: Callable[[Array], Array], but: str = " ") -> WrongBackward:
    """The right way back, and other gradients of what begins so by name, and does not hold ``but``."""
    return in_gradients(
        lambda _, gradients: {
            name: change(array) if name.startswith(begins) and but not in name else array
            for name, array in gradients.items()
        }
    )
