"""Equinox: an ``equinox.nn.LSTMCell`` or ``GRUCell`` per layer and direction, unrolled by ``jax.lax.scan``.

The cells support neither batches nor lengths: ``jax.vmap`` adds the batch; beyond the end, the state is unchanged.
"""

from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported
from rnn_goldens.implementations.array_library import JAX

CELLS: dict[str, Callable[..., Any]] = {"lstm": eqx.nn.LSTMCell, "gru": eqx.nn.GRUCell}

State = tuple[jax.Array, ...]
"""h of one layer, direction and sequence, (hidden,); for an LSTM h and c."""


def run(golden: Inputs) -> tuple[jax.Array, ...]:
    """Return out, h_n (and c_n). Raises Unsupported for an RNN, for which ``equinox.nn`` has no cell."""
    if golden.cell not in CELLS:
        raise Unsupported(f"equinox.nn has no cell {golden.cell}")
    with JAX.in_precision(golden):
        dtype = jnp.dtype(golden.dtype)
        x = jnp.asarray(golden.x, dtype)
        states = tuple(jnp.asarray(state, dtype) for state in golden.states.values())
        lengths = jnp.full(golden.batch_shape, x.shape[-2]) if golden.lengths is None else jnp.asarray(golden.lengths)
        network = _network(golden)
        if golden.batch_shape:
            network = jax.vmap(network, in_axes=(0, 1, 0), out_axes=(0, *[1] * len(states)))
        return network(x, states, lengths)


def _network(golden: Inputs) -> Callable[[jax.Array, State, jax.Array], tuple[jax.Array, ...]]:
    """Return a function of a sequence (time, input), its initial states (layers·directions, hidden) and its length."""
    cells = {suffix: _cell(golden, suffix) for suffix in golden.network.suffixes}

    def forward(x: jax.Array, states: State, length: jax.Array) -> tuple[jax.Array, ...]:
        last_states: list[State] = []
        for suffixes in golden.network.layers:
            outs = []
            for suffix in suffixes:
                start = tuple(state[len(last_states)] for state in states)
                last, out = _unrolled(cells[suffix], x, start, length, reverse=suffix.endswith("_reverse"))
                outs.append(out)
                last_states.append(last)
            x = jnp.concatenate(outs, axis=-1)
        return x, *(jnp.stack(of_all) for of_all in zip(*last_states, strict=True))

    return forward


def _unrolled(
    cell: Callable[..., Any], x: jax.Array, start: State, length: jax.Array, *, reverse: bool
) -> tuple[State, jax.Array]:
    def step(state: State, at: tuple[jax.Array, jax.Array]) -> tuple[State, jax.Array]:
        x_t, within = at
        new = cell(x_t, state if len(state) > 1 else state[0])
        new = new if isinstance(new, tuple) else (new,)
        state = tuple(jnp.where(within, after, before) for after, before in zip(new, state, strict=True))
        return state, jnp.where(within, state[0], 0)

    return jax.lax.scan(step, start, (x, jnp.arange(len(x)) < length), reverse=reverse)


def _cell(golden: Inputs, suffix: str) -> Any:  # noqa: ANN401 - a cell of Equinox
    """Return the cell of one layer and direction, with its weights."""
    dtype, ending = jnp.dtype(golden.dtype), f"_{suffix}"
    weights = {n.removesuffix(ending): jnp.asarray(a, dtype) for n, a in golden.weights.items() if n.endswith(ending)}
    own = _equinox_weights(golden, weights)
    cell = CELLS[golden.cell](
        weights["weight_ih"].shape[1],
        golden.network.hidden_size,
        use_bias=golden.network.bias,
        dtype=dtype,
        key=jax.random.key(0),
    )
    return eqx.tree_at(lambda made: [getattr(made, name) for name in own], cell, list(own.values()))


def _equinox_weights(golden: Inputs, weights: Mapping[str, jax.Array]) -> dict[str, jax.Array]:
    """Return PyTorch's weights as Equinox stores them: one bias per gate, except that a GRU's candidate has two."""
    own = {name: weights[name] for name in ("weight_ih", "weight_hh")}
    if not golden.network.bias:
        return own
    b_ih, b_hh = weights["bias_ih"], weights["bias_hh"]
    if golden.cell == "lstm":
        return {**own, "bias": b_ih + b_hh}
    candidate = 2 * golden.network.hidden_size
    return {**own, "bias": b_ih + b_hh.at[candidate:].set(0), "bias_n": b_hh[candidate:]}
