"""The primitives of graphs in NumPy, on arrays (batch, heads, rows, columns)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.cells.derivatives import Slopes
from rnn_goldens.cells.recurrence import MatrixArithmetic


class GraphPrimitives(MatrixArithmetic, Slopes):
    """The primitives of equations, of their derivatives, of compositions and of chunked algorithms."""

    def handed(self, z: Any) -> Any:  # noqa: ANN401 - floats or balls
        """The argument, which one part of a composition hands to another."""
        return z

    def mean(self, z: Any) -> Any:  # noqa: ANN401 - floats or balls
        """The mean over the units, which are rows."""
        return np.asarray(z.sum(axis=-2, keepdims=True) * (1 / z.shape[-2]), z.dtype)

    def spread(self, g: Any, z: Any) -> Any:  # noqa: ANN401 - floats or balls
        """The cotangent of each unit of z, from the cotangent g of the mean of z."""
        lanes = np.broadcast_shapes(g.shape[-4:], z.shape[-4:])
        return np.broadcast_to(g * (1 / z.shape[-2]), (*g.shape[:-4], *lanes))

    def only(self, a: Any, within: NDArray[np.bool_]) -> Any:  # noqa: ANN401 - floats or balls
        """The argument for the sequences of a mask, and zero for others."""
        return np.where(within, a, np.zeros_like(a))

    def choose(self, a: Any, b: Any, within: NDArray[np.bool_]) -> Any:  # noqa: ANN401 - floats or balls
        """The first argument for the sequences of a mask, and the second for others."""
        return np.where(within, a, b)

    def summed_outer(self, *parts: Any) -> Any:  # noqa: ANN401 - floats or balls
        """The gradient of a matrix: the sum of g vᵀ over steps and sequences, of all gs, then all vs."""
        gs, vs = (all_steps(side) for side in halves(parts))
        return np.einsum("shic,shjc->hij", gs, vs)[None]

    def added_up(self, *gs: Any) -> Any:  # noqa: ANN401 - floats or balls
        """The gradient of a vector: the sum of g over steps and sequences."""
        return np.asarray(all_steps(gs).sum(axis=0)[None])

    def total_over(self, a: Any, axes: tuple[int, ...]) -> Any:  # noqa: ANN401 - floats or balls
        """The sum over axes, which stay as axes of size 1."""
        return np.asarray(a.sum(axis=axes, keepdims=True))

    def spread_to(self, a: Any, shape: tuple[int, ...]) -> Any:  # noqa: ANN401 - floats or balls
        """The argument, repeated along axes of size 1."""
        return np.broadcast_to(a, (*a.shape[: a.ndim - len(shape)], *shape))

    def padded(self, a: Any, above: int, below: int) -> Any:  # noqa: ANN401 - floats or balls
        """The argument with rows of zeros above and below."""
        zeros = [0 * np.repeat(a[..., :1, :], count, axis=-2) for count in (above, below)]
        return np.concatenate([zeros[0], a, zeros[1]], axis=-2)

    def masked(self, a: Any, keep: NDArray[np.bool_]) -> Any:  # noqa: ANN401 - floats or balls
        """The argument where ``keep`` is true, and zero elsewhere."""
        return np.where(keep, a, 0 * a)

    def reversed_rows(self, a: Any) -> Any:  # noqa: ANN401 - floats
        """The rows from the last to the first."""
        return a[..., ::-1, :]

    def solved(self, a: Any, b: Any) -> Any:  # noqa: ANN401 - floats
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


def all_steps(parts: Any) -> Any:  # noqa: ANN401 - floats or balls
    """Return the values of all steps and sequences: (steps·batch, heads, rows, columns)."""
    return np.concatenate(parts)
