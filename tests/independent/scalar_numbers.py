"""Numbers of the scalar evaluators: functions in ``decimal``, reverse differentiation, and results rounded once.

A ``Variable`` is a number that remembers what it was computed from and the derivatives by them, written by hand; the
chain rule does the rest.

Source: A. Griewank, A. Walther, Evaluating derivatives, 2nd edition (2008): the incremental reverse mode, section 3.2.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, Inexact, localcontext
from itertools import count
from typing import Any, NamedTuple, Union

Number = Union["Variable", Decimal, int]

FEWEST_DIGITS = 40

_ORDER = count()


class Variable:
    """A number of a computation.

    Attributes:
        value: the number.
        parts: the variables that it was computed from, each with the derivative by it.
        order: larger than that of everything it was computed from.
        cotangent: the derivative of the result by this variable.
    """

    __slots__ = ("cotangent", "order", "parts", "value")

    def __init__(self, value: Decimal, *parts: tuple[Number, Decimal]) -> None:
        self.value, self.order, self.cotangent = value, next(_ORDER), Decimal(0)
        self.parts = [(part, slope) for part, slope in parts if isinstance(part, Variable)]

    def __add__(self, other: Number) -> "Variable":
        return Variable(self.value + value(other), (self, Decimal(1)), (other, Decimal(1)))

    def __sub__(self, other: Number) -> "Variable":
        return Variable(self.value - value(other), (self, Decimal(1)), (other, Decimal(-1)))

    def __neg__(self) -> "Variable":
        return Variable(-self.value, (self, Decimal(-1)))

    def __mul__(self, other: Number) -> "Variable":
        return Variable(self.value * value(other), (self, value(other)), (other, self.value))

    def __truediv__(self, other: Number) -> "Variable":
        quotient = self.value / value(other)
        return Variable(quotient, (self, 1 / value(other)), (other, -quotient / value(other)))

    __radd__, __rmul__ = __add__, __mul__


def value(number: Number) -> Decimal:
    return number.value if isinstance(number, Variable) else Decimal(number)


def dot(a: Sequence[Any], b: Sequence[Any], start: Any = 0) -> Any:
    """Return start + Σ a b, as one variable if ``a`` or ``b`` has variables."""
    if isinstance(a[0], Decimal) and isinstance(b[0], Decimal):
        return sum((p * q for p, q in zip(a, b, strict=True)), start)
    total, parts = value(start), [(start, Decimal(1))]
    for p, q in zip(a, b, strict=True):
        of_p, of_q = value(p), value(q)
        total += of_p * of_q
        parts += [(p, of_q), (q, of_p)]
    return Variable(total, *parts)


def sigmoid(z: Decimal) -> Decimal:
    return 1 / (1 + (-z).exp())


def one_minus_exp(z: Decimal) -> Decimal:
    """1 - e^z."""
    with localcontext() as context:
        context.prec += max(0, -z.adjusted())  # the difference loses one digit for each leading zero of z
        return 1 - z.exp()


def tanh(z: Decimal) -> Decimal:
    return one_minus_exp(-2 * z) / (1 + (-2 * z).exp())


def softplus(z: Decimal) -> Decimal:
    """log(1 + e^z)."""
    e = z.exp()
    with localcontext() as context:
        if e.adjusted() < -context.prec:
            return e
        context.prec += max(0, -e.adjusted())  # the sum loses one digit for each leading zero of e^z
        return (1 + e).ln()


class Functions(NamedTuple):
    """The functions of a kind of numbers."""

    exp: Callable[[Any], Any]
    sqrt: Callable[[Any], Any]
    sigmoid: Callable[[Any], Any]
    tanh: Callable[[Any], Any]
    softplus: Callable[[Any], Any]
    one_minus_exp: Callable[[Any], Any]


DECIMAL = Functions(Decimal.exp, Decimal.sqrt, sigmoid, tanh, softplus, one_minus_exp)


def of_one(function: Callable[[Decimal], Decimal], slope: Callable[[Decimal], Decimal]) -> Callable[[Number], Any]:
    """Return a function of variables from a function of numbers and its derivative."""
    return lambda z: Variable(function(z.value), (z, slope(z.value))) if isinstance(z, Variable) else function(value(z))


def slope_of_sigmoid(z: Decimal) -> Decimal:
    return sigmoid(z) * sigmoid(-z)


TAPED = Functions(
    exp=of_one(Decimal.exp, Decimal.exp),
    sqrt=of_one(Decimal.sqrt, lambda z: 1 / (2 * z.sqrt())),
    sigmoid=of_one(sigmoid, slope_of_sigmoid),
    tanh=of_one(tanh, lambda z: 4 * slope_of_sigmoid(2 * z)),
    softplus=of_one(softplus, sigmoid),
    one_minus_exp=of_one(one_minus_exp, lambda z: -z.exp()),
)


def pull_back(outputs: Sequence[Any], cotangents: Sequence[Decimal]) -> None:
    """Add the derivatives of Σ cotangent · output to the cotangents of everything the outputs were computed from."""
    left = [output for output in outputs if isinstance(output, Variable)]
    found = {variable.order: variable for variable in left}
    for output, cotangent in zip(outputs, cotangents, strict=True):
        if isinstance(output, Variable):
            output.cotangent += cotangent
    while left:
        for part, _ in left.pop().parts:
            if part.order not in found:
                found[part.order] = part
                left.append(part)
    for order in sorted(found, reverse=True):
        for part, slope in found[order].parts:
            part.cotangent += slope * found[order].cotangent


def flat(numbers: Any) -> list[Any]:
    """Return the numbers of nested lists, one after the other."""
    return [one for part in numbers for one in flat(part)] if isinstance(numbers, list | tuple) else [numbers]


def each(convert: Callable[[Any], Any], numbers: Any) -> Any:
    """Convert every number of nested lists."""
    return [each(convert, one) for one in numbers] if isinstance(numbers, list | tuple) else convert(numbers)


def rounded(compute: Callable[[], Mapping[str, Any]], enough: float = 0) -> dict[str, Any]:
    """Return nested lists by name that ``compute`` finds, rounded to the nearest float64, ties to even.

    It runs with more and more digits until nothing was rounded, or until half as many digits gave the same floats and
    there are ``enough``: polynomials can be arbitrarily near to a tie or to zero.
    """
    digits, before = FEWEST_DIGITS, ""
    while True:
        with localcontext(Context(prec=digits, Emin=MIN_EMIN, Emax=MAX_EMAX)) as context:
            found = {name: each(lambda number: float(number + 0), numbers) for name, numbers in compute().items()}
        if not context.flags[Inexact] or (repr(found) == before and digits >= enough):
            return found
        digits, before = 2 * digits, repr(found)
