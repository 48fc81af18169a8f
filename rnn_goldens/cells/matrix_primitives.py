"""The primitives of recurrences and of graphs in NumPy, on arrays (batch, heads, rows, columns)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.cells.numpy_primitives import Arithmetic, Array, Slopes
from rnn_goldens.golden.precision import PRECISIONS


class MatrixArithmetic(Arithmetic):
    """The primitives of recurrences."""

    kept_factor = Arithmetic.same

    def matmul(self, a: Array, b: Array) -> Array:
        """The product of two matrices of each lane."""
        return np.asarray(a @ b)

    def outer(self, a: Array, b: Array) -> Array:
        """The outer product of two columns of each lane: a bᵀ."""
        return np.asarray(a @ np.swapaxes(b, -1, -2))

    def transpose(self, a: Array) -> Array:
        """The transposed matrix of each lane."""
        return a.swapaxes(-1, -2)

    def mean(self, z: Array) -> Array:
        """The mean over the units, which are rows."""
        return np.asarray(z.sum(axis=-2, keepdims=True) * (1 / z.shape[-2]), z.dtype)

    def stored(self, state: Array, _name: str) -> Array:
        """A state as it is stored by a step: unchanged."""
        return state

    def stacked(self, *parts: Array) -> Array:
        """The rows of all parts."""
        lanes = np.broadcast_shapes(*(part.shape[:-2] for part in parts))
        return np.concatenate([np.broadcast_to(part, (*lanes, *part.shape[-2:])) for part in parts], axis=-2)

    def rows(self, a: Array, start: int, stop: int | None = None) -> Array:
        """The rows from start to stop."""
        return a[..., start:stop, :]


class GraphPrimitives(MatrixArithmetic, Slopes):
    """The primitives of equations, of their derivatives, of compositions and of chunked algorithms."""

    handed = Arithmetic.same
    """The argument, which one part of a composition hands to another."""

    def spread(self, g: Array, z: Array) -> Array:
        """The cotangent of each unit of z, from the cotangent g of the mean of z."""
        lanes = np.broadcast_shapes(g.shape[-4:], z.shape[-4:])
        return np.broadcast_to(g * (1 / z.shape[-2]), (*g.shape[:-4], *lanes))

    def only(self, a: Array, within: NDArray[np.bool_]) -> Array:
        """The argument for the sequences of a mask, and zero for others."""
        return np.where(within, a, np.zeros_like(a))

    def choose(self, a: Array, b: Array, within: NDArray[np.bool_]) -> Array:
        """The first argument for the sequences of a mask, and the second for others."""
        return np.where(within, a, b)

    def summed_outer(self, *parts: Array) -> Array:
        """The gradient of a matrix: the sum of g vᵀ over steps and sequences, of all gs, then all vs."""
        gs, vs = map(np.concatenate, halves(parts))
        return np.asarray(np.einsum("shic,shjc->hij", gs, vs)[None])

    def added_up(self, *gs: Array) -> Array:
        """The gradient of a vector: the sum of g over steps and sequences."""
        return np.asarray(np.concatenate(gs).sum(axis=0)[None])

    def total_over(self, a: Array, axes: tuple[int, ...]) -> Array:
        """The sum over axes, which stay as axes of size 1."""
        return np.asarray(a.sum(axis=axes, keepdims=True))

    def spread_to(self, a: Array, shape: tuple[int, ...]) -> Array:
        """The argument, repeated along axes of size 1."""
        return np.broadcast_to(a, (*a.shape[: a.ndim - len(shape)], *shape))

    def padded(self, a: Array, above: int, below: int) -> Array:
        """The argument with rows of zeros above and below."""
        zeros = [0 * np.repeat(a[..., :1, :], count, axis=-2) for count in (above, below)]
        return np.concatenate([zeros[0], a, zeros[1]], axis=-2)

    def masked(self, a: Array, keep: NDArray[np.bool_]) -> Array:
        """The argument where ``keep`` is true, and zero elsewhere."""
        return np.where(keep, a, 0 * a)

    def reversed_rows(self, a: Array) -> Array:
        """The rows from the last to the first."""
        return a[..., ::-1, :]

    def rounded(self, z: Array, precision: str) -> Array:
        """The argument rounded to a precision, in its own type, as some deviations do."""
        return np.asarray(PRECISIONS[precision].round(z.astype(np.float64)), z.dtype)

    def solved(self, a: Array, b: Array) -> Array:
        """The solution y of (1 + a) y = b for a strictly lower triangular a, by forward substitution."""
        lanes = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        y = np.array(np.broadcast_to(b, (*lanes, *b.shape[-2:])), np.result_type(a, b))
        for row in range(1, a.shape[-1]):
            y[..., row : row + 1, :] -= a[..., row : row + 1, :row] @ y[..., :row, :]
        return y


NUMPY = GraphPrimitives()


def halves(parts: Any) -> tuple[Any, Any]:  # noqa: ANN401 - a sequence
    """Return the gs and the vs of a sum of outer products."""
    return parts[: len(parts) // 2], parts[len(parts) // 2 :]
