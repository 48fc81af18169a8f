"""The notation in which equations of cells are written as Python functions: symbolic terms.

An equation is an ordinary function. Called with terms, it builds an expression, which is evaluated with NumPy, with
balls and in the error analysis. For each sequence, a term is a vector with one number for each unit. The primitives are
the functions below, sums, products, quotients and affine maps.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from numbers import Integral, Rational, Real
from typing import Any, TypeVar

from rnn_goldens.cells.matrix_sizes import size_of_result
from rnn_goldens.golden.shapes import Layout, is_bias

Number = int | float | Fraction

MATRIX = 0
"""The units of terms of recurrences, which are matrices: see ``recurrence_notation``."""

Units = int | tuple[int, int] | None
"""The size of a vector, the rows and columns of a matrix, ``MATRIX`` for one of unknown size, or None."""

T = TypeVar("T", bound=Callable[..., Any])


@dataclass(frozen=True, eq=False)
class Term:
    """The result of a primitive.

    Attributes:
        primitive: its name, as in ``Arithmetic``; ``input`` for x and the state.
        of: its arguments.
        detail: other parameters: numbers, or the name of a weight.
        units: the size of the vector; None if unknown or the same for all units. In recurrences, the rows and columns
            of the matrix, or ``MATRIX`` if they are unknown.

    Raises:
        TypeError: the arguments have sizes that do not go together.
    """

    primitive: str
    of: tuple["Term", ...] = ()
    detail: tuple[object, ...] = ()
    units: Units = None

    def __post_init__(self) -> None:
        """Take the size from the arguments."""
        if self.units is not None:
            return
        sizes = list(dict.fromkeys(part.units for part in self.of if part.units is not None))
        if any(isinstance(size, tuple) for size in sizes):
            matrices = [part.units for part in self.of if isinstance(part.units, tuple)]
            object.__setattr__(self, "units", size_of_result(self.primitive, matrices, self.detail))
        elif self.primitive != "mean" or MATRIX in sizes:
            if len(sizes) > 1:
                raise TypeError(f"{self.primitive}: one term has {sizes[0]} numbers, another {sizes[1]}")
            object.__setattr__(self, "units", sizes[0] if sizes else None)

    def __matmul__(self, other: object) -> "Term":
        if not isinstance(other, Term) or not (self.units == MATRIX or isinstance(self.units, tuple)):
            raise TypeError(
                'a vector is not multiplied by @: write *, or declare a matrix: @declare(R="HH") for w.R @ h'
            )
        return Term("matmul", (self, other))

    @property
    def mT(self) -> "Term":  # noqa: N802 - NumPy's name
        """The transposed matrix."""
        return self.of[0] if self.primitive == "transpose" else Term("transpose", (self,))

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
        if self.primitive == "sum":  # keeps a sum of differences a single sum
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
            shown = type(power).__name__ if isinstance(power, Term) else power
            raise TypeError(f"a power must be an integer, as in z ** 2, not {shown}; a root is sqrt(z)")
        if power <= 0:
            return _term(1) if power == 0 else 1 / self**-power
        product = self
        for _ in range(power - 1):
            product = product * self
        return product

    def __rpow__(self, base: object) -> "Term":
        raise TypeError(f"{base} ** z is not supported: write exp of z times the logarithm of {base}")

    def __abs__(self) -> "Term":
        z = _kink_value(self)
        return maximum(z, -z)

    def __bool__(self) -> bool:
        raise TypeError(f"{_YET}: it has no truth value")

    def __float__(self) -> float:
        raise TypeError(f"a term is not a float: use tanh and other functions of {__name__}")

    def __array__(self, *_: object, **__: object) -> Any:  # noqa: ANN401 - always raises
        raise TypeError(f"{_YET}: it is not an array")

    def __array_function__(self, function: Callable[..., Any], *_: object) -> Any:  # noqa: ANN401 - always raises
        raise _numpy_error(function.__name__)

    def __array_ufunc__(self, ufunc: Any, _method: str, *inputs: Any, **_: Any) -> "Term":  # noqa: ANN401 - NumPy's
        """Apply an operator with a NumPy number on its left side; raise TypeError for arrays."""
        if ufunc.__name__ not in _OPERATORS:
            raise _numpy_error(ufunc.__name__)
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


_YET = "a term stands for a number that is not computed yet"

_COMPARED = f"{_YET}, so it cannot be compared: use relu, maximum, minimum, abs or clip"

_OPERATORS: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "power": operator.pow,
    **dict.fromkeys(("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"), operator.lt),
}
"""Operators by their names in NumPy."""


Operand = Term | Number


def sigmoid(z: Term) -> Term:
    """1 / (1 + e^-z)."""
    return _applied("sigmoid", z)


def tanh(z: Term) -> Term:
    """The hyperbolic tangent."""
    return _applied("tanh", z)


def relu(z: Term) -> Term:
    """max(0, z)."""
    return _applied("relu", _kink_value(z))


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
    """The larger of a and b."""
    return _applied("maximum", _kink_value(a), _kink_value(b))


def minimum(a: Operand, b: Operand) -> Term:
    """The smaller of a and b."""
    return -maximum(-_term(a), -_term(b))


def clip(z: Term, low: Number, high: Number) -> Term:
    """The argument z, limited to the range from low to high. Raises ValueError if low is more than high."""
    if low > high:
        raise ValueError(f"clip: low is {low}, which is more than high, {high}")
    return _applied("clip", _kink_value(z), detail=(Fraction(low), Fraction(high)))


def thresholded_relu(z: Term, threshold: Number = 1) -> Term:
    """The argument z above the threshold, 0 up to it."""
    return _applied("thresholded_relu", _kink_value(z), detail=(Fraction(threshold),))


def hard_sigmoid(z: Term, slope: Fraction = Fraction(1, 5)) -> Term:
    """A straight line between 0 and 1: slope z + 1/2."""
    return clip(slope * z + Fraction(1, 2), 0, 1)


def elu(z: Term, below: Number = 1) -> Term:
    """The argument z above zero, ``below`` · (e^z - 1) below zero."""
    return relu(z) + below * (exp(-relu(-z)) - 1)


def softsign(z: Term) -> Term:
    """The quotient ``z / (1 + |z|)``."""
    return z / (1 + abs(z))


def mix(z: Operand, a: Operand, b: Operand) -> Term:
    """The mixture z a + (1 - z) b, or b + z (a - b): both are correct and round differently."""
    return _applied("mix", z, a, b)


def mean(z: Term) -> Term:
    """The mean over the units."""
    return _applied("mean", z)


def log_sigmoid(z: Term) -> Term:
    """The logarithm of the sigmoid: -log(1 + e^-z)."""
    return -softplus(-z)


def sqrt(z: Term) -> Term:
    """√z."""
    return _applied("sqrt", z)


def rsqrt(z: Term) -> Term:
    """1 / √z."""
    return _applied("rsqrt", z)


@cache
def rsqrt_of(size: int) -> Term:
    """Return 1 / √size, for a size that is no square."""
    return Term("rsqrt", (_constant(Fraction(size)),))


FUNCTIONS = (
    *(sigmoid, tanh, relu, exp, log, softplus, log_sigmoid, sqrt, rsqrt),
    *(maximum, minimum, clip, thresholded_relu, hard_sigmoid, elu, softsign, mix, mean),
)
"""Functions that equations may call, besides the built-in abs."""


def _numpy_error(name: str) -> TypeError:
    """Return the error for a NumPy function called with a term."""
    names = [function.__name__ for function in FUNCTIONS]
    if name in names:
        instead = f"use {name} of {__name__}"
    elif name in ("absolute", "fabs"):
        instead = "use the built-in abs"
    else:
        instead = f"the notation has {', '.join(names)}, abs, + - * / and integer powers"
    return TypeError(f"numpy.{name} computes with numbers, but {_YET}: {instead}")


class Weight:
    """The weights of one layer and direction, by their names in equations.

    ``W_i`` and ``W_h`` with the letter of a gate are the gate's blocks of the matrices for x and h. ``b_i`` and ``b_h``
    are its blocks of the biases, or zero if the network has no biases. Other weights have their own names, with ``W_``
    for ``weight_``. ``sizes`` are the sizes of the axes of ``layout``; None skips the check of sizes.
    """

    def __init__(self, layout: Layout, present: frozenset[str], sizes: Mapping[str, int] | None = None) -> None:
        self._named, self._axes, self._present, self._sizes = layout.blocks, dict(layout.weights), present, sizes
        self._products: dict[tuple[str, int], Term] = {}

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a matrix, a term, or zero
        if name not in self._named:
            raise AttributeError(f"this cell has no weight {name}; it has {', '.join(self._named)}")
        weight, number, blocks = self._named[name]
        if len(self._axes[weight]) > 1:
            return Matrix(self, name)
        is_absent = is_bias(weight) and weight not in self._present
        return 0 if is_absent else Term("vector", (), (weight, number, blocks), self._size("H"))

    def _size(self, axis: str) -> int | None:
        return None if self._sizes is None else self._sizes[axis]

    def _product(self, name: str, v: Term) -> Term:
        """Return the gate's block of one product with the whole matrix, which all gates share."""
        weight, number, blocks = self._named[name]
        rows, columns = tuple(self._axes[weight])
        if self._sizes is not None and (numbers := v.units or 1) != self._sizes[columns]:
            what = f"{self._sizes[columns]} columns, for {'x' if columns == 'I' else 'a state'}"
            raise TypeError(f"{name} has {what}, but is multiplied with {numbers} numbers")
        whole = self._products.setdefault((weight, id(v)), Term("product", (v,), (weight,), self._size(rows)))
        if blocks == 1:
            return whole
        return self._products.setdefault((name, id(v)), Term("block", (whole,), (number, blocks), self._size("H")))


