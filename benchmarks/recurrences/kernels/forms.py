"""Recurrences as people write them: step by step in two ways, in chunks, and as scans. Each is written once.

A form takes the functions of a library of arrays with the roundings of a contract, the configuration, and inputs,
weights and initial states by name. It returns outputs and last states by name, and can be differentiated.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from benchmarks.recurrences.kernels.library import Array, Library
from rnn_goldens.golden.recurrences import RecurrenceConfig

Arrays = Mapping[str, Array]

ATTENTION = ("linear_attention", "gated_linear_attention", "delta_rule", "gated_delta")
DIAGONAL = ("selective_scan", "rg_lru", "min_gru")
"""Recurrences h' = a h + b, of numbers that do not depend on the state."""


def _heads(config: RecurrenceConfig, x: Arrays) -> dict[str, Array]:
    """Return arrays with the axes batch, time, head, number; the queries have a group axis after the head."""
    shape = (*x["k"].shape[:2], config["heads"], -1)
    gates = {name: x[name].reshape(shape) for name in ("g", "beta") if name in x}
    return {"q": _scale(config) * x["q"].reshape(*shape, config["d_k"]), "k": x["k"], "v": x["v"], **gates}


def _scale(config: RecurrenceConfig) -> float:
    scale = config.option("scale")
    return float(config["d_k"] ** -0.5 if scale is None else scale)


def _read(lib: Library, q: Array, state: Array) -> Array:
    return lib.xp.einsum("bhgk,bhkv->bhgv", q, lib.operand(state))


def _joined(config: RecurrenceConfig, o: Array, last: Array) -> dict[str, Array]:
    return {"o": o.reshape(*o.shape[:2], config["query_heads"], config["d_v"]), "S_n": last}


def attention(lib: Library, config: RecurrenceConfig, x: Arrays) -> dict[str, Array]:
    """Compute step by step, as the rule is written."""
    xp = lib.xp

    def step(state: Array, at: Arrays) -> tuple[Array, Array]:
        row = at["v"]
        if "g" in at:
            state = xp.exp(at["g"])[..., None] * state
        if "beta" in at:
            row = at["beta"] * (row - (at["k"][..., None, :] @ lib.operand(state))[..., 0, :])
        state = lib.state(state + at["k"][..., None] * lib.operand(row)[..., None, :])
        return state, _read(lib, at["q"], state)

    last, o = lib.scan(step, x["S0"], _heads(config, x))
    return _joined(config, o, last)


def other_attention(lib: Library, config: RecurrenceConfig, x: Arrays) -> dict[str, Array]:
    """Compute step by step: the decay multiplies the key that reads, and beta the key that writes."""
    xp = lib.xp

    def step(state: Array, at: Arrays) -> tuple[Array, Array]:
        row, key, seen, decayed = at["v"], at["k"], at["k"], state
        if "g" in at:
            decay = xp.exp(at["g"])
            seen, decayed = decay * key, decay[..., None] * state
        if "beta" in at:
            row = row - xp.einsum("bhk,bhkv->bhv", lib.operand(seen), lib.operand(state))
            key = at["beta"] * key
        state = lib.state(decayed + xp.einsum("bhk,bhv->bhkv", lib.operand(key), lib.operand(row)))
        return state, _read(lib, at["q"], state)

    last, o = lib.scan(step, x["S0"], _heads(config, x))
    return _joined(config, o, last)


class _Decays(NamedTuple):
    """The decays of a chunk, each of one number or of one for each key.

    Attributes:
        between: (batch, head, i, j, number), from step j to step i; zero for j > i.
        from_start: (batch, head, i, number), from the start of the chunk to step i.
        to_end: (batch, head, i, number), from step i to the end of the chunk.
        whole: (batch, head, number, 1), from the start of the chunk to its end.
    """

    between: Array
    from_start: Array
    to_end: Array
    whole: Array

    def products(self, xp: Any, rows: Array, k: Array) -> Array:  # noqa: ANN401 - a module
        """Return the products of rows with keys, times the decay from the key's step to the row's."""
        if self.between.shape[-1] == 1:
            return (rows @ k.swapaxes(-1, -2)) * self.between[..., 0]
        return xp.einsum("bhik,bhijk,bhjk->bhij", rows, self.between, k)


