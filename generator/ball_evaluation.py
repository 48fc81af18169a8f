"""Ball arithmetic: a ball is a midpoint and a radius that contain the exact value. Evaluates graphs in balls.

Uses Arb through python-flint, in NumPy arrays of objects. The working precision is doubled until both ends of every
ball round to the same float64: every value is then proven to be the exact result, correctly rounded.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, arb_mat, ctx
from numpy.typing import NDArray

from rnn_goldens.cells import Array
from rnn_goldens.cells.case_graph import Recorded
from rnn_goldens.cells.graph import Graph
from rnn_goldens.cells.matrix_primitives import GraphPrimitives, halves
from rnn_goldens.cells.step_program import GIVEN
from rnn_goldens.golden.stored_arrays import Float64
from rnn_goldens.progress import counting

_SMALL = 2
"""A product of fewer terms is faster without a conversion to matrices of Arb."""

BITS_OF_A_SIGN = 6144
"""Working precision, in bits, from which a value that may be zero is considered zero."""

FIRST_BITS, LAST_BITS = 192, 192 * 2**8


class Undecided(Exception):
    """Raised if a ball is too wide to decide what its value rounds to, or on which side of a kink it is."""


class NoNumber(Undecided):
    """Raised if a ball is unbounded: the value may not exist."""


class Tied(Exception):
    """Raised if an argument is exactly on a kink, where there is no derivative."""


class Balls(GraphPrimitives):
    """The primitives in ball arithmetic. For relu and dyadic numbers, all radii are zero."""

    def constant(self, value: Fraction) -> Array:
        """Return a number as a ball."""
        ball: Array = number(value)
        return ball

    def scaled(self, z: Array, factor: Fraction) -> Array:
        """Return z times a number."""
        return np.asarray(z * number(factor))

    def mix(self, z: Array, a: Array, b: Array) -> Array:
        """Return z a + (1 - z) b, in the form that uses z, and so its radius, once."""
        return np.asarray(b + z * (a - b))

    def mean(self, z: Array) -> Array:
        """Return the mean over the units, which are rows."""
        return np.asarray(z.sum(axis=-2, keepdims=True) / z.shape[-2])

    def spread(self, g: Array, z: Array) -> Array:
        """Return the cotangent of each unit of z, where g is the cotangent of the mean of the units."""
        return np.broadcast_to(g / z.shape[-2], np.broadcast_shapes(g.shape, z.shape))

    def only(self, a: Array, within: NDArray[np.bool_]) -> Array:
        """Return a for the sequences of a mask, and exact zeros for others."""
        return np.where(within, a, np.array(arb(0), dtype=object))

    def matmul(self, a: Array, b: Array) -> Array:
        """Return the product of two matrices of each lane; with a matrix that all share, one product of matrices."""
        if a.shape[-1] == 1:
            return np.asarray(a * b)
        if a.shape[:2] == (1, 1) and b.shape[-1] == 1:
            found = _product(a[0, 0], b.reshape(-1, b.shape[-2]).T)
            return np.ascontiguousarray(found.T).reshape(*b.shape[:2], -1, 1)
        if a.shape[-1] * min(a.shape[-2], b.shape[-1]) <= _SMALL:
            return np.asarray(a @ b)
        lanes = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        a, b = (np.broadcast_to(z, (*lanes, *z.shape[-2:])) for z in (a, b))
        product = np.empty((*lanes, a.shape[-2], b.shape[-1]), dtype=object)
        for lane in np.ndindex(*lanes):
            product[lane] = _product(a[lane], b[lane])
        return product

    def outer(self, a: Array, b: Array) -> Array:
        """Return a bᵀ for two columns of each lane."""
        return np.asarray(a * np.swapaxes(b, -1, -2))

    def summed_outer(self, *parts: Array) -> Array:
        """Return the sum of g vᵀ over steps and sequences, of all gs, then all vs."""
        gs, vs = map(np.concatenate, halves(parts))
        gs, vs = (
            np.moveaxis(side, 1, 0).swapaxes(-1, -2).reshape(side.shape[1], -1, side.shape[-2]) for side in (gs, vs)
        )
        return np.stack([_product(g.T, v) for g, v in zip(gs, vs, strict=True)])[None]


def balls(array: NDArray[np.float64]) -> Array:
    """Return balls of radius zero."""
    return _ball(array)


def rounded(array: Array) -> NDArray[np.float64]:
    """Round each ball to float64. Raises Undecided if the ends of a ball round differently."""
    floats: NDArray[np.float64] = _rounded(array).astype(np.float64)
    return floats


def each(function: Callable[..., Any], arguments: int = 1) -> Callable[..., Array]:
    """Return a function of arrays that applies a function of numbers element by element."""
    elementwise: Callable[..., Array] = np.frompyfunc(function, arguments, 1)
    return elementwise


def number(value: Fraction) -> Any:  # noqa: ANN401 - a ball, which is not an array
    """Return a ball that contains a number, of radius zero if it is dyadic."""
    return arb(value.numerator) / value.denominator


def _product(a: Array, b: Array) -> Array:
    (rows, inner), columns = a.shape, b.shape[1]
    product = arb_mat(rows, inner, a.ravel().tolist()) * arb_mat(inner, columns, b.ravel().tolist())
    return np.array(product.entries(), dtype=object).reshape(rows, columns)


def _above_one(z: arb, threshold: arb) -> arb:
    difference = z - threshold
    if difference > 0:
        return z
    if difference <= 0:
        return arb(0)
    raise Undecided(f"{z} may be on either side of the threshold {threshold}")


def _larger_one(a: arb, b: arb) -> arb:
    difference = a - b
    if difference >= 0:
        return a
    if difference <= 0:
        return b
    raise Undecided(f"{a} may be on either side of the kink at {b}")


def _where_larger_one(g: arb, a: arb, b: arb) -> arb:
    if g == 0:
        return g
    difference = a - b
    if difference > 0:
        return g
    if difference < 0:
        return arb(0)
    if difference == 0:
        raise Tied
    raise Undecided(f"{a} may be on either side of the kink at {b}")


def _rounded_one(ball: arb) -> float:
    if ball.is_exact():
        return float(ball)
    if ball.is_nan():
        raise NoNumber("a division by zero, or a root or logarithm of zero or less")
    low, high = float(ball.lower()), float(ball.upper())
    if low != high:
        raise Undecided(f"{ball} may round to {low!r} or {high!r}")
    if ball.contains(0):  # terms cancel to zero or below the range of float64; more bits may decide the sign
        if ctx.prec < BITS_OF_A_SIGN:
            raise Undecided(f"{ball} may round to either zero")
        return 0.0
    return low


ELEMENTWISE: Mapping[str, Callable[..., Array]] = {
    "sigmoid": each(lambda z: 1 / (1 + (-z).exp())),
    "tanh": each(lambda z: z.tanh()),
    "exp": each(lambda z: z.exp()),
    "log": each(lambda z: z.log()),
    "softplus": each(lambda z: z.exp().log1p()),
    "sqrt": each(lambda z: z.sqrt()),
    "rsqrt": each(lambda z: z.rsqrt()),
    "relu": each(lambda z: _larger_one(z, arb(0))),
    "maximum": each(_larger_one, 2),
    "clip": each(lambda z, low, high: -_larger_one(-_larger_one(z, number(low)), -number(high)), 3),
    "thresholded_relu": each(lambda z, threshold: _above_one(z, number(threshold)), 2),
    "where_larger": each(_where_larger_one, 3),
    "where_within": each(
        lambda g, z, low, high: _where_larger_one(_where_larger_one(g, z, number(low)), number(high), z), 4
    ),
}
"""Further primitives of ``Balls``."""

for _name, _primitive in ELEMENTWISE.items():
    setattr(Balls, _name, staticmethod(_primitive))

_ball = each(arb)
_rounded = each(_rounded_one)


_BALLS = Balls()


def proven(recorded: Recorded) -> tuple[dict[str, Float64], int]:
    """Return the outputs of a graph, correctly rounded, and the bits that proved them. Raises as ``Evaluation.of``."""
    evaluation = Evaluation(recorded.graph)
    return evaluation.of(recorded, "outputs"), evaluation.bits


class Evaluation:
    """Evaluates a graph in ball arithmetic, with as many bits as its results need."""

    def __init__(self, graph: Graph) -> None:
        self.bits, self._graph = FIRST_BITS, graph  # bits only increase: values of one precision are computed once
        self._values: dict[int, Any] = {}

    def of(self, recorded: Recorded, what: str) -> dict[str, Float64]:
        """Return the outputs of a graph, each element the exact result, correctly rounded; progress says ``what``.

        Raises:
            Undecided: no working precision decides them: the ends of a ball round to two neighbouring float64 numbers
                however narrow the ball is, or a relu's argument is zero but its ball has a radius. (A ball of radius
                zero half-way between two float64 numbers is decided: it rounds to even.)
            NoNumber: the equations have no value.
            Tied: the argument of a derivative is exactly on a kink.
        """
        results, needed = recorded.results, self._graph.needed(recorded.results)
        while True:
            try:
                missing = [place for place in needed if place not in self._values]
                with ctx.workprec(self.bits):
                    self._evaluate(missing, counting(f"exact {what}", len(missing)))
                    return recorded.arrays({node.place: rounded(self._values[node.place]) for node in results})
            except Undecided as why:
                are_finite = all(np.isfinite(node.value).all() for node in results)  # more bits may help then
                if self.bits >= LAST_BITS or (isinstance(why, NoNumber) and not are_finite):
                    raise
            self.bits, self._values = 2 * self.bits, {}

    def _evaluate(self, places: Sequence[int], count: Callable[[int], None]) -> None:
        for place in places:
            count(1)
            operation = self._graph.operations[place]
            if operation is GIVEN:
                self._values[place] = balls(self._graph.values[place])
                continue
            of = (self._values[k] for k in operation.of)
            value = getattr(_BALLS, operation.primitive)(*of, *operation.detail)
            self._values[place] = np.array([[[[value]]]], dtype=object) if isinstance(value, arb) else value
