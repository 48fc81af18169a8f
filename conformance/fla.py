"""flash-linear-attention's fused recurrent kernel of the gated delta rule, in Triton's interpreter: on any machine.

The kernel repeats neither keys, values, gates nor states for grouped queries. A decay by key goes to ``gk``.
"""

import os

import torch

os.environ.setdefault("TRITON_INTERPRET", "1")  # before Triton is imported

from fla.ops.gated_delta_rule import fused_recurrent_gated_delta_rule


def gated_delta(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    g: torch.Tensor,
    beta: torch.Tensor,
    state: torch.Tensor,
    scale: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return o and the last state, as ``rnn-goldens check --cell gated_delta --without packed`` calls it."""
    group, by_head = q.shape[2] // k.shape[2], g.ndim == beta.ndim
    k, v, g, beta = (x.repeat_interleave(group, 2) for x in (k, v, g, beta))
    decay = {"g": g} if by_head else {"gk": g}
    states = {"initial_state": state.repeat_interleave(group, 1).float(), "output_final_state": True}
    o, last = fused_recurrent_gated_delta_rule(q, k, v, **decay, beta=beta, scale=scale, **states)
    return o, last[:, ::group].to(q.dtype)
