"""The backward pass in ball arithmetic."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, arb_mat

from rnn_goldens.cells import Array, Backward, Case, State
from rnn_goldens.generator.balls import Balls, Undecided, balls, each, number


class Tied(Exception):
    """Raised if an argument is exactly on a kink, where there is no derivative."""


class BackwardBalls(Balls, Backward):
    """A network and its backward pass in ball arithmetic."""

    def carry(self, d_before: State, d_after: State, within: Array, t: int) -> State:
        """Return the cotangent that a step passes to the previous one, and count the step."""
        self.count(1)
        return super().carry(d_before, d_after, within, t)

    def transposed(self, g: Array, matrix: Array, index: int, blocks: int) -> Array:
        """Return the cotangent of v, where g is the cotangent of the product of v and a block of rows."""
        rows = len(matrix) // blocks
        return _product(g, matrix[index * rows : (index + 1) * rows])

    def outer(self, gs: Sequence[Array], vs: Sequence[Array]) -> Array:
        """Return the sum of g vᵀ over all steps and sequences."""
        return _product(np.concatenate(gs).T, np.concatenate(vs))

    def where_larger(self, g: Array, a: Array, b: Array) -> Array:
        """Return g where a is larger than b, and zero elsewhere."""
        return _where_larger(g, a, b)

    def where_within(self, g: Array, z: Array, low: Fraction, high: Fraction) -> Array:
        """Return g where z is between the limits, and zero elsewhere."""
        return _where_larger(_where_larger(g, z, number(low)), number(high), z)

    def spread(self, g: Array, z: Array) -> Array:
        """Return the cotangent of each unit of z, where g is the cotangent of the mean of the units."""
        return np.broadcast_to(g / z.shape[-1], z.shape)

    def only(self, within: Array, g: Array) -> Array:
        """Return g for the sequences that have this step, and exact zeros for other sequences."""
        return np.where(within[:, None], g, np.array(arb(0), dtype=object))

    def nothing(self, like: Array) -> Array:
        """Return exact zeros."""
        return np.full(like.shape, arb(0), dtype=object)

    def from_out(self, case: Case, cotangents: Any) -> list[Array]:  # noqa: ANN401 - signature of the class
        """Return the cotangent of out by time step."""
        return [balls(d_out) for d_out in super().from_out(case, cotangents)]

    def from_last(self, case: Case, cotangents: Any, index: int) -> State:  # noqa: ANN401 - signature of the class
        """Return the cotangents of the last state of a layer and direction."""
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
    raise Undecided(f"{a} may be on either side of the kink at {b}")


_where_larger = each(_where_larger_one, 3)
