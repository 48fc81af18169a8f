"""Recurrent networks as a ``jax.lax.scan`` with handwritten equations, and their gradients by ``jax.vjp``."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.golden.shapes import Config
from rnn_goldens.implementations.arguments import require_cell

Arrays = Mapping[str, jax.Array]


def gradients(golden: Inputs) -> dict[str, Any]:
    """Return the gradients by PyTorch's names, in the golden's precision. Raises Unsupported for dialects."""
    require_cell(golden, "the scan")
    with jax.enable_x64(True):
        dtype, batched = jnp.dtype(golden.dtype), bool(golden.batch_shape)

        def array(name: str, values: Any) -> jax.Array:  # noqa: ANN401 - an array of NumPy
            converted = jnp.asarray(np.asarray(values, np.float64)).astype(dtype)
            return converted if batched else jnp.expand_dims(converted, _batch_axis(name))

        inputs = {name: array(name, values) for name, values in {"x": golden.x, **golden.states}.items()}
        weights = {name: jnp.asarray(np.asarray(w, np.float64)).astype(dtype) for name, w in golden.weights.items()}
        cotangents = [array(name, values) for name, values in golden.cotangents.items()]
        lengths = None if golden.lengths is None else jnp.asarray(golden.lengths)
        found = _by_vjp(golden.cell, golden.config, inputs | weights, lengths, cotangents)
        omitted = [] if golden.initial_state is not None else golden.layout.initial
        return {
            name: found[name] if batched or name in weights else found[name].squeeze(_batch_axis(name))
            for name in (*inputs, *weights)
            if name not in omitted
        }


def _batch_axis(name: str) -> int:
    return 0 if name in ("x", "d_out") else 1


@partial(jax.jit, static_argnums=(0, 1))
def _by_vjp(
    cell: str, config: Config, inputs: Arrays, lengths: jax.Array | None, cotangents: list[jax.Array]
) -> Arrays:
    _, back = jax.vjp(lambda arrays: _network(cell, config, arrays, lengths), inputs)
    found: Arrays = back(tuple(cotangents))[0]
    return found


def _network(cell: str, config: Config, arrays: Arrays, lengths: jax.Array | None) -> tuple[jax.Array, ...]:
    """Return out, h_n (and c_n)."""
    last: list[tuple[jax.Array, ...]] = []
    x = arrays["x"].swapaxes(0, 1)
    times = jnp.arange(len(x))
    steps = jnp.ones((len(x), x.shape[1], 1), bool) if lengths is None else (times[:, None] < lengths)[..., None]
    for suffixes in config.layers:
        outs = []
        for suffix in suffixes:
            start = tuple(arrays[name][len(last)] for name in ("h0", "c0") if name in arrays)
            step = partial(_step, cell, {name.removesuffix(f"_{suffix}"): arrays[name] for name in _of(arrays, suffix)})
            end, out = jax.lax.scan(step, start, (x, steps), reverse=suffix.endswith("_reverse"))
            outs.append(out)
            last.append(end)
        x = jnp.concatenate(outs, axis=-1)
    return x.swapaxes(0, 1), *(jnp.stack(parts) for parts in zip(*last, strict=True))


def _of(arrays: Arrays, suffix: str) -> list[str]:
    return [name for name in arrays if name.endswith(f"_{suffix}")]


def _step(cell: str, w: Arrays, state: tuple[jax.Array, ...], inputs: tuple[jax.Array, jax.Array]) -> Any:  # noqa: ANN401 - as in jax.lax.scan
    x, within = inputs
    of_x, of_h = x @ w["weight_ih"].T, state[0] @ w["weight_hh"].T
    if "bias_ih" in w:
        of_x, of_h = of_x + w["bias_ih"], of_h + w["bias_hh"]
    after = _CELLS[cell](of_x, of_h, state)
    new = tuple(jnp.where(within, a, b) for a, b in zip(after, state, strict=True))
    return new, jnp.where(within, new[0], jnp.zeros_like(new[0]))


def _lstm(of_x: jax.Array, of_h: jax.Array, state: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
    i, f, g, o = jnp.split(of_x + of_h, 4, axis=-1)
    c = jax.nn.sigmoid(f) * state[1] + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def _gru(of_x: jax.Array, of_h: jax.Array, state: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
    (x_r, x_z, x_n), (h_r, h_z, h_n) = jnp.split(of_x, 3, axis=-1), jnp.split(of_h, 3, axis=-1)
    z = jax.nn.sigmoid(x_z + h_z)
    n = jnp.tanh(x_n + jax.nn.sigmoid(x_r + h_r) * h_n)
    return ((1 - z) * n + z * state[0],)


_CELLS = {
    "rnn_tanh": lambda of_x, of_h, _: (jnp.tanh(of_x + of_h),),
    "rnn_relu": lambda of_x, of_h, _: (jax.nn.relu(of_x + of_h),),
    "lstm": _lstm,
    "gru": _gru,
}
