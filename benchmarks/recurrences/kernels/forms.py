"""Recurrences as people write them: step by step, in chunks, and as scans. Each is written once for torch and JAX.

They can be differentiated. Where the algebra allows it, a form differs from the equations of ``rnn_goldens.cells``.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from rnn_goldens.deviations.recurrences.edits import ATTENTION as RULES

Array = Any
"""An array of a library."""

Arrays = Mapping[str, Array]
Step = Callable[[Any, Arrays], tuple[Any, Array]]

ATTENTION = tuple(RULES)
DIAGONAL = ("selective_scan", "rg_lru", "min_gru")
"""Recurrences h' = a h + b, of numbers that do not depend on the state."""


class Library(NamedTuple):
    """A library of arrays, with the roundings of a contract.

    Attributes:
        xp: the module with its functions, which have the names of NumPy's.
        sigmoid, softplus: its functions.
        scan: calls a step for each step of time, axis 1; returns the last state and the stacked outputs.
        stored: rounds to the precision, and keeps the type.
        level: the contract, as an index of ``CONTRACTS``.
    """

    xp: Any
    sigmoid: Callable[[Array], Array]
    softplus: Callable[[Array], Array]
    scan: Callable[[Step, Any, Arrays], tuple[Any, Array]]
    stored: Callable[[Array], Array]
    level: int

    def operand(self, x: Array) -> Array:
        """Return an operand of a product of matrices."""
        return self.stored(x) if self.level > 0 else x

    def state(self, x: Array) -> Array:
        """Return a state that is carried to the next step or chunk."""
        return self.stored(x) if self.level > 1 else x


Form = Callable[..., dict[str, Array]]
"""A recurrence: takes a library, the arrays by name, and the options as keywords; returns outputs and last states."""

OverTime = Callable[[Library, Array, Array, Array, Array], Array]
"""Takes a library, a, log a, b and the initial h, and returns h' = a h + b after each step of time, axis 1."""


