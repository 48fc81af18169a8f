"""Linear recurrences as in the papers, number by number: a second implementation of the built-in recurrences.

It shares no code and no library with ``rnn_goldens/cells`` and the generator: loops over ``decimal``, one sequence, one
head and one number at a time. The papers do not define names and layouts; these are the goldens', as documented.

Sources:
    ONNX operators LinearAttention-27 and CausalConvWithState-27: their texts, with axes in another order here.
    S. Yang, J. Kautz, A. Hatamizadeh, Gated delta networks, arXiv:2412.06464 (2024): section 3.
    A. Gu, T. Dao, Mamba, arXiv:2312.00752 (2023): algorithm 2, with h' = e^(Δ A) h + Δ B u as its code has it.
    T. Dao, A. Gu, Transformers are SSMs, arXiv:2405.21060 (2024): groups of B and C.
    M. Beck et al., xLSTM, arXiv:2405.04517 (2024): equations (8) to (14), without the stabilizer of (15) to (17).
    S. De et al., Griffin, arXiv:2402.19427 (2024): equations (1) to (4), log a = -c softplus(Λ) r of appendix A, c = 8.
    L. Feng et al., Were RNNs all we needed?, arXiv:2410.01201 (2024): minGRU, section 3.1.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from independent.scalar_models import MODELS, Step
from independent.scalar_numbers import DECIMAL, TAPED, Functions, Variable, dot, each, flat, pull_back, rounded
from numpy.typing import ArrayLike, NDArray

Numbers = Mapping[str, Any]
"""Nested lists of numbers by name; in the order of the axes of the goldens."""

MOST_DIGITS = 1500


def attention(f: Functions, config: Mapping[str, Any], x: Numbers, _: Numbers, states: Numbers) -> Step:
    """ONNX's four update rules: S_t = e^g S + β k ⊗ (v - e^g Sᵀ k), without β: S_t = e^g S + k ⊗ v; o = scale Sᵀ q.

    S is (d_k, d_v), where Yang et al. (2024) have its transpose. Query heads that follow each other share a head, or
    heads that follow each other share a query and a key. ONNX: beta is (batch, time, heads) or (batch, time, 1).
    """
    heads, query_heads = config["heads"], config["query_heads"]
    of_key = heads // config.get("key_heads", heads)
    scale = config.get("scale")
    scale = 1 / Decimal(config["d_k"]).sqrt() if scale is None else as_decimal(scale)
    after, keys, values = [], range(config["d_k"]), range(config["d_v"])
    for head, before in enumerate(states["S"]):
        s, k, v = before, x["k"][head // of_key], x["v"][head]
        if "g" in x:
            g = x["g"][head] if config.get("decay") == "key" else [x["g"][head]] * len(k)
            s = [[f.exp(g[i]) * s[i][j] for j in values] for i in keys]
        if "beta" in x:
            beta = x["beta"][head if config.get("beta_heads") is None else 0]
            v = [beta * (v[j] - dot([s[i][j] for i in keys], k)) for j in values]
        after.append([[s[i][j] + k[i] * v[j] for j in values] for i in keys])
    most = max(heads, query_heads)
    pairs = [(after[place // (most // heads)], x["q"][place // (most // query_heads)]) for place in range(most)]
    o = [[scale * dot([s[i][j] for i in keys], q) for j in values] for s, q in pairs]
    return Step({"o": o}, {"S": after})


def selective_scan(f: Functions, config: Mapping[str, Any], x: Numbers, w: Numbers, states: Numbers) -> Step:
    """Gu & Dao (2023): h' = e^(Δ A) h + Δ B u and y = C h' + D u, where Δ is the softplus of dt.

    Dao & Gu (2024), section 8.2: channels that follow each other are a group, which has its own B and C.
    """
    after, y = [], []
    for d in range(config["d"]):
        of_b, of_c = x["B"], x["C"]
        if "groups" in config:
            group = d // (config["d"] // config["groups"])
            of_b, of_c = of_b[group], of_c[group]
        delta, h = f.softplus(x["dt"][d]), states["h"][d]
        h = [f.exp(delta * w["A"][d][n]) * h[n] + delta * of_b[n] * x["u"][d] for n in range(config["n"])]
        after.append(h)
        y.append(dot(of_c, h) + w["D"][d] * x["u"][d])
    return Step({"y": y}, {"h": after})


def slstm(f: Functions, config: Mapping[str, Any], x: Numbers, w: Numbers, states: Numbers) -> Step:
    """Beck et al. (2024): c' = f c + e^i tanh(z), n' = f n + e^i and h' = o c' / n', where f and o are sigmoids.

    Each gate is the input's part plus R h of its head.
    """
    after: dict[str, list[Any]] = {"h": [], "c": [], "n": []}
    for head in range(config["heads"]):
        of_head: dict[str, list[Any]] = {"h": [], "c": [], "n": []}
        for j in range(config["d"]):
            i, forget, z, o = (
                x[f"x_{gate}"][head][j] + dot(w[f"R_{gate}"][head][j], states["h"][head]) for gate in "ifzo"
            )
            c = f.sigmoid(forget) * states["c"][head][j] + f.exp(i) * f.tanh(z)
            n = f.sigmoid(forget) * states["n"][head][j] + f.exp(i)
            for name, number in (("h", f.sigmoid(o) * c / n), ("c", c), ("n", n)):
                of_head[name].append(number)
        for name, numbers in of_head.items():
            after[name].append(numbers)
    return Step({"out": after["h"]}, after)


def slstm_without_stabilizer(f: Functions, states: Numbers) -> Numbers:
    """A stored c or n is e^-m times that of the equations (8) and (9)."""

    def unscaled(name: str) -> list[list[Any]]:
        rows = zip(states[name], states["m"], strict=True)
        return [[f.exp(m) * number for number, m in zip(*row, strict=True)] for row in rows]

    return {"h": states["h"], "c": unscaled("c"), "n": unscaled("n")}


def rg_lru(f: Functions, config: Mapping[str, Any], x: Numbers, w: Numbers, states: Numbers) -> Step:
    """De et al. (2024): h' = a h + √(1 - a²) (sigmoid(i) x), where log a = -8 softplus(Λ) sigmoid(r)."""
    h = []
    for d in range(config["d"]):
        log_a = -8 * f.softplus(w["Lambda"][d]) * f.sigmoid(x["r"][d])
        gated = f.sigmoid(x["i"][d]) * x["x"][d]
        h.append(f.exp(log_a) * states["h"][d] + f.sqrt(f.one_minus_exp(2 * log_a)) * gated)
    return Step({"out": h}, {"h": h})


