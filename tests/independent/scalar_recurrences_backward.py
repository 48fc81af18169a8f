"""Gradients of linear recurrences, number by number: reverse differentiation of the scalar recurrences.

It shares no code and no library with ``rnn_goldens/cells`` and the generator. A ``Variable`` is a number in ``decimal``
that remembers what it was computed from and the derivatives by them, written by hand; the chain rule does the rest.

Source: A. Griewank, A. Walther, Evaluating derivatives, 2nd edition (2008): the incremental reverse mode, section 3.2.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from itertools import count
from typing import Any, Union

import numpy as np
from independent import scalar_recurrences as forward
from independent.scalar_recurrences import Functions, Numbers, all_sequences, each, exact, is_polynomial, rounded
from numpy.typing import ArrayLike, NDArray

Number = Union["Variable", Decimal, int]

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


def of_one(function: Callable[[Decimal], Decimal], slope: Callable[[Decimal], Decimal]) -> Callable[[Number], Variable]:
    """Return a function of variables from a function of numbers and its derivative."""
    return lambda z: Variable(function(value(z)), (z, slope(value(z))))


def slope_of_sigmoid(z: Decimal) -> Decimal:
    return forward.sigmoid(z) * forward.sigmoid(-z)


TAPED = Functions(
    exp=of_one(Decimal.exp, Decimal.exp),
    sqrt=of_one(Decimal.sqrt, lambda z: 1 / (2 * z.sqrt())),
    sigmoid=of_one(forward.sigmoid, slope_of_sigmoid),
    tanh=of_one(forward.tanh, lambda z: 4 * slope_of_sigmoid(2 * z)),
    softplus=of_one(forward.softplus, forward.sigmoid),
    one_minus_exp=of_one(forward.one_minus_exp, lambda z: -z.exp()),
)


def pull_back(result: Variable) -> None:
    """Add the derivatives of the result to the cotangents of everything it was computed from."""
    found, left = {result.order: result}, [result]
    while left:
        for part, _ in left.pop().parts:
            if part.order not in found:
                found[part.order] = part
                left.append(part)
    result.cotangent += 1
    for order in sorted(found, reverse=True):
        for part, slope in found[order].parts:
            part.cotangent += slope * found[order].cotangent


def flat(numbers: Any) -> list[Any]:
    """Return the numbers of nested lists, one after the other."""
    return [one for part in numbers for one in flat(part)] if isinstance(numbers, list) else [numbers]


def gradients(
    cell: str,
    config: Mapping[str, Any],
    inputs: Mapping[str, ArrayLike],
    weights: Mapping[str, ArrayLike],
    states: Mapping[str, ArrayLike],
    offsets: Sequence[int] | NDArray[np.int64] | None,
    cotangents: Mapping[str, ArrayLike],
) -> dict[str, NDArray[np.float64]]:
    """Return the gradients of the sum of cotangents times outputs by each input, weight and initial state.

    They are exact, rounded to the nearest float64. The cotangent of an output ``o`` is ``d_o``; a missing one is zero.
    """
    numbers, factors = [exact(part) for part in (inputs, weights, states)], exact(cotangents)

    def compute() -> Numbers:
        variables = [{name: each(Variable, array) for name, array in part.items()} for part in numbers]
        found = all_sequences(TAPED, cell, config, (variables[0], variables[1], variables[2]), offsets)
        result = Variable(Decimal(0))
        for name, factor in factors.items():
            for output, d in zip(flat(found[name.removeprefix("d_")]), flat(factor), strict=True):
                result = output * d + result
        pull_back(result)
        return {name: each(lambda one: one.cotangent, array) for part in variables for name, array in part.items()}

    return rounded(compute, is_polynomial(cell, config))