def _decays(xp: Any, g: Array | None, k: Array) -> _Decays:  # noqa: ANN401 - a module
    """Return the decays of a chunk by the running sums of its log-decays."""
    sums = xp.cumsum(xp.zeros_like(k[..., :1]) if g is None else g, 2)
    between = _between(xp, sums, 2)
    return _Decays(between, xp.exp(sums), xp.exp(sums[:, :, -1:] - sums), xp.exp(sums[:, :, -1])[..., None])


def _between(xp: Any, sums: Array, axis: int) -> Array:  # noqa: ANN401 - a module
    """Return exp(sum_i - sum_j) for j ≤ i, and zero elsewhere; i and j are the axes after ``axis``."""
    count, rest = sums.shape[axis], sums.ndim - axis - 1
    lower = (xp.tril(xp.ones((count, count))) > 0).reshape(count, count, *(1,) * rest)
    whole: tuple[Any, ...] = (slice(None),) * axis
    gaps = sums[(*whole, slice(None), None)] - sums[(*whole, None)]
    return xp.where(lower, xp.exp(xp.where(lower, gaps, 0)), 0)


def chunks(lib: Library, config: RecurrenceConfig, x: Arrays, *, size: int, direct: bool = False) -> dict[str, Array]:
    """Compute in chunks of steps, by the WY form: with the inverse of a triangular matrix, or by solving with it."""
    xp, heads, state, outputs = lib.xp, _heads(config, x), x["S0"], []
    for start in range(0, x["k"].shape[1], size):
        of = {name: array[:, start : start + size].swapaxes(1, 2) for name, array in heads.items()}
        keys, rows, decays, seen = of["k"], of["v"], _decays(xp, of.get("g"), of["k"]), lib.operand(state)
        if "beta" in of:
            known, values = decays.from_start * keys * of["beta"], rows * of["beta"]
            among = xp.tril(of["beta"] * decays.products(xp, keys, keys), -1)
            known, values = (_directly if direct else _by_inverse)(lib, among, known, values)
            rows = lib.operand(values - known @ seen)
        queries = of["q"].swapaxes(2, 3)
        for_rows = xp.stack([decays.products(xp, queries[:, :, j], keys) for j in range(queries.shape[2])], 2)
        of_state = (queries * decays.from_start[:, :, None]) @ seen[:, :, None]
        outputs.append(of_state + lib.operand(for_rows) @ rows[:, :, None])
        state = lib.state(decays.whole * state + lib.operand(keys * decays.to_end).swapaxes(-1, -2) @ rows)
    o = xp.concatenate(outputs, 3).swapaxes(2, 3).swapaxes(1, 2)
    return _joined(config, o, state)


def _directly(lib: Library, among: Array, known: Array, values: Array) -> tuple[Array, Array]:
    """Return (1 + among)⁻¹ times known and times values."""
    both = _forward(lib.xp, among, lib.xp.concatenate([known, values], -1))
    return lib.operand(both[..., : known.shape[-1]]), lib.operand(both[..., known.shape[-1] :])


def _by_inverse(lib: Library, among: Array, known: Array, values: Array) -> tuple[Array, Array]:
    identity = lib.xp.eye(among.shape[-1], dtype=among.dtype) + lib.xp.zeros_like(among)
    inverse = lib.operand(_forward(lib.xp, among, identity))
    return lib.operand(inverse @ lib.operand(known)), lib.operand(inverse @ lib.operand(values))


def _forward(xp: Any, among: Array, right: Array) -> Array:  # noqa: ANN401 - a module
    """Return (1 + among)⁻¹ times the right side, by forward substitution."""
    found = right[..., :1, :]
    for i in range(1, among.shape[-1]):
        row = right[..., i : i + 1, :] - among[..., i : i + 1, :i] @ found
        found = xp.concatenate([found, row], -2)
    return found


