"""The recurrences that are no attention in NumPy, step by step: each written in two ways."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.recurrences.kernels.contracts import Rounding
from rnn_goldens.golden.recurrences import RecurrenceConfig

Array = NDArray[Any]
Arrays = Mapping[str, Array]


def sigmoid(z: Array) -> Array:
    """Return 1 / (1 + e^-z)."""
    return np.asarray(1 / (1 + np.exp(-z)))


def softplus(z: Array) -> Array:
    """Return log(1 + e^z), without overflow."""
    return np.asarray(np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z))))


def selective_scan(_: RecurrenceConfig, x: Arrays, r: Rounding[Array]) -> dict[str, Array]:
    """Compute step by step, with Δ u multiplied first."""
    h, dt, outputs = x["h0"], softplus(x["dt"]), []
    for t in range(dt.shape[1]):
        u = x["u"][:, t]
        added = r.operand(dt[:, t] * u)[..., None] * x["B"][:, t, None]
        h = r.state(np.exp(dt[:, t, :, None] * x["A"]) * h + added)
        outputs.append((r.operand(h) @ x["C"][:, t, :, None])[..., 0] + x["D"] * u)
    return {"y": np.stack(outputs, 1), "h_n": h}


def other_selective_scan(_: RecurrenceConfig, x: Arrays, r: Rounding[Array]) -> dict[str, Array]:
    """Compute decays and inputs of all steps at once, as Mamba's reference does, with Δ B multiplied first."""
    h, dt, outputs = x["h0"], np.logaddexp(x["dt"], np.zeros_like(x["dt"])), []
    decays = np.exp(np.einsum("btd,dn->btdn", dt, x["A"]))
    added = np.einsum("btd,btn->btdn", dt, x["B"]) * x["u"][..., None]
    for t in range(dt.shape[1]):
        h = r.state(decays[:, t] * h + added[:, t])
        outputs.append(np.einsum("bdn,bn->bd", r.operand(h), x["C"][:, t]))
    return {"y": np.stack(outputs, 1) + x["u"] * x["D"], "h_n": h}


def slstm(_: RecurrenceConfig, x: Arrays, r: Rounding[Array]) -> dict[str, Array]:
    """Compute step by step, one product for each gate."""
    h, c, n, m = (x[f"{name}0"] for name in "hcnm")
    outputs = []
    for t in range(x["x_i"].shape[1]):
        column = r.operand(h)[..., None]
        i, f, z, o = (x[f"x_{gate}"][:, t] + (x[f"R_{gate}"] @ column)[..., 0] for gate in "ifzo")
        log_f = -softplus(-f)
        before, m = m, r.state(np.maximum(log_f + m, i))
        i, f = np.exp(i - m), np.exp(log_f + before - m)
        c, n = r.state(f * c + i * np.tanh(z)), r.state(f * n + i)
        outputs.append(sigmoid(o) * (c / n))
        h = r.state(outputs[-1])
    return {"out": np.stack(outputs, 1), "h_n": h}


def other_slstm(_: RecurrenceConfig, x: Arrays, r: Rounding[Array]) -> dict[str, Array]:
    """Compute step by step, with one product for all gates, and o multiplied by c before the division."""
    h, c, n, m = (x[f"{name}0"] for name in "hcnm")
    weights = np.concatenate([x[f"R_{gate}"] for gate in "ifzo"], axis=1)
    outputs = []
    for t in range(x["x_i"].shape[1]):
        products = np.split(np.einsum("hjk,bhk->bhj", weights, r.operand(h)), 4, axis=-1)
        i, f, z, o = (x[f"x_{gate}"][:, t] + part for gate, part in zip("ifzo", products, strict=True))
        kept = m - np.logaddexp(np.zeros_like(f), -f)
        m = r.state(np.maximum(kept, i))
        i, f = np.exp(i - m), np.exp(kept - m)
        c, n = r.state(c * f + np.tanh(z) * i), r.state(n * f + i)
        outputs.append(sigmoid(o) * c / n)
        h = r.state(outputs[-1])
    return {"out": np.stack(outputs, 1), "h_n": h}


