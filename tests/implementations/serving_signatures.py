"""Right kernels in torch with the signatures of libraries that serve models: names, layout and flags."""

from itertools import pairwise
from typing import Any

import torch
from implementations import kernels_in_layouts as of
from implementations import own_kernels as own
from torch import Tensor

Maybe = Tensor | None


def flashinfer_prefill(
    q: Tensor, k: Tensor, v: Tensor, g: Maybe = None, beta: Maybe = None, scale: float | None = None,
    initial_state: Maybe = None, output_final_state: bool = False, cu_seqlens: Maybe = None,
    use_qk_l2norm_in_kernel: bool = False, output: Maybe = None, output_state: Maybe = None,
) -> Any:  # fmt: skip
    """That of flashinfer 0.7.4, chunk_gated_delta_rule: (tokens, heads, …), a factor, and (N, H, V, K)."""
    assert cu_seqlens is not None
    assert g is not None
    assert beta is not None
    assert output_final_state
    assert g.dtype == beta.dtype == torch.promote_types(q.dtype, torch.float32)
    q, k, v, g, beta = (array[None] for array in (q, k, v, of.log(g), beta))
    state, scale = None if initial_state is None else initial_state.mT, scale or k.shape[-1] ** -0.5
    o, last = own.gated_delta(q, k, v, g, beta, state, scale=scale, offsets=cu_seqlens)
    return o[0], last.mT


Gates = tuple[Tensor, Tensor, Tensor, Tensor]


def _decode(state: Tensor, q: Tensor, k: Tensor, v: Tensor, gates: Gates, scale: float | None) -> Tensor:
    """Decode in place."""
    a, b, a_log, dt_bias = gates
    o, last = of.raw_gates(q, k, v, a, b, a_log, dt_bias, state, scale or k.shape[-1] ** -0.5)
    state.copy_(last)
    return o


