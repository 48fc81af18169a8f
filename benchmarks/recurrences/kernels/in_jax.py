"""Recurrences in JAX: attention rules by ``lax.scan`` over time, diagonal recurrences by ``lax.associative_scan``."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.recurrences.kernels.contracts import Rounding, rounding
from benchmarks.recurrences.kernels.frame import ATTENTION, DIAGONAL, Float64, Form, Kernel, Library, kernel, scale_of
from rnn_goldens.cells.recurrence import RecurrenceCase
from rnn_goldens.golden.recurrences import RecurrenceConfig, recurrence_config

Arrays = Mapping[str, jax.Array]


def attention(config: RecurrenceConfig, x: Arrays, r: Rounding[jax.Array]) -> dict[str, jax.Array]:
    """Compute by a scan over time."""
    batch, time = x["k"].shape[:2]
    steps = {name: jnp.moveaxis(x[name], 1, 0) for name in ("q", "k", "v", "g", "beta") if name in x}
    steps["q"] = steps["q"].reshape(time, batch, config["heads"], -1, config["d_k"])

    def step(state: jax.Array, at: Arrays) -> tuple[jax.Array, jax.Array]:
        row = at["v"]
        if "g" in at:
            decay = jnp.exp(at["g"])
            state = state * decay.reshape(*decay.shape[:2], -1, 1)
        if "beta" in at:
            row = at["beta"][..., None] * (row - jnp.einsum("bhkv,bhk->bhv", r.operand(state), at["k"]))
        state = r.state(state + at["k"][..., :, None] * r.operand(row)[..., None, :])
        return state, scale_of(config) * jnp.einsum("bhgk,bhkv->bhgv", at["q"], r.operand(state))

    last, outputs = jax.lax.scan(step, x["S0"], steps)
    o = jnp.moveaxis(outputs, 0, 1)
    return {"o": o.reshape(batch, time, config["query_heads"], config["d_v"]), "S_n": last}


def diagonal(_: RecurrenceConfig, x: Arrays, r: Rounding[jax.Array]) -> dict[str, jax.Array]:
    """Compute by an associative scan: (a, b) then (a', b') is (a a', a' b + b')."""
    a, b = _terms(x)
    b = b.at[:, 0].add(a[:, 0] * x["h0"])

    def then(first: tuple[jax.Array, ...], second: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        return first[0] * second[0], second[0] * first[1] + second[1]

    h = r.state(jax.lax.associative_scan(then, (a, b), axis=1)[1])
    if "C" in x:
        return {"y": jnp.einsum("btdn,btn->btd", r.operand(h), x["C"]) + x["D"] * x["u"], "h_n": h[:, -1]}
    return {"out": h, "h_n": h[:, -1]}


def _terms(x: Arrays) -> tuple[jax.Array, jax.Array]:
    """Return a and b of all steps."""
    if "dt" in x:
        dt = jax.nn.softplus(x["dt"])
        return jnp.exp(dt[..., None] * x["A"]), (dt * x["u"])[..., None] * x["B"][:, :, None]
    if "Lambda" in x:
        log_a = -8 * jax.nn.sigmoid(x["r"]) * jax.nn.softplus(x["Lambda"])
        return jnp.exp(log_a), jnp.sqrt(-jnp.expm1(2 * log_a)) * jax.nn.sigmoid(x["i"]) * x["x"]
    return jax.nn.sigmoid(-x["z"]), jax.nn.sigmoid(x["z"]) * x["n"]


def _stored(x: jax.Array, precision: str) -> jax.Array:
    """Round to a precision. Without the barrier, XLA omits a conversion to a narrower type and back."""
    narrow: jax.Array = jax.lax.optimization_barrier(x.astype(jnp.dtype(precision)))  # type: ignore[no-untyped-call]
    return narrow.astype(x.dtype)


JAX: Library[jax.Array] = Library(
    lambda array, dtype: jnp.asarray(array).astype(jnp.dtype(dtype)),
    lambda array: np.asarray(array.astype(jnp.float64), np.float64),
    _stored,
)

FORMS: dict[str, Form[jax.Array]] = {**dict.fromkeys(ATTENTION, attention), **dict.fromkeys(DIAGONAL, diagonal)}


@lru_cache(maxsize=256)
def _compiled(cell: str, options: tuple[tuple[str, Any], ...], precision: str, contract: str) -> Kernel:
    config, roundings = recurrence_config(cell, dict(options)), rounding(precision, contract, _stored)
    compiled = jax.jit(lambda x: FORMS[cell](config, x, roundings))
    return kernel({cell: lambda _, x, __: compiled(x)}, JAX)


def jax_scan(case: RecurrenceCase, precision: str, contract: str = "float32-inside") -> dict[str, Float64]:
    """Return the outputs and last states of a case, computed by compiled scans."""
    with jax.enable_x64(True):
        compiled = _compiled(case.cell, tuple(case.config.items()), precision, contract)
        return compiled(case, precision, contract)
