"""Scenarios of recurrences: small, each with a purpose. Inputs have at most eight significant bits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from rnn_goldens.generator.recurrences.scenario import RecurrenceScenario
from rnn_goldens.generator.scenarios.numbers import Float64, dyadic, integers
from rnn_goldens.golden.recurrences import BY_KEY, recurrence_config

FLOAT32 = ("float64", "float32")

ATTENTION = ("linear_attention", "gated_linear_attention", "delta_rule", "gated_delta")

Arrays = dict[str, Float64]


def short(values: Float64, bits: int = 8) -> Float64:
    """Return numbers rounded to a number of significant bits."""
    mantissas, exponents = np.frexp(values)
    rounded: Float64 = np.ldexp(np.rint(mantissas * 2**bits), exponents - bits)
    return rounded


def spread(name: str, shape: tuple[int, ...], low: float, high: float) -> Float64:
    """Return numbers between two limits, with eight significant bits."""
    return short(low + (high - low) * (integers(name, shape, 2**16) / 2.0**17 + 0.5))


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A scenario of a recurrence, to be drawn.

    Attributes:
        name: the last part of the id.
        purpose: what it shows or detects.
        sizes: sizes and options.
        cells: the rules of attention that have this variant.
        batch, time: the size of the batch, and the number of time steps.
        state: whether initial states are given.
        offsets: of packed sequences.
        change: changes the drawn inputs, and the states, which are in the same mapping.
        cotangents: names of the outputs with a cotangent; all if None.
        gradient_purpose: what the cotangents show or detect; "" without gradients.
    """

    name: str
    purpose: str
    sizes: Mapping[str, Any]
    cells: tuple[str, ...] = ATTENTION
    batch: int = 2
    time: int = 6
    state: bool = True
    offsets: tuple[int, ...] | None = None
    change: Callable[[Arrays], Arrays] = field(default=dict)
    cotangents: tuple[str, ...] | None = None
    gradient_purpose: str = ""
    precisions: tuple[str, ...] = ("float64", "float32", "bfloat16", "float16")
    declared: tuple[str, ...] = ()

    def scenario(self, cell: str, draw: Callable[[str, Mapping[str, tuple[int, ...]]], Arrays]) -> RecurrenceScenario:
        """Return the scenario of a cell; ``draw`` draws arrays of some shapes for an id."""
        golden_id = f"{cell.replace('_', '-')}/{self.name}"
        config = recurrence_config(cell, self.sizes)
        sequences = self.batch if self.offsets is None else len(self.offsets) - 1
        initial = config.initial_shapes(sequences) if self.state else {}
        drawn = draw(golden_id, {**config.input_shapes(self.batch, self.time), **initial, **config.weights})
        changed = {**drawn, **self.change(drawn)}
        outputs = config.output_shapes(self.batch, self.time, sequences) if self.gradient_purpose else {}
        wanted = {n: shape for n, shape in outputs.items() if self.cotangents is None or n in self.cotangents}
        return RecurrenceScenario(
            id=golden_id,
            purpose=self.purpose,
            cell=cell,
            config=dict(config),
            inputs={name: changed[name] for name in config.inputs},
            weights={name: changed[name] for name in config.weights},
            states={name: changed[name] for name in initial},
            offsets=self.offsets,
            cotangents={f"d_{n}": dyadic(f"{golden_id} d_{n}", shape, 1) for n, shape in wanted.items()},
            gradient_purpose=self.gradient_purpose,
            precisions=self.precisions,
            declared=self.declared,
            documented_in="docs/linear-recurrences.md",
        )


# Linear attention.


def draw_attention(golden_id: str, shapes: Mapping[str, tuple[int, ...]]) -> Arrays:
    """Return queries and values up to 2, unit keys, decays of about 0.9, and beta between 0.2 and 1."""
    drawn = {}
    for name, shape in shapes.items():
        of = f"{golden_id} {name}"
        if name == "k":
            drawn[name] = unit_keys(of, shape)
        elif name == "g":
            drawn[name] = -spread(of, shape, 2.0**-8, 0.25)
        elif name == "beta":
            drawn[name] = spread(of, shape, 0.2, 1.0)
        else:
            drawn[name] = dyadic(of, shape, 1.5)
    return drawn


