"""Bugs of the recurrences that models ship: gates, norms and groups around linear attention, and other updates."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.cells.notation import Term, exp, log_sigmoid, maximum, rsqrt, sigmoid, softplus
from rnn_goldens.cells.recurrence import RecurrenceCase, run
from rnn_goldens.cells.recurrence_equations import (
    gated_delta_net,
    generalized_delta,
    kda,
    linear_attention,
    mamba2,
    mlstm,
    rwkv6,
    short_conv,
)
from rnn_goldens.cells.recurrence_notation import Equations, Terms, kept, outer, stacked, without_first_row
from rnn_goldens.deviations.recurrences.edits import Edit, Outputs, in_arrays, in_equations
from rnn_goldens.deviations.table_rows import table

# ruff: noqa: ARG005 - wrong equations take arguments that they do not use

NORMED = ("gated_delta_net", "kda")
WITH_QUERIES = (*NORMED, "gated_delta_net_2", "retention", "generalized_delta", "mlstm")
SHARED = (*NORMED, "gated_delta_net_2", "retention", "mamba2")
"""The recurrences whose heads may share keys."""

SSD: Equations = mamba2

Given = Callable[[Mapping[str, Any], Any], Any]
"""``change(arguments of the equations, right value)`` returns what the attention is given instead."""


def with_given(equations: Equations, **changes: Given) -> Equations:
    """Return equations that give something else to their attention, by the name of its argument."""

    def wrong(**x: Term) -> tuple[Terms, Terms]:
        def attention(**given: Term) -> tuple[Terms, Terms]:
            return linear_attention(**given | {name: change(x, given[name]) for name, change in changes.items()})

        return equations(**x, attention=attention)

    return wrong


Changed = Callable[[Mapping[str, Any]], Any]
"""``change(arguments of the equations)`` returns what one of them is instead."""


def with_arguments(equations: Equations, **changes: Changed) -> Equations:
    """Return equations with other arguments, by name."""
    return lambda **x: equations(**x | {name: change(x) for name, change in changes.items()})


def of_normed(**x: Term) -> tuple[Terms, Terms]:
    """Return the equations of the recurrence that has these arguments."""
    equations: Equations = kda if "lower_bound" in x else gated_delta_net
    return equations(**x)


def given(**changes: Given) -> Edit:
    """Return a change of what a normed delta rule gives to its attention."""
    return in_equations(with_given(of_normed, **changes))


def _bounded(x: Mapping[str, Any], right: Term, wrong: Callable[[Any], Term]) -> Term:
    return right if x.get("lower_bound") is None else wrong(x["lower_bound"])


def _gate(x: Mapping[str, Any], right: Term, wrong: Callable[[], Term]) -> Term:
    return right if x.get("lower_bound") is not None else wrong()


def _rate(x: Mapping[str, Any]) -> Term:
    rate: Term = softplus(x["a"] + x["dt_bias"])
    return rate


NORMS_AND_GATES = table(make=given, cells=NORMED)(
    norms_left_out=(
        "Does not normalize queries and keys.",
        given(q=lambda x, _: x["q"], k=lambda x, _: x["k"]),
        {"stands_for": ("flashinfer PR5255",)},
    ),
    query_not_normalized=("Does not normalize queries.", given(q=lambda x, _: x["q"])),
    key_not_normalized=("Does not normalize keys.", given(k=lambda x, _: x["k"])),
    norm_without_small_number=(
        "Divides by the length without a small number, so that a key of zeros gives NaN.",
        given(q=lambda x, _: _over_length(x["q"]), k=lambda x, _: _over_length(x["k"])),
        {"stands_for": ("maxtext PR5295",)},
    ),
    norm_not_rooted=(
        "Divides queries and keys by their squared length.",
        given(q=lambda x, q: q * rsqrt(x["q"].mT @ x["q"] + 1e-6), k=lambda x, k: k * rsqrt(x["k"].mT @ x["k"] + 1e-6)),
    ),
    gate_a_log_taken_for_a=(
        "Takes A_log for A: does not compute -e^A_log.",
        given(g=lambda x, right: _gate(x, right, lambda: x["A_log"] * _rate(x))),
        {"needs": ("softplus_gate",)},
    ),
    gate_a_log_without_exponential=(
        "Leaves out the exponential of A_log: -A_log for -e^A_log.",
        given(g=lambda x, right: _gate(x, right, lambda: -x["A_log"] * _rate(x))),
        {"needs": ("softplus_gate",)},
    ),
    gate_exponential_of_minus_a_log=(
        "Uses e^-A_log in the gate.",
        given(g=lambda x, right: _gate(x, right, lambda: -exp(-x["A_log"]) * _rate(x))),
        {"needs": ("softplus_gate",)},
    ),
    gate_dt_bias_left_out=("Leaves out dt_bias in the gate.", in_arrays(dt_bias=np.zeros_like)),
    gate_dt_bias_after_softplus=(
        "Adds dt_bias after the softplus.",
        given(g=lambda x, right: _gate(x, right, lambda: -exp(x["A_log"]) * (softplus(x["a"]) + x["dt_bias"]))),
        {"needs": ("softplus_gate",)},
    ),
    gate_softplus_left_out=(
        "Leaves out the softplus of the gate.",
        given(g=lambda x, right: _gate(x, right, lambda: -exp(x["A_log"]) * (x["a"] + x["dt_bias"]))),
        {"needs": ("softplus_gate",)},
    ),
    gate_softplus_as_exponential=(
        "Uses an exponential for the softplus of the gate.",
        given(g=lambda x, right: _gate(x, right, lambda: -exp(x["A_log"]) * exp(x["a"] + x["dt_bias"]))),
        {"needs": ("softplus_gate",)},
    ),
    gate_as_decay=("Takes the log-decay for the decay: does not apply an exponential.", given(g=lambda x, g: g + 1)),
    gate_for_base_2=("Computes 2^g instead of e^g.", given(g=lambda x, g: 0.693147180559945 * g)),
    beta_sigmoid_left_out=("Leaves out the sigmoid of beta.", given(beta=lambda x, _: x["beta_limit"] * x["b"])),
    beta_limit_ignored=(
        "Ignores that beta may be up to two (allow_neg_eigval).",
        given(beta=lambda x, _: sigmoid(x["b"])),
        {"needs": ("beta_up_to_two",)},
    ),
    beta_limit_two_for_one=(
        "Doubles beta where it may be up to one only.",
        given(beta=lambda x, _: 2 * sigmoid(x["b"])),
    ),
)


def _over_length(z: Term) -> Term:
    return z * rsqrt(z.mT @ z)


KDA_GATES = table(make=given, cells=("kda",), needs=("bounded_gate",))(
    bounded_gate_as_clamp=(
        "Limits the other gate from below instead of computing the bounded one.",
        given(g=lambda x, right: _bounded(x, right, lambda low: maximum(-exp(x["A_log"]) * _rate(x), low))),
        {"stands_for": ("tokenspeed PR847",)},
    ),
    bounded_gate_ignored=(
        "Computes the gate without a lower bound.",
        given(g=lambda x, right: _bounded(x, right, lambda _: -exp(x["A_log"]) * _rate(x))),
    ),
    bounded_gate_without_rate=(
        "Leaves out e^A_log in the bounded gate.",
        given(g=lambda x, right: _bounded(x, right, lambda low: low * sigmoid(x["a"] + x["dt_bias"]))),
    ),
    bounded_gate_rate_outside=(
        "Multiplies the sigmoid of the bounded gate by e^A_log, not its argument.",
        given(
            g=lambda x, right: _bounded(x, right, lambda low: low * exp(x["A_log"]) * sigmoid(x["a"] + x["dt_bias"]))
        ),
    ),
    bounded_gate_bias_not_multiplied=(
        "Adds dt_bias after the product with e^A_log in the bounded gate.",
        given(
            g=lambda x, right: _bounded(x, right, lambda low: low * sigmoid(exp(x["A_log"]) * x["a"] + x["dt_bias"]))
        ),
    ),
    gate_bias_of_first_key=(
        "Uses the dt_bias of the first key for all keys.",
        in_arrays(dt_bias=lambda array: np.broadcast_to(array[:, :1], array.shape)),
        {"needs": ()},
    ),
    gate_of_first_key=(
        "Decays all keys as the first one.",
        in_arrays(
            a=lambda array: np.broadcast_to(array[..., :1], array.shape),
            dt_bias=lambda array: np.broadcast_to(array[:, :1], array.shape),
        ),
        {"needs": ()},
    ),
)

# Groups of heads that share keys, or B and C.


def _in_order_of(case: RecurrenceCase, order: Array) -> RecurrenceCase:
    """Return the case with its heads in another order, of every array that has them."""
    config, of = case.config, case.config.recurrence
    axes = {**config.inputs, **of.weights, **{f"{name}0": axes for name, axes in of.states.items()}}
    places = {name: names.split().index("heads") for name, names in axes.items() if names.startswith("heads")}
    leading = dict.fromkeys(config.inputs, 2) | {f"{name}0": 1 for name in of.states}
    arrays = {**case.inputs, **case.weights, **case.states}
    return case.with_arrays(**{n: arrays[n].take(order, place + leading.get(n, 0)) for n, place in places.items()})


def _tiled(case: RecurrenceCase) -> Outputs:
    order = np.arange(case.config["heads"]).reshape(-1, case.config.shared).T.ravel()
    back, outputs = np.argsort(order), case.config.outputs
    found = run(_in_order_of(case, order))
    return {name: array.take(back, 2 if name in outputs else 1) for name, array in found.items()}


def _of_first_group(case: RecurrenceCase) -> RecurrenceCase:
    shared = [name for name, axes in case.config.inputs.items() if axes.split()[0] in ("key_heads", "groups")]
    return case.with_arrays(**{n: np.broadcast_to(case.inputs[n][:, :, :1], case.inputs[n].shape) for n in shared})


GROUPS = table(make=Edit, cells=SHARED)(
    groups_of_heads_tiled=(
        "Lets head h read group h % groups of keys, or of B and C, instead of h // (heads // groups).",
        Edit(outputs=lambda case, found: _tiled(case) if case.config.shared > 1 else found),
        {"needs": ("several_groups",), "stands_for": ("llama.cpp PR15507",)},
    ),
    first_group_for_all_heads=(
        "Lets every head read the first group of keys, or of B and C.",
        Edit(lambda case: _of_first_group(case) if case.config.shared > 1 else case),
        {"needs": ("several_groups",)},
    ),
)

# Mamba-2.


def _mamba2(**changes: Changed) -> Edit:
    """Return a change of arguments of the equations of Mamba-2."""
    return in_equations(with_arguments(SSD, **changes))


def _limited(dt: Term, x: Mapping[str, Any]) -> Term:
    dt = maximum(dt, x["dt_min"])
    return dt if x["dt_max"] is None else -maximum(-dt, -x["dt_max"])


def _limited_first(dt: Term, x: Mapping[str, Any]) -> Term:
    return _limited(softplus(dt), x) if x["dt_max"] is None else softplus(_limited(dt, x))


def _with_rate(x: Mapping[str, Any], rate: Callable[[Term], Term]) -> tuple[Terms, Terms]:
    """Return Mamba-2's equations with another step size, a function of dt + dt_bias."""
    wrong = rate(x["dt"] + x["dt_bias"])

    def attention(**given: Term) -> tuple[Terms, Terms]:
        return linear_attention(**given | {"v": wrong * x["x"], "g": wrong * x["A"]})

    return SSD(**x, attention=attention)


