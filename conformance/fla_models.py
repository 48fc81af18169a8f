"""flash-linear-attention's kernels of the recurrences that models ship, with their gates and norms inside.

They run in Triton's interpreter, on any machine. Those of RWKV and DPLR, and of a fixed decay, need names only.
"""

from typing import Any

import torch
from torch import Tensor

from examples.integrations import triton_cpu
from rnn_goldens import kernel

triton_cpu.prepare()  # before Triton is imported

from fla.ops import gated_delta_rule, kda, rwkv6, rwkv7, simple_gla  # noqa: E402
from fla.ops.generalized_delta_rule import dplr  # noqa: E402

Maybe = Tensor | None
Outputs = tuple[Tensor, Tensor]

FUSED = {"use_gate_in_kernel": True, "use_beta_sigmoid_in_kernel": True, "use_qk_l2norm_in_kernel": True}
OF_RWKV = {"r": "q", "w": "g"}


def _with_gates(
    function: Any,  # noqa: ANN401 - of an untyped package
    qkv: tuple[Tensor, Tensor, Tensor],
    gates: dict[str, Any],
    state: Tensor,
    scale: float,
    beta_limit: float,
    offsets: Maybe,
) -> Outputs:
    o, last = function(
        *qkv,
        **gates,
        scale=scale,
        initial_state=state.to(torch.promote_types(state.dtype, torch.float32)),
        output_final_state=True,
        allow_neg_eigval=beta_limit == 2,  # noqa: PLR2004 - the only other limit
        cu_seqlens=offsets,
        **FUSED,
    )
    return o, last


def chunk_gated_delta_net(
    q: Tensor, k: Tensor, v: Tensor, a: Tensor, b: Tensor, A_log: Tensor, dt_bias: Tensor, state: Tensor, scale: float,
    beta_limit: float, offsets: Maybe = None,
) -> Outputs:  # fmt: skip
    """Return o and the last state of Gated DeltaNet, in chunks of 64."""
    gates = {"g": a, "beta": b, "A_log": A_log, "dt_bias": dt_bias}
    return _with_gates(gated_delta_rule.chunk_gated_delta_rule, (q, k, v), gates, state, scale, beta_limit, offsets)


def fused_recurrent_gated_delta_net(
    q: Tensor, k: Tensor, v: Tensor, a: Tensor, b: Tensor, A_log: Tensor, dt_bias: Tensor, state: Tensor, scale: float,
    beta_limit: float, offsets: Maybe = None,
) -> Outputs:  # fmt: skip
    """Return o and the last state of Gated DeltaNet, step by step."""
    gates = {"g": a, "beta": b, "A_log": A_log, "dt_bias": dt_bias}
    function = gated_delta_rule.fused_recurrent_gated_delta_rule
    return _with_gates(function, (q, k, v), gates, state, scale, beta_limit, offsets)


def chunk_kda(
    q: Tensor, k: Tensor, v: Tensor, a: Tensor, b: Tensor, A_log: Tensor, dt_bias: Tensor, state: Tensor, scale: float,
    beta_limit: float, lower_bound: float | None, offsets: Maybe = None,
) -> Outputs:  # fmt: skip
    """Return o and the last state of Kimi Delta Attention, in chunks of 64."""
    gates = {"g": a, "beta": b, "A_log": A_log, "dt_bias": dt_bias.flatten(), "lower_bound": lower_bound}
    gates |= {"safe_gate": lower_bound is not None}
    return _with_gates(kda.chunk_kda, (q, k, v), gates, state, scale, beta_limit, offsets)


def fused_recurrent_kda(
    q: Tensor, k: Tensor, v: Tensor, a: Tensor, b: Tensor, A_log: Tensor, dt_bias: Tensor, state: Tensor, scale: float,
    beta_limit: float, lower_bound: float | None, offsets: Maybe = None,
) -> Outputs:  # fmt: skip
    """Return o and the last state of Kimi Delta Attention, step by step."""
    gates = {"g": a, "beta": b, "A_log": A_log, "dt_bias": dt_bias.flatten(), "lower_bound": lower_bound}
    return _with_gates(kda.fused_recurrent_kda, (q, k, v), gates, state, scale, beta_limit, offsets)


chunk_retention = kernel(simple_gla.chunk_simple_gla, "fla", names={"g_gamma": "log_decay"})
fused_recurrent_retention = kernel(simple_gla.fused_recurrent_simple_gla, "fla", names={"g_gamma": "log_decay"})
chunk_dplr = kernel(dplr.chunk_dplr_delta_rule, "fla")
fused_recurrent_dplr = kernel(dplr.fused_recurrent_dplr_delta_rule, "fla")
chunk_rwkv7 = kernel(rwkv7.chunk_rwkv7, "fla", names=OF_RWKV)
fused_recurrent_rwkv7 = kernel(rwkv7.fused_recurrent_rwkv7, "fla", names=OF_RWKV)
chunk_rwkv6 = kernel(rwkv6.chunk_rwkv6, "fla", names=OF_RWKV)
fused_recurrent_rwkv6 = kernel(rwkv6.fused_recurrent_rwkv6, "fla", names=OF_RWKV)
