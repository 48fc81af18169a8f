"""flash-linear-attention's kernels of the recurrences that models ship, with their gates and norms inside.

They run in Triton's interpreter, on any machine. Only Gated DeltaNet-2, whose sigmoids are outside its kernel, and
RWKV-7 with its norm and gates need an adapter.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from examples.integrations import triton_cpu

triton_cpu.prepare()  # before Triton is imported

from fla.ops import gated_delta_rule, gdn2, kda, rwkv6, rwkv7, simple_gla  # noqa: E402
from fla.ops.generalized_delta_rule import dplr  # noqa: E402
from fla.ops.rwkv7.fused_k_update import fused_k_rwkv7  # noqa: E402

Maybe = Tensor | None
Outputs = tuple[Tensor, Tensor]


def _gated_delta_net_2(
    function: Any,  # noqa: ANN401 - of an untyped package
    qkv: tuple[Tensor, Tensor, Tensor],
    gates: tuple[Tensor, Tensor, Tensor],
    weights: tuple[Tensor, Tensor],
    state: Tensor,
    scale: float,
    beta_limit: float,
    offsets: Maybe,
) -> Outputs:
    """Return o and the last state of a kernel of Gated DeltaNet-2; as in fla's layer, b and w are sigmoids."""
    g, b, w = (array.to(torch.promote_types(array.dtype, torch.float32)) for array in gates)
    A_log, dt_bias = weights
    o, last = function(
        *qkv, g, beta_limit * b.sigmoid(), w.sigmoid(), A_log=A_log, dt_bias=dt_bias.flatten(), scale=scale,
        initial_state=state.to(torch.promote_types(state.dtype, torch.float32)), output_final_state=True,
        use_qk_l2norm_in_kernel=True, use_gate_in_kernel=True, cu_seqlens=offsets,
    )  # fmt: skip
    return o, last


def chunk_gated_delta_net_2(
    q: Tensor, k: Tensor, v: Tensor, a: Tensor, b: Tensor, w: Tensor, A_log: Tensor, dt_bias: Tensor, state: Tensor,
    scale: float, beta_limit: float, offsets: Maybe = None,
) -> Outputs:  # fmt: skip
    """Return o and the last state of Gated DeltaNet-2, in chunks of 64; as in fla's layer, shared keys are repeated."""
    q, k = (array.repeat_interleave(v.shape[2] // array.shape[2], 2) for array in (q, k))
    of = ((q, k, v), (a, b, w), (A_log, dt_bias), state, scale, beta_limit, offsets)
    return _gated_delta_net_2(gdn2.chunk_gdn2, *of)


def fused_recurrent_gated_delta_net_2(
    q: Tensor, k: Tensor, v: Tensor, a: Tensor, b: Tensor, w: Tensor, A_log: Tensor, dt_bias: Tensor, state: Tensor,
    scale: float, beta_limit: float, offsets: Maybe = None,
) -> Outputs:  # fmt: skip
    """Return o and the last state of Gated DeltaNet-2, step by step."""
    of = ((q, k, v), (a, b, w), (A_log, dt_bias), state, scale, beta_limit, offsets)
    return _gated_delta_net_2(gdn2.fused_recurrent_gdn2, *of)


def fused_mul_recurrent_rwkv7(
    q: Tensor, k: Tensor, v: Tensor, kappa: Tensor, a: Tensor, w: Tensor, k_a: Tensor, state: Tensor, scale: float,
    offsets: Maybe = None,
) -> Outputs:  # fmt: skip
    """Return o and the last state of RWKV-7, step by step, with torch's norm: fla's has 1e-6 under the root."""
    kept, (heads, d_k) = q.dtype, k_a.shape
    q, k, v, kappa, a, w, k_a = (
        array.to(torch.promote_types(kept, torch.float32)) for array in (q, k, v, kappa, a, w, k_a)
    )
    a = a.sigmoid()
    k = fused_k_rwkv7(k.flatten(-2), a.flatten(-2), k_a.flatten()).unflatten(-1, (heads, d_k))
    o, last = rwkv7.fused_mul_recurrent_rwkv7(
        q, -0.6065306597126334 * w.sigmoid(), k, v, normalize(kappa, dim=-1), a, scale=scale,
        initial_state=state.to(q.dtype), output_final_state=True, cu_seqlens=offsets,
    )  # fmt: skip
    return o.to(kept), last


chunk_gated_delta_net = gated_delta_rule.chunk_gated_delta_rule
fused_recurrent_gated_delta_net = gated_delta_rule.fused_recurrent_gated_delta_rule
chunk_kda, fused_recurrent_kda = kda.chunk_kda, kda.fused_recurrent_kda
chunk_retention, fused_recurrent_retention = simple_gla.chunk_simple_gla, simple_gla.fused_recurrent_simple_gla
chunk_dplr, fused_recurrent_dplr = dplr.chunk_dplr_delta_rule, dplr.fused_recurrent_dplr_delta_rule
chunk_rwkv7, fused_recurrent_rwkv7 = rwkv7.chunk_rwkv7, rwkv7.fused_recurrent_rwkv7
chunk_rwkv6, fused_recurrent_rwkv6 = rwkv6.chunk_rwkv6, rwkv6.fused_recurrent_rwkv6