def min_gru(f: Functions, config: Mapping[str, Any], x: Numbers, _: Numbers, states: Numbers) -> Step:
    """Feng et al. (2024): h' = (1 - z) h + z n, where z is a sigmoid, and 1 - z that of the opposite number."""
    h = [f.sigmoid(-x["z"][d]) * states["h"][d] + f.sigmoid(x["z"][d]) * x["n"][d] for d in range(config["d"])]
    return Step({"out": h}, {"h": h})


def causal_conv(f: Functions, config: Mapping[str, Any], x: Numbers, w: Numbers, states: Numbers) -> Step:
    """ONNX: y is bias plus weight times the last inputs, and SiLU of it; the state is the last (width - 1) inputs."""
    y, after = [], []
    for channel in range(config["channels"]):
        inputs = [*states["window"][channel], x["x"][channel]]
        total = dot(w["weight"][channel], inputs) + w["bias"][channel]
        y.append(total if config.get("activation") == "none" else total * f.sigmoid(total))
        after.append(inputs[1:])
    return Step({"y": y}, {"window": after})


Equations = Callable[[Functions, Mapping[str, Any], Numbers, Numbers, Numbers], Step]

RECURRENCES: dict[str, tuple[Equations, str, tuple[str, ...]]] = {
    **dict.fromkeys(
        ("linear_attention", "gated_linear_attention", "delta_rule", "gated_delta"), (attention, "o", ("S",))
    ),
    "selective_scan": (selective_scan, "y", ("h",)),
    "slstm": (slstm, "out", ("h",)),
    "rg_lru": (rg_lru, "out", ("h",)),
    "min_gru": (min_gru, "out", ("h",)),
    "causal_conv": (causal_conv, "y", ("window",)),
    **MODELS,
}
"""By name of the recurrence: the equations of a step, the output, and the states whose last values are outputs."""


