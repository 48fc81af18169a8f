"""Networks of users in JAX, without annotations. They are correct, except where a name names a bug."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.implementations.numpy_cells import run as in_numpy


def rnn(golden: Inputs, between: Any = lambda h: h) -> Any:
    w = {name: jnp.asarray(array) for name, array in golden.weights.items()}

    def step(h: jax.Array, x_t: jax.Array) -> tuple[jax.Array, jax.Array]:
        b = w["bias_ih_l0"] + w["bias_hh_l0"]
        h = jnp.tanh(x_t @ w["weight_ih_l0"].T + between(h) @ w["weight_hh_l0"].T + b)
        return h, h

    h_n, out = jax.lax.scan(step, jnp.asarray(golden.h0)[0], jnp.swapaxes(jnp.asarray(golden.x), 0, 1))
    return jnp.swapaxes(out, 0, 1), h_n[None]


def with_stop_gradient(golden: Inputs) -> Any:
    return rnn(golden, jax.lax.stop_gradient)


def computed_in_numpy(golden: Inputs) -> Any:
    return tuple(map(jnp.asarray, in_numpy(golden)))


@jax.custom_vjp
def broken_backward(h: jax.Array) -> jax.Array:
    return h


def _forward_of_broken_backward(_: jax.Array) -> Any:
    raise ValueError("no such residual")


broken_backward.defvjp(_forward_of_broken_backward, lambda _, d: (d,))


class CustomCell(linen.GRUCell):
    """A subclass of Flax's cell."""
