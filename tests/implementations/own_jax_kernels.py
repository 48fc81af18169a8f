"""Kernels of users in JAX for recurrences, without annotations: the module's imports say that arrays are JAX's."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import jax.numpy as jnp
from jax import lax


def gated_delta(
    q: Any, k: Any, v: Any, g: Any, beta: Any, state: Any = None, *, scale: float, offsets: Any = None
) -> Any:
    """The gated delta rule by ``lax.scan``."""
    if offsets is None:
        return scanned((q, k, v, g, beta), state, scale)
    found = [
        scanned(
            [array[:, start:stop] for array in (q, k, v, g, beta)], None if state is None else state[i : i + 1], scale
        )
        for i, (start, stop) in enumerate(pairwise(map(int, offsets)))
    ]
    return jnp.concatenate([o for o, _ in found], 1), jnp.concatenate([s for _, s in found])


def wrong_backward(q: Any, k: Any, v: Any, g: Any, beta: Any, state: Any, scale: float) -> Any:
    return scanned((q, k, v, lax.stop_gradient(g), beta), state, scale)


def scanned(inputs: Sequence[Any], state: Any, scale: float) -> Any:
    q, k, v, g, beta = inputs
    kept, inside = q.dtype, jnp.promote_types(q.dtype, jnp.float32)
    heads = v.shape[2]
    q, k = (array.repeat(max(1, heads // array.shape[2]), 2) for array in (q, k))
    s = jnp.zeros((len(q), heads, k.shape[-1], v.shape[-1]), inside) if state is None else state.astype(inside)

    def step(s: Any, x: Any) -> Any:
        q_t, k_t, v_t, g_t, beta_t = x
        s = jnp.exp(g_t)[..., None] * s if g_t.ndim == k_t.ndim else jnp.exp(g_t)[..., None, None] * s
        s = s + k_t[..., None] * (beta_t[..., None] * (v_t - jnp.einsum("bhkv,bhk->bhv", s, k_t)))[..., None, :]
        return s, scale * jnp.einsum("bhkv,bhk->bhv", s.repeat(q_t.shape[1] // heads, 1), q_t)

    s, o = lax.scan(step, s, tuple(jnp.swapaxes(array.astype(inside), 0, 1) for array in (q, k, v, g, beta)))
    return jnp.swapaxes(o, 0, 1).astype(kept), s.astype(kept)
