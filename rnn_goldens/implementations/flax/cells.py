"""Flax: ``flax.linen.RNN`` over a ``SimpleCell``, ``OptimizedLSTMCell`` or ``GRUCell``, one per layer and direction.

Flax leaves the outputs beyond a sequence's end as they come and says so; here they are set to zero, as users do.
JAX has float64 only where it is enabled: here, while the cells run, whatever JAX's own setting is.
"""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen, traverse_util

from rnn_goldens.checkable.golden import Question

CELLS = {"lstm": linen.OptimizedLSTMCell, "gru": linen.GRUCell}
ACTIVATIONS = {"rnn_tanh": jnp.tanh, "rnn_relu": jax.nn.relu}

_nested: Callable[..., dict[str, Any]] = traverse_util.unflatten_dict


Make = Callable[[Question], linen.RNNCellBase]
"""The cell for a golden, of its hidden size and precision."""


def run(golden: Question) -> tuple[jax.Array, ...]:
    """Return out, h_n (and c_n)."""
    return run_cells(golden, _cell)


def run_cells(golden: Question, make: Make) -> tuple[jax.Array, ...]:
    """The same with cells of any kind, which take the golden's weights."""
    with jax.enable_x64(True) if golden.dtype == "float64" else nullcontext():
        return _run(golden, make)


def _run(golden: Question, make: Make) -> tuple[jax.Array, ...]:
    config, dtype = golden.config, jnp.dtype(golden.dtype)
    weights = {name: jnp.asarray(array, dtype) for name, array in golden.weights_as("flax").items()}
    params = _nested(weights, sep="/")
    x = jnp.asarray(golden.x, dtype)
    lengths = None if golden.lengths is None else jnp.asarray(golden.lengths, jnp.int32)
    last_states: list[tuple[jax.Array, ...]] = []
    for layer in range(config.num_layers):
        outs = []
        for suffix in config.layers[layer]:
            rnn = linen.RNN(make(golden), reverse=suffix.endswith("_reverse"), keep_order=True, return_carry=True)
            carry = _carry(golden, len(last_states), dtype)
            variables = {"params": {"cell": params[suffix]}}
            result: Any = rnn.apply(variables, x, initial_carry=carry, seq_lengths=lengths)
            last, out = result
            outs.append(out)
            last_states.append(tuple(reversed(last)) if isinstance(last, tuple) else (last,))
        x = jnp.concatenate(outs, axis=-1)
        if lengths is not None:
            x = jnp.where(jnp.arange(x.shape[1])[:, None] < lengths[:, None, None], x, 0)
    return x, *(jnp.stack(states) for states in zip(*last_states, strict=True))


def _cell(golden: Question) -> linen.RNNCellBase:
    arguments: dict[str, Any] = {"param_dtype": jnp.dtype(golden.dtype)}
    if golden.cell in ACTIVATIONS:
        return linen.SimpleCell(golden.config.hidden_size, activation_fn=ACTIVATIONS[golden.cell], **arguments)
    return CELLS[golden.cell](golden.config.hidden_size, **arguments)


def _carry(golden: Question, index: int, dtype: Any) -> Any:  # noqa: ANN401 - as Flax has it: None, h, or (c, h)
    if golden.initial_state is None:
        return None
    states = [jnp.asarray(getattr(golden, f"{name}0")[index], dtype) for name in golden.layout.states]
    return states[0] if len(states) == 1 else (states[1], states[0])