def _by_head(x: Arrays, scale: float) -> dict[str, Array]:
    """Return arrays with the axes batch, time, head, number; the queries have a group axis after the head.

    Queries and keys that heads share are repeated for each. One beta for all heads broadcasts.
    """
    q, k, (batch, time, heads, _) = x["q"], x["k"], x["v"].shape
    if (of_each := heads // k.shape[2]) > 1:
        q, k = (one[:, :, np.arange(heads) // of_each] for one in (q, k))
    gates = {name: x[name].reshape(batch, time, x[name].shape[2], -1) for name in ("g", "beta") if name in x}
    return {"q": scale * q.reshape(batch, time, heads, -1, k.shape[-1]), "k": k, "v": x["v"], **gates}


def _joined(o: Array, last: Array) -> dict[str, Array]:
    """Return outputs with the axes batch, time, query head, number; each head has a group of query heads."""
    return {"o": o.reshape(*o.shape[:2], -1, o.shape[-1]), "S_n": last}


def attention(lib: Library, x: Arrays, *, scale: float, **_: object) -> dict[str, Array]:
    """Compute step by step: the decay multiplies the key that reads, and beta the key that writes."""
    xp = lib.xp

    def step(state: Array, at: Arrays) -> tuple[Array, Array]:
        row, key, seen, decayed = at["v"], at["k"], at["k"], state
        if "g" in at:
            decay = xp.exp(at["g"])
            seen, decayed = decay * key, decay[..., None] * state
        if "beta" in at:
            row = row - xp.einsum("bhk,bhkv->bhv", lib.operand(seen), lib.operand(state))
            key = at["beta"] * key
        state = lib.state(decayed + xp.einsum("bhk,bhv->bhkv", lib.operand(key), lib.operand(row)))
        return state, xp.einsum("bhgk,bhkv->bhgv", at["q"], lib.operand(state))

    last, o = lib.scan(step, x["S0"], _by_head(x, scale))
    return _joined(o, last)


def chunks(lib: Library, x: Arrays, *, size: int, scale: float, **_: object) -> dict[str, Array]:
    """Compute in chunks of steps, in torch, by the WY form with the inverse of a triangular matrix."""
    xp, heads, state, outputs = lib.xp, _by_head(x, scale), x["S0"], []
    for start in range(0, x["k"].shape[1], size):
        of = {name: array[:, start : start + size].swapaxes(1, 2) for name, array in heads.items()}
        keys, rows, seen = of["k"], of["v"], lib.operand(state)
        sums = xp.cumsum(of["g"] if "g" in of else xp.zeros_like(keys[..., :1]), 2)
        between, from_start, to_end = _between(xp, sums, 2), xp.exp(sums), xp.exp(sums[:, :, -1:] - sums)
        if "beta" in of:
            among = xp.tril(of["beta"] * _products(xp, keys, keys, between), -1)
            identity = xp.eye(among.shape[-1], dtype=among.dtype)
            inverse = lib.operand(xp.linalg.solve_triangular(identity + among, identity, upper=False))
            known = inverse @ lib.operand(from_start * keys * of["beta"])
            rows = lib.operand(inverse @ lib.operand(rows * of["beta"]) - lib.operand(known) @ seen)
        queries = of["q"].swapaxes(2, 3)
        for_rows = [_products(xp, queries[:, :, j], keys, between) for j in range(queries.shape[2])]
        of_state = (queries * from_start[:, :, None]) @ seen[:, :, None]
        outputs.append(of_state + lib.operand(xp.stack(for_rows, 2)) @ rows[:, :, None])
        added = lib.operand(keys * to_end).swapaxes(-1, -2) @ rows
        state = lib.state(xp.exp(sums[:, :, -1])[..., None] * state + added)
    return _joined(xp.concatenate(outputs, 3).swapaxes(2, 3).swapaxes(1, 2), state)


def _between(xp: Any, sums: Array, axis: int) -> Array:  # noqa: ANN401 - a module
    """Return exp(sum_i - sum_j) for j ≤ i, and zero elsewhere; i and j are the axes after ``axis``."""
    count, rest = sums.shape[axis], sums.ndim - axis - 1
    lower = (xp.tril(xp.ones((count, count))) > 0).reshape(count, count, *(1,) * rest)
    whole: tuple[Any, ...] = (slice(None),) * axis
    gaps = sums[(*whole, slice(None), None)] - sums[(*whole, None)]
    return xp.where(lower, xp.exp(xp.where(lower, gaps, 0)), 0)


def _products(xp: Any, rows: Array, keys: Array, between: Array) -> Array:  # noqa: ANN401 - a module
    """Return the products of rows with keys, times the decay from the key's step to the row's."""
    if between.shape[-1] == 1:
        return (rows @ keys.swapaxes(-1, -2)) * between[..., 0]
    return xp.einsum("bhik,bhijk,bhjk->bhij", rows, between, keys)


def slstm(lib: Library, x: Arrays) -> dict[str, Array]:
    """Compute step by step, with one product for all gates, and o multiplied by c before the division."""
    xp, weights = lib.xp, lib.xp.concatenate([x[f"R_{gate}"] for gate in "ifzo"], 1)

    def step(state: tuple[Array, ...], at: Arrays) -> tuple[tuple[Array, ...], Array]:
        h, c, n, m = state
        products, size = xp.einsum("hjk,bhk->bhj", weights, lib.operand(h)), h.shape[-1]
        parts = (products[..., k * size : (k + 1) * size] for k in range(4))
        i, f, z, o = (at[f"x_{gate}"] + part for gate, part in zip("ifzo", parts, strict=True))
        kept = m - xp.logaddexp(xp.zeros_like(f), -f)
        m = lib.state(xp.maximum(kept, i))
        i, f = xp.exp(i - m), xp.exp(kept - m)
        c, n = lib.state(c * f + xp.tanh(z) * i), lib.state(n * f + i)
        out = lib.sigmoid(o) * c / n
        return (lib.state(out), c, n, m), out

    states = tuple(x[f"{name}0"] for name in "hcnm")
    last, out = lib.scan(step, states, {f"x_{gate}": x[f"x_{gate}"] for gate in "ifzo"})
    return {"out": out, "h_n": last[0]}


def diagonal(lib: Library, x: Arrays, *, over_time: OverTime) -> dict[str, Array]:
    """Compute decays and inputs of all steps first, as Mamba's reference does, and then the states."""
    h = over_time(lib, *_terms(lib, x), x["h0"])
    if "C" not in x:
        return {"out": h, "h_n": h[:, -1]}
    y = lib.xp.einsum("btdn,btdn->btd", lib.operand(h), _by_channel(x["C"], x)) + x["D"] * x["u"]
    return {"y": y, "h_n": h[:, -1]}


def _by_channel(of_groups: Array, x: Arrays) -> Array:
    """Return B or C of each channel, or of all channels if there are no groups."""
    if of_groups.ndim == x["u"].ndim:
        return of_groups[:, :, None]
    channels = x["u"].shape[-1]
    return of_groups[:, :, np.arange(channels) // (channels // of_groups.shape[2])]


def _terms(lib: Library, x: Arrays) -> tuple[Array, Array, Array]:
    """Return a, log a and b of all steps."""
    if "dt" in x:
        dt = lib.softplus(x["dt"])[..., None]
        return lib.xp.exp(dt * x["A"]), dt * x["A"], dt * _by_channel(x["B"], x) * x["u"][..., None]
    if "Lambda" in x:
        log_a = -8 * lib.softplus(x["Lambda"]) * lib.sigmoid(x["r"])
        b = lib.xp.sqrt(-lib.xp.expm1(2 * log_a)) * x["x"] * lib.sigmoid(x["i"])
        return lib.xp.exp(log_a), log_a, b
    return lib.sigmoid(-x["z"]), -lib.softplus(x["z"]), lib.sigmoid(x["z"]) * x["n"]


def stepwise(lib: Library, a: Array, _: Array, b: Array, h: Array) -> Array:
    """Compute step by step."""

    def step(h: Array, at: Arrays) -> tuple[Array, Array]:
        h = lib.state(at["a"] * h + at["b"])
        return h, h

    return lib.scan(step, h, {"a": a, "b": b})[1]


def cumulated(lib: Library, _: Array, log_a: Array, b: Array, h: Array, *, size: int) -> Array:
    """Compute the steps of a chunk at once: b of step j reaches step i times exp(sum_i - sum_j), of sums of log a."""
    xp, found = lib.xp, []
    for start in range(0, log_a.shape[1], size):
        sums = xp.cumsum(log_a[:, start : start + size], 1)
        between = lib.operand(_between(xp, sums, 1))
        added = xp.einsum("bij...,bj...->bi...", between, lib.operand(b[:, start : start + size]))
        found.append(lib.operand(xp.exp(sums)) * lib.operand(h)[:, None] + added)
        h = lib.state(found[-1][:, -1])
    return xp.concatenate(found, 1)


def causal_conv(lib: Library, x: Arrays, *, activation: str) -> dict[str, Array]:
    """Compute as a product of each window with the weights."""
    padded, time = lib.xp.concatenate([x["window0"].swapaxes(1, 2), x["x"]], 1), x["x"].shape[1]
    windows = lib.xp.stack([padded[:, j : j + time] for j in range(x["weight"].shape[1])], -1)
    y = lib.xp.einsum("btcj,cj->btc", windows, x["weight"]) + x["bias"]
    return {"y": y * lib.sigmoid(y) if activation == "silu" else y, "window_n": padded[:, time:].swapaxes(1, 2)}


def torch_causal_conv(lib: Library, x: Arrays, *, activation: str) -> dict[str, Array]:
    """Compute by torch's convolution with a group for each channel."""
    padded = lib.xp.concatenate([x["window0"], x["x"].swapaxes(1, 2)], -1)
    y = lib.xp.conv1d(padded, x["weight"][:, None], x["bias"], groups=len(x["weight"])).swapaxes(1, 2)
    y = lib.xp.nn.functional.silu(y) if activation == "silu" else y
    return {"y": y, "window_n": padded[..., x["x"].shape[1] :]}