def unit_keys(name: str, shape: tuple[int, ...]) -> Float64:
    """Return keys of length one, rounded to seven significant bits."""
    drawn = dyadic(name, shape, 2) + 1 / 128
    return short(drawn / np.linalg.norm(drawn, axis=-1, keepdims=True), 7)


def _strong(drawn: Arrays) -> Arrays:
    """Return a larger state, decays down to e^-12, and a reset in the middle of each sequence: e^-8192 is zero."""
    g = short(drawn["g"] * 48)
    g[:, g.shape[1] // 2] = -8192.0
    return {"g": g, "S0": 8 * drawn["S0"]}


def _full(drawn: Arrays) -> Arrays:
    """Return log-decays and beta with all bits of float32: running sums of the former round."""
    return {name: _with_all_bits(drawn[name]) for name in ("g", "beta") if name in drawn}


def _with_all_bits(array: Float64) -> Float64:
    count = np.arange(1, 1 + array.size).reshape(array.shape)
    return (array * (1 - count / 3 % 1 / 64)).astype(np.float32).astype(np.float64)


def _equal_keys(drawn: Arrays) -> Arrays:
    """Return nearly equal keys, for which the state nearly holds the values, and the residual cancels."""
    k = drawn["k"]
    return {"k": short(np.broadcast_to(k[:, :1], k.shape) + k / 16, 7)}


def _large_state(drawn: Arrays) -> Arrays:
    return {"S0": 16 * drawn["S0"]}


_GROUPED = {"heads": 3, "query_heads": 6}
_GRADIENTS = "Both outputs have cotangents: gradients by every input and by the initial state."
_ONE_HEAD = {"heads": 1, "query_heads": 1}
_GATED = ("gated_linear_attention", "gated_delta")
_DELTA = ("delta_rule", "gated_delta")
_MOST = ("gated_delta",)
"""The recurrence with both gates, which has every variant."""

ATTENTION_VARIANTS = (
    Variant(
        name="several-steps",
        purpose="A few steps with an initial state and the default scale 1 / √d_k; d_k and d_v differ.",
        sizes={"heads": 2, "query_heads": 2, "d_k": 3, "d_v": 2},
        time=3,
        gradient_purpose=_GRADIENTS,
    ),
    Variant(
        name="one-step",
        purpose="Decoding: one step from a stored state.",
        sizes={"heads": 2, "query_heads": 2, "d_k": 3, "d_v": 4},
        time=1,
        cells=_MOST,
        gradient_purpose="One step: the gradient by the initial state is the cotangent of the state and of the output.",
    ),
    Variant(
        name="from-zero",
        purpose="Prefill: starts from zero, so the first steps read almost nothing.",
        sizes={"heads": 2, "query_heads": 2, "d_k": 3, "d_v": 2},
        batch=1,
        state=False,
        cells=_MOST,
        gradient_purpose="Only the outputs have a cotangent, and there is no initial state.",
        cotangents=("o",),
        time=4,
    ),
    Variant(
        name="grouped-queries",
        purpose="Three heads with two queries each: query head h reads the state of head h // 2.",
        sizes={**_GROUPED, "d_k": 2, "d_v": 3},
        batch=1,
        time=4,
        gradient_purpose="Gradients by keys and values add up over the queries of a head.",
    ),
    Variant(
        name="scale",
        purpose="The scale is given and is not 1 / √d_k.",
        sizes={"heads": 1, "query_heads": 2, "d_k": 3, "d_v": 2, "scale": 1.25},
        batch=1,
        time=3,
        gradient_purpose="The scale multiplies gradients through the output, and not those through the last state.",
    ),
    Variant(
        name="twenty-steps",
        purpose="Twenty steps: more than a chunk of 16, and no multiple of it.",
        sizes={**_ONE_HEAD, "d_k": 3, "d_v": 2},
        batch=1,
        time=20,
        cells=_MOST,
    ),
    Variant(
        name="63-steps",
        purpose="One step fewer than a chunk of 64.",
        sizes={**_ONE_HEAD, "d_k": 2, "d_v": 1},
        batch=1,
        time=63,
        cells=_MOST,
        declared=("long",),
    ),
    Variant(
        name="64-steps",
        purpose="Exactly one chunk of 64.",
        sizes={**_ONE_HEAD, "d_k": 2, "d_v": 1},
        batch=1,
        time=64,
        cells=_MOST,
        declared=("long",),
    ),
    Variant(
        name="65-steps",
        purpose="One step more than a chunk of 64: the second chunk starts from the state of the first.",
        sizes={**_ONE_HEAD, "d_k": 2, "d_v": 1},
        batch=1,
        time=65,
        declared=("long",),
        gradient_purpose="The cotangent of the state passes through a border of chunks of 64.",
    ),
    Variant(
        name="150-steps",
        purpose="Two chunks of 64 and a part of a third.",
        sizes={**_ONE_HEAD, "d_k": 2, "d_v": 1},
        batch=1,
        time=150,
        cells=_MOST,
        declared=("long",),
    ),
    Variant(
        name="large-state",
        purpose="An initial state ten times as large as the values.",
        sizes={**_ONE_HEAD, "d_k": 4, "d_v": 3},
        batch=1,
        cells=_MOST,
        change=_large_state,
    ),
    Variant(
        name="packed",
        purpose="Three sequences packed with offsets, one of a single step: no state crosses a border.",
        sizes={"heads": 1, "query_heads": 2, "d_k": 3, "d_v": 2},
        batch=1,
        time=9,
        offsets=(0, 4, 5, 9),
        gradient_purpose="No cotangent crosses a border of packed sequences.",
    ),
    Variant(
        name="packed-from-zero",
        purpose="Two packed sequences that start from zero.",
        sizes={**_ONE_HEAD, "d_k": 3, "d_v": 2},
        batch=1,
        time=7,
        state=False,
        offsets=(0, 3, 7),
        cells=_MOST,
    ),
    Variant(
        name="strong-decay",
        purpose="Decays down to e^-12 and a reset by e^-8192, which is zero: exp of a difference must not overflow.",
        sizes={**_ONE_HEAD, "d_k": 3, "d_v": 2},
        batch=1,
        time=12,
        cells=_GATED,
        change=_strong,
        gradient_purpose="No gradient passes a reset.",
    ),
    Variant(
        name="decay-by-key",
        purpose="A decay for each key: each row of the state decays by its own factor.",
        sizes={"heads": 1, "query_heads": 2, "d_k": 3, "d_v": 2, "decay": BY_KEY},
        cells=_GATED,
        gradient_purpose="The gradient by the decay of a key adds up its row of the state only.",
        time=5,
        batch=1,
    ),
    Variant(
        name="decay-by-key-65-steps",
        purpose="A decay for each key over a border of chunks.",
        sizes={**_ONE_HEAD, "d_k": 2, "d_v": 1, "decay": BY_KEY},
        batch=1,
        time=65,
        cells=_MOST,
        declared=("long",),
    ),
    Variant(
        name="full-numbers",
        purpose="Log-decays and beta with all bits of float32, which no half precision may be used for.",
        sizes={**_ONE_HEAD, "d_k": 2, "d_v": 1},
        batch=1,
        time=70,
        cells=_DELTA,
        change=_full,
        precisions=FLOAT32,
        declared=("long",),
    ),
    Variant(
        name="equal-keys",
        purpose="Nearly equal keys: the residual v - Sᵀk cancels.",
        sizes={**_ONE_HEAD, "d_k": 3, "d_v": 2},
        batch=1,
        time=20,
        cells=_DELTA,
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


def draw_exact(golden_id: str, shapes: Mapping[str, tuple[int, ...]]) -> Arrays:
    """Return small integers, Hadamard keys, beta of 1 or 0, and decays of 1 or 0: e^-1024 is zero."""
    drawn = {}
    for name, shape in shapes.items():
        of = f"{golden_id} {name}"
        if name == "k":
            drawn[name] = _hadamard_keys(of, shape)
        elif name == "g":
            drawn[name] = np.where(integers(of, shape, 2**20) % 7 == 0, -1024.0, 0.0)
        elif name == "beta":
            drawn[name] = np.where(integers(of, shape, 2**20) % 4 == 0, 0.0, 1.0)
        else:
            drawn[name] = integers(of, shape, 2 if name == "v" else 1)
    return drawn


_EXACT = {"heads": 1, "query_heads": 2, "d_k": 4, "d_v": 3}

EXACT_VARIANTS = (
    Variant(
        name="exact-steps",
        purpose="Nothing rounds in any order: step by step, as a whole and in chunks, all results compare with ==.",
        sizes={**_EXACT, "scale": 1.0},
        batch=1,
        time=6,
        gradient_purpose="Nothing rounds in the backward pass either.",
    ),
    Variant(
        name="exact-twenty-steps",
        purpose="Nothing rounds over a border of chunks of 16.",
        sizes={**_EXACT, "scale": 0.5},
        batch=1,
        time=20,
        cells=_DELTA,
    ),
)


# Scans, sLSTM and convolution.


def draw_scan(golden_id: str, shapes: Mapping[str, tuple[int, ...]]) -> Arrays:
    """Return inputs up to 1.5, and weights with which states decay."""
    drawn = {}
    for name, shape in shapes.items():
        of = f"{golden_id} {name}"
        if name == "A":
            drawn[name] = -spread(of, shape, 0.25, 2.0)
        elif name == "Lambda":
            drawn[name] = -spread(of, shape, 2.0, 5.0)
        elif name == "n0":
            drawn[name] = spread(of, shape, 0.25, 2.0)
        elif name.startswith("R_"):
            drawn[name] = dyadic(of, shape, 0.5)
        else:
            drawn[name] = dyadic(of, shape, 1.5)
    return drawn


def _steps(sizes: Mapping[str, Any], smallest: Mapping[str, Any]) -> tuple[Variant, ...]:
    """Return the variants that every other recurrence has; the longest one has the smallest sizes."""
    every = "Cotangents of the outputs and of the last state: gradients by every input, state and weight."
    return (
        Variant(
            name="several-steps",
            purpose="A few steps with an initial state; sizes and batch rows differ.",
            sizes=sizes,
            time=4,
            gradient_purpose=every,
        ),
        Variant(name="one-step", purpose="Decoding: one step from a stored state.", sizes=sizes, time=1),
        Variant(
            name="from-zero",
            purpose="Starts from zero.",
            sizes=sizes,
            batch=1,
            time=4,
            state=False,
        ),
        Variant(
            name="packed",
            purpose="Packed sequences, one of a single step: no state crosses a border.",
            sizes=sizes,
            batch=1,
            time=7,
            offsets=(0, 3, 4, 7),
            gradient_purpose="No cotangent crosses a border; gradients of weights add up over the sequences.",
        ),
        Variant(
            name="70-steps",
            purpose="More than a chunk of 64 steps.",
            sizes=smallest,
            batch=1,
            time=70,
            declared=("long",),
            gradient_purpose="The cotangent of the state passes through a border of chunks of 64.",
        ),
    )


def _small_steps(drawn: Arrays) -> Arrays:
    """Return step sizes whose softplus is small, so that states decay slowly."""
    return {"dt": short(drawn["dt"] - 4)}


def _slow(drawn: Arrays) -> Arrays:
    """Return decays near one, where 1 - a² cancels."""
    return {"Lambda": short(drawn["Lambda"] - 4)}


def _hold(drawn: Arrays) -> Arrays:
    """Return gates that keep the state almost unchanged."""
    return {"z": short(drawn["z"] - 4)}


def _nearly_one(drawn: Arrays) -> Arrays:
    """Return decays that differ from one by about 1e-7."""
    return {"Lambda": short(drawn["Lambda"] - 13)}


def _few_bits(drawn: Arrays) -> Arrays:
    """Return numbers with which a convolution of four taps does not round in any precision."""
    return {name: np.clip(np.rint(2 * array), -2, 2) / (2 if name == "weight" else 1) for name, array in drawn.items()}


def _large_gates(drawn: Arrays) -> Arrays:
    """Return input gates beyond the range of exp in float64: only the stabilizer makes this finite."""
    return {"x_i": 512 * drawn["x_i"], "x_f": short(2 + drawn["x_f"])}


SCANS: Mapping[str, tuple[Variant, ...]] = {
    "selective_scan": (
        *_steps({"d": 2, "n": 3}, {"d": 1, "n": 1}),
        Variant(
            name="small-steps",
            purpose="Small step sizes: softplus of about -4, and states that decay slowly.",
            sizes={"d": 1, "n": 3},
            time=12,
            batch=1,
            change=_small_steps,
        ),
    ),
    "rg_lru": (
        *_steps({"d": 2}, {"d": 1}),
        Variant(
            name="slow-decay",
            purpose="Decays near one: 1 - a² cancels, and its root scales the input.",
            sizes={"d": 2},
            batch=1,
            time=12,
            change=_slow,
            gradient_purpose="The derivative of the root is large.",
        ),
        Variant(
            name="nearly-one",
            purpose="Decays that differ from one by 1e-7, for implementations in float64.",
            sizes={"d": 2},
            batch=1,
            change=_nearly_one,
            precisions=("float64",),
            gradient_purpose="The derivative of the root is above 1000, where RecurrentGemma clips it.",
        ),
    ),
    "min_gru": (
        *_steps({"d": 2}, {"d": 1}),
        Variant(
            name="slow-update",
            purpose="Gates near zero: the state keeps almost all of itself.",
            sizes={"d": 2},
            time=20,
            change=_hold,
        ),
    ),
    "slstm": (
        *_steps({"heads": 2, "d": 2}, {"heads": 1, "d": 1}),
        Variant(
            name="large-gates",
            purpose="Input gates up to 768: e^x overflows unless the stabilizer is subtracted from both gates.",
            sizes={"heads": 1, "d": 2},
            batch=1,
            time=6,
            change=_large_gates,
        ),
    ),
    "causal_conv": (
        *_steps({"channels": 2, "width": 4, "past": 3}, {"channels": 1, "width": 4, "past": 3}),
        Variant(
            name="without-activation",
            purpose="No activation: the output is the convolution plus the bias.",
            sizes={"channels": 2, "width": 4, "past": 3, "activation": "none"},
            change=_few_bits,
            gradient_purpose="Without an activation, gradients are products of the cotangents with taps or inputs.",
        ),
        Variant(
            name="wide-kernel",
            purpose="Six taps, and fewer time steps than the window has places.",
            sizes={"channels": 2, "width": 6, "past": 5},
            time=3,
        ),
    ),
}


def scenarios() -> tuple[RecurrenceScenario, ...]:
    """Return all scenarios of recurrences."""
    found = [
        variant.scenario(cell, draw)
        for cell in ATTENTION
        for variants, draw in ((ATTENTION_VARIANTS, draw_attention), (EXACT_VARIANTS, draw_exact))
        for variant in variants
        if cell in variant.cells
    ]
    found += [variant.scenario(cell, draw_scan) for cell, variants in SCANS.items() for variant in variants]
    return tuple(replace(scenario, declared=scenario.declared or ()) for scenario in found)
