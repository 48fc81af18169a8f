"""flash-linear-attention's kernels, in Triton's interpreter: on any machine.

The fused recurrent kernels compute in float32, and those of the delta rule keep arrays for the backward pass in the
half precision. The chunk kernels round operands of products to the half precision. None of them repeats keys, values,
gates or states for grouped queries.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from examples.integrations import triton_cpu
from rnn_goldens.errors import Unsupported

triton_cpu.prepare()  # before Triton is imported

from fla.ops import delta_rule, gated_delta_rule, gla, kda, simple_gla  # noqa: E402

try:
    from fla.modules.causal_conv1d import causal_conv1d
except ModuleNotFoundError:  # before 0.6
    from fla.modules.conv import causal_conv1d

Maybe = Tensor | None
Outputs = tuple[Tensor, Tensor]
Kernel = Callable[..., Outputs]

WITH_KEY_HEADS = (
    gated_delta_rule.fused_recurrent_gated_delta_rule,
    gated_delta_rule.chunk_gated_delta_rule,
    kda.chunk_kda,
)
"""Kernels that take fewer heads of queries and keys than of values."""


def run(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    state: Tensor,
    scale: float,
    g: Maybe = None,
    beta: Maybe = None,
    offsets: Maybe = None,
) -> Outputs:
    """Return o and the last state of linear attention, the delta rule, or either with a gate, step by step."""
    by_key = g is not None and g.ndim == q.ndim
    gates = {"gk" if by_key else "g": g, "beta": beta}
    return _attention(_fused_recurrent(g, beta, by_key=by_key), (q, k, v), state, scale, offsets, **gates)


def chunk_gated_delta_rule(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, state: Tensor, scale: float, offsets: Maybe = None
) -> Outputs:
    """Return o and the last state of the gated delta rule with a decay by head, in chunks of 64."""
    if g.ndim == q.ndim:
        raise Unsupported("chunk_gated_delta_rule has a decay by head")
    return _attention(gated_delta_rule.chunk_gated_delta_rule, (q, k, v), state, scale, offsets, g=g, beta=beta)


def chunk_kda(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, state: Tensor, scale: float, offsets: Maybe = None
) -> Outputs:
    """Return o and the last state of the gated delta rule; a decay by head is repeated for each key."""
    return _attention(kda.chunk_kda, (q, k, v), state, scale, offsets, g=_by_key(g, k), beta=beta)


def chunk_gla(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, state: Tensor, scale: float, offsets: Maybe = None
) -> Outputs:
    """Return o and the last state of gated linear attention; a decay by head is repeated for each key."""
    return _attention(gla.chunk_gla, (q, k, v), state, scale, offsets, g=_by_key(g, k))


def chunk_simple_gla(
    q: Tensor, k: Tensor, v: Tensor, state: Tensor, scale: float, g: Maybe = None, offsets: Maybe = None
) -> Outputs:
    """Return o and the last state of linear attention, without a decay or with one by head, in chunks of 64."""
    if g is not None and g.ndim == q.ndim:
        raise Unsupported("chunk_simple_gla has a decay by head")
    if q.requires_grad and q.dtype == torch.float16 and (q.shape[-1] % 2 or v.shape[-1] % 2):
        raise Unsupported("gradients of chunk_simple_gla in half precisions need even sizes: --embed d_k=64,d_v=64")
    return _attention(simple_gla.chunk_simple_gla, (q, k, v), state, scale, offsets, g=g)


def chunk_delta_rule(
    q: Tensor, k: Tensor, v: Tensor, beta: Tensor, state: Tensor, scale: float, offsets: Maybe = None
) -> Outputs:
    """Return o and the last state of the delta rule, in chunks of 64."""
    if q.dtype == torch.float32:
        raise Unsupported("chunk_delta_rule has half precisions only")
    return _attention(delta_rule.chunk_delta_rule, (q, k, v), state, scale, offsets, beta=beta)


def causal_conv(
    x: Tensor, weight: Tensor, bias: Tensor, state: Tensor, activation: str, offsets: Maybe = None
) -> Outputs:
    """Return y and the last inputs; the kernel keeps as many as the filter is wide, and does not use the oldest."""
    before = torch.nn.functional.pad(state, (1, 0))
    named = None if activation == "none" else activation
    states = {"initial_state": before, "output_final_state": True}
    y, last = causal_conv1d(x, weight, bias, activation=named, cu_seqlens=offsets, **states)
    return y, last[..., 1:]


def _fused_recurrent(g: Maybe, beta: Maybe, *, by_key: bool) -> Kernel:
    kernel: Kernel = gated_delta_rule.fused_recurrent_gated_delta_rule
    if beta is None:
        kernel = gla.fused_recurrent_gla if by_key else simple_gla.fused_recurrent_simple_gla
    elif g is None:
        kernel = delta_rule.fused_recurrent_delta_rule
    return kernel


def _attention(
    kernel: Kernel, qkv: tuple[Tensor, ...], state: Tensor, scale: float, offsets: Maybe, **gates: Maybe
) -> Outputs:
    q, k, v = qkv
    heads = max(q.shape[2], v.shape[2])
    group = heads // state.shape[1]
    if group > 1 or kernel not in WITH_KEY_HEADS:
        q, k = _repeated(q, heads), _repeated(k, heads)
    given = {name: _repeated(gate, heads) for name, gate in gates.items() if gate is not None}
    states = {"initial_state": state.float().repeat_interleave(group, 1), "output_final_state": True}
    o, last = kernel(q, k, _repeated(v, heads), **given, scale=scale, cu_seqlens=offsets, **states)
    return o, last[:, ::group].to(q.dtype)


def _repeated(x: Tensor, heads: int) -> Tensor:
    return x.repeat_interleave(heads // x.shape[2], 2)


def _by_key(g: Tensor, k: Tensor) -> Tensor:
    return g if g.ndim == k.ndim else g[..., None].expand(*g.shape, k.shape[-1])
