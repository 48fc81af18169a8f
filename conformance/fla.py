"""flash-linear-attention's fused recurrent kernels, in Triton's interpreter: on any machine.

The kernels compute in float32, and those of the delta rule keep arrays for the backward pass in the half precision.
They repeat neither keys, values, gates nor states for grouped queries.
"""

import os
from functools import partial
from typing import Any

import torch
from torch import Tensor

os.environ.setdefault("TRITON_INTERPRET", "1")  # before Triton is imported

from fla.ops.delta_rule import fused_recurrent_delta_rule
from fla.ops.gated_delta_rule import fused_recurrent_gated_delta_rule
from fla.ops.gla import fused_recurrent_gla
from fla.ops.simple_gla import fused_recurrent_simple_gla
from triton.runtime.autotuner import Autotuner

from rnn_goldens.errors import Unsupported

Autotuner.prune_configs = lambda self, _: self.configs[:1]  # to time several, Triton needs a GPU


def run(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    state: Tensor,
    scale: float,
    g: Tensor | None = None,
    beta: Tensor | None = None,
    offsets: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Return o and the last state of linear attention, the delta rule, or either with a gate.

    Raises Unsupported in float64, and in bfloat16, where the interpreter computes other numbers than a GPU.
    """
    if q.dtype == torch.float64:
        raise Unsupported("the kernels of flash-linear-attention compute in float32")
    if q.dtype == torch.bfloat16:
        raise Unsupported("Triton's interpreter cuts off digits where a GPU rounds to bfloat16")
    heads = max(q.shape[2], v.shape[2])
    group = heads // state.shape[1]
    if group > 1 or g is None or beta is None:  # only the gated delta rule takes fewer key heads than value heads
        q, k = (x.repeat_interleave(heads // x.shape[2], 2) for x in (q, k))
    v = v.repeat_interleave(heads // v.shape[2], 2)
    g, beta = (x if x is None else x.repeat_interleave(heads // x.shape[2], 2) for x in (g, beta))
    states = {"initial_state": state.float().repeat_interleave(group, 1), "output_final_state": True}
    o, last = _kernel(q, g, beta)(q, k, v, scale=scale, cu_seqlens=offsets, **states)
    return o, last[:, ::group].to(q.dtype)


def _kernel(q: Tensor, g: Tensor | None, beta: Tensor | None) -> Any:  # noqa: ANN401 - a kernel without types
    """Return the kernel with its gates; a decay by key goes to ``gk``."""
    by_key = g is not None and g.ndim == q.ndim
    decay = {} if g is None else {"gk" if by_key else "g": g}
    if beta is None:
        return partial(fused_recurrent_gla if by_key else fused_recurrent_simple_gla, **decay)
    return partial(fused_recurrent_delta_rule if g is None else fused_recurrent_gated_delta_rule, **decay, beta=beta)
