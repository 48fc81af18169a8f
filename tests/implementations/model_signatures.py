"""Right kernels in torch with the signatures of flash-linear-attention's kernels of models: gates, norms, and RWKV."""

from itertools import pairwise
from typing import Any

import torch
from implementations import own_kernels as own
from torch import Tensor
from torch.nn.functional import silu, softplus

Outputs = tuple[Tensor, Tensor]


def wide(*arrays: Tensor) -> list[Tensor]:
    return [array.to(torch.promote_types(array.dtype, torch.float32)) for array in arrays]


def unit(z: Tensor) -> Tensor:
    return z * (z.square().sum(-1, keepdim=True) + 1e-6).rsqrt()


def of_gates(arrays: tuple[Tensor, ...], state: Tensor, scale: float, offsets: Tensor | None) -> Outputs:
    kept, (q, k, v, g, beta) = arrays[0].dtype, wide(*arrays)
    assert state.dtype != torch.bfloat16
    o, last = own.gated_delta(unit(q), unit(k), v, g, beta, state.to(q.dtype), scale=scale, offsets=offsets)
    return o.to(kept), last


def chunk_gated_delta_rule(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, scale: float | None = None,
    initial_state: Tensor | None = None, output_final_state: bool = False, use_qk_l2norm_in_kernel: bool = False,
    use_beta_sigmoid_in_kernel: bool = False, allow_neg_eigval: bool = False, cu_seqlens: Tensor | None = None,
    **kwargs: Any,
) -> Outputs:  # fmt: skip
    """That of flash-linear-attention 0.6.0: A_log and dt_bias are in kwargs."""
    assert output_final_state
    scale = k.shape[-1] ** -0.5 if scale is None else scale
    if not use_qk_l2norm_in_kernel:
        assert not kwargs
        return own.gated_delta(q, k, v, g, beta, initial_state, scale=scale, offsets=cu_seqlens)
    assert kwargs.pop("use_gate_in_kernel")
    assert use_beta_sigmoid_in_kernel
    g, b, A_log, dt_bias = wide(g, beta, kwargs.pop("A_log"), kwargs.pop("dt_bias"))
    assert not kwargs
    state = torch.zeros(sequences(q, cu_seqlens), v.shape[2], k.shape[-1], v.shape[-1])
    given = state.to(g.dtype) if initial_state is None else initial_state
    arrays = (q, k, v, -A_log.exp() * softplus(g + dt_bias), b.sigmoid() * (2 if allow_neg_eigval else 1))
    return of_gates(arrays, given, scale, cu_seqlens)


def chunk_kda(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, scale: float | None = None,
    initial_state: Tensor | None = None, output_final_state: bool = False, use_qk_l2norm_in_kernel: bool = False,
    use_gate_in_kernel: bool = False, use_beta_sigmoid_in_kernel: bool = False, allow_neg_eigval: bool = False,
    safe_gate: bool = False, lower_bound: float | None = None, cu_seqlens: Tensor | None = None, **kwargs: Any,
) -> Outputs:  # fmt: skip
    """That of flash-linear-attention 0.6.0: dt_bias is (heads d_k)."""
    assert output_final_state
    assert scale is not None
    assert use_qk_l2norm_in_kernel
    assert use_gate_in_kernel
    assert use_beta_sigmoid_in_kernel
    assert safe_gate == (lower_bound is not None)
    g, b, A_log, dt_bias = wide(g, beta, kwargs.pop("A_log"), kwargs.pop("dt_bias"))
    assert not kwargs
    summed, rate = g + dt_bias.reshape(v.shape[2], -1), A_log.exp()[:, None]
    decay = -rate * softplus(summed) if lower_bound is None else lower_bound * (rate * summed).sigmoid()
    state = torch.zeros(sequences(q, cu_seqlens), v.shape[2], k.shape[-1], v.shape[-1])
    given = state.to(g.dtype) if initial_state is None else initial_state
    return of_gates((q, k, v, decay, b.sigmoid() * (2 if allow_neg_eigval else 1)), given, scale, cu_seqlens)


def sequences(q: Tensor, offsets: Tensor | None) -> int:
    return len(q) if offsets is None else len(offsets) - 1


