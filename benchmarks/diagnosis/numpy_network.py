"""A correct recurrent network in NumPy, in the precision of its arrays; ``slips.py`` edits it to make mistakes."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
State = list[Array]
"""[h], or [h, c] of an LSTM, of one layer in one direction: (batch, hidden)."""


def sigmoid(z: Array) -> Array:
    """Return 1 / (1 + e^-z)."""
    return np.asarray(1 / (1 + np.exp(-z)))


def step(cell: str, of_x: Array, of_h: Array, state: State) -> State:
    """Return the state one time step later, from W x + b and W h + b."""
    if cell == "rnn_tanh":
        return [np.tanh(of_x + of_h)]
    if cell == "rnn_relu":
        return [np.maximum(of_x + of_h, 0)]
    if cell == "lstm":
        i, f, g, o = np.split(of_x + of_h, 4, axis=-1)
        c = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(g)
        return [sigmoid(o) * np.tanh(c), c]
    x_r, x_z, x_n = np.split(of_x, 3, axis=-1)
    h_r, h_z, h_n = np.split(of_h, 3, axis=-1)
    r = sigmoid(x_r + h_r)
    z = sigmoid(x_z + h_z)
    n = np.tanh(x_n + r * h_n)
    return [(1 - z) * n + z * state[0]]


def affine(v: Array, matrix: Array, bias: Array | None) -> Array:
    """Return W v + b for each row of a batch."""
    product = v @ matrix.T
    return product if bias is None else np.asarray(product + bias)


def one_direction(
    cell: str, w: Mapping[str, Array | None], x: Array, state: State, lengths: Array, order: Iterable[int]
) -> tuple[Array, State]:
    """Run one layer in one direction; return h at every step, and the last state."""
    out = np.zeros((x.shape[0], x.shape[1], state[0].shape[1]), x.dtype)
    for t in order:
        of_x = affine(x[:, t], w["weight_ih"], w["bias_ih"])  # type: ignore[arg-type] # every layer has the matrices
        of_h = affine(state[0], w["weight_hh"], w["bias_hh"])  # type: ignore[arg-type]
        after = step(cell, of_x, of_h, state)
        running = (t < lengths)[:, None]
        state = [np.where(running, new, old) for new, old in zip(after, state, strict=True)]
        out[:, t] = np.where(running, state[0], 0)
    return out, state


def network(
    cell: str,
    weights: Mapping[str, Array],
    x: Array,
    initial: list[Array] | None,
    lengths: Array | None,
    num_layers: int,
    suffixes: list[str],
) -> list[Array]:
    """Run all layers; return out and the last h (and c) of each layer and direction.

    ``suffixes`` are the suffixes of the directions.
    """
    unbatched = x.ndim == 2  # noqa: PLR2004 - (time, input)
    if unbatched:
        x = x[None]
        initial = initial and [part[:, None] for part in initial]
    batch, time = x.shape[0], x.shape[1]
    if lengths is None:
        lengths = np.full(batch, time)
    zeros = np.zeros((batch, weights["weight_hh_l0"].shape[1]), x.dtype)
    last: list[State] = []
    for layer in range(num_layers):
        outs = []
        for suffix in suffixes:
            names = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]
            w = {name: weights.get(name + "_l" + str(layer) + suffix) for name in names}
            state = [part[len(last)] for part in initial] if initial else [zeros, zeros]
            order = range(time) if suffix == "" else reversed(range(time))
            out, state = one_direction(cell, w, x, state[: 2 if cell == "lstm" else 1], lengths, order)
            outs.append(out)
            last.append(state)
        x = np.concatenate(outs, axis=-1)
    finals = [np.stack(parts) for parts in zip(*last, strict=True)]
    return [x[0], *(final[:, 0] for final in finals)] if unbatched else [x, *finals]