def all_sequences(
    f: Functions, cell: str, config: Mapping[str, Any], arrays: tuple[Numbers, Numbers, Numbers], offsets: Any
) -> Numbers:
    """Return the outputs and the last states of inputs, weights and initial states, as nested lists."""
    inputs, weights, states = arrays
    equations, output, compared = RECURRENCES[cell]
    rows, last = [], dict[str, list[Any]]()
    for k, sequence in enumerate(sequences(inputs, offsets)):
        before: Numbers = {name.removesuffix("0"): numbers[k] for name, numbers in states.items()}
        if cell == "slstm":
            before = slstm_without_stabilizer(f, before)
        outputs = []
        for x in sequence:
            step = equations(f, config, x, weights, before)
            outputs.append(step.outputs[output])
            before = step.states
        rows.append(outputs)
        for state in compared:
            last.setdefault(f"{state}_n", []).append(before[state])
    if offsets is not None:
        rows = [[step for row in rows for step in row]]
    return {output: rows, **last}


def sequences(inputs: Numbers, offsets: Any) -> Iterator[list[Numbers]]:
    """Yield the inputs of each time step of each sequence: a row of the batch, or a part of the only row."""
    names, rows = list(inputs), list(zip(*inputs.values(), strict=True))
    for row in rows:
        steps: list[Numbers] = [dict(zip(names, step, strict=True)) for step in zip(*row, strict=True)]
        ends = [0, len(steps)] if offsets is None else [int(offset) for offset in offsets]
        for k in range(len(ends) - 1):
            yield steps[ends[k] : ends[k + 1]]


def as_decimal(number: Any) -> Decimal:
    exact = Fraction(number)
    return Decimal(exact.numerator) / exact.denominator


def exact(arrays: Mapping[str, ArrayLike]) -> Numbers:
    """Return arrays as nested lists of Decimals, which represent their numbers exactly."""
    return {name: each(Decimal, np.asarray(array, np.float64).tolist()) for name, array in arrays.items()}


def enough_digits(cell: str, config: Mapping[str, Any]) -> int:
    """Return how many digits are enough unless nothing is rounded: many if outputs are polynomials of the numbers."""
    is_polynomial = cell in ("linear_attention", "delta_rule", "short_conv") or config.get("activation") == "none"
    return MOST_DIGITS if is_polynomial else 0


def outputs(
    cell: str,
    config: Mapping[str, Any],
    inputs: Mapping[str, ArrayLike],
    weights: Mapping[str, ArrayLike],
    states: Mapping[str, ArrayLike],
    offsets: Sequence[int] | NDArray[np.int64] | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Return the outputs and the compared last states: exact results, rounded to the nearest float64.

    Names and shapes are the goldens': inputs (batch, time, …), initial states ``S0`` (sequences, …); with ``offsets``,
    the sequences are parts of one row.
    """
    arrays = exact(inputs), exact(weights), exact(states)
    found = rounded(lambda: all_sequences(DECIMAL, cell, config, arrays, offsets), enough_digits(cell, config))
    return {name: np.array(numbers, np.float64) for name, numbers in found.items()}


def gradients(
    cell: str,
    config: Mapping[str, Any],
    inputs: Mapping[str, ArrayLike],
    weights: Mapping[str, ArrayLike],
    states: Mapping[str, ArrayLike],
    offsets: Sequence[int] | NDArray[np.int64] | None,
    cotangents: Mapping[str, ArrayLike],
) -> dict[str, NDArray[np.float64]]:
    """Return the gradients of the sum of cotangents times outputs by each input, weight and initial state.

    They are exact, rounded to the nearest float64. The cotangent of an output ``o`` is ``d_o``; a missing one is zero.
    """
    numbers, factors = [exact(part) for part in (inputs, weights, states)], exact(cotangents)

    def compute() -> Numbers:
        variables = [{name: each(Variable, array) for name, array in part.items()} for part in numbers]
        found = all_sequences(TAPED, cell, config, (variables[0], variables[1], variables[2]), offsets)
        pull_back(flat([found[name.removeprefix("d_")] for name in factors]), flat(list(factors.values())))
        return {name: each(lambda one: one.cotangent, array) for part in variables for name, array in part.items()}

    return {n: np.array(g, np.float64) for n, g in rounded(compute, enough_digits(cell, config)).items()}