def step_size(x: Mapping[str, Any]) -> Term:
    """Return the step size of Mamba-2 from the arguments of its equations."""
    return _limited(softplus(x["dt"] + x["dt_bias"]), x)


def _skipped_after_gate(**x: Term) -> tuple[Terms, Terms]:
    (y,), states = SSD(**x | {"D": 0 * x["D"]})
    return (y + x["D"] * x["x"],), states


def _gated_by(**x: Term) -> tuple[Terms, Terms]:
    z = x.pop("z", None)
    (y,), states = SSD(**x)
    return (y if z is None else y * sigmoid(z),), states


MAMBA2 = table(make=_mamba2, cells=("mamba2",))(
    ssd_a_taken_for_a_log=("Takes A for its logarithm: decays by -e^A.", _mamba2(A=lambda x: -exp(x["A"]))),
    ssd_dt_bias_left_out=("Leaves out dt_bias.", in_arrays(dt_bias=np.zeros_like)),
    ssd_softplus_left_out=(
        "Leaves out the softplus of dt.",
        in_equations(lambda **x: _with_rate(x, lambda dt: _limited(dt, x))),
    ),
    ssd_dt_bias_after_softplus=(
        "Adds dt_bias after the softplus.",
        in_equations(lambda **x: _with_rate(x, lambda _: _limited(softplus(x["dt"]) + x["dt_bias"], x))),
    ),
    ssd_limits_ignored=(
        "Ignores the limits of dt.",
        _mamba2(dt_min=lambda x: 0, dt_max=lambda x: None),
        {"needs": ("limited_steps",)},
    ),
    ssd_limits_before_softplus=(
        "Applies the limits of dt before the softplus.",
        in_equations(lambda **x: _with_rate(x, lambda dt: _limited_first(dt, x))),
        {"needs": ("limited_steps",)},
    ),
    ssd_input_without_step=(
        "Does not multiply the input by dt.",
        in_equations(with_given(SSD, v=lambda x, _: x["x"])),
    ),
    ssd_step_in_decay_left_out=(
        "Does not multiply A by dt.",
        in_equations(with_given(SSD, g=lambda x, _: x["A"])),
    ),
    ssd_b_and_c_swapped=("Swaps B and C.", _mamba2(B=lambda x: x["C"], C=lambda x: x["B"])),
    ssd_d_left_out=("Leaves out D x.", in_arrays(D=np.zeros_like)),
    ssd_d_times_step=("Adds D dt x instead of D x.", _mamba2(D=lambda x: x["D"] * step_size(x))),
    ssd_gate_left_out=("Leaves out the gate z.", _mamba2(z=lambda x: None), {"needs": ("output_gate",)}),
    ssd_gate_without_z=(
        "Multiplies by the sigmoid of z instead of its silu.",
        in_equations(_gated_by),
        {"needs": ("output_gate",)},
    ),
    ssd_skip_after_gate=(
        "Adds D x after the gate.",
        in_equations(_skipped_after_gate),
        {"needs": ("output_gate",)},
    ),
    ssd_decay_of_first_head=(
        "Uses the A of the first head for all heads.",
        in_arrays(A=lambda array: np.broadcast_to(array[:1], array.shape)),
        {"needs": ("several_heads",)},
    ),
)


