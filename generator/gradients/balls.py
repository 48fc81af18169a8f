"""The way back in ball arithmetic."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, arb_mat

from rnn_goldens.cells import Array, Backward, Case, State
from rnn_goldens.generator.balls import Balls, Undecided, balls, each, number


class Tied(Exception):
    """An argument that lies exactly on a kink, where there is no derivative."""


class BackwardBalls(Balls, Backward):
    """A network whose numbers are balls, and its way back."""

    def carry(self, d_before: State, d_after: State, within: Array, t: int) -> State:
        """What a step hands to the one before it: a step of the way back is done."""
        self.count(1)
        return super().carry(d_before, d_after, within, t)

    def transposed(self, g: Array, matrix: Array, index: int, blocks: int) -> Array:
        """What v gets of the product of v with one of so many blocks of rows of a matrix."""
        rows = len(matrix) // blocks
        return _product(g, matrix[index * rows : (index + 1) * rows])

    def outer(self, gs: Sequence[Array], vs: Sequence[Array]) -> Array:
        """The sum of g vᵀ over all steps and sequences."""
        return _product(np.concatenate(gs).T, np.concatenate(vs))

    def where_larger(self, g: Array, a: Array, b: Array) -> Array:
        """G where a is larger than b, and zero elsewhere."""
        return _where_larger(g, a, b)

    def where_within(self, g: Array, z: Array, low: Fraction, high: Fraction) -> Array:
        """G where z is between the limits, and zero elsewhere."""
        return _where_larger(_where_larger(g, z, number(low)), number(high), z)

    def spread(self, g: Array, z: Array) -> Array:
        """What each unit of z gets of its mean."""
        return np.broadcast_to(g / z.shape[-1], z.shape)

    def only(self, within: Array, g: Array) -> Array:
        """G of the sequences that are within, and a ball around zero, of no size, of others."""
        return np.where(within[:, None], g, np.array(arb(0), dtype=object))

    def nothing(self, like: Array) -> Array:
        """Balls around zero, of no size."""
        return np.full(like.shape, arb(0), dtype=object)

    def from_out(self, case: Case, cotangents: Any) -> list[Array]:  # noqa: ANN401 - as of the class
        """The cotangent of out, by time step."""
        return [balls(d_out) for d_out in super().from_out(case, cotangents)]

    def from_last(self, case: Case, cotangents: Any, index: int) -> State:  # noqa: ANN401 - likewise
        """Cotangents of the last state of a layer and direction."""
        return tuple(balls(part) for part in super().from_last(case, cotangents, index))


def _product(a: Array, b: Array) -> Array:
    (rows, inner), columns = a.shape, b.shape[1]
    product = arb_mat(rows, inner, a.ravel().tolist()) * arb_mat(inner, columns, b.ravel().tolist())
    return np.array(product.entries(), dtype=object).reshape(rows, columns)


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
    raise Undecided(f"{a} may lie on either side of {b}, where a kink is")


_where_larger = each(_where_larger_one, 3)
