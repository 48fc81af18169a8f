"""Right kernels in torch with the signatures of libraries' kernels: names, axes and flags."""

from itertools import pairwise
from typing import Any

import torch
from implementations import own_kernels as own
from torch import Tensor
from torch.nn.functional import conv1d, silu, softplus


def chunk_gated_delta_rule(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, scale: float | None = None,
    initial_state: Tensor | None = None, output_final_state: bool = False, use_qk_l2norm_in_kernel: bool = False,
    cu_seqlens: Tensor | None = None, **kwargs: Any,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """That of flash-linear-attention 0.6.0: a decay for each head, and a state for each query head."""
    assert not kwargs
    assert not use_qk_l2norm_in_kernel
    assert g.ndim == 3
    assert v.shape[2] % q.shape[2] == 0
    assert beta.shape == v.shape[:3]
    scale = k.shape[-1] ** -0.5 if scale is None else scale
    o, last = own.gated_delta(q, k, v, g, beta, initial_state, scale=scale, offsets=cu_seqlens)
    return o, last if output_final_state else None


def fused_recurrent_gated_delta_rule(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor | None = None, gk: Tensor | None = None, gv: Tensor | None = None,
    beta: Tensor | None = None, scale: float | None = None, initial_state: Tensor | None = None,
    output_final_state: bool = False, cu_seqlens: Tensor | None = None, **kwargs: Any,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """That of flash-linear-attention 0.6.0: a decay by key goes to gk."""
    assert not kwargs
    assert gv is None
    assert beta is not None
    assert (g is None) != (gk is None)
    assert gk is None or gk.ndim == 4
    decay = gk if g is None else g
    assert decay is not None
    scale = k.shape[-1] ** -0.5 if scale is None else scale
    o, last = own.gated_delta(q, k, v, decay, beta, initial_state, scale=scale, offsets=cu_seqlens)
    return o, last if output_final_state else None


def torch_recurrent_gated_delta_rule(
    query: Tensor, key: Tensor, value: Tensor, g: Tensor, beta: Tensor, initial_state: Tensor | None = None,
    output_final_state: bool = False, use_qk_l2norm_in_kernel: bool = False,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """That of transformers: the scale is inside."""
    assert query.shape[:3] == value.shape[:3]
    o, last = own.gated_delta(query, key, value, g, beta, initial_state, scale=key.shape[-1] ** -0.5)
    return o, last if output_final_state else None


def selective_scan_fn(
    u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor | None = None, z: Tensor | None = None,
    delta_bias: Tensor | None = None, delta_softplus: bool = False, return_last_state: bool = False,
) -> Any:  # fmt: skip
    """That of mamba_ssm: time is the last axis, and there is no initial state."""
    kept, length = u.dtype, u.shape[-1]
    u, delta, A, B, C = (array.to(torch.promote_types(kept, torch.float32)) for array in (u, delta, A, B, C))
    if B.ndim == 4:
        B, C = (array.repeat_interleave(u.shape[1] // array.shape[1], 1) for array in (B, C))
    else:
        B, C = (array[:, None] for array in (B, C))
    delta = delta if delta_bias is None else delta + delta_bias.to(delta.dtype)[:, None]
    delta = softplus(delta) if delta_softplus else delta
    h, out = u.new_zeros(*u.shape[:2], A.shape[-1]), []
    for t in range(length):
        h = (delta[..., t, None] * A).exp() * h + (delta[..., t] * u[..., t])[..., None] * B[..., t]
        out.append((h * C[..., t]).sum(-1))
    y = torch.stack(out, -1) + (0 if D is None else D.to(u.dtype)[:, None] * u)
    y = y if z is None else y * silu(z.to(u.dtype))
    return (y.to(kept), h.to(kept)) if return_last_state else y.to(kept)


def causal_conv1d_fn(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, initial_states: Tensor | None = None,
    return_final_states: bool = False, activation: str | None = None,
) -> Any:  # fmt: skip
    """That of causal_conv1d: time is the last axis."""
    kept, width = x.dtype, weight.shape[1]
    past = x.new_zeros(*x.shape[:2], width - 1) if initial_states is None else initial_states
    whole = torch.cat([past, x], -1).to(torch.promote_types(kept, torch.float32))
    own_bias = None if bias is None else bias.to(whole.dtype)
    y = conv1d(whole, weight.to(whole.dtype)[:, None], own_bias, groups=x.shape[1])
    assert activation in (None, "silu")
    y = silu(y) if activation else y
    return (y.to(kept), whole[..., -(width - 1) :].to(kept)) if return_final_states else y.to(kept)


def causal_conv1d(
    x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None, residual: Tensor | None = None,
    initial_state: Tensor | None = None, output_final_state: bool = False, activation: str | None = None,
    cu_seqlens: Tensor | None = None,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """That of flash-linear-attention 0.6.0: its state has as many columns as the filter is wide."""
    assert weight is not None
    assert residual is None
    assert output_final_state
    if cu_seqlens is None:
        return _convolved(x, weight, bias, initial_state, activation)
    parts = [
        _convolved(
            x[:, start:stop], weight, bias, None if initial_state is None else initial_state[n : n + 1], activation
        )
        for n, (start, stop) in enumerate(pairwise(cu_seqlens.tolist()))
    ]
    return torch.cat([y for y, _ in parts], 1), torch.cat([last for _, last in parts])


def _convolved(
    x: Tensor, weight: Tensor, bias: Tensor | None, state: Tensor | None, activation: str | None
) -> tuple[Tensor, Tensor]:
    past = None if state is None else state[..., 1:]
    y, last = causal_conv1d_fn(x.mT, weight, bias, past, return_final_states=True, activation=activation)
    return y.mT, torch.cat([torch.zeros_like(last[..., :1]), last], -1)