# The other recurrences.

RETENTION = table(make=in_arrays, cells=("retention",))(
    fixed_decay_of_first_head=(
        "Uses the decay of the first head for all heads.",
        in_arrays(log_decay=lambda array: np.broadcast_to(array[:1], array.shape)),
        {"needs": ("several_heads",)},
    ),
    fixed_decays_reversed=(
        "Takes the decays of the heads from the last to the first.",
        in_arrays(log_decay=lambda array: array[::-1]),
        {"needs": ("several_heads",)},
    ),
    fixed_decay_left_out=("Leaves out the decay.", in_arrays(log_decay=np.zeros_like)),
    fixed_decay_as_factor=("Takes the log-decay for the decay.", in_arrays(log_decay=lambda a: np.log1p(a))),
)


def _generalized(update: Callable[..., Term], read: Callable[[Term, Term], Term] = lambda S, new: new) -> Edit:
    """Return another update of the state, and the state that the output reads: that before the step, or after it."""

    def wrong(q: Term, k: Term, v: Term, a: Term, b: Term, g: Term, S: Term, **x: Term) -> tuple[Terms, Terms]:
        new = update(S, k, v, a, b, kept(exp(g)))
        return (x["scale"] * (read(S, new).mT @ q),), (new,)

    return in_equations(wrong)


