"""Flax: ``flax.linen.RNN`` over a ``SimpleCell``, ``OptimizedLSTMCell`` or ``GRUCell``, one per layer and direction.

Flax documents that it does not mask outputs beyond a sequence's end; here they are set to zero, as users do.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen, traverse_util

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.implementations.arguments import require_cell
from rnn_goldens.implementations.jax_function import in_precision, limit_cache

CELLS: dict[str, tuple[Any, dict[str, Any]]] = {
    "rnn_tanh": (linen.SimpleCell, {"activation_fn": jnp.tanh}),
    "rnn_relu": (linen.SimpleCell, {"activation_fn": jax.nn.relu}),
    "lstm": (linen.OptimizedLSTMCell, {}),
    "gru": (linen.GRUCell, {}),
    "rnn_tanh_reverse": (linen.SimpleCell, {"activation_fn": jnp.tanh}),
    "lstm_reverse": (linen.OptimizedLSTMCell, {}),
    "gru_reverse": (linen.GRUCell, {}),
    "lstm_hard_sigmoid_sixth": (linen.OptimizedLSTMCell, {"gate_fn": jax.nn.hard_sigmoid}),
    "gru_hard_sigmoid_sixth": (linen.GRUCell, {"gate_fn": jax.nn.hard_sigmoid}),
    "rnn_sigmoid": (linen.SimpleCell, {"activation_fn": jax.nn.sigmoid}),
    "rnn_softsign": (linen.SimpleCell, {"activation_fn": jax.nn.soft_sign}),
    "rnn_softplus": (linen.SimpleCell, {"activation_fn": jax.nn.softplus}),
}
"""The class and arguments of Flax's own cell, for each cell that Flax computes."""

_nested: Callable[..., dict[str, Any]] = traverse_util.unflatten_dict


Make = Callable[[Inputs], linen.RNNCellBase]
"""Creates the cell for a golden, of its hidden size and precision."""


def run(golden: Inputs) -> tuple[jax.Array, ...]:
    """Return out, h_n (and c_n)."""
    return run_cells(golden, flax_cell)


def run_cells(golden: Inputs, make: Make) -> tuple[jax.Array, ...]:
    """Return out, h_n (and c_n) of cells of any class with the golden's weights."""
    with in_precision(golden):
        return _run(golden, make)


def gradients_of_cells(golden: Inputs, make: Make) -> dict[str, Any]:
    """Return the gradients for cells of any class, by ``jax.vjp``, under PyTorch's names."""
    with in_precision(golden):
        weights, x, states = _arrays(golden)

        def forward(
            weights: dict[str, jax.Array], x: jax.Array, states: list[jax.Array] | None
        ) -> tuple[jax.Array, ...]:
            return _forward(golden, make, weights, x, states)

        _, back = jax.vjp(forward, weights, x, states)
        cotangents = tuple(jnp.asarray(array, jnp.dtype(golden.dtype)) for array in golden.cotangents.values())
        by_weights, by_x, by_states = back(cotangents)
        named = dict(zip(("h0", "c0"), by_states or (), strict=False))
        found = {"x": by_x, **named, **golden.gradients_from("flax", by_weights)}
    limit_cache()
    return found


def _run(golden: Inputs, make: Make) -> tuple[jax.Array, ...]:
    return _forward(golden, make, *_arrays(golden))


def _arrays(golden: Inputs) -> tuple[dict[str, jax.Array], jax.Array, list[jax.Array] | None]:
    """Return weights, input and initial states. The states are None if the golden has none."""
    dtype = jnp.dtype(golden.dtype)
    weights = {name: jnp.asarray(array, dtype) for name, array in golden.weights_as("flax").items()}
    states = [jnp.asarray(state, dtype) for state in golden.states.values()]
    return weights, jnp.asarray(golden.x, dtype), None if golden.initial_state is None else states


def _forward(
    golden: Inputs, make: Make, weights: dict[str, jax.Array], x: jax.Array, states: list[jax.Array] | None
) -> tuple[jax.Array, ...]:
    config = golden.network
    params = _nested(weights, sep="/")
    lengths = None if golden.lengths is None else jnp.asarray(golden.lengths, jnp.int32)
    last_states: list[tuple[jax.Array, ...]] = []
    for layer in range(config.num_layers):
        outs = []
        for suffix in config.layers[layer]:
            rnn = linen.RNN(make(golden), reverse=suffix.endswith("_reverse"), keep_order=True, return_carry=True)
            carry = _carry(states, len(last_states))
            variables = {"params": {"cell": params[suffix]}}
            result: Any = rnn.apply(variables, x, initial_carry=carry, seq_lengths=lengths)
            last, out = result
            outs.append(out)
            last_states.append(tuple(reversed(last)) if isinstance(last, tuple) else (last,))
        x = jnp.concatenate(outs, axis=-1)
        if lengths is not None:
            x = jnp.where(jnp.arange(x.shape[1])[:, None] < lengths[:, None, None], x, 0)
    return x, *(jnp.stack(states) for states in zip(*last_states, strict=True))


def flax_cell(golden: Inputs) -> linen.RNNCellBase:
    """Return Flax's own cell for a golden."""
    require_cell(golden, "Flax", CELLS)
    kind, arguments = CELLS[golden.cell]
    cell: linen.RNNCellBase = kind(golden.network.hidden_size, param_dtype=jnp.dtype(golden.dtype), **arguments)
    return cell


def _carry(states: list[jax.Array] | None, index: int) -> Any:  # noqa: ANN401 - as Flax expects it: None, h, or (c, h)
    if states is None:
        return None
    own = [state[index] for state in states]
    return own[0] if len(own) == 1 else (own[1], own[0])


def of_cells(golden: Inputs) -> dict[str, Any]:
    """Return the gradients of ``SimpleCell``, ``OptimizedLSTMCell`` or ``GRUCell``."""
    return gradients_of_cells(golden, flax_cell)