def steps(
    arrays: tuple[Tensor, ...], state: Tensor | None, offsets: Tensor | None, scale: float, bonus: Tensor | None = None
) -> Outputs:
    """q, k, v, a, b and a log-decay by key; with a bonus as RWKV-6, without a and b."""
    kept, (q, k, v, a, b, g) = arrays[0].dtype, wide(*arrays)
    bounds = list(pairwise(offsets.tolist())) if offsets is not None else [(0, q.shape[1])]
    found, last = [], []
    for i, (start, stop) in enumerate(bounds):
        rows = slice(i, i + 1) if offsets is not None else slice(None)
        s = q.new_zeros(len(q), *k.shape[2:], v.shape[-1]) if state is None else state[rows].to(q.dtype)
        for t in range(start, stop):
            own_step = k[:, t, ..., None] * v[:, t, :, None]
            read = s if bonus is None else s + bonus.to(q.dtype)[..., None] * own_step
            seen = torch.einsum("bhkv,bhk->bhv", s, a[:, t])
            s = g[:, t].exp()[..., None] * s + b[:, t, ..., None] * seen[:, :, None] + own_step
            found.append(scale * torch.einsum("bhkv,bhk->bhv", s if bonus is None else read, q[:, t]))
        last.append(s)
    return torch.stack(found, 1).to(kept), torch.cat(last).to(kept)


def chunk_simple_gla(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor | None = None, g_gamma: Tensor | None = None, scale: float | None = None,
    initial_state: Tensor | None = None, output_final_state: bool = False, cu_seqlens: Tensor | None = None,
) -> Outputs:  # fmt: skip
    assert output_final_state
    assert g is None
    assert g_gamma is not None
    decay = g_gamma[:, None].expand(k.shape)
    scale = k.shape[-1] ** -0.5 if scale is None else scale
    return steps((q, k, v, 0 * k, 0 * k, decay), initial_state, cu_seqlens, scale)


def chunk_rwkv7(
    r: Tensor, w: Tensor, k: Tensor, v: Tensor, a: Tensor, b: Tensor, scale: float = 1.0,
    initial_state: Tensor | None = None, output_final_state: bool = True, cu_seqlens: Tensor | None = None,
) -> Outputs:  # fmt: skip
    assert output_final_state
    return steps((r, k, v, a, b, w), initial_state, cu_seqlens, scale)


def chunk_rwkv6(
    r: Tensor, k: Tensor, v: Tensor, w: Tensor, u: Tensor, scale: float | None = None,
    initial_state: Tensor | None = None, output_final_state: bool = False, cu_seqlens: Tensor | None = None,
) -> Outputs:  # fmt: skip
    assert output_final_state
    scale = k.shape[-1] ** -0.5 if scale is None else scale
    return steps((r, k, v, 0 * k, 0 * k, w), initial_state, cu_seqlens, scale, u)


def chunk_dplr_delta_rule(
    q: Tensor, k: Tensor, v: Tensor, a: Tensor, b: Tensor, gk: Tensor, scale: float | None = None,
    initial_state: Tensor | None = None, output_final_state: bool = False, cu_seqlens: Tensor | None = None,
) -> Outputs:  # fmt: skip
    assert output_final_state
    scale = k.shape[-1] ** -0.5 if scale is None else scale
    return steps((q, k, v, a, b, gk), initial_state, cu_seqlens, scale)


def mamba_chunk_scan_combined(
    x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, chunk_size: int, D: Tensor | None = None,
    z: Tensor | None = None, dt_bias: Tensor | None = None, initial_states: Tensor | None = None,
    dt_softplus: bool = False, dt_limit: tuple[float, float] = (0.0, float("inf")), return_final_states: bool = False,
) -> Outputs:  # fmt: skip
    """That of mamba_ssm: B and C are (batch, time, groups, n)."""
    assert chunk_size == 64
    assert dt_softplus
    assert return_final_states
    assert D is not None
    assert dt_bias is not None
    kept, (x, dt, A, B, C, D, dt_bias) = x.dtype, wide(x, dt, A, B, C, D, dt_bias)
    dt = softplus(dt + dt_bias).clamp(*dt_limit)
    B, C = (array.repeat_interleave(x.shape[2] // array.shape[2], 2) for array in (B, C))
    h = x.new_zeros(*x.shape[:1], *x.shape[2:], B.shape[-1]) if initial_states is None else initial_states.to(x.dtype)
    found = []
    for t in range(x.shape[1]):
        h = (dt[:, t] * A).exp()[..., None, None] * h + (dt[:, t, :, None] * x[:, t])[..., None] * B[:, t, :, None]
        found.append(torch.einsum("bhpn,bhn->bhp", h, C[:, t]) + D[:, None] * x[:, t])
    y = torch.stack(found, 1)
    return (y if z is None else y * silu(z.to(y.dtype))).to(kept), h.to(kept)
