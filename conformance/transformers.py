"""Recurrences of Hugging Face's models in torch, as transformers computes them where no kernel is installed.

The gated delta rule is float32 inside. The selective scan and the convolution round to the half precision.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from transformers.models.lfm2.configuration_lfm2 import Lfm2Config
from transformers.models.lfm2.modeling_lfm2 import Lfm2ShortConv
from transformers.models.mamba.modeling_mamba import causal_conv1d_update, mamba_selective_state_update
from transformers.models.qwen3_next.modeling_qwen3_next import (
    torch_chunk_gated_delta_rule,
    torch_recurrent_gated_delta_rule,
)

from rnn_goldens.errors import Unsupported

Outputs = tuple[Tensor, Tensor]


def gated_delta(q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, state: Tensor) -> Outputs:
    """Return o and the last state, in chunks of 64 steps, as a model computes a prompt."""
    return _gated_delta(torch_chunk_gated_delta_rule, q, k, v, g, beta, state)


def gated_delta_steps(q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, state: Tensor) -> Outputs:
    """Return o and the last state, step by step, as a model generates text."""
    return _gated_delta(torch_recurrent_gated_delta_rule, q, k, v, g, beta, state)


def selective_scan(u: Tensor, dt: Tensor, B: Tensor, C: Tensor, A: Tensor, D: Tensor, state: Tensor) -> Outputs:
    """Return y and the last state, step by step; A is float32, as in a Mamba model."""
    _refuse_float64(u)
    if B.ndim > dt.ndim:
        raise Unsupported("Mamba in transformers has one group")
    if u.requires_grad:
        raise Unsupported("a step of Mamba in transformers changes its state in place")
    last = state.clone()
    steps = zip(*(x.unbind(1) for x in (u, dt, B, C)), strict=True)
    y = [mamba_selective_state_update(last, u_, dt_, A.float(), b, c, D, dt_softplus=True) for u_, dt_, b, c in steps]
    return torch.stack(y, 1), last


def causal_conv(x: Tensor, weight: Tensor, bias: Tensor, state: Tensor, activation: str) -> Outputs:
    """Return y and the last inputs."""
    last = state.clone()
    y = causal_conv1d_update(x.transpose(1, 2), last, weight, bias, None if activation == "none" else activation)
    return y.transpose(1, 2), last


def _gated_delta(
    function: Callable[..., Outputs], q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, state: Tensor
) -> Outputs:
    _refuse_float64(q)
    if g.ndim > beta.ndim:
        raise Unsupported("transformers has no decay by key")
    heads = max(q.shape[2], v.shape[2])
    kept = q.dtype
    q, k, v, g, beta = (x.float().repeat_interleave(heads // x.shape[2], 2) for x in (q, k, v, g, beta))
    group = heads // state.shape[1]
    before = state.float().repeat_interleave(group, 1)
    o, last = function(q, k, v, g, beta, initial_state=before, output_final_state=True)
    return o.to(kept), last[:, ::group].to(kept)


def _refuse_float64(x: Tensor) -> None:
    if x.dtype == torch.float64:
        raise Unsupported("transformers computes this in float32")


def gated_delta_net(
    q: Tensor, k: Tensor, v: Tensor, a: Tensor, b: Tensor, A_log: Tensor, dt_bias: Tensor, state: Tensor,
    beta_limit: float,
) -> Outputs:  # fmt: skip
    """Return o and the last state, with the gates of Qwen3-Next; its kernel normalizes queries and keys."""
    _refuse_float64(q)
    if beta_limit != 1:
        raise Unsupported("beta of Qwen3-Next is at most one")
    g = -A_log.float().exp() * torch.nn.functional.softplus(a.float() + dt_bias)
    q, k = (array.repeat_interleave(v.shape[2] // array.shape[2], 2) for array in (q, k))
    o, last = torch_chunk_gated_delta_rule(
        q, k, v, g=g, beta=b.sigmoid(), initial_state=state, output_final_state=True, use_qk_l2norm_in_kernel=True
    )
    return o, last


def short_conv(x: Tensor, B: Tensor, C: Tensor, weight: Tensor, state: Tensor) -> Outputs:
    """Return y and the last products B x of LFM2's convolution: its module without projections, after a window."""
    channels, width = weight.shape
    config = Lfm2Config(hidden_size=channels, conv_L_cache=width, num_hidden_layers=1, layer_types=["conv"])
    module = Lfm2ShortConv(config, 0).to(x.dtype)
    module.in_proj = module.out_proj = torch.nn.Identity()
    del module.conv.weight
    module.conv.weight = weight[:, None]
    window = state.transpose(1, 2)
    B, C = (torch.cat([torch.ones_like(window), array], 1) for array in (B, C))
    x = torch.cat([window, x], 1)
    return module(torch.cat([B, C, x], -1))[:, width - 1 :], (B * x).transpose(1, 2)[..., 1 - width :]
