"""The recurrences that models ship, number by number, as in the papers and the code that defines them.

Like ``scalar_recurrences``, it shares no code with the project.

Sources:
    flash-linear-attention: l2norm of modules/norm, the gates of ops/kda/gate.py and ops/gated_delta_rule/gate.py,
        naive_recurrent_kda, dplr_recurrence, naive_recurrent_rwkv6.
    transformers: Qwen3NextGatedDeltaNet, g = -exp(A_log) softplus(a + dt_bias); Lfm2ShortConv.
    A. Hatamizadeh et al., Gated DeltaNet-2, arXiv:2605.22791 (2026): naive_recurrent_gdn2 with the gates of its layer.
    A. Gu, T. Dao, Mamba, arXiv:2312.00752 (2023): selective_scan_ref, with delta_bias and z.
    B. Peng et al., RWKV-7, arXiv:2503.14456 (2025): equations (5) to (17), from the preactivations of w and a on.
    T. Dao, A. Gu, Transformers are SSMs, arXiv:2405.21060 (2024), and dt_limit and D of mamba_chunk_scan_combined.
    Y. Sun et al., Retentive network, arXiv:2307.08621 (2023): section 2.1, without rotations.
    M. Beck et al., xLSTM, arXiv:2405.04517 (2024): equations (19) to (27), with the small number of mlstm_kernels.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from independent.scalar_numbers import Functions, dot, value

Numbers = Mapping[str, Any]

SMALL = Decimal("1e-6")


class Step(NamedTuple):
    """The outputs of one time step and the states after it."""

    outputs: Numbers
    states: Numbers


def _decimal(number: Any) -> Decimal:
    exact = Fraction(number)
    return Decimal(exact.numerator) / exact.denominator


def _larger(a: Any, b: Any) -> Any:
    return a if value(a) >= value(b) else b


def _size(z: Any) -> Any:
    return z if value(z) >= 0 else -z


def _scale(config: Mapping[str, Any]) -> Decimal:
    scale = config.get("scale")
    return 1 / Decimal(config["d_k"]).sqrt() if scale is None else _decimal(scale)


def _unit(f: Functions, z: Sequence[Any]) -> list[Any]:
    length = f.sqrt(dot(z, z) + SMALL)
    return [number / length for number in z]


def _delta_step(before: Any, k: Any, v: Any, decay: Sequence[Any], beta: Any) -> list[list[Any]]:
    """S' = D S + k (β (v - (D S)ᵀ k))ᵀ, with a decay for each key; without beta S' = D S + k vᵀ."""
    keys, values = range(len(k)), range(len(v))
    s = [[decay[i] * before[i][j] for j in values] for i in keys]
    if beta is not None:
        v = [beta * (v[j] - dot([s[i][j] for i in keys], k)) for j in values]
    return [[s[i][j] + k[i] * v[j] for j in values] for i in keys]


def _read(s: Any, q: Sequence[Any], scale: Any) -> list[Any]:
    return [scale * dot([row[j] for row in s], q) for j in range(len(s[0]))]


def gated_delta_net(f: Functions, config: Mapping[str, Any], x: Numbers, w: Numbers, states: Numbers) -> Step:
    """Qwen3-Next: β = limit sigmoid(b), and the decay of a head is exp(-e^A_log softplus(a + dt_bias))."""
    return _with_gates(f, config, x, w, states, by_key=False)


def kda(f: Functions, config: Mapping[str, Any], x: Numbers, w: Numbers, states: Numbers) -> Step:
    """Kimi Delta Attention: a decay for each key, exp of the same gate or of low sigmoid(e^A_log (a + dt_bias))."""
    return _with_gates(f, config, x, w, states, by_key=True)


def _with_gates(
    f: Functions, config: Mapping[str, Any], x: Numbers, w: Numbers, states: Numbers, *, by_key: bool
) -> Step:
    heads, after, o = config["heads"], [], []
    of_key, low = heads // config.get("key_heads", heads), config.get("lower_bound")
    limit = _decimal(config.get("beta_limit", 1))
    for h, before in enumerate(states["S"]):
        q, k, rate = _unit(f, x["q"][h // of_key]), _unit(f, x["k"][h // of_key]), f.exp(w["A_log"][h])
        raw, bias = (x["a"][h], w["dt_bias"][h]) if by_key else ([x["a"][h]], [w["dt_bias"][h]])
        sums = [a + b for a, b in zip(raw, bias, strict=True)]
        if low is None:
            gates = [-(rate * f.softplus(total)) for total in sums]
        else:
            gates = [f.sigmoid(rate * total) * _decimal(low) for total in sums]
        decay = [f.exp(g) for g in gates] * (1 if by_key else len(k))
        after.append(_delta_step(before, k, x["v"][h], decay, f.sigmoid(x["b"][h]) * limit))
        o.append(_read(after[-1], q, _scale(config)))
    return Step({"o": o}, {"S": after})


def gated_delta_net_2(f: Functions, config: Mapping[str, Any], x: Numbers, w: Numbers, states: Numbers) -> Step:
    """naive_recurrent_gdn2: S' = D S + k (sigmoid(w) v - (D S)ᵀ (β k))ᵀ, where β = limit sigmoid(b) by key."""
    heads, after, o = config["heads"], [], []
    of_key, limit = heads // config.get("key_heads", heads), _decimal(config.get("beta_limit", 1))
    for h, before in enumerate(states["S"]):
        q, k, v = _unit(f, x["q"][h // of_key]), _unit(f, x["k"][h // of_key]), x["v"][h]
        keys, values = range(len(k)), range(len(v))
        rate = f.exp(w["A_log"][h])
        decay = [f.exp(-(rate * f.softplus(x["a"][h][i] + w["dt_bias"][h][i]))) for i in keys]
        s = [[decay[i] * before[i][j] for j in values] for i in keys]
        erased = [k[i] * f.sigmoid(x["b"][h][i]) * limit for i in keys]
        new = [f.sigmoid(x["w"][h][j]) * v[j] - dot([s[i][j] for i in keys], erased) for j in values]
        after.append([[s[i][j] + k[i] * new[j] for j in values] for i in keys])
        o.append(_read(after[-1], q, _scale(config)))
    return Step({"o": o}, {"S": after})


def mamba(f: Functions, config: Mapping[str, Any], x: Numbers, w: Numbers, states: Numbers) -> Step:
    """selective_scan_ref: h' = e^(Δ A) h + Δ u Bᵀ and y = h' C + D u, times z sigmoid(z) with a gate."""
    after, y = [], []
    for d, before in enumerate(states["h"]):
        step, u = x["dt"][d] + w["dt_bias"][d], x["u"][d]
        step = step if config.get("step_size") == "given" else f.softplus(step)
        after.append([f.exp(step * w["A"][d][n]) * h + step * u * x["B"][n] for n, h in enumerate(before)])
        out = dot(x["C"], after[-1]) + w["D"][d] * u
        y.append(out * x["z"][d] * f.sigmoid(x["z"][d]) if config.get("gate") == "silu" else out)
    return Step({"y": y}, {"h": after})


def mamba2(f: Functions, config: Mapping[str, Any], x: Numbers, w: Numbers, states: Numbers) -> Step:
    """Dao & Gu (2024): h' = e^(Δ A) h + Δ x Bᵀ and y = h' C + D x, times z sigmoid(z) with a gate."""
    after, y, groups = [], [], config.get("groups")
    for head in range(config["heads"]):
        group = None if groups is None else head // (config["heads"] // groups)
        b, c = (x[name] if group is None else x[name][group] for name in "BC")
        step = f.softplus(x["dt"][head] + w["dt_bias"][head])
        step = _larger(step, _decimal(config.get("dt_min", 0)))
        if "dt_max" in config:
            step = -_larger(-step, -_decimal(config["dt_max"]))
        decay = f.exp(w["A"][head] * step)
        numbers = range(config["n"])
        h = [
            [decay * row[n] + u * step * b[n] for n in numbers]
            for u, row in zip(x["x"][head], states["h"][head], strict=True)
        ]
        out = [dot(c, row) + w["D"][head] * u for u, row in zip(x["x"][head], h, strict=True)]
        if config.get("gate") == "silu":
            out = [number * z * f.sigmoid(z) for number, z in zip(out, x["z"][head], strict=True)]
        after.append(h)
        y.append(out)
    return Step({"y": y}, {"h": after})


def retention(f: Functions, config: Mapping[str, Any], x: Numbers, w: Numbers, states: Numbers) -> Step:
    """Sun et al. (2023): S' = d S + k vᵀ and o = scale S'ᵀ q, where each head has its decay d."""
    heads, after, o = config["heads"], [], []
    of_key = heads // config.get("key_heads", heads)
    for h, before in enumerate(states["S"]):
        k = x["k"][h // of_key]
        after.append(_delta_step(before, k, x["v"][h], [f.exp(w["log_decay"][h])] * len(k), None))
        o.append(_read(after[-1], x["q"][h // of_key], _scale(config)))
    return Step({"o": o}, {"S": after})


def generalized_delta(f: Functions, config: Mapping[str, Any], x: Numbers, _: Numbers, states: Numbers) -> Step:
    """dplr_recurrence: S' = D S + b (Sᵀ a)ᵀ + k vᵀ."""
    after, o = [], []
    for h, s in enumerate(states["S"]):
        q, k, v, a, b, g = (x[name][h] for name in ("q", "k", "v", "a", "b", "g"))
        keys, values = range(len(k)), range(len(v))
        seen = [dot([s[i][j] for i in keys], a) for j in values]
        after.append([[f.exp(g[i]) * s[i][j] + b[i] * seen[j] + k[i] * v[j] for j in values] for i in keys])
        o.append(_read(after[-1], q, _scale(config)))
    return Step({"o": o}, {"S": after})


def rwkv7(f: Functions, config: Mapping[str, Any], x: Numbers, w: Numbers, states: Numbers) -> Step:
    """Peng et al. (2025): wkv' = wkv (diag(d) - κ̂ᵀ (a κ̂)) + vᵀ k̃, here transposed, and o = wkv' r."""
    after, o, rate = [], [], 1 / Decimal(1).exp().sqrt()
    for h, s in enumerate(states["S"]):
        q, k, v, kappa = (x[name][h] for name in ("q", "k", "v", "kappa"))
        keys, values = range(len(k)), range(len(v))
        length = _larger(f.sqrt(dot(kappa, kappa)), Decimal("1e-12"))
        a, removed = [f.sigmoid(number) for number in x["a"][h]], [number / length for number in kappa]
        decay = [f.exp(-(f.sigmoid(number) * rate)) for number in x["w"][h]]
        k = [k[i] * (1 + (a[i] - 1) * w["k_a"][h][i]) for i in keys]
        seen = [dot([s[i][j] for i in keys], removed) for j in values]
        after.append([[decay[i] * s[i][j] - a[i] * removed[i] * seen[j] + k[i] * v[j] for j in values] for i in keys])
        o.append(_read(after[-1], q, _decimal(config.get("scale", 1))))
    return Step({"o": o}, {"S": after})


def rwkv6(f: Functions, config: Mapping[str, Any], x: Numbers, w: Numbers, states: Numbers) -> Step:
    """naive_recurrent_rwkv6: o = scale (S + u k vᵀ)ᵀ q, then S' = D S + k vᵀ."""
    after, o = [], []
    for h, s in enumerate(states["S"]):
        q, k, v, g, u = x["q"][h], x["k"][h], x["v"][h], x["g"][h], w["u"][h]
        keys, values = range(len(k)), range(len(v))
        o.append(
            _read([[s[i][j] + u[i] * k[i] * v[j] for j in values] for i in keys], q, _decimal(config.get("scale", 1)))
        )
        after.append([[f.exp(g[i]) * s[i][j] + k[i] * v[j] for j in values] for i in keys])
    return Step({"o": o}, {"S": after})


def mlstm(f: Functions, config: Mapping[str, Any], x: Numbers, _: Numbers, states: Numbers) -> Step:
    """Beck et al. (2024): C' = f C + i k vᵀ, n' = f n + i k, h = C'ᵀ q / (max(|n'ᵀ q|, e^-m) + ε)."""
    after: dict[str, list[Any]] = {"C": [], "n": [], "m": []}
    outputs, eps = [], _decimal(config.get("eps", 1e-6))
    for head in range(config["heads"]):
        q, k, v = (x[name][head] for name in "qkv")
        c, n, m = (states[name][head] for name in ("C", "n", "m"))
        forget = m - f.softplus(-x["f"][head])
        m = _larger(forget, x["i"][head])
        by, write = f.exp(forget - m), f.exp(x["i"][head] - m)
        c = [[by * c[i][j] + write * k[i] * v[j] for j in range(len(v))] for i in range(len(k))]
        n = [by * n[i] + write * k[i] for i in range(len(k))]
        scaled = [number * _scale(config) for number in q]
        bound = _larger(_size(dot(n, scaled)), f.exp(-m)) + eps
        outputs.append([dot([row[j] for row in c], scaled) / bound for j in range(len(v))])
        for name, part in (("C", c), ("n", n), ("m", m)):
            after[name].append(part)
    return Step({"h": outputs}, after)


def short_conv(_f: Functions, config: Mapping[str, Any], x: Numbers, w: Numbers, states: Numbers) -> Step:
    """Lfm2ShortConv: y = C (weight · the last products B x); the state is the last (width - 1) products."""
    y, after = [], []
    for channel in range(config["channels"]):
        products = [*states["window"][channel], x["B"][channel] * x["x"][channel]]
        y.append(x["C"][channel] * dot(w["weight"][channel], products))
        after.append(products[1:])
    return Step({"y": y}, {"window": after})


MODELS = {
    "gated_delta_net": (gated_delta_net, "o", ("S",)),
    "kda": (kda, "o", ("S",)),
    "gated_delta_net_2": (gated_delta_net_2, "o", ("S",)),
    "mamba": (mamba, "y", ("h",)),
    "mamba2": (mamba2, "y", ("h",)),
    "retention": (retention, "o", ("S",)),
    "generalized_delta": (generalized_delta, "o", ("S",)),
    "rwkv7": (rwkv7, "o", ("S",)),
    "rwkv6": (rwkv6, "o", ("S",)),
    "mlstm": (mlstm, "h", ("C", "n", "m")),
    "short_conv": (short_conv, "y", ("window",)),
}
"""By name of the recurrence: the equations of a step, the output, and the states whose last values are outputs."""
