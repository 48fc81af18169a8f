"""Symbols in arrays: code that moves, scales and adds numbers accepts symbols, and the result shows its effect."""

from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from rnn_goldens.cells import Array

Atom = object
"""An object that a symbol represents. It is hashable, and its text is the name of the symbol."""

Known = int | float | bool | np.number | np.bool_


class Symbol:
    """A sum of multiples of atoms and a number."""

    __array_ufunc__ = None  # NumPy numbers leave sums and products to the symbol
    __slots__ = ("number", "terms")

    def __init__(self, terms: Mapping[Atom, float], number: float = 0.0) -> None:
        self.terms, self.number = dict(terms), number

    @property
    def atom(self) -> Atom | None:
        """Return the atom if the symbol consists of one atom; else None."""
        ((atom, factor), *more) = self.terms.items()
        return atom if factor == 1 and not more and not self.number else None

    def __add__(self, other: "Symbol | Known") -> "Symbol | float":
        if not isinstance(other, Symbol):
            return Symbol(self.terms, self.number + float(other))
        terms = {atom: self.terms.get(atom, 0) + other.terms.get(atom, 0) for atom in {**self.terms, **other.terms}}
        return _sum(terms, self.number + other.number)

    __radd__ = __add__

    def __sub__(self, other: "Symbol | Known") -> "Symbol | float":
        return self + -1 * other

    def __rsub__(self, other: Known) -> "Symbol | float":
        return -1 * self + other

    def __neg__(self) -> "Symbol | float":
        return -1 * self

    def __mul__(self, factor: Known) -> "Symbol | float":
        if isinstance(factor, Symbol):
            raise TypeError("a product of symbols is not a sum of symbols")
        value = float(factor)
        return _sum({atom: value * count for atom, count in self.terms.items()}, value * self.number)

    __rmul__ = __mul__

    def __truediv__(self, divisor: Known) -> "Symbol | float":
        return self * float(1 / Fraction(str(float(divisor))))

    def __bool__(self) -> bool:
        raise TypeError("a symbol is neither true nor false")

    def tanh(self) -> "Symbol":
        """Return the tanh. NumPy calls this method for object arrays."""
        return Symbol({f"tanh({self})": 1.0})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Symbol) and (self.terms, self.number) == (other.terms, other.number)

    def __hash__(self) -> int:
        return hash((frozenset(self.terms.items()), self.number))

    def __str__(self) -> str:
        parts = [scaled(str(atom), factor) for atom, factor in self.terms.items()]
        return added([*parts, f"{self.number:g}"] if self.number else parts)


def _sum(terms: Mapping[Atom, float], number: float) -> "Symbol | float":
    left = {atom: factor for atom, factor in terms.items() if factor}
    return Symbol(left, number) if left else number


def scaled(text: str, factor: float) -> str:
    """Return a multiple of a text."""
    return text if factor == 1 else f"-{text}" if factor == -1 else f"{factor:g} * {text}"


def added(parts: list[str]) -> str:
    """Return the parts as a sum; parts that begin with a minus are subtracted."""
    return " + ".join(parts).replace("+ -", "- ")


def text_of(value: object) -> str:
    """Return a symbol or number as text."""
    return str(value) if isinstance(value, Symbol) else f"{float(value):.9g}"  # type: ignore[arg-type]


def symbols(atoms: object, shape: tuple[int, ...]) -> Array:
    """Return an array of symbols: ``atoms(*index)`` returns the atom at an index."""
    array = np.empty(shape, dtype=object)
    for place in np.ndindex(*shape):
        array[place] = Symbol({atoms(*place): 1.0})  # type: ignore[operator]
    return array
