"""The notation that cells are written in: terms, which stand for numbers that are yet to be computed.

An equation is an ordinary function; called with terms it writes down what it does, for others to read: NumPy, balls,
the error analysis. A term is a vector a sequence, one number a unit. The primitives are the functions below, sums,
products, quotients, and affine maps.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from numbers import Integral, Rational, Real
from typing import Any

Number = int | float | Fraction


@dataclass(frozen=True, eq=False)
class Term:
    """The result of a primitive.

    Attributes:
        primitive: its name, as in ``Arithmetic``; ``input`` for x and the state.
        of: what it is applied to.
        detail: what else it needs: numbers, or the name of a weight.
        units: how many numbers a sequence; None where nobody said, and of one that is the same for all units.

    Raises:
        TypeError: it is applied to terms of two sizes.
    """

    primitive: str
    of: tuple["Term", ...] = ()
    detail: tuple[object, ...] = ()
    units: int | None = None

    def __post_init__(self) -> None:
        """Be of the size of what it is applied to."""
        if self.units is None and self.primitive != "mean":
            sizes = list(dict.fromkeys(part.units for part in self.of if part.units is not None))
            if len(sizes) > 1:
                raise TypeError(f"{self.primitive}: one term has {sizes[0]} numbers, another {sizes[1]}")
            object.__setattr__(self, "units", sizes[0] if sizes else None)

    def __add__(self, other: "Operand") -> "Term":
        return _summed(self, _term(other))

    def __radd__(self, other: "Operand") -> "Term":
        return _summed(_term(other), self)

    def __sub__(self, other: "Operand") -> "Term":
        return _summed(self, -_term(other))

    def __rsub__(self, other: "Operand") -> "Term":
        return _summed(_term(other), -self)

    def __neg__(self) -> "Term":
        if self.primitive == "constant":
            return _constant(-_value(self))
        if self.primitive == "negative":
            return self.of[0]
        if self.primitive == "sum":  # so that a sum of differences is one sum, too
            return Term("sum", tuple(-part for part in self.of))
        return Term("negative", (self,))

    def __mul__(self, other: "Operand") -> "Term":
        return _times(self, _term(other))

    def __rmul__(self, other: "Operand") -> "Term":
        return _times(_term(other), self)

    def __truediv__(self, other: "Operand") -> "Term":
        return _applied("divide", self, other)

    def __rtruediv__(self, other: "Operand") -> "Term":
        return _applied("divide", other, self)

    def __pow__(self, power: int) -> "Term":
        if not isinstance(power, Integral):
            given = type(power).__name__ if isinstance(power, Term) else power
            raise TypeError(f"a power is a whole number, such as z ** 2, not {given}; a root is 1 / rsqrt(z)")
        if power <= 0:
            return _term(1) if power == 0 else 1 / self**-power
        product = self
        for _ in range(power - 1):
            product = product * self
        return product

    def __rpow__(self, base: object) -> "Term":
        raise TypeError(f"{base} ** z is exp of z times the logarithm of {base}: write it so")

    def __abs__(self) -> "Term":
        z = _own(self)
        return maximum(z, -z)

    def __bool__(self) -> bool:
        raise TypeError(f"{_YET}: it is neither true nor false")

    def __float__(self) -> float:
        raise TypeError(f"a term is no float: write tanh and the like, from {__name__}")

    def __array__(self, *_: object, **__: object) -> Any:  # noqa: ANN401 - none
        raise TypeError(f"{_YET}: it is no array")

    def __array_function__(self, function: Callable[..., Any], *_: object) -> Any:  # noqa: ANN401 - none
        raise _numpys(function.__name__)

    def __array_ufunc__(self, ufunc: Any, _method: str, *inputs: Any, **_: Any) -> "Term":  # noqa: ANN401 - NumPy's
        """A number of NumPy that stands left of an operator asks this; an array is no number, and is refused."""
        if ufunc.__name__ not in _OPERATORS:
            raise _numpys(ufunc.__name__)
        term: Term = _OPERATORS[ufunc.__name__](*map(_term, inputs))
        return term

    def __lt__(self, other: object) -> bool:
        raise TypeError(_COMPARED)

    __le__ = __gt__ = __ge__ = __lt__

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Real):
            raise TypeError(_COMPARED)
        return self is other

    __hash__ = object.__hash__


_YET = "a term stands for a number that is yet to be computed"

_COMPARED = f"{_YET}, so it can not be compared: choose by relu, maximum, minimum, abs or clip"

_OPERATORS: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "power": operator.pow,
    **dict.fromkeys(("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"), operator.lt),
}
"""What operators are, by the names that NumPy has for them."""


Operand = Term | Number


def sigmoid(z: Term) -> Term:
    """1 / (1 + e^-z)."""
    return _applied("sigmoid", z)


def tanh(z: Term) -> Term:
    """The hyperbolic tangent."""
    return _applied("tanh", z)


def relu(z: Term) -> Term:
    """max(0, z)."""
    return _applied("relu", _own(z))


def exp(z: Term) -> Term:
    """e^z."""
    return _applied("exp", z)


def log(z: Term) -> Term:
    """The natural logarithm."""
    return _applied("log", z)


def softplus(z: Term) -> Term:
    """log(1 + e^z)."""
    return _applied("softplus", z)


def maximum(a: Operand, b: Operand) -> Term:
    """The larger of the two."""
    return _applied("maximum", _own(a), _own(b))


def minimum(a: Operand, b: Operand) -> Term:
    """The smaller of the two."""
    return -maximum(-_term(a), -_term(b))


def clip(z: Term, low: Number, high: Number) -> Term:
    """Z, but no less than low and no more than high. Raises ValueError if low is more than high."""
    if low > high:
        raise ValueError(f"clip to no less than {low} and no more than {high}: nothing is both")
    return _applied("clip", _own(z), detail=(Fraction(low), Fraction(high)))


def hard_sigmoid(z: Term, slope: Fraction = Fraction(1, 5)) -> Term:
    """A straight line between 0 and 1: slope z + 1/2."""
    return clip(slope * z + Fraction(1, 2), 0, 1)


def mix(z: Operand, a: Operand, b: Operand) -> Term:
    """Z a + (1 - z) b, also written b + z (a - b): both are right, and round differently."""
    return _applied("mix", z, a, b)


def mean(z: Term) -> Term:
    """The mean over the units."""
    return _applied("mean", z)


def rsqrt(z: Term) -> Term:
    """1 / √z."""
    return _applied("rsqrt", z)


FUNCTIONS = (
    *(sigmoid, tanh, relu, exp, log, softplus, rsqrt),
    *(maximum, minimum, clip, hard_sigmoid, mix, mean),
)
"""What equations may call, beside abs, which is Python's own."""