def selective_scan(lib: Library, _: RecurrenceConfig, x: Arrays) -> dict[str, Array]:
    """Compute step by step, with Δ u multiplied first."""
    xp = lib.xp

    def step(h: Array, at: Arrays) -> tuple[Array, Array]:
        added = lib.operand(at["dt"] * at["u"])[..., None] * at["B"][:, None]
        h = lib.state(xp.exp(at["dt"][..., None] * x["A"]) * h + added)
        return h, (lib.operand(h) @ at["C"][..., None])[..., 0] + x["D"] * at["u"]

    last, y = lib.scan(step, x["h0"], {**{name: x[name] for name in "uBC"}, "dt": lib.softplus(x["dt"])})
    return {"y": y, "h_n": last}


def other_selective_scan(lib: Library, _: RecurrenceConfig, x: Arrays) -> dict[str, Array]:
    """Compute decays and inputs of all steps at once, as Mamba's reference does, with Δ B multiplied first."""
    xp, dt = lib.xp, lib.softplus(x["dt"])

    def step(h: Array, at: Arrays) -> tuple[Array, Array]:
        h = lib.state(at["decay"] * h + at["added"])
        return h, xp.einsum("bdn,bn->bd", lib.operand(h), at["C"])

    decays = xp.exp(xp.einsum("btd,dn->btdn", dt, x["A"]))
    added = xp.einsum("btd,btn->btdn", dt, x["B"]) * x["u"][..., None]
    last, y = lib.scan(step, x["h0"], {"decay": decays, "added": added, "C": x["C"]})
    return {"y": y + x["u"] * x["D"], "h_n": last}


def slstm(lib: Library, _: RecurrenceConfig, x: Arrays) -> dict[str, Array]:
    """Compute step by step, one product for each gate."""
    xp = lib.xp

    def step(state: tuple[Array, ...], at: Arrays) -> tuple[tuple[Array, ...], Array]:
        h, c, n, m = state
        column = lib.operand(h)[..., None]
        i, f, z, o = (at[f"x_{gate}"] + (x[f"R_{gate}"] @ column)[..., 0] for gate in "ifzo")
        kept = m - lib.softplus(-f)
        m = lib.state(xp.maximum(kept, i))
        i, f = xp.exp(i - m), xp.exp(kept - m)
        c, n = lib.state(f * c + i * xp.tanh(z)), lib.state(f * n + i)
        out = lib.sigmoid(o) * (c / n)
        return (lib.state(out), c, n, m), out

    return _slstm(lib, x, step)


def other_slstm(lib: Library, _: RecurrenceConfig, x: Arrays) -> dict[str, Array]:
    """Compute step by step, with one product for all gates, and o multiplied by c before the division."""
    xp, weights = lib.xp, lib.xp.concatenate([x[f"R_{gate}"] for gate in "ifzo"], 1)

    def step(state: tuple[Array, ...], at: Arrays) -> tuple[tuple[Array, ...], Array]:
        h, c, n, m = state
        products, size = xp.einsum("hjk,bhk->bhj", weights, lib.operand(h)), h.shape[-1]
        parts = (products[..., k * size : (k + 1) * size] for k in range(4))
        i, f, z, o = (at[f"x_{gate}"] + part for gate, part in zip("ifzo", parts, strict=True))
        kept = m - xp.logaddexp(xp.zeros_like(f), -f)
        m = lib.state(xp.maximum(kept, i))
        i, f = xp.exp(i - m), xp.exp(kept - m)
        c, n = lib.state(c * f + xp.tanh(z) * i), lib.state(n * f + i)
        out = lib.sigmoid(o) * c / n
        return (lib.state(out), c, n, m), out

    return _slstm(lib, x, step)


