"""The recurrences that are no attention in torch: step by step, and diagonal ones by running sums of log a."""

from collections.abc import Mapping

import torch
from torch.nn.functional import conv1d, logsigmoid, silu, softplus

from benchmarks.recurrences.kernels.contracts import Rounding
from rnn_goldens.golden.recurrences import RecurrenceConfig

Tensor = torch.Tensor
Tensors = Mapping[str, Tensor]


def selective_scan(_: RecurrenceConfig, x: Tensors, r: Rounding[Tensor]) -> dict[str, Tensor]:
    """Compute as Mamba's reference: decays and inputs of all steps at once, then step by step."""
    h, dt, outputs = x["h0"], softplus(x["dt"]), []
    decays = torch.exp(torch.einsum("btd,dn->btdn", dt, x["A"]))
    added = torch.einsum("btd,btn,btd->btdn", dt, x["B"], x["u"])
    for t in range(dt.shape[1]):
        h = r.state(decays[:, t] * h + added[:, t])
        outputs.append(torch.einsum("bdn,bn->bd", r.operand(h), x["C"][:, t]))
    return {"y": torch.stack(outputs, dim=1) + x["u"] * x["D"], "h_n": h}


def slstm(_: RecurrenceConfig, x: Tensors, r: Rounding[Tensor]) -> dict[str, Tensor]:
    """Compute step by step, one product for each gate."""
    h, c, n, m = (x[f"{name}0"] for name in "hcnm")
    outputs = []
    for t in range(x["x_i"].shape[1]):
        column = r.operand(h)[..., None]
        i, f, z, o = (x[f"x_{gate}"][:, t] + (x[f"R_{gate}"] @ column)[..., 0] for gate in "ifzo")
        kept = m + logsigmoid(f)
        m = r.state(torch.maximum(kept, i))
        i, f = torch.exp(i - m), torch.exp(kept - m)
        c, n = r.state(f * c + i * torch.tanh(z)), r.state(f * n + i)
        h = r.state(torch.sigmoid(o) * (c / n))
        outputs.append(h)
    return {"out": torch.stack(outputs, dim=1), "h_n": h}


def rg_lru(_: RecurrenceConfig, x: Tensors, r: Rounding[Tensor]) -> dict[str, Tensor]:
    """Compute step by step, with √(1 - a²) of a = e^(log a)."""
    h, outputs = x["h0"], []
    log_a = -8 * torch.sigmoid(x["r"]) * softplus(x["Lambda"])
    for t in range(log_a.shape[1]):
        a = log_a[:, t].exp()
        h = r.state(a * h + torch.sqrt(1 - (2 * log_a[:, t]).exp()) * (torch.sigmoid(x["i"][:, t]) * x["x"][:, t]))
        outputs.append(h)
    return {"out": torch.stack(outputs, dim=1), "h_n": h}


def min_gru(_: RecurrenceConfig, x: Tensors, r: Rounding[Tensor]) -> dict[str, Tensor]:
    """Compute step by step, with 1 - z as the sigmoid of the opposite number."""
    h, kept, new, outputs = x["h0"], torch.sigmoid(-x["z"]), torch.sigmoid(x["z"]) * x["n"], []
    for t in range(kept.shape[1]):
        h = r.state(kept[:, t] * h + new[:, t])
        outputs.append(h)
    return {"out": torch.stack(outputs, dim=1), "h_n": h}


def causal_conv(config: RecurrenceConfig, x: Tensors, _: Rounding[Tensor]) -> dict[str, Tensor]:
    """Compute by ``conv1d`` with a group for each channel."""
    padded = torch.cat([x["window0"], x["x"].transpose(1, 2)], dim=-1)
    y = conv1d(padded, x["weight"][:, None], x["bias"], groups=config["channels"]).transpose(1, 2)
    window = padded[..., padded.shape[-1] - config["past"] :]
    return {"y": silu(y) if config.option("activation") == "silu" else y, "window_n": window}


STEPS = {
    "selective_scan": selective_scan,
    "slstm": slstm,
    "rg_lru": rg_lru,
    "min_gru": min_gru,
    "causal_conv": causal_conv,
}


def _terms(x: Tensors) -> tuple[Tensor, Tensor]:
    """Return log a and b of all steps."""
    if "dt" in x:
        dt = softplus(x["dt"])
        return dt[..., None] * x["A"], (dt * x["u"])[..., None] * x["B"][:, :, None]
    if "Lambda" in x:
        log_a = -8 * torch.sigmoid(x["r"]) * softplus(x["Lambda"])
        return log_a, torch.sqrt(-torch.expm1(2 * log_a)) * (torch.sigmoid(x["i"]) * x["x"])
    return -softplus(x["z"]), torch.sigmoid(x["z"]) * x["n"]


def cumulated(_: RecurrenceConfig, x: Tensors, r: Rounding[Tensor], *, size: int) -> dict[str, Tensor]:
    """Compute all steps of a chunk at once: b of step j reaches step i times exp(sum_i - sum_j), of sums of log a."""
    (log_a, b), h, found = _terms(x), x["h0"], []
    for start in range(0, log_a.shape[1], size):
        sums = log_a[:, start : start + size].cumsum(dim=1)
        lower = torch.ones(sums.shape[1], sums.shape[1], dtype=torch.bool).tril()
        lower = lower.reshape(*lower.shape, *(1,) * (sums.ndim - 2))
        gaps = (sums[:, :, None] - sums[:, None]).where(lower, 0)
        between = gaps.exp().where(lower, 0)
        added = torch.einsum("bij...,bj...->bi...", r.operand(between), r.operand(b[:, start : start + size]))
        found.append(r.operand(sums.exp()) * r.operand(h)[:, None] + added)
        h = r.state(found[-1][:, -1])
    after = torch.cat(found, dim=1)
    if "C" in x:
        return {"y": torch.einsum("btdn,btn->btd", r.operand(after), x["C"]) + x["D"] * x["u"], "h_n": h}
    return {"out": after, "h_n": h}
