"""Attention rules in torch, as model libraries write them: step by step, and in chunks. Autograd works with both."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch.nn.functional import pad

from benchmarks.recurrences.kernels.contracts import Rounding
from benchmarks.recurrences.kernels.frame import scale_of
from rnn_goldens import Unsupported
from rnn_goldens.golden.recurrences import BY_KEY, RecurrenceConfig

Tensor = torch.Tensor
Tensors = Mapping[str, Tensor]


class Heads(NamedTuple):
    """The inputs with the axes batch, head, time, number: keys, values and gates are repeated for each query head."""

    q: Tensor
    k: Tensor
    v: Tensor
    g: Tensor | None
    beta: Tensor | None
    state: Tensor

    @classmethod
    def of(cls, config: RecurrenceConfig, x: Tensors) -> "Heads":
        """Return the inputs of a sequence; the queries are multiplied by scale."""
        group = config["query_heads"] // config["heads"]
        repeated = {
            name: x[name].transpose(1, 2).repeat_interleave(group, dim=1)
            for name in ("k", "v", "g", "beta")
            if name in x
        }
        state = x["S0"].repeat_interleave(group, dim=1)
        q = x["q"].transpose(1, 2) * scale_of(config)
        return cls(q, repeated["k"], repeated["v"], repeated.get("g"), repeated.get("beta"), state)


def _joined(config: RecurrenceConfig, o: Tensor, state: Tensor) -> dict[str, Tensor]:
    return {"o": o.transpose(1, 2), "S_n": state[:, :: config["query_heads"] // config["heads"]]}


def step(config: RecurrenceConfig, x: Tensors, r: Rounding[Tensor]) -> dict[str, Tensor]:
    """Compute step by step, with products written as sums."""
    q, k, v, g, beta, state = Heads.of(config, x)
    outputs = []
    for t in range(k.shape[2]):
        key, row = k[:, :, t], v[:, :, t]
        if g is not None:
            decay = g[:, :, t].exp()
            state = state * (decay[..., None, None] if decay.ndim == 2 else decay[..., None])  # noqa: PLR2004
        if beta is not None:
            row = (row - (r.operand(state) * key[..., None]).sum(dim=-2)) * beta[:, :, t, None]
        state = r.state(state + key[..., None] * r.operand(row)[..., None, :])
        outputs.append((r.operand(state) * q[:, :, t, :, None]).sum(dim=-2))
    return _joined(config, torch.stack(outputs, dim=2), state)


def chunks(config: RecurrenceConfig, x: Tensors, r: Rounding[Tensor], *, size: int) -> dict[str, Tensor]:
    """Compute in chunks of one size, after padding, by the WY form with an inverse that is computed row by row."""
    if config.get("decay") == BY_KEY:
        raise Unsupported("the chunk form has one decay for each head")
    heads, time = Heads.of(config, x), x["k"].shape[1]
    padding, state = -time % size, heads.state
    q, k, v = (_divided(pad(y, (0, 0, 0, padding)), size) for y in heads[:3])
    g, beta = (None if y is None else _divided(pad(y, (0, padding)), size) for y in heads[3:5])
    sums = torch.zeros_like(k[..., 0]) if g is None else g.cumsum(dim=-1)
    decays = (sums[..., :, None] - sums[..., None, :]).tril().exp().tril()
    known = None
    if beta is not None:
        inverse = _inverse((k * beta[..., None]) @ k.mT * decays, r)
        known = r.operand(inverse @ r.operand(k * beta[..., None] * sums.exp()[..., None]))
        v = r.operand(inverse @ r.operand(v * beta[..., None]))
    outputs = []
    for i in range(k.shape[2]):
        seen, total = r.operand(state), sums[:, :, i, -1, None]
        rows = v[:, :, i] if known is None else r.operand(v[:, :, i] - known[:, :, i] @ seen)
        within = r.operand((q[:, :, i] @ k[:, :, i].mT * decays[:, :, i]).tril())
        outputs.append((q[:, :, i] * sums[:, :, i, :, None].exp()) @ seen + within @ rows)
        to_end = r.operand(k[:, :, i] * (total - sums[:, :, i]).exp()[..., None])
        state = r.state(state * total[..., None].exp() + to_end.mT @ rows)
    return _joined(config, torch.cat(outputs, dim=2)[:, :, :time], state)


def _divided(y: Tensor, size: int) -> Tensor:
    """Return (batch, head, chunk, step, …) from (batch, head, time, …)."""
    return y.reshape(*y.shape[:2], -1, size, *y.shape[3:])


def _inverse(among: Tensor, r: Rounding[Tensor]) -> Tensor:
    """Return (1 + the part of the matrix below the diagonal)⁻¹, row by row."""
    size = among.shape[-1]
    found = -among.tril(-1)
    for i in range(1, size):
        row, above = found[..., i, :i].clone(), found[..., :i, :i].clone()
        found[..., i, :i] = row + (row[..., None] * above).sum(dim=-2)
    return r.operand(found + torch.eye(size, dtype=among.dtype))
