"""The four rules of linear attention in chunks: sums of log-decays, the inverse of I + A, and matrix products."""

from typing import NamedTuple

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.deviations.recurrences.deviation import Outputs
from rnn_goldens.deviations.recurrences.step_kernel import AttentionKernel


class Chunk(NamedTuple):
    """The inputs of neighbouring time steps, with time as the last but one axis; g is zero for a rule without decay."""

    start: int
    q: Array
    k: Array
    v: Array
    g: Array
    beta: Array | None

    @property
    def steps(self) -> int:
        """The number of time steps."""
        return int(self.k.shape[-2])


def solved(lower: Array, right: Array) -> Array:
    """Return the solution of a system with a lower triangular matrix, by forward substitution."""
    found = np.array(np.broadcast_to(right, np.broadcast_shapes(lower.shape, right.shape)))
    for i in range(lower.shape[-1]):
        known = (lower[..., i : i + 1, :i] @ found[..., :i, :])[..., 0, :]
        found[..., i, :] = (found[..., i, :] - known) / lower[..., i, i, None]
    return found


class ChunkKernel(AttentionKernel):
    """Reads and updates the state once for each chunk.

    Attributes:
        size: time steps of a chunk; the last one may be shorter.
    """

    size = 64

    def run(self) -> Outputs:
        """Return o and S_n."""
        S, outputs = self.initial_state(), []
        for chunk in self.chunks():
            S = self.entering(chunk, S)
            sums = self.sums(chunk)
            new = self.new_values(chunk, sums, S)
            outputs.append(self.output(chunk, sums, new, S))
            S = self.kept(self.next_state(chunk, sums, new, S))
        return {"o": self.arranged(np.concatenate(outputs, axis=3)), "S_n": self.last_state(S)}

    def starts(self) -> list[int]:
        """Return the first time step of each chunk."""
        return list(range(0, self.case.time, self.size))

    def chunks(self) -> list[Chunk]:
        """Return the inputs of each chunk."""
        q, k, v, g, beta = self.queries(), self.keys(), self.values(), self.log_decays(), self.betas()
        if g is None:
            g = np.zeros_like(k[..., :1])
        starts = self.starts()
        spans = zip(starts, [*starts[1:], self.case.time], strict=True)
        return [
            Chunk(
                start,
                q[..., start:stop, :],
                k[..., start:stop, :],
                v[..., start:stop, :],
                g[..., start:stop, :],
                None if beta is None else beta[..., start:stop, :],
            )
            for start, stop in spans
        ]

    def entering(self, _chunk: Chunk, S: Array) -> Array:
        """Return the state before a chunk."""
        return S

    # Decays.

    def sums(self, chunk: Chunk) -> Array:
        """Return the sums of the log-decays from the start of the chunk to each step."""
        return np.cumsum(chunk.g, axis=-2, dtype=self.dtype)

    def end(self, _chunk: Chunk, sums: Array) -> Array:
        """Return the sums at the end of the chunk."""
        return sums[..., -1:, :]

    def from_start(self, _chunk: Chunk, sums: Array) -> Array:
        """Return the decays from the start of the chunk to each step."""
        return np.asarray(np.exp(sums))

    def to_end(self, chunk: Chunk, sums: Array) -> Array:
        """Return the decays from each step to the end of the chunk."""
        return np.asarray(np.exp(self.end(chunk, sums) - sums))

    def left(self, chunk: Chunk, sums: Array) -> Array:
        """Return the decay over the whole chunk: (batch, heads, 1 or d_k, 1)."""
        return np.asarray(np.exp(self.end(chunk, sums)).swapaxes(-1, -2))

    def between(self, sums: Array) -> Array:
        """Return the decays from step j to step i: (batch, heads, i, j, 1 or d_k), zero for later j."""
        causal = np.tri(sums.shape[-2], dtype=bool)[..., None]
        # The exponential of a masked gap could overflow.
        gaps = np.where(causal, sums[..., :, None, :] - sums[..., None, :, :], 0)
        return np.where(causal, np.exp(gaps), 0)

    def products(self, y: Array, k: Array, between: Array) -> Array:
        """Return the products of the rows of y and the decayed keys: (…, i, j)."""
        if between.shape[-1] == 1:
            return np.asarray((y @ k.swapaxes(-1, -2)) * between[..., 0])
        return np.asarray(np.einsum("...id,...ijd,...jd->...ij", y, between, k))

    # The delta rule.

    def new_values(self, chunk: Chunk, sums: Array, S: Array) -> Array:
        """Return the vectors that the state stores for the keys."""
        if chunk.beta is None:
            return chunk.v
        u, w = self.coefficients(chunk, chunk.beta, sums)
        return np.asarray(u - w @ S)

    def coefficients(self, chunk: Chunk, beta: Array, sums: Array) -> tuple[Array, Array]:
        """Return U and W: the new values are U - W S."""
        inverse = self.inverse(self.gram(chunk, beta, sums))
        return inverse @ (beta * chunk.v), inverse @ (beta * self.known(chunk, sums))

    def gram(self, chunk: Chunk, beta: Array, sums: Array) -> Array:
        """Return the products of keys with earlier keys, times beta."""
        return np.asarray(beta * self.products(chunk.k, chunk.k, self.between(sums)))

    def inverse(self, gram: Array) -> Array:
        """Return the inverse of I + A, where A is strictly lower triangular."""
        identity = np.eye(gram.shape[-1], dtype=self.dtype)
        return solved(identity + np.tril(gram, -1), identity)

    def known(self, chunk: Chunk, sums: Array) -> Array:
        """Return the keys as they read the state before the chunk."""
        return np.asarray(chunk.k * self.from_start(chunk, sums))

    # Outputs and states.

    def output(self, chunk: Chunk, sums: Array, new: Array, S: Array) -> Array:
        """Return (batch, heads, group, time, d_v)."""
        within = self.scores(chunk, sums) @ new[:, :, None]
        return np.asarray(self.scale() * (self.of_state(chunk, sums, S) + within))

    def of_state(self, chunk: Chunk, sums: Array, S: Array) -> Array:
        """Return what the state before the chunk holds for the queries."""
        return np.asarray((chunk.q * self.from_start(chunk, sums)[:, :, None]) @ S[:, :, None])

    def scores(self, chunk: Chunk, sums: Array) -> Array:
        """Return the products of queries with the keys of their own and earlier steps."""
        return self.products(chunk.q, chunk.k[:, :, None], self.between(sums)[:, :, None])

    def next_state(self, chunk: Chunk, sums: Array, new: Array, S: Array) -> Array:
        """Return the state after the chunk."""
        keys = chunk.k * self.to_end(chunk, sums)
        return np.asarray(self.left(chunk, sums) * S + keys.swapaxes(-1, -2) @ new)