def _right_update(S: Term, k: Term, v: Term, a: Term, b: Term, decay: Term) -> Term:
    return decay * S + outer(b, S.mT @ a) + outer(k, v)


GENERALIZED_DELTA = table(make=_generalized, cells=("generalized_delta",))(
    rank_one_vectors_swapped=("Swaps a and b.", lambda S, k, v, a, b, d: _right_update(S, k, v, b, a, d)),
    rank_one_reads_decayed_state=(
        "Reads the decayed state for a, not the state before the step.",
        lambda S, k, v, a, b, d: d * S + outer(b, (d * S).mT @ a) + outer(k, v),
        {"stands_for": ("flash-linear-attention#351",)},
    ),
    rank_one_decayed=(
        "Decays the product of the state and b aᵀ, too.",
        lambda S, k, v, a, b, d: d * (S + outer(b, S.mT @ a)) + outer(k, v),
    ),
    rank_one_left_out=("Leaves out b aᵀ.", lambda S, k, v, a, b, d: d * S + outer(k, v)),
    rank_one_subtracted=("Subtracts b aᵀ.", lambda S, k, v, a, b, d: d * S - outer(b, S.mT @ a) + outer(k, v)),
    rank_one_after_write=(
        "Multiplies by b aᵀ after k vᵀ was added.",
        lambda S, k, v, a, b, d: d * S + outer(k, v) + outer(b, (S + outer(k, v)).mT @ a),
    ),
    write_decayed=("Decays k vᵀ, too.", lambda S, k, v, a, b, d: d * (S + outer(k, v)) + outer(b, S.mT @ a)),
    decay_in_second_exponential=(
        "Takes g for the logarithm of the rate: decays by e^-e^g.",
        in_equations(lambda **x: generalized_delta(**x | {"g": -exp(x["g"])})),
    ),
    output_of_state_before_step=("Reads the state before the step.", _generalized(_right_update, lambda S, new: S)),
)