def flashinfer_decode_pretranspose(
    q: Tensor, k: Tensor, v: Tensor, state: Maybe, A_log: Tensor, a: Tensor, dt_bias: Tensor, b: Tensor,
    scale: float | None = None, output: Maybe = None, use_qk_l2norm: bool = True, initial_state: Maybe = None,
    initial_state_indices: Maybe = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """That of flashinfer 0.7.4: one step, the gates from raw numbers, (B, HV, V, K) in place."""
    assert q.shape[1] == 1
    assert state is not None
    assert not use_qk_l2norm
    assert initial_state is None
    return _decode(state.mT, q, k, v, (a, b, A_log, dt_bias), scale), state


def flashinfer_decode(
    q: Tensor, k: Tensor, v: Tensor, state: Tensor, A_log: Tensor, a: Tensor, dt_bias: Tensor, b: Tensor,
    scale: float | None = None, output: Maybe = None, use_qk_l2norm: bool = True,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """That of flashinfer 0.7.4: one step, the gates from raw numbers, (B, HV, K, V) in place."""
    assert q.shape[1] == 1
    assert not use_qk_l2norm
    return _decode(state, q, k, v, (a, b, A_log, dt_bias), scale), state


def flashinfer_mtp(
    q: Tensor, k: Tensor, v: Tensor, initial_state: Tensor, initial_state_indices: Tensor, A_log: Tensor, a: Tensor,
    dt_bias: Tensor, b: Tensor, scale: float | None = None, disable_state_update: bool | None = None,
    use_qk_l2norm: bool = True,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """That of flashinfer 0.7.4, gated_delta_rule_mtp: several steps, and a pool of states."""
    assert disable_state_update is False
    assert not use_qk_l2norm
    own_states = initial_state[initial_state_indices].mT
    o = _decode(own_states, q, k, v, (a, b, A_log, dt_bias), scale)
    initial_state[initial_state_indices] = own_states.mT
    return o, initial_state


def vllm_fused_recurrent(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Maybe = None, scale: float | None = None,
    initial_state: Maybe = None, inplace_final_state: bool = True, cu_seqlens: Maybe = None,
    ssm_state_indices: Maybe = None, num_accepted_tokens: Maybe = None, use_qk_l2norm_in_kernel: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """That of vllm 0.33, fused_recurrent_gated_delta_rule: a pool, with an index for each step; below 1 is skipped."""
    assert len(q) == 1
    assert beta is not None
    assert initial_state is not None
    assert cu_seqlens is not None
    assert ssm_state_indices is not None
    assert inplace_final_state
    out, scale = q.new_full((1, q.shape[1], v.shape[2], v.shape[3]), torch.nan), scale or k.shape[-1] ** -0.5
    for number, (begin, end) in enumerate(pairwise(cu_seqlens.tolist())):
        places = ssm_state_indices[number]
        first = places[0 if num_accepted_tokens is None else num_accepted_tokens[number] - 1]
        state = initial_state[first][None].mT
        for t in range(begin, end if first > 0 else begin):
            one = slice(t, t + 1)
            out[:, one], state = own.gated_delta(
                q[:, one], k[:, one], v[:, one], g[:, one], beta[:, one], state, scale=scale
            )
            initial_state[places[t - begin]] = state[0].mT
    return out, initial_state


def sglang_chunk(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, scale: float | None = None, initial_state: Maybe = None,
    initial_state_indices: Maybe = None, cu_seqlens: Maybe = None, head_first: bool = False,
    use_qk_l2norm_in_kernel: bool = False, inplace_update: bool = True,
) -> tuple[Tensor, None, None]:  # fmt: skip
    """That of sglang 0.5.23, chunk_gated_delta_rule: a pool of (N, H, V, K), changed in place."""
    assert initial_state is not None
    assert initial_state_indices is not None
    assert inplace_update
    assert not head_first
    slots, scale = initial_state_indices, scale or k.shape[-1] ** -0.5
    o, last = own.gated_delta(q, k, v, g, beta, initial_state[slots].mT, scale=scale, offsets=cu_seqlens)
    initial_state[slots] = last.mT
    return o, None, None


def sglang_update(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Maybe = None, scale: float | None = None,
    initial_state_source: Maybe = None, initial_state_indices: Maybe = None, cu_seqlens: Maybe = None,
    use_qk_l2norm_in_kernel: bool = False, disable_state_update: bool = False,
) -> Tensor:  # fmt: skip
    """That of sglang 0.5.23, fused_recurrent_gated_delta_rule_update: it returns o alone."""
    assert beta is not None
    assert not disable_state_update
    return sglang_chunk(q, k, v, g, beta, scale, initial_state_source, initial_state_indices, cu_seqlens)[0]


def sglang_fused_recurrent(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Maybe = None, scale: float | None = None,
    initial_state: Maybe = None, output_final_state: bool = False, cu_seqlens: Maybe = None,
    use_qk_l2norm_in_kernel: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """That of sglang 0.5.23: the names of flash-linear-attention, but (N, H, V, K)."""
    assert beta is not None
    assert output_final_state
    state, scale = None if initial_state is None else initial_state.mT, scale or k.shape[-1] ** -0.5
    o, last = own.gated_delta(q, k, v, g, beta, state, scale=scale, offsets=cu_seqlens)
    return o, last.mT


def vllm_chunk(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, scale: float | None = None, initial_state: Maybe = None,
    output_final_state: bool = False, cu_seqlens: Maybe = None, use_qk_l2norm_in_kernel: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """That of vllm 0.33, chunk_gated_delta_rule."""
    return sglang_fused_recurrent(q, k, v, g, beta, scale, initial_state, output_final_state, cu_seqlens)


def mlx_ops(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, state: Maybe = None, mask: Maybe = None
) -> tuple[Tensor, Tensor]:
    """That of mlx-lm 0.32, gated_delta_ops: a factor, no scale, and (B, H, V, K)."""
    assert mask is None
    o, last = own.gated_delta(q, k, v, of.log(g), beta, None if state is None else state.mT)
    return o, last.mT


def mlx_update(
    q: Tensor, k: Tensor, v: Tensor, a: Tensor, b: Tensor, A_log: Tensor, dt_bias: Tensor, state: Maybe = None,
    mask: Maybe = None, use_kernel: bool = True,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """That of mlx-lm 0.32, gated_delta_update: the gates from raw numbers."""
    assert mask is None
    start = q.new_zeros(len(q), v.shape[2], k.shape[-1], v.shape[-1]) if state is None else state.mT
    o, last = of.raw_gates(q, k, v, a, b, A_log, dt_bias, start, 1.0)
    return o, last.mT


def ggml(q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """ggml_gated_delta_net, called from Python: tiled heads, 1/√d_k inside, and a transposed state."""
    o, last = of.tiled(q, k, v, g, beta, state.mT, k.shape[-1] ** -0.5)
    return o, last.mT


for function, package in (
    (vllm_chunk, "vllm"), (sglang_fused_recurrent, "sglang"), (mlx_ops, "mlx_lm"), (ggml, "ggml")
):  # fmt: skip
    function.__module__ = f"{package}.kernels"
