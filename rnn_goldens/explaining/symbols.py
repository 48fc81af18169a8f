"""Symbols in arrays, which code that moves, scales and adds numbers takes for numbers: what it did can be read off."""

from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from rnn_goldens.cells import Array

Atom = object
"""What a symbol is of: hashable, and as text what it is called."""

Known = int | float | bool | np.number | np.bool_


class Symbol:
    """A sum of atoms, each so many times, and a number; a number alone is none."""

    __array_ufunc__ = None  # numbers of NumPy leave sums and products to the symbol
    __slots__ = ("number", "terms")

    def __init__(self, terms: Mapping[Atom, float], number: float = 0.0) -> None:
        self.terms, self.number = dict(terms), number

    @property
    def atom(self) -> Atom | None:
        """The atom that it is, if it is one and nothing else."""
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
            raise TypeError("a product of symbols is no sum of them")
        value = float(factor)
        return _sum({atom: value * count for atom, count in self.terms.items()}, value * self.number)

    __rmul__ = __mul__

    def __truediv__(self, divisor: Known) -> "Symbol | float":
        return self * float(1 / Fraction(str(float(divisor))))

    def __bool__(self) -> bool:
        raise TypeError("a symbol is neither true nor false")

    def tanh(self) -> "Symbol":
        """As NumPy asks for it."""
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
    """So many times what a text stands for."""
    return text if factor == 1 else f"-{text}" if factor == -1 else f"{factor:g} * {text}"


def added(parts: list[str]) -> str:
    """A sum, with a minus where a part has one."""
    return " + ".join(parts).replace("+ -", "- ")


def text_of(value: object) -> str:
    """A symbol, or a number in its place."""
    return str(value) if isinstance(value, Symbol) else f"{float(value):.9g}"  # type: ignore[arg-type]


def symbols(atoms: object, shape: tuple[int, ...]) -> Array:
    """An array of symbols: ``atoms(*place)`` gives the atom of each place."""
    array = np.empty(shape, dtype=object)
    for place in np.ndindex(*shape):
        array[place] = Symbol({atoms(*place): 1.0})  # type: ignore[operator]
    return array