def rg_lru(_: RecurrenceConfig, x: Arrays, r: Rounding[Array]) -> dict[str, Array]:
    """Compute step by step, with √(1 - e^(2 log a))."""
    h, outputs = x["h0"], []
    for t in range(x["x"].shape[1]):
        log_a = -8 * softplus(x["Lambda"]) * sigmoid(x["r"][:, t])
        gated = sigmoid(x["i"][:, t]) * x["x"][:, t]
        h = r.state(np.exp(log_a) * h + np.sqrt(1 - np.exp(2 * log_a)) * gated)
        outputs.append(h)
    return {"out": np.stack(outputs, 1), "h_n": h}


def other_rg_lru(_: RecurrenceConfig, x: Arrays, r: Rounding[Array]) -> dict[str, Array]:
    """Compute step by step, with √(-expm1(2 log a)) of all steps at once."""
    log_a = sigmoid(x["r"]) * (-8 * np.logaddexp(x["Lambda"], np.zeros_like(x["Lambda"])))
    a, added = np.exp(log_a), np.sqrt(-np.expm1(2 * log_a)) * x["x"] * sigmoid(x["i"])
    h, outputs = x["h0"], []
    for t in range(a.shape[1]):
        h = r.state(a[:, t] * h + added[:, t])
        outputs.append(h)
    return {"out": np.stack(outputs, 1), "h_n": h}


def min_gru(_: RecurrenceConfig, x: Arrays, r: Rounding[Array]) -> dict[str, Array]:
    """Compute step by step, as the equation is written."""
    h, z, outputs = x["h0"], sigmoid(x["z"]), []
    for t in range(z.shape[1]):
        h = r.state((1 - z[:, t]) * h + z[:, t] * x["n"][:, t])
        outputs.append(h)
    return {"out": np.stack(outputs, 1), "h_n": h}


def other_min_gru(_: RecurrenceConfig, x: Arrays, r: Rounding[Array]) -> dict[str, Array]:
    """Compute step by step, by interpolation from the state to the candidate."""
    h, z, outputs = x["h0"], sigmoid(x["z"]), []
    for t in range(z.shape[1]):
        h = r.state(h + z[:, t] * (x["n"][:, t] - h))
        outputs.append(h)
    return {"out": np.stack(outputs, 1), "h_n": h}


def causal_conv(config: RecurrenceConfig, x: Arrays, _: Rounding[Array]) -> dict[str, Array]:
    """Compute by adding up shifted inputs, one for each weight."""
    padded = np.concatenate([x["window0"].swapaxes(1, 2), x["x"]], axis=1)
    time = x["x"].shape[1]
    y = sum((x["weight"][:, j] * padded[:, j : j + time] for j in range(config["width"])), x["bias"])
    return {"y": y * sigmoid(y) if config.option("activation") == "silu" else y, "window_n": _window(padded, config)}


def other_causal_conv(config: RecurrenceConfig, x: Arrays, _: Rounding[Array]) -> dict[str, Array]:
    """Compute as a product of each window with the weights, and SiLU as a quotient."""
    padded = np.concatenate([x["window0"].swapaxes(1, 2), x["x"]], axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, config["width"], axis=1)
    y = np.einsum("btcj,cj->btc", windows, x["weight"]) + x["bias"]
    silu = config.option("activation") == "silu"
    return {"y": y / (1 + np.exp(-y)) if silu else y, "window_n": _window(padded, config)}


def _window(padded: Array, config: RecurrenceConfig) -> Array:
    return padded[:, padded.shape[1] - config["past"] :].swapaxes(1, 2)


STEPS = {
    "selective_scan": selective_scan,
    "slstm": slstm,
    "rg_lru": rg_lru,
    "min_gru": min_gru,
    "causal_conv": causal_conv,
}
OTHER_STEPS = {
    "selective_scan": other_selective_scan,
    "slstm": other_slstm,
    "rg_lru": other_rg_lru,
    "min_gru": other_min_gru,
    "causal_conv": other_causal_conv,
}
