"""The primitives that only the backward pass uses, in NumPy, in the type of the arrays."""

from collections.abc import Sequence

import numpy as np

from rnn_goldens.cells.arrays import Array
from rnn_goldens.cells.derivatives import Slopes


class Transposed(Slopes):
    """The primitives: each method computes the primitive of the same name. g is a cotangent, (batch, units)."""

    def transposed(self, g: Array, matrix: Array, index: int, blocks: int) -> Array:
        """The cotangent of v, from the cotangent g of the product of v and one of ``blocks`` blocks of a matrix."""
        rows = len(matrix) // blocks
        return np.asarray(g @ matrix[index * rows : (index + 1) * rows], g.dtype)

    def joined(self, *parts: Array) -> Array:
        """The blocks of units, concatenated."""
        return np.concatenate(parts, axis=-1)

    def spread(self, g: Array, z: Array) -> Array:
        """The cotangent of each unit of z, from the cotangent g of the mean of z."""
        units = z.shape[-1]  # z is a vector in the mean of a weight, whose cotangent differs by sequence
        return np.broadcast_to(g * (1 / units), (*g.shape[:-1], units)).astype(g.dtype)

    def total(self, g: Array) -> Array:
        """The cotangent of a value that is the same for all units: (batch, 1)."""
        return np.asarray(g.sum(axis=-1, keepdims=True, dtype=_wide(g)), g.dtype)

    def only(self, within: Array, g: Array) -> Array:
        """The cotangent g for the sequences in the mask ``within``, zero for other sequences."""
        return g if within.all() else np.where(within[:, None], g, np.zeros_like(g))

    def nothing(self, like: Array) -> Array:
        """An array of zeros."""
        return np.zeros_like(like)

    def outer(self, gs: Sequence[Array], vs: Sequence[Array]) -> Array:
        """The sum of g vᵀ over all steps and sequences: the gradient of a matrix."""
        return np.asarray(np.concatenate(gs).T @ np.concatenate(vs), gs[0].dtype)

    def added_up(self, gs: Sequence[Array]) -> Array:
        """The sum of g over all steps and sequences: the gradient of a bias."""
        return np.asarray(np.concatenate(gs).sum(axis=0, dtype=_wide(gs[0])), gs[0].dtype)


def _wide(g: Array) -> np.dtype[np.generic]:
    """Return the type that sums are computed in: at least float32, as in kernels for half precisions."""
    return np.result_type(np.float32, g.dtype)
