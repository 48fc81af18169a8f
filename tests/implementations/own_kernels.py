"""Kernels of users for recurrences, in torch. They are correct, except where a name names a bug."""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from rnn_goldens.checkable_golden import Inputs


def gated_delta(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, state: Tensor | None = None, *, scale: float = 1.0,
    offsets: Tensor | None = None, decays_first: bool = True,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The gated delta rule, for q (batch, time, query heads, d_k), and a decay for each head or key."""
    if offsets is not None:
        return packed((q, k, v, g, beta), state, offsets, scale=scale, decays_first=decays_first)
    kept = q.dtype
    q, k, v, g, beta = (array.to(torch.promote_types(kept, torch.float32)) for array in (q, k, v, g, beta))
    heads, group = v.shape[2], max(1, q.shape[2] // v.shape[2])
    q, k = (array.repeat_interleave(max(1, heads // array.shape[2]), 2) for array in (q, k))
    s = q.new_zeros(len(q), heads, k.shape[-1], v.shape[-1]) if state is None else state.to(q.dtype)
    out = []
    for t in range(q.shape[1]):
        decay = g[:, t].exp()
        decay = decay[..., None, None] if decay.ndim == 2 else decay[..., None]
        s = decay * s if decays_first else s
        stored = torch.einsum("bhkv,bhk->bhv", s, k[:, t])
        s = s + torch.einsum("bhk,bhv->bhkv", k[:, t], (v[:, t] - stored) * beta[:, t, :, None])
        s = s if decays_first else decay * s
        out.append(scale * torch.einsum("bhkv,bhk->bhv", s.repeat_interleave(group, 1), q[:, t]))
    return torch.stack(out, 1).to(kept), s.to(kept)


def packed(inputs: tuple[Tensor, ...], state: Tensor | None, offsets: Tensor, **options: Any) -> tuple[Tensor, Tensor]:
    found = []
    for i, (start, stop) in enumerate(pairwise(offsets.tolist())):
        q, k, v, g, beta = (array[:, start:stop] for array in inputs)
        found.append(gated_delta(q, k, v, g, beta, None if state is None else state[i : i + 1], **options))
    return torch.cat([o for o, _ in found], 1), torch.cat([s for _, s in found])


decays_last = partial(gated_delta, decays_first=False)


def by_name(q: Tensor, k: Tensor, v: Tensor, S0: Tensor, **others: Any) -> dict[str, Tensor]:  # noqa: N803
    others.pop("decay")
    o, s_n = gated_delta(q, k, v, state=S0, **others)
    return {"S_n": s_n, "o": o}


def output_alone(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, initial_state: Tensor, scale: float
) -> Tensor:
    return gated_delta(q, k, v, g, beta, initial_state, scale=scale)[0]


def without_decay(q: Tensor, k: Tensor, v: Tensor, beta: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    return gated_delta(q, k, v, torch.zeros_like(beta), beta, state)


def with_segments(q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, segments: Tensor) -> tuple[Tensor, Tensor]:
    return gated_delta(q, k, v, g * segments, beta)


def without_offsets(q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, state: Any, scale: float) -> Any:
    return gated_delta(q, k, v, g, beta, state, scale=scale)


def with_cu_seqlens(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, state: Any, scale: float, cu_seqlens: Any = None
) -> Any:
    return gated_delta(q, k, v, g, beta, state, scale=scale, offsets=cu_seqlens)


def with_head_first(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, state: Any, scale: float, *, head_first: bool
) -> Any:
    assert not head_first
    return gated_delta(q, k, v, g, beta, state, scale=scale)


def without_state(q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, scale: float) -> Any:
    return gated_delta(q, k, v, g, beta, scale=scale)


def without_scale(q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, state: Tensor) -> Any:
    return gated_delta(q, k, v, g, beta, state, scale=k.shape[-1] ** -0.5)


def of_a_golden(golden: Inputs) -> Any:
    assert golden.cell == "gated_delta"
    arrays: dict[str, Any] = {name: torch.tensor(array) for name, array in golden.inputs.items()}
    return gated_delta(**arrays, state=torch.tensor(golden.states["S0"]), scale=golden.config["d_k"] ** -0.5)


class Kernel(nn.Module):
    def forward(self, q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, state: Tensor, scale: float) -> Any:
        return gated_delta(q, k, v, g, beta, state, scale=scale)


kernel_object = Kernel()


def slstm(  # noqa: PLR0917 - called by name
    x_i: Tensor, x_f: Tensor, x_z: Tensor, x_o: Tensor, R_i: Tensor, R_f: Tensor, R_z: Tensor, R_o: Tensor,  # noqa: N803
    state: tuple[Tensor, ...],
) -> Any:  # fmt: skip
    """sLSTM with all four last states."""
    h, c, n, m = state
    matrices = (R_i, R_f, R_z, R_o)
    out = []
    for steps in zip(*(x.unbind(1) for x in (x_i, x_f, x_z, x_o)), strict=True):
        gates = [x + torch.einsum("hij,bhj->bhi", R, h) for x, R in zip(steps, matrices, strict=True)]
        h, c, n, m = slstm_step(gates, c, n, m)
        out.append(h)
    return torch.stack(out, 1), (h, c, n, m)


def slstm_step(gates: Sequence[Tensor], c: Tensor, n: Tensor, m: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    i, f, z, o = gates
    before, m = m, torch.maximum(nn.functional.logsigmoid(f) + m, i)
    kept, added = torch.exp(nn.functional.logsigmoid(f) + before - m), torch.exp(i - m)
    c, n = kept * c + added * torch.tanh(z), kept * n + added
    return torch.sigmoid(o) * c / n, c, n, m