def _numpys(name: str) -> TypeError:
    """What is wrong with one of NumPy's functions of a term."""
    names = [function.__name__ for function in FUNCTIONS]
    if name in names:
        instead = f"write {name}, from {__name__}"
    elif name in ("absolute", "fabs"):
        instead = "write abs, which is Python's own"
    else:
        instead = f"the notation has {', '.join(names)}, abs, + - * / and whole powers"
    return TypeError(f"numpy.{name} computes with numbers, and {_YET}: {instead}")


class Weight:
    """The weights of one layer and direction, by the names that equations have for them.

    ``W_i`` and ``W_h`` with the letter of a gate are its blocks of the matrices that x and h go through, ``b_i`` and
    ``b_h`` those of the biases, zero where a network has none. ``sizes`` are how many numbers x and a state have, where
    it is to be seen whether terms fit.
    """

    def __init__(
        self, gates: str, vectors: tuple[str, ...], given: frozenset[str], sizes: tuple[int, int] | None = None
    ) -> None:
        self._gates, self._vectors, self._given, self._sizes = gates, vectors, given, sizes
        self._hidden = None if sizes is None else sizes[1]
        self._products: dict[tuple[str, int], Term] = {}
        self._blocks: dict[tuple[str, int, str], Term] = {}

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a matrix, a term, or zero
        if name in self._vectors:
            return Term("vector", (), (name, 0, 1), self._hidden)
        kind, source, gate = name[:2], name[2:3], name[3:]
        if kind not in ("W_", "b_") or source not in ("i", "h") or len(gate) != 1 or gate not in self._gates:
            raise AttributeError(f"this cell has no weight {name}; it has {', '.join(self._names())}")
        if kind == "W_":
            return Matrix(self, f"weight_{source}h", gate)
        block = (self._gates.index(gate), len(self._gates))
        return Term("vector", (), (f"bias_{source}h", *block), self._hidden) if f"bias_{source}h" in self._given else 0

    def _names(self) -> tuple[str, ...]:
        return (*(f"{kind}_{source}{gate}" for kind in "Wb" for source in "ih" for gate in self._gates), *self._vectors)

    def _product(self, matrix: str, gate: str, v: Term) -> Term:
        """One product with the whole matrix serves every gate that has a block of it."""
        if self._sizes is not None:
            self._require_columns(matrix, gate, v.units or 1)
        rows = None if self._hidden is None else self._hidden * len(self._gates)
        whole = self._products.setdefault((matrix, id(v)), Term("product", (v,), (matrix,), rows))
        if len(self._gates) == 1:
            return whole
        block = Term("block", (whole,), (self._gates.index(gate), len(self._gates)), self._hidden)
        return self._blocks.setdefault((matrix, id(v), gate), block)

    def _require_columns(self, matrix: str, gate: str, numbers: int) -> None:
        assert self._sizes is not None
        of_input = matrix == "weight_ih"
        name, columns = f"W_{'i' if of_input else 'h'}{gate}", self._sizes[0 if of_input else 1]
        if numbers != columns:
            goes_with = "x" if of_input else "a state"
            raise TypeError(
                f"{name} has {columns} columns, which go with {goes_with}, and stands before {numbers} numbers"
            )