def _rwkv6(o: Callable[..., Term]) -> Edit:
    """Return another output, a function of the arguments and of the state after the step."""

    def wrong(**x: Term) -> tuple[Terms, Terms]:
        _, (S,) = rwkv6(**x)
        return (x["scale"] * o(after=S, **x),), (S,)

    return in_equations(wrong)


RWKV6 = table(make=_rwkv6, cells=("rwkv6",))(
    bonus_left_out=("Leaves out the step itself in the output.", lambda S, q, **_: S.mT @ q),
    bonus_of_one=("Reads the step itself without the bonus u.", in_arrays(u=np.ones_like)),
    bonus_of_state_after=(
        "Reads the state after the step instead of the one before it and the bonus.",
        lambda after, q, **_: after.mT @ q,
    ),
    bonus_added_to_state=(
        "Multiplies the state by the bonus, too.",
        lambda S, q, k, v, u, **_: (u * (S + outer(k, v))).mT @ q,
    ),
    bonus_in_exponential=("Uses e^u for u.", lambda S, q, k, v, u, **_: S.mT @ q + v * (q.mT @ (exp(u) * k))),
    bonus_state_decayed=(
        "Decays the state before it is read.",
        lambda S, q, k, v, u, g, **_: (kept(exp(g)) * S).mT @ q + v * (q.mT @ (u * k)),
    ),
    bonus_scale_ignored=(
        "Ignores the scale of queries.",
        in_equations(lambda **x: rwkv6(**x | {"scale": 1})),
        {"needs": ("scale_option",)},
    ),
    decay_of_state_in_second_exponential=(
        "Takes g for the logarithm of the rate: decays by e^-e^g.",
        in_equations(lambda **x: rwkv6(**x | {"g": -exp(x["g"])})),
    ),
)


def _shifted(i: Term, forget: Term) -> tuple[Term, Term, Term]:
    m = maximum(forget, i)
    return exp(forget - m), exp(i - m), m


def _stabilized(i: Term, f: Term, m: Term) -> tuple[Term, Term, Term]:
    return _shifted(i, log_sigmoid(f) + m)


def _normalized(numerator: Term, product: Term, m: Term) -> Term:
    return numerator / (maximum(abs(product), exp(-m)) + 1e-6)


def _mlstm(
    gates: Callable[..., tuple[Term, Term, Term]] = _stabilized,
    h: Callable[..., Term] = _normalized,
    n: Callable[..., Term] = lambda n, f, i, k: f * n + i * k,
    *,
    normalizes_scaled: bool = True,
) -> Edit:
    """Return other gates (f, i, m), another output of the memory, q and n, another n, or one that unscaled q reads."""

    def wrong(**x: Term) -> tuple[Terms, Terms]:
        k, scale = x["k"], x["scale"]
        f, i, m = gates(i=x["i"], f=x["f"], m=x["m"])
        C, after = f * x["C"] + outer(k, i * x["v"]), n(x["n"], f, i, k)
        if normalizes_scaled:
            q = scale * x["q"]
            return (h(C.mT @ q, after.mT @ q, m),), (C, after, m)
        return (h(scale * (C.mT @ x["q"]), after.mT @ x["q"], m),), (C, after, m)

    return in_equations(wrong)