def _slstm(lib: Library, x: Arrays, step: Any) -> dict[str, Array]:  # noqa: ANN401 - a function of a step
    last, out = lib.scan(
        step, tuple(x[f"{name}0"] for name in "hcnm"), {f"x_{gate}": x[f"x_{gate}"] for gate in "ifzo"}
    )
    return {"out": out, "h_n": last[0]}


def _over_time(lib: Library, h: Array, a: Array, b: Array) -> dict[str, Array]:
    """Return h' = a h + b after every step."""

    def step(h: Array, at: Arrays) -> tuple[Array, Array]:
        h = lib.state(at["a"] * h + at["b"])
        return h, h

    last, out = lib.scan(step, h, {"a": a, "b": b})
    return {"out": out, "h_n": last}


def rg_lru(lib: Library, _: RecurrenceConfig, x: Arrays) -> dict[str, Array]:
    """Compute step by step, with √(1 - e^(2 log a))."""
    log_a = -8 * lib.softplus(x["Lambda"]) * lib.sigmoid(x["r"])
    root = lib.xp.sqrt(1 - lib.xp.exp(2 * log_a))
    return _over_time(lib, x["h0"], lib.xp.exp(log_a), root * (lib.sigmoid(x["i"]) * x["x"]))


def other_rg_lru(lib: Library, _: RecurrenceConfig, x: Arrays) -> dict[str, Array]:
    """Compute step by step, with √(-expm1(2 log a))."""
    log_a = lib.sigmoid(x["r"]) * (-8 * lib.xp.logaddexp(x["Lambda"], lib.xp.zeros_like(x["Lambda"])))
    root = lib.xp.sqrt(-lib.xp.expm1(2 * log_a))
    return _over_time(lib, x["h0"], lib.xp.exp(log_a), root * x["x"] * lib.sigmoid(x["i"]))


def min_gru(lib: Library, _: RecurrenceConfig, x: Arrays) -> dict[str, Array]:
    """Compute step by step, as the equation is written."""
    z = lib.sigmoid(x["z"])
    return _over_time(lib, x["h0"], 1 - z, z * x["n"])


def complementary_min_gru(lib: Library, _: RecurrenceConfig, x: Arrays) -> dict[str, Array]:
    """Compute step by step, with 1 - z as the sigmoid of the opposite number."""
    return _over_time(lib, x["h0"], lib.sigmoid(-x["z"]), lib.sigmoid(x["z"]) * x["n"])


def other_min_gru(lib: Library, _: RecurrenceConfig, x: Arrays) -> dict[str, Array]:
    """Compute step by step, by interpolation from the state to the candidate."""

    def step(h: Array, at: Arrays) -> tuple[Array, Array]:
        h = lib.state(h + at["z"] * (at["n"] - h))
        return h, h

    last, out = lib.scan(step, x["h0"], {"z": lib.sigmoid(x["z"]), "n": x["n"]})
    return {"out": out, "h_n": last}


def causal_conv(lib: Library, config: RecurrenceConfig, x: Arrays) -> dict[str, Array]:
    """Compute by adding up shifted inputs, one for each weight."""
    padded, time = _padded(lib, x), x["x"].shape[1]
    y = sum((x["weight"][:, j] * padded[:, j : j + time] for j in range(config["width"])), x["bias"])
    return {"y": y * lib.sigmoid(y) if _is_silu(config) else y, "window_n": _window(padded, config)}


def other_causal_conv(lib: Library, config: RecurrenceConfig, x: Arrays) -> dict[str, Array]:
    """Compute as a product of each window with the weights, and SiLU as a quotient."""
    padded, time = _padded(lib, x), x["x"].shape[1]
    windows = lib.xp.stack([padded[:, j : j + time] for j in range(config["width"])], -1)
    y = lib.xp.einsum("btcj,cj->btc", windows, x["weight"]) + x["bias"]
    return {"y": y / (1 + lib.xp.exp(-y)) if _is_silu(config) else y, "window_n": _window(padded, config)}


