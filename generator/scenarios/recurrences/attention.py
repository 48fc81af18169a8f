"""Scenarios of linear attention and the delta rules."""

import numpy as np

from rnn_goldens.deviations.recurrences.edits import ATTENTION, DELTA, GATED
from rnn_goldens.generator.scenarios.random_numbers import Float64, dyadic, integers
from rnn_goldens.generator.scenarios.recurrences.templates import Arrays, Call, Variant, short, spread
from rnn_goldens.golden.recurrences import BY_KEY
from rnn_goldens.golden.shapes import Shape

FLOAT32 = ("float64", "float32")


def draw_attention(key: str, name: str, shape: Shape) -> Float64:
    """Return queries and values up to 2, keys of length one, decays of about 0.9, and beta between 0.2 and 1."""
    if name == "k":
        drawn = dyadic(key, shape, 2) + 1 / 128
        return short(drawn / np.linalg.norm(drawn, axis=-1, keepdims=True), 7)
    if name == "g":
        return -spread(key, shape, 2.0**-8, 0.25)
    return spread(key, shape, 0.2, 1.0) if name == "beta" else dyadic(key, shape, 1.5)


def _strong(drawn: Arrays) -> Arrays:
    """Return a larger state, decays down to e^-12, and a reset in the middle of each sequence: e^-8192 is zero."""
    g = short(drawn["g"] * 48)
    g[:, g.shape[1] // 2] = -8192.0
    return {"g": g, "S0": 8 * drawn["S0"]}


def _strong_over_chunks(drawn: Arrays) -> Arrays:
    """Return decays down to e^-12, one at each border of 16 steps, and a reset in each 16 steps."""
    g = short(drawn["g"] * 48)
    g[:, [0, 16, 32]] = 0.0
    g[:, [6, 22, 38]] = -8192.0
    return {"g": g, "S0": 8 * drawn["S0"]}


def _full(drawn: Arrays) -> Arrays:
    """Return log-decays and beta with all bits of float32: running sums of the former round."""
    found = {name: drawn[name] for name in ("g", "beta") if name in drawn}
    factors = {n: 1 - np.arange(1, 1 + a.size).reshape(a.shape) / 3 % 1 / 64 for n, a in found.items()}
    return {name: (array * factors[name]).astype(np.float32).astype(np.float64) for name, array in found.items()}


def _equal_keys(drawn: Arrays) -> Arrays:
    """Return nearly equal keys, for which the state nearly holds the values, and the residual cancels."""
    k = drawn["k"]
    return {"k": short(np.broadcast_to(k[:, :1], k.shape) + k / 16, 7)}


def _small_updates(drawn: Arrays) -> Arrays:
    """Return states near one, and steps that change them by at most half a unit in the last place of bfloat16."""
    found = {"S0": np.sign(drawn["S0"]) * short(1 + abs(drawn["S0"]) / 16), "k": abs(drawn["k"])}
    if "g" in drawn:
        found["g"] = drawn["g"] / 64
    if "beta" in drawn:
        return found | {"beta": drawn["beta"] / 256, "v": abs(drawn["v"])}
    return found | {"v": short((1 + abs(drawn["v"])) / 512)}


_GROUPED = {"heads": 3, "query_heads": 6}
_GRADIENTS = "Both outputs have cotangents: gradients by every input and by the initial state."
_ONE_HEAD = {"heads": 1, "query_heads": 1}
_MOST = ("gated_delta",)
"""The recurrence with both gates, which has every variant."""

ATTENTION_VARIANTS = (
    Variant(
        "several-steps",
        "A few steps with an initial state and the default scale 1 / √d_k; d_k and d_v differ.",
        Call({"heads": 2, "query_heads": 2, "d_k": 3, "d_v": 2}, batch=2, time=3),
        gradient_purpose=_GRADIENTS,
    ),
    Variant(
        "square",
        "d_k and d_v are equal: a state that is read transposed passes every shape check.",
        Call({"heads": 1, "query_heads": 1, "d_k": 3, "d_v": 3}, time=3),
        gradient_purpose="A transposed gradient of the state has the right shape.",
    ),
    Variant(
        "one-step",
        "Decoding: one step from a stored state.",
        Call({"heads": 2, "query_heads": 2, "d_k": 3, "d_v": 4}, batch=2, time=1),
        cells=_MOST,
        gradient_purpose="One step: the gradient by the initial state is the cotangent of the state and of the output.",
    ),
    Variant(
        "from-zero",
        "Prefill: starts from zero, so the first steps read almost nothing.",
        Call({"heads": 2, "query_heads": 2, "d_k": 3, "d_v": 2}, time=4, state=False),
        cells=_MOST,
        cotangents=("o",),
        gradient_purpose="Only the outputs have a cotangent, and there is no initial state.",
    ),
    Variant(
        "grouped-queries",
        "Three heads with two queries each: query head h reads the state of head h // 2.",
        Call({**_GROUPED, "d_k": 2, "d_v": 3}, time=4),
        gradient_purpose="Gradients by keys and values add up over the queries of a head.",
    ),
    Variant(
        "grouped-values",
        "Three key heads with two value heads each: head h reads query and key h // 2, and has a state of its own.",
        Call({"query_heads": 3, "key_heads": 3, "heads": 6, "d_k": 2, "d_v": 3}, time=4),
        gradient_purpose="Gradients by queries and keys add up over the heads of a key head.",
    ),
    Variant(
        "one-beta",
        "One beta for all three heads, (batch, time, 1): it broadcasts.",
        Call({"heads": 3, "query_heads": 3, "beta_heads": 1, "d_k": 2, "d_v": 3}, time=4),
        cells=DELTA,
        gradient_purpose="The gradient by beta adds up over the heads.",
    ),
    Variant(
        "scale",
        "The scale is given and is not 1 / √d_k.",
        Call({"heads": 1, "query_heads": 2, "d_k": 3, "d_v": 2, "scale": 1.25}, time=3),
        gradient_purpose="The scale multiplies gradients through the output, and not those through the last state.",
    ),
    Variant(
        "twenty-steps",
        "Twenty steps: more than a chunk of 16, and no multiple of it.",
        Call({**_ONE_HEAD, "d_k": 3, "d_v": 2}, time=20),
        cells=_MOST,
    ),
    *(
        Variant(
            f"{time}-steps",
            purpose,
            Call({**_ONE_HEAD, "d_k": 2, "d_v": 1}, time=time),
            cells=cells,
            gradient_purpose=gradients,
        )
        for time, cells, purpose, gradients in (
            (63, _MOST, "One step fewer than a chunk of 64.", ""),
            (64, _MOST, "Exactly one chunk of 64.", ""),
            (
                65,
                ATTENTION,
                "One step more than a chunk of 64: the second chunk starts from the state of the first.",
                "The cotangent of the state passes through a border of chunks of 64.",
            ),
            (150, ATTENTION, "Two chunks of 64 and a part of a third.", ""),
            (210, _MOST, "More than 200 steps: three chunks of 64 and a part of a fourth.", ""),
        )
    ),
    Variant(
        "large-state",
        "An initial state ten times as large as the values.",
        Call({**_ONE_HEAD, "d_k": 4, "d_v": 3}),
        cells=_MOST,
        change=lambda drawn: {"S0": 16 * drawn["S0"]},
    ),
    Variant(
        "small-updates",
        "Small changes of a state near one: a state kept in bfloat16 stays as it is.",
        Call({**_ONE_HEAD, "d_k": 2, "d_v": 1}, time=140),
        change=_small_updates,
    ),
    Variant(
        "packed",
        "Three sequences packed with offsets, one of a single step: no state crosses a border.",
        Call({"heads": 1, "query_heads": 2, "d_k": 3, "d_v": 2}, offsets=(0, 4, 5, 9)),
        gradient_purpose="No cotangent crosses a border of packed sequences.",
    ),
    Variant(
        "packed-chunks",
        "Packed sequences of 66, 4 and 130 steps: chunks of 64 are counted from the start of each sequence.",
        Call({**_ONE_HEAD, "d_k": 2, "d_v": 1}, offsets=(0, 66, 70, 200)),
    ),
    Variant(
        "packed-from-zero",
        "Two packed sequences that start from zero.",
        Call({**_ONE_HEAD, "d_k": 3, "d_v": 2}, state=False, offsets=(0, 3, 7)),
        cells=_MOST,
    ),
    Variant(
        "strong-decay",
        "Decays down to e^-12 and a reset by e^-8192, which is zero: exp of a difference must not overflow.",
        Call({**_ONE_HEAD, "d_k": 3, "d_v": 2}, time=12),
        cells=GATED,
        change=_strong,
        gradient_purpose="No gradient passes a reset.",
    ),
    Variant(
        "strong-decay-40-steps",
        "Decays down to e^-12, one and zero, in more steps than chunks of 16 and of 32 have.",
        Call({**_ONE_HEAD, "d_k": 2, "d_v": 1}, time=40),
        cells=GATED,
        change=_strong_over_chunks,
    ),
    Variant(
        "decay-by-key",
        "A decay for each key: each row of the state decays by its own factor.",
        Call({"heads": 1, "query_heads": 2, "d_k": 3, "d_v": 2, "decay": BY_KEY}, time=5),
        cells=GATED,
        gradient_purpose="The gradient by the decay of a key adds up its row of the state only.",
    ),
    Variant(
        "decay-by-key-65-steps",
        "A decay for each key over a border of chunks.",
        Call({**_ONE_HEAD, "d_k": 2, "d_v": 1, "decay": BY_KEY}, time=65),
        cells=_MOST,
    ),
    Variant(
        "full-numbers",
        "Log-decays and beta with all bits of float32, which no half precision may be used for.",
        Call({**_ONE_HEAD, "d_k": 2, "d_v": 1}, time=70),
        cells=DELTA,
        change=_full,
        precisions=FLOAT32,
    ),
    Variant(
        "equal-keys",
        "Nearly equal keys: the residual v - Sᵀk cancels.",
        Call({**_ONE_HEAD, "d_k": 3, "d_v": 2}, time=20),
        cells=DELTA,
        change=_equal_keys,
    ),
)


# Exact goldens: keys of ±1/2 with d_k = 4 have length one, so nothing rounds.


def _hadamard_keys(name: str, shape: tuple[int, ...]) -> Float64:
    """Return keys from a Hadamard matrix, times 1/2: orthogonal or equal up to the sign."""
    rows = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]) / 2
    order = integers(f"{name} order", shape[:-1], 2**20).astype(int) % 4
    signs = np.where(integers(f"{name} signs", shape[:-1], 2**20) < 0, -1.0, 1.0)
    return np.asarray(rows[order] * signs[..., None])


def draw_exact(key: str, name: str, shape: Shape) -> Float64:
    """Return small integers, Hadamard keys, beta of 1 or 0, and decays of 1 or 0: e^-1024 is zero."""
    if name == "k":
        return _hadamard_keys(key, shape)
    if name == "g":
        return np.where(integers(key, shape, 2**20) % 7 == 0, -1024.0, 0.0)
    if name == "beta":
        return np.where(integers(key, shape, 2**20) % 4 == 0, 0.0, 1.0)
    return integers(key, shape, 2 if name == "v" else 1)


_EXACT = {"heads": 1, "query_heads": 2, "d_k": 4, "d_v": 3}

EXACT_VARIANTS = (
    Variant(
        "exact-steps",
        "Nothing rounds in any order: step by step, as a whole and in chunks, all results compare with ==.",
        Call({**_EXACT, "scale": 1.0}, time=6),
        gradient_purpose="Nothing rounds in the backward pass either.",
    ),
    Variant(
        "exact-twenty-steps",
        "Nothing rounds over a border of chunks of 16.",
        Call({**_EXACT, "scale": 0.5}, time=20),
        cells=DELTA,
    ),
)