MLSTM = table(make=_mlstm, cells=("mlstm",))(
    memory_normalizer_left_out=("Does not divide by the normalizer.", _mlstm(h=lambda c, n, m: c)),
    memory_normalizer_signed=(
        "Leaves out the absolute value of nᵀ q.",
        _mlstm(h=lambda c, n, m: c / (maximum(n, exp(-m)) + 1e-6)),
    ),
    memory_normalizer_at_least_1=(
        "Limits the normalizer by one, which the stabilizer does not scale.",
        _mlstm(h=lambda c, n, m: c / (maximum(abs(n), 1) + 1e-6)),
    ),
    memory_normalizer_unlimited=(
        "Divides by nᵀ q without a limit from below.",
        _mlstm(h=lambda c, n, m: c / (abs(n) + 1e-6)),
    ),
    memory_normalizer_added=(
        "Adds the limit to the normalizer instead of taking the larger one.",
        _mlstm(h=lambda c, n, m: c / (abs(n) + exp(-m) + 1e-6)),
    ),
    memory_stabilizer_left_out=(
        "Leaves out the stabilizer, so that large gates overflow.",
        _mlstm(lambda i, f, m: (exp(log_sigmoid(f) + m), exp(i), m - m)),
    ),
    memory_forget_gate_exponential=(
        "Computes the forget gate by an exponential instead of a sigmoid.",
        _mlstm(lambda i, f, m: _shifted(i, f + m)),
    ),
    memory_input_gate_sigmoid=(
        "Computes the input gate by a sigmoid instead of an exponential.",
        in_equations(lambda **x: mlstm(**x | {"i": log_sigmoid(x["i"])})),
    ),
    memory_gates_swapped=(
        "Swaps the input and the forget gate.",
        in_equations(lambda **x: mlstm(**x | {"i": x["f"], "f": x["i"]})),
    ),
    memory_normalizer_not_decayed=(
        "Does not multiply the normalizer by the forget gate.",
        _mlstm(n=lambda n, f, i, k: n + i * k),
    ),
    memory_queries_scaled_in_memory_only=(
        "Scales queries for the memory, and not for the normalizer.",
        _mlstm(normalizes_scaled=False),
    ),
)


def _short_conv(**changes: Changed) -> Edit:
    """Return a change of arguments of the equations of LFM2's convolution."""
    return in_equations(with_arguments(short_conv, **changes))


def _activated(**x: Term) -> tuple[Terms, Terms]:
    (y,), states = short_conv(**x | {"C": 1 + 0 * x["C"]})
    return (x["C"] * (y * sigmoid(y)),), states


def _window_of_inputs(x: Term, B: Term, C: Term, weight: Term, window: Term) -> tuple[Terms, Terms]:
    right, _ = short_conv(x, B, C, weight, window)
    return right, (without_first_row(stacked(window, x)),)


SHORT_CONV = table(make=_short_conv, cells=("short_conv",))(
    convolution_gates_swapped=("Swaps the gates B and C.", _short_conv(B=lambda x: x["C"], C=lambda x: x["B"])),
    convolution_gate_and_input_swapped=(
        "Takes C for the input, and the input for C.",
        _short_conv(C=lambda x: x["x"], x=lambda x: x["C"]),
    ),
    convolution_gate_b_left_out=("Leaves out the gate B before the convolution.", in_arrays(B=np.ones_like)),
    convolution_gate_c_left_out=("Leaves out the gate C after the convolution.", in_arrays(C=np.ones_like)),
    convolution_gate_sigmoid=("Applies a sigmoid to the gate B.", _short_conv(B=lambda x: sigmoid(x["B"]))),
    convolution_of_gated_inputs_activated=(
        "Applies a silu to the convolution.",
        in_equations(_activated),
    ),
    convolution_taps_reversed=("Reads the taps from the last to the first.", in_arrays(weight=lambda a: a[:, ::-1])),
    convolution_window_of_inputs=(
        "Keeps inputs before the gate B in the window.",
        in_equations(_window_of_inputs),
    ),
)


QUERIES = table(make=in_equations, cells=WITH_QUERIES)(
    query_scale_left_out=(
        "Leaves out the scale of queries.",
        Edit(lambda case: _with_scale(case, 1.0)),
    ),
    query_scale_squared=(
        "Multiplies by the scale twice.",
        Edit(lambda case: _with_scale(case, 1 / case.config["d_k"])),
    ),
)


def _with_scale(case: RecurrenceCase, scale: float) -> RecurrenceCase:
    return replace(case, config=case.config.grown({"scale": scale}))


FAMILIES = {
    "norms and gates": (*NORMS_AND_GATES, *KDA_GATES),
    "groups of heads": GROUPS,
    "Mamba-2": MAMBA2,
    "fixed decay": RETENTION,
    "generalized delta rule": GENERALIZED_DELTA,
    "RWKV-6": RWKV6,
    "mLSTM": MLSTM,
    "short convolution": SHORT_CONV,
    "scale of queries": QUERIES,
}
