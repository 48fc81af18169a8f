"""The derivative of each primitive, as rules that all backward passes read.

A rule maps the cotangent g of the result y to the cotangent of an argument. It is written once, with operators and a
few primitives: applied to terms it compiles a backward pass, applied to nodes it adds one to a graph, and applied to
arrays it computes one.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from rnn_goldens.cells.step_program import Operation

Rule = Callable[..., Any]
"""``rule(of, g, y, *arguments, *detail)``; ``of`` has the primitives that are not operators."""

RULES: Mapping[str, tuple[Rule | None, ...]] = {
    "same": (lambda _of, g, _y, _z: g,),
    "negative": (lambda _of, g, _y, _z: -g,),
    "multiply": (lambda _of, g, _y, _a, b: g * b, lambda _of, g, _y, a, _b: g * a),
    "scaled": (lambda of, g, _y, _z, factor: of.scaled(g, factor),),
    "divide": (lambda _of, g, _y, _a, b: g / b, lambda _of, g, y, _a, b: -(g * y / b)),
    "mix": (
        lambda of, g, _y, _z, a, b: of.difference(g, a, b),
        lambda _of, g, _y, z, _a, _b: g * z,
        lambda _of, g, _y, z, _a, _b: g * (1 - z),
    ),
    "sigmoid": (lambda of, g, y, z: g * of.sigmoid_slope(y, z),),
    "tanh": (lambda of, g, y, z: g * of.tanh_slope(y, z),),
    "exp": (lambda _of, g, y, _z: g * y,),
    "log": (lambda _of, g, _y, z: g / z,),
    "softplus": (lambda of, g, _y, z: g * of.sigmoid(z),),
    "sqrt": (lambda of, g, y, _z: of.scaled(g / y, Fraction(1, 2)),),
    "rsqrt": (lambda of, g, y, _z: of.scaled(g * (y * y * y), Fraction(-1, 2)),),
    "relu": (lambda of, g, _y, z: of.where_larger(g, z, 0),),
    "maximum": (
        lambda of, g, _y, a, b: of.where_larger(g, a, b),
        lambda of, g, _y, a, b: of.where_larger(g, b, a),
    ),
    "clip": (lambda of, g, _y, z, low, high: of.where_within(g, z, low, high),),
    "thresholded_relu": (lambda of, g, _y, z, threshold: of.where_larger(g, z, threshold),),
    "instead": (None, lambda _of, g, _y, _value, _other: g),
    # Primitives of the rules above; the error analysis differentiates these, too.
    "difference": (
        lambda of, v, _y, _g, a, b: of.difference(v, a, b),
        lambda _of, v, _y, g, _a, _b: v * g,
        lambda _of, v, _y, g, _a, _b: -(v * g),
    ),
    "sigmoid_slope": (lambda _of, v, _y, s, _z: v * (1 - 2 * s), None),
    "tanh_slope": (lambda _of, v, _y, t, _z: v * (-2 * t), None),
    "where_larger": (lambda of, v, _y, _g, a, b: of.where_larger(v, a, b), None, None),
    "where_within": (lambda of, v, _y, _g, z, low, high: of.where_within(v, z, low, high), None),
}
"""Rules of elementwise primitives, one for each argument; None if the cotangent is zero. At a kink, where the
derivative does not exist, the rules return zero: callers must handle kinks."""


def _where(of: Any, g: Any, within: Any) -> Any:  # noqa: ANN401 - terms, nodes or arrays
    """Return a cotangent for the sequences of a mask."""
    return g if within.all() else of.only(g, within)


def _by_right_side(of: Any, g: Any, a: Any) -> Any:  # noqa: ANN401 - terms, nodes or arrays
    """Return the cotangent of b in (1 + a) y = b: a solve with the transposed matrix, rows reversed."""
    transposed = of.transpose(of.reversed_rows(of.transpose(of.reversed_rows(of.transpose(a)))))
    return of.reversed_rows(of.solved(transposed, of.reversed_rows(g)))


def by_matrix(of: Any, g: Any, y: Any) -> Any:  # noqa: ANN401 - terms, nodes or arrays
    """Return the cotangent of a in (1 + a) y = b, where g is that of b."""
    return of.masked(-of.matmul(g, of.transpose(y)), np.tri(y.shape[-2], k=-1, dtype=bool))


RULES_OF_MATRICES: Mapping[str, tuple[Rule | None, ...]] = {
    "matmul": (
        lambda of, g, _y, _a, b: of.matmul(g, of.transpose(b)),
        lambda of, g, _y, a, _b: of.matmul(of.transpose(a), g),
    ),
    "outer": (
        lambda of, g, _y, _a, b: of.matmul(g, b),
        lambda of, g, _y, a, _b: of.matmul(of.transpose(g), a),
    ),
    "solved": (
        lambda of, g, y, a, _b: by_matrix(of, _by_right_side(of, g, a), y),
        lambda of, g, _y, a, _b: _by_right_side(of, g, a),
    ),
    "mean": (lambda of, g, _y, z: of.spread(g, z),),
    "spread": (lambda of, v, _y, _g, z: of.total_over(v, (-2,)) * (1 / z.shape[-2]), None),
    "total_over": (lambda of, g, _y, a, _axes: of.spread_to(g, a.shape),),
    "spread_to": (lambda _of, g, _y, _a, _shape: g,),
    "transpose": (lambda of, g, _y, _a: of.transpose(g),),
    "reversed_rows": (lambda of, g, _y, _a: of.reversed_rows(g),),
    "rows": (lambda of, g, _y, a, start, stop=None: of.padded(g, start, a.shape[-2] - (stop or a.shape[-2])),),
    "padded": (lambda of, g, _y, a, above, _below: of.rows(g, above, above + a.shape[-2]),),
    "masked": (lambda of, g, _y, _a, keep: of.masked(g, keep),),
    "only": (lambda of, g, _y, _a, within: _where(of, g, within),),
    "choose": (
        lambda of, g, _y, _a, _b, within: _where(of, g, within),
        lambda of, g, _y, _a, _b, within: _where(of, g, ~within),
    ),
    "handed": (lambda of, g, _y, _z: of.handed(g),),
    "kept_factor": (lambda _of, g, _y, _a: g,),
}
"""Rules of primitives that multiply, add up, move or select numbers."""

ELEMENTWISE = frozenset((*RULES, "sum", "handed", "kept_factor", "only", "choose", "masked"))
"""Primitives whose elements depend on one element of each argument."""


def part_of(
    of: Any,  # noqa: ANN401 - the primitives of terms, nodes or arrays
    operation: Operation,
    number: int,
    g: Any,  # noqa: ANN401 - a term, a node or an array
    y: Any,  # noqa: ANN401 - a term, a node or an array
    arguments: Sequence[Any],
) -> Any:  # noqa: ANN401 - a term, a node or an array
    """Return the cotangent of an operation's argument before it is reduced to its shape; None if it is zero.

    ``of`` has the primitives that compute it, ``g`` is the cotangent of the result ``y``. Arguments may be numbers.
    """
    primitive = operation.primitive
    if primitive == "sum":
        return g
    if primitive == "stacked":
        start = sum(one.shape[-2] for one in arguments[:number])
        return of.rows(g, start, start + arguments[number].shape[-2])
    rule = (RULES.get(primitive) or RULES_OF_MATRICES[primitive])[number]
    return None if rule is None else rule(of, g, y, *arguments, *operation.detail)


_OF_NUMBERS = ("difference", "where_larger")
"""Primitives of rules whose arguments may be numbers."""


class Symbols:
    """The primitives of the rules as values that are computed later: terms, or nodes of a graph."""

    def __init__(self, kind: type, value_of: Callable[[str, tuple[Any, ...], tuple[Any, ...]], Any]) -> None:
        """Store the type of values, and a function that returns one: of a primitive, its arguments and its detail."""
        self._kind, self._value_of = kind, value_of

    def __getattr__(self, primitive: str) -> Callable[..., Any]:
        """Return a function that computes a primitive: values are its arguments, anything else is its detail."""

        def computed(*arguments: Any) -> Any:  # noqa: ANN401 - values, then details
            every = tuple(map(self._own, arguments)) if primitive in _OF_NUMBERS else arguments
            of = tuple(one for one in every if isinstance(one, self._kind))
            return self._value_of(primitive, of, every[len(of) :])

        return computed

    def _own(self, operand: Any) -> Any:  # noqa: ANN401 - a value or a number
        return operand if isinstance(operand, self._kind) else self._value_of("constant", (), (Fraction(operand),))
