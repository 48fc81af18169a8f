"""Right kernels in torch, each in a layout of its own; what they compute is written in ``own_kernels``."""

from typing import Any

import torch
from implementations import own_kernels as own
from implementations.library_signatures import causal_conv1d_fn
from torch import Tensor
from torch.nn.functional import silu, softplus

Outputs = tuple[Tensor, Tensor]


def log(factor: Tensor) -> Tensor:
    """Return the logarithm of decays; a factor of zero has no gradient."""
    return torch.where(factor > 0, factor.clamp_min(torch.finfo(factor.dtype).tiny).log(), -1e4)


def head_first(q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, state: Tensor, scale: float) -> Outputs:
    q, k, v, g, beta = (array.transpose(1, 2) for array in (q, k, v, g, beta))
    o, last = own.gated_delta(q, k, v, g, beta, state, scale=scale)
    return o.transpose(1, 2), last


def value_key(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, state: Tensor, scale: float, offsets: Any = None
) -> Outputs:
    o, last = own.gated_delta(q, k, v, g, beta, state.mT, scale=scale, offsets=offsets)
    return o, last.mT


def log2(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, state: Tensor, scale: float, offsets: Any = None
) -> Outputs:
    return own.gated_delta(q, k, v, g * 0.6931471805599453, beta, state, scale=scale, offsets=offsets)


def factor(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, state: Tensor, scale: float, offsets: Any = None
) -> Outputs:
    return own.gated_delta(q, k, v, log(g), beta, state, scale=scale, offsets=offsets)


def without_scale(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, state: Tensor, offsets: Any = None
) -> Outputs:
    return own.gated_delta(q, k, v, g, beta, state, offsets=offsets)


def tokens(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, state: Tensor, scale: float, cu_seqlens: Tensor
) -> Outputs:
    q, k, v, g, beta = (array[None] for array in (q, k, v, g, beta))
    o, last = own.gated_delta(q, k, v, g, beta, state, scale=scale, offsets=cu_seqlens)
    return o[0], last


def step(q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, state: Tensor, scale: float) -> Outputs:
    kept, (q, k, v, g, beta) = q.dtype, (array[:, None].to(state.dtype) for array in (q, k, v, g, beta))
    o, last = own.gated_delta(q, k, v, g, beta, state, scale=scale)
    return o[:, 0].to(kept), last


def step_with_offsets(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, state: Tensor, scale: float, offsets: Any = None
) -> Outputs:
    assert offsets is None
    return step(q, k, v, g, beta, state, scale)


def by_name(q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, state: Tensor, scale: float) -> dict[str, Tensor]:
    o, last = value_key(q, k, v, g, beta, state, scale)
    return {"S_n": last, "o": o}


def with_sums(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, state: Tensor, scale: float
) -> tuple[Tensor, ...]:
    o, last = value_key(q, k, v, g, beta, state, scale)
    return o, g.cumsum(1), last


def tiled(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, state: Tensor, scale: float, offsets: Any = None
) -> Outputs:
    """Head h reads key h modulo the number of key heads; query head h the state of head h modulo that of heads."""
    heads, queries = v.shape[2], max(q.shape[2], v.shape[2])
    q, k = q.repeat(1, 1, queries // q.shape[2], 1), k.repeat(1, 1, queries // k.shape[2], 1)
    v, g, beta = (a.repeat(1, 1, queries // a.shape[2], *[1] * (a.ndim - 3)) for a in (v, g, beta))
    o, last = own.gated_delta(q, k, v, g, beta, state.repeat(1, queries // heads, 1, 1), scale=scale, offsets=offsets)
    return o, last[:, :heads]


def pool(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, state: Tensor, slots: Tensor, scale: float,
    offsets: Any = None,
) -> Tensor:  # fmt: skip
    assert len(slots) < len(state)
    o, state[slots] = own.gated_delta(q, k, v, g, beta, state[slots], scale=scale, offsets=offsets)
    return o


def raw_gates(
    q: Tensor, k: Tensor, v: Tensor, a: Tensor, b: Tensor, A_log: Tensor, dt_bias: Tensor, state: Tensor, scale: float
) -> Outputs:
    wide = torch.promote_types(a.dtype, torch.float32)
    g = -A_log.to(wide).exp() * softplus(a.to(wide) + dt_bias.to(wide))
    kept, (q, k, v, b, state) = q.dtype, (array.to(wide) for array in (q, k, v, b, state))
    o, last = own.gated_delta(q, k, v, g, b.sigmoid(), state, scale=scale)
    return o.to(kept), last.to(kept)


def scan_step(
    state: Tensor, x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor | None = None,
    z: Tensor | None = None, dt_bias: Tensor | None = None, dt_softplus: bool = False,
) -> Tensor:  # fmt: skip
    """One step, with the signature of mamba_ssm's selective_state_update: the state changes in place."""
    kept, wide = x.dtype, torch.promote_types(x.dtype, torch.float32)
    dt = dt.to(wide) if dt_bias is None else dt.to(wide) + dt_bias.to(wide)
    dt = softplus(dt) if dt_softplus else dt
    B, C = (a.to(wide)[:, None] for a in (B, C))
    new = (dt[..., None] * A.to(wide)).exp() * state.to(wide) + (dt * x)[..., None] * B.to(wide)
    state.copy_(new)
    y = (new * C.to(wide)).sum(-1) + (0 if D is None else D.to(wide) * x)
    return (y if z is None else y * silu(z.to(wide))).to(kept)


def pooled_scan_step(
    state: Tensor, x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor | None = None,
    z: Tensor | None = None, dt_bias: Tensor | None = None, dt_softplus: bool = False,
    state_batch_indices: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """That in Triton, which takes places in a pool; it leaves those of padding as they are."""
    assert state_batch_indices is not None
    own_states = state[state_batch_indices]
    y = scan_step(own_states, x, dt, A, B, C, D, z, dt_bias, dt_softplus)
    is_real = state_batch_indices >= 0
    state[state_batch_indices[is_real]] = own_states[is_real]
    return y


def conv_step(
    x: Tensor, conv_state: Tensor, weight: Tensor, bias: Tensor | None = None, activation: str | None = None,
    cache_seqlens: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """One step, with the signature of causal_conv1d_update: the state is a ring, and changes in place."""
    assert cache_seqlens is not None
    past = conv_state.shape[-1]
    places = (cache_seqlens[:, None, None] + torch.arange(past)) % past
    window = conv_state.gather(-1, places.expand_as(conv_state))
    y: Tensor = causal_conv1d_fn(x[..., None], weight, bias, window, activation=activation)
    conv_state.scatter_(-1, places[..., :1].expand(*conv_state.shape[:2], 1), x[..., None])
    return y[..., 0]


def wide_window(x: Tensor, weight: Tensor, bias: Tensor, state: Tensor, activation: str) -> Outputs:
    named = None if activation == "none" else activation
    y, last = causal_conv1d_fn(x.mT, weight, bias, state[..., 1:], return_final_states=True, activation=named)
    return y.mT, torch.cat([torch.zeros_like(last[..., :1]), last], -1)