def torch_causal_conv(lib: Library, config: RecurrenceConfig, x: Arrays) -> dict[str, Array]:
    """Compute by torch's convolution with a group for each channel."""
    padded = lib.xp.concatenate([x["window0"], x["x"].swapaxes(1, 2)], -1)
    y = lib.xp.conv1d(padded, x["weight"][:, None], x["bias"], groups=config["channels"]).swapaxes(1, 2)
    y = lib.xp.nn.functional.silu(y) if _is_silu(config) else y
    return {"y": y, "window_n": padded[..., padded.shape[-1] - config["past"] :]}


def _is_silu(config: RecurrenceConfig) -> bool:
    return bool(config.option("activation") == "silu")


def _padded(lib: Library, x: Arrays) -> Array:
    return lib.xp.concatenate([x["window0"].swapaxes(1, 2), x["x"]], 1)


def _window(padded: Array, config: RecurrenceConfig) -> Array:
    return padded[:, padded.shape[1] - config["past"] :].swapaxes(1, 2)


def _terms(lib: Library, x: Arrays) -> tuple[Array, Array]:
    """Return log a and b of all steps of a diagonal recurrence."""
    if "dt" in x:
        dt = lib.softplus(x["dt"])
        return dt[..., None] * x["A"], (dt * x["u"])[..., None] * x["B"][:, :, None]
    if "Lambda" in x:
        log_a = -8 * lib.softplus(x["Lambda"]) * lib.sigmoid(x["r"])
        return log_a, lib.xp.sqrt(-lib.xp.expm1(2 * log_a)) * (lib.sigmoid(x["i"]) * x["x"])
    return -lib.softplus(x["z"]), lib.sigmoid(x["z"]) * x["n"]


def _outputs(lib: Library, x: Arrays, h: Array, last: Array) -> dict[str, Array]:
    """Return the outputs of a diagonal recurrence from the states after all steps."""
    if "C" in x:
        return {"y": lib.xp.einsum("btdn,btn->btd", lib.operand(h), x["C"]) + x["D"] * x["u"], "h_n": last}
    return {"out": h, "h_n": last}


def cumulated(lib: Library, _: RecurrenceConfig, x: Arrays, *, size: int = 0) -> dict[str, Array]:
    """Compute all steps of a chunk at once: b of step j reaches step i times exp(sum_i - sum_j), of sums of log a.

    Without a size, all steps are one chunk.
    """
    xp, (log_a, b), h, found = lib.xp, _terms(lib, x), x["h0"], []
    for start in range(0, log_a.shape[1], size or log_a.shape[1]):
        steps = slice(start, start + (size or log_a.shape[1]))
        sums = xp.cumsum(log_a[:, steps], 1)
        between = lib.operand(_between(xp, sums, 1))
        added = xp.einsum("bij...,bj...->bi...", between, lib.operand(b[:, steps]))
        found.append(lib.operand(xp.exp(sums)) * lib.operand(h)[:, None] + added)
        h = lib.state(found[-1][:, -1])
    return _outputs(lib, x, xp.concatenate(found, 1), h)


def associative(lib: Library, _: RecurrenceConfig, x: Arrays) -> dict[str, Array]:
    """Compute by an associative operation: (a, b) then (a', b') is (a a', a' b + b')."""
    log_a, b = _terms(lib, x)
    a = lib.xp.exp(log_a)
    first = (a[:, 0] * x["h0"] + b[:, 0])[:, None]
    h = lib.state(lib.associative_scan(a, lib.xp.concatenate([first, b[:, 1:]], 1)))
    return _outputs(lib, x, h, h[:, -1])


STEPS = {
    **dict.fromkeys(ATTENTION, attention),
    "selective_scan": selective_scan,
    "slstm": slstm,
    "rg_lru": rg_lru,
    "min_gru": min_gru,
    "causal_conv": causal_conv,
}
OTHER_STEPS = {
    **dict.fromkeys(ATTENTION, other_attention),
    "selective_scan": other_selective_scan,
    "slstm": other_slstm,
    "rg_lru": other_rg_lru,
    "min_gru": other_min_gru,
    "causal_conv": other_causal_conv,
}
