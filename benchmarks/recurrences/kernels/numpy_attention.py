"""Attention rules in NumPy: step by step, written in two ways, and in chunks."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.recurrences.kernels.contracts import Rounding
from benchmarks.recurrences.kernels.frame import scale_of
from rnn_goldens.golden.recurrences import RecurrenceConfig

Array = NDArray[Any]
Arrays = Mapping[str, Array]


class Heads(NamedTuple):
    """The inputs with the axes batch, head, time, number; the queries have a group axis after the head."""

    q: Array
    k: Array
    v: Array
    g: Array | None
    beta: Array | None

    @classmethod
    def of(cls, config: RecurrenceConfig, x: Arrays) -> "Heads":
        """Return the inputs of a sequence; a decay by head and a beta are one number."""
        batch, time = x["k"].shape[:2]
        q = x["q"].reshape(batch, time, config["heads"], -1, config["d_k"]).transpose(0, 2, 3, 1, 4)
        gates = (x[name].reshape(*x["k"].shape[:3], -1).swapaxes(1, 2) if name in x else None for name in ("g", "beta"))
        return cls(q, x["k"].swapaxes(1, 2), x["v"].swapaxes(1, 2), *gates)


def _joined(outputs: list[Array], axis: int, state: Array) -> dict[str, Array]:
    """Return the outputs (batch, head, group, time, number) of steps or chunks, and the last state, as stored."""
    o = np.concatenate(outputs, axis).transpose(0, 3, 1, 2, 4)
    return {"o": o.reshape(*o.shape[:2], -1, o.shape[-1]), "S_n": state}


def step(config: RecurrenceConfig, x: Arrays, r: Rounding[Array]) -> dict[str, Array]:
    """Compute step by step, as the rule is written."""
    (q, k, v, g, beta), state, outputs = Heads.of(config, x), x["S0"], []
    for t in range(k.shape[2]):
        row = v[:, :, t, None]
        if g is not None:
            state = np.exp(g[:, :, t])[..., None] * state
        if beta is not None:
            row = beta[:, :, t, None] * (row - k[:, :, t, None] @ r.operand(state))
        state = r.state(state + k[:, :, t, :, None] * r.operand(row))
        outputs.append(scale_of(config) * (q[:, :, :, t, None] @ r.operand(state)[:, :, None]))
    return _joined(outputs, 3, state)


def other_step(config: RecurrenceConfig, x: Arrays, r: Rounding[Array]) -> dict[str, Array]:
    """Compute step by step: the decay multiplies the key, beta the key, and scale the query."""
    (q, k, v, g, beta), state, outputs = Heads.of(config, x), x["S0"], []
    q = scale_of(config) * q
    for t in range(k.shape[2]):
        row, key, seen = v[:, :, t], k[:, :, t], k[:, :, t]
        if g is not None:
            decay = np.exp(g[:, :, t])
            seen = decay * key
        if beta is not None:
            row = row - np.einsum("bhk,bhkv->bhv", r.operand(seen), r.operand(state))
            key = beta[:, :, t] * key
        added = np.einsum("bhk,bhv->bhkv", r.operand(key), r.operand(row))
        state = r.state((state if g is None else decay[..., None] * state) + added)
        outputs.append(np.einsum("bhgk,bhkv->bhgv", q[:, :, :, t], r.operand(state))[:, :, :, None])
    return _joined(outputs, 3, state)


class Decays(NamedTuple):
    """The decays of a chunk, each of one number or of one for each key.

    Attributes:
        between: (batch, head, i, j, number), from step j to step i; zero for j > i.
        from_start: (batch, head, i, number), from the start of the chunk to step i.
        to_end: (batch, head, i, number), from step i to the end of the chunk.
        whole: (batch, head, number, 1), from the start of the chunk to its end.
    """

    between: Array
    from_start: Array
    to_end: Array
    whole: Array

    @classmethod
    def of(cls, g: Array | None, k: Array) -> "Decays":
        """Return the decays of the log-decays of a chunk, by their running sums."""
        count = k.shape[2]
        sums = np.cumsum(np.zeros_like(k[..., :1]) if g is None else g, axis=2)
        lower = np.tri(count, dtype=bool)[..., None]
        gaps = np.where(lower, sums[:, :, :, None] - sums[:, :, None], 0)
        between = np.where(lower, np.exp(gaps), 0).astype(k.dtype)
        whole = np.exp(sums[:, :, -1])[..., None]
        return cls(between, np.exp(sums), np.exp(sums[:, :, -1:] - sums), whole)

    def products(self, rows: Array, k: Array) -> Array:
        """Return the products of rows with keys, times the decay from the key's step to the row's."""
        if self.between.shape[-1] == 1:
            return np.asarray((rows @ k.swapaxes(-1, -2)) * self.between[..., 0])
        return np.asarray(np.einsum("bhik,bhijk,bhjk->bhij", rows, self.between, k))


def chunks(
    config: RecurrenceConfig, x: Arrays, r: Rounding[Array], *, size: int, direct: bool = False
) -> dict[str, Array]:
    """Compute in chunks of steps, by the WY form: with the inverse of a triangular matrix, or by solving with it."""
    (q, k, v, g, beta), state, outputs = Heads.of(config, x), x["S0"], []
    for start in range(0, k.shape[2], size):
        steps = slice(start, start + size)
        keys, decays = k[:, :, steps], Decays.of(None if g is None else g[:, :, steps], k[:, :, steps])
        seen, rows = r.operand(state), v[:, :, steps]
        if beta is not None:
            known, values = decays.from_start * keys * beta[:, :, steps], rows * beta[:, :, steps]
            among = np.tril(beta[:, :, steps] * decays.products(keys, keys), -1)
            solved = _solved(among, known, values, r, direct=direct)
            rows = r.operand(solved[1] - solved[0] @ seen)
        queries = q[:, :, :, steps]
        for_rows = np.stack([decays.products(queries[:, :, j], keys) for j in range(q.shape[2])], 2)
        of_state = (queries * decays.from_start[:, :, None]) @ seen[:, :, None]
        outputs.append(scale_of(config) * (of_state + r.operand(for_rows) @ rows[:, :, None]))
        state = r.state(decays.whole * state + r.operand(keys * decays.to_end).swapaxes(-1, -2) @ rows)
    return _joined(outputs, 3, state)


def _solved(among: Array, known: Array, values: Array, r: Rounding[Array], *, direct: bool) -> tuple[Array, Array]:
    """Return (1 + among)⁻¹ times known and times values."""
    if direct:
        both = _forward(among, np.concatenate([known, values], axis=-1))
        return r.operand(both[..., : known.shape[-1]]), r.operand(both[..., known.shape[-1] :])
    identity = np.broadcast_to(np.eye(among.shape[-1], dtype=among.dtype), among.shape)
    inverse = r.operand(_forward(among, identity))
    return r.operand(inverse @ r.operand(known)), r.operand(inverse @ r.operand(values))


def _forward(among: Array, right: Array) -> Array:
    """Return (1 + among)⁻¹ times the right side, by forward substitution."""
    found = np.array(right)
    for i in range(1, among.shape[-1]):
        found[..., i, :] -= (among[..., i : i + 1, :i] @ found[..., :i, :])[..., 0, :]
    return found