@dataclass(frozen=True)
class Matrix:
    """A gate's block of a matrix, which stands left of a product."""

    weight: Weight
    name: str
    gate: str

    def __matmul__(self, v: Term) -> Term:
        if not isinstance(v, Term):
            raise TypeError(f"a matrix is multiplied with a term, such as x or h, not with {type(v).__name__}")
        return self.weight._product(self.name, self.gate, v)


def _term(value: Operand) -> Term:
    if isinstance(value, Term):
        return value
    if isinstance(value, Rational):  # NumPy's integers too, whose sums overflow
        return _constant(Fraction(int(value.numerator), int(value.denominator)))
    if isinstance(value, Real):
        return _constant(Fraction(float(value)))
    raise TypeError(f"a cell's equations are made of terms and numbers, not of {type(value).__name__}")


def _constant(value: Fraction) -> Term:
    return Term("constant", (), (value,))


def _value(constant: Term) -> Fraction:
    (value,) = constant.detail
    assert isinstance(value, Fraction)
    return value


def _applied(primitive: str, *of: Operand, detail: tuple[object, ...] = ()) -> Term:
    """A primitive of terms, and numbers beside them."""
    terms = tuple(_term(part) for part in of)
    if all(term.primitive == "constant" for term in terms):
        raise TypeError(f"{primitive} of numbers alone, such as a bias that is not there: write the number")
    return Term(primitive, terms, detail)


def _own(z: Operand) -> Any:  # noqa: ANN401 - a term of a term, a number of a number
    """At a kink, x or a state as a value of its own, so that it can be asked how far off it is there."""
    return Term("same", (z,)) if isinstance(z, Term) and z.primitive == "input" else z


def _summed(*terms: Term) -> Term:
    """A sum may be added up in any order, so a sum of sums is one sum; numbers in it are one number, a zero none."""
    flat = [part for term in terms for part in (term.of if term.primitive == "sum" else (term,))]
    number = sum((_value(part) for part in flat if part.primitive == "constant"), Fraction(0))
    found = [part for part in flat if part.primitive != "constant"]
    if number or not found:
        found.append(_constant(number))
    return found[0] if len(found) == 1 else Term("sum", tuple(found))


def _times(a: Term, b: Term) -> Term:
    if a.primitive == b.primitive == "constant":
        return _constant(_value(a) * _value(b))
    for constant, other in ((a, b), (b, a)):
        if constant.primitive == "constant":
            return _constant(Fraction(0)) if not _value(constant) else Term("scaled", (other,), constant.detail)
    return Term("multiply", (a, b))
