"""The primitives of the way back that no cell's equations are made of, in NumPy, in the type of the arrays."""

from collections.abc import Sequence

import numpy as np

from rnn_goldens.cells.arrays import Array
from rnn_goldens.cells.derivatives import Slopes


class Transposed(Slopes):
    """For each primitive one method, of the same name. g is a cotangent, (batch, units)."""

    def transposed(self, g: Array, matrix: Array, index: int, blocks: int) -> Array:
        """What v gets of the product of v with one of so many blocks of rows of a matrix."""
        rows = len(matrix) // blocks
        return np.asarray(g @ matrix[index * rows : (index + 1) * rows], g.dtype)

    def instead(self, value: Array, way: Array) -> Array:  # noqa: ARG002 - it is for the way back
        """The value of the one; what goes back goes to the other."""
        return value

    def joined(self, *parts: Array) -> Array:
        """The blocks of units, one after the other."""
        return np.concatenate(parts, axis=-1)

    def spread(self, g: Array, z: Array) -> Array:
        """What each unit of z gets of its mean."""
        return np.broadcast_to(g * (1 / z.shape[-1]), z.shape).astype(g.dtype)

    def total(self, g: Array) -> Array:
        """What a number that is the same for all units gets: (batch, 1)."""
        return np.asarray(g.sum(axis=-1, keepdims=True, dtype=_wide(g)), g.dtype)

    def only(self, within: Array, g: Array) -> Array:
        """G of the sequences that are within, and zero of others."""
        return g if within.all() else np.where(within[:, None], g, np.zeros_like(g))

    def nothing(self, like: Array) -> Array:
        """Zeros."""
        return np.zeros_like(like)

    def outer(self, gs: Sequence[Array], vs: Sequence[Array]) -> Array:
        """The sum of g vᵀ over all steps and sequences: what a matrix gets."""
        return np.asarray(np.concatenate(gs).T @ np.concatenate(vs), gs[0].dtype)

    def added_up(self, gs: Sequence[Array]) -> Array:
        """The sum of g over all steps and sequences: what a bias gets."""
        return np.asarray(np.concatenate(gs).sum(axis=0, dtype=_wide(gs[0])), gs[0].dtype)


def _wide(g: Array) -> np.dtype[np.generic]:
    """What kernels add up half precisions in."""
    return g.dtype if g.dtype == object else np.result_type(np.float32, g.dtype)