def declare(**weights: str) -> Callable[[T], T]:
    """Return a decorator that declares the shapes of further weights of a custom cell.

    Args:
        weights: by name, a letter for each axis: H is hidden_size, P the size of h (proj_size, or hidden_size), I the
            size of the layer's input. ``declare(R="PH")`` declares a projection, used as ``w.R @ v``.
    """

    def decorated(equations: T) -> T:
        equations.weights = weights  # type: ignore[attr-defined] # an attribute of the function
        return equations

    return decorated


@dataclass(frozen=True)
class Matrix:
    """A gate's block of a stacked matrix, or a whole matrix, as the left operand of a product."""

    weight: Weight
    name: str

    def __matmul__(self, v: Term) -> Term:
        if not isinstance(v, Term):
            raise TypeError(f"a matrix is multiplied by a term, such as x or h, not by {type(v).__name__}")
        return self.weight._product(self.name, v)


def _term(value: Operand) -> Term:
    if isinstance(value, Term):
        return value
    if isinstance(value, Rational):  # also NumPy's integers, whose sums overflow
        return _constant(Fraction(int(value.numerator), int(value.denominator)))
    if isinstance(value, Real):
        return _constant(Fraction(float(value)))
    raise TypeError(f"equations must consist of terms and numbers, not of {type(value).__name__}")


def _constant(value: Fraction) -> Term:
    return Term("constant", (), (value,))


def _value(constant: Term) -> Fraction:
    (value,) = constant.detail
    assert isinstance(value, Fraction)
    return value


def _applied(primitive: str, *of: Operand, detail: tuple[object, ...] = ()) -> Term:
    """Apply a primitive to terms and numbers."""
    terms = tuple(_term(part) for part in of)
    if all(term.primitive == "constant" for term in terms):
        raise TypeError(f"{primitive} has only numbers as arguments, such as a missing bias: write the result instead")
    return Term(primitive, terms, detail)


def _kink_value(z: Operand) -> Any:  # noqa: ANN401 - a term for a term, a number for a number
    """Return the argument of a function with a kink as a separate value, whose error the error analysis can bound."""
    return Term("same", (z,)) if isinstance(z, Term) and z.primitive == "input" else z


def _summed(*terms: Term) -> Term:
    """Flatten sums, because summation order is free; combine numbers, and drop a zero."""
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
