"""Bugs of the backward pass of the recurrences that models ship: outputs are right, and gradients are wrong."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.cells.notation import Term, exp, log_sigmoid, maximum, rsqrt, sigmoid, softplus
from rnn_goldens.cells.recurrence_equations import short_conv
from rnn_goldens.cells.recurrence_notation import Terms, kept, outer, stacked, without_first_row
from rnn_goldens.deviations.equation_edits import detached, instead
from rnn_goldens.deviations.recurrences.edits import WrongBackward, in_results
from rnn_goldens.deviations.recurrences.models import (
    NORMED,
    SHARED,
    SSD,
    Changed,
    Given,
    of_normed,
    step_size,
    with_arguments,
    with_given,
)
from rnn_goldens.deviations.table_rows import table


def _derivatives(of: Callable[..., tuple[Terms, Terms]], **changes: Given) -> WrongBackward:
    """Return equations that give right values to their attention, with the derivatives of others."""

    def with_value(change: Given) -> Given:
        return lambda x, right: instead(right, change(x, right))

    return WrongBackward(with_given(of, **{name: with_value(change) for name, change in changes.items()}))


def _normed(**changes: Given) -> WrongBackward:
    return _derivatives(of_normed, **changes)


def _times_constant(z: Term) -> Term:
    return z * detached(rsqrt(z.mT @ z + 1e-6))


def _rate_constant(x: Mapping[str, Any], _: object) -> Term:
    low, a = x.get("lower_bound"), x["a"] + x["dt_bias"]
    return -detached(exp(x["A_log"])) * softplus(a) if low is None else low * sigmoid(detached(exp(x["A_log"])) * a)


def _bias_constant(x: Mapping[str, Any], _: object) -> Term:
    low, a = x.get("lower_bound"), x["a"] + detached(x["dt_bias"])
    return -exp(x["A_log"]) * softplus(a) if low is None else low * sigmoid(exp(x["A_log"]) * a)


def _without_slope(x: Mapping[str, Any], _: object) -> Term:
    rate: Term = exp(x["A_log"]) * (x["a"] + x["dt_bias"])
    return -rate if x.get("lower_bound") is None else x["lower_bound"] * rate


OF_NORMED = table(make=_normed, cells=NORMED)(
    norm_gradient_of_length_dropped=(
        "Treats the lengths of queries and keys as constants.",
        _normed(q=lambda x, _: _times_constant(x["q"]), k=lambda x, _: _times_constant(x["k"])),
    ),
    norm_gradient_of_key_dropped=(
        "Returns the gradient of the normalized key as that of the key.",
        _normed(k=lambda x, _: x["k"]),
    ),
    norm_gradient_of_query_dropped=(
        "Returns the gradient of the normalized query as that of the query.",
        _normed(q=lambda x, _: x["q"]),
    ),
    gate_gradient_of_a_log_dropped=("Passes no gradient to A_log.", _normed(g=_rate_constant)),
    gate_gradient_of_dt_bias_dropped=("Passes no gradient to dt_bias.", _normed(g=_bias_constant)),
    gate_slope_left_out=(
        "Leaves out the derivative of the softplus or the sigmoid of the gate.",
        _normed(g=_without_slope),
    ),
    beta_slope_left_out=(
        "Leaves out the derivative of the sigmoid of beta.",
        _normed(beta=lambda x, _: x["beta_limit"] * x["b"]),
    ),
    beta_gradient_without_limit=(
        "Leaves out the factor two of beta in its gradient.",
        _normed(beta=lambda x, _: sigmoid(x["b"])),
        {"needs": ("beta_up_to_two",)},
    ),
)


def _of_first_head(_found: Array, _name: str, share: Array) -> Array:
    return np.asarray(share[:, :1])


GROUPS = table(make=WrongBackward, cells=SHARED)(
    group_gradient_of_first_head_alone=(
        "Computes the gradients of keys that heads share, or of B and C, from the first head of their group only.",
        in_results(over_heads=_of_first_head),
        {"needs": ("several_heads",)},
    ),
)


def _mamba2(**changes: Changed) -> WrongBackward:
    """Return the derivatives of Mamba-2 with other arguments, which have the values of the right ones."""
    return WrongBackward(with_arguments(SSD, **changes))


MAMBA2 = table(make=WrongBackward, cells=("mamba2",))(
    ssd_d_a_dropped=("Passes no gradient to A.", _mamba2(A=lambda x: detached(x["A"]))),
    ssd_d_d_dropped=("Passes no gradient to D.", _mamba2(D=lambda x: detached(x["D"]))),
    ssd_d_dt_bias_dropped=("Passes no gradient to dt_bias.", _mamba2(dt_bias=lambda x: detached(x["dt_bias"]))),
    ssd_d_dt_through_decay_dropped=(
        "Passes no gradient through the decay to dt.",
        _derivatives(SSD, g=lambda x, _: detached(step_size(x)) * x["A"]),
    ),
    ssd_d_dt_through_input_dropped=(
        "Passes no gradient through the input to dt.",
        _derivatives(SSD, v=lambda x, _: detached(step_size(x)) * x["x"]),
    ),
    ssd_d_x_through_skip_dropped=(
        "Passes no gradient through D x to x.",
        WrongBackward(lambda **x: _skip_constant(**x)),
    ),
    ssd_d_z_slope_of_silu_dropped=(
        "Uses the sigmoid of z for the derivative of its silu.",
        WrongBackward(lambda **x: _silu_slope(**x)),
        {"needs": ("output_gate",)},
    ),
    ssd_limited_step_passes_gradient=(
        "Passes gradients to dt where it is limited.",
        _derivatives(
            SSD,
            v=lambda x, _: softplus(x["dt"] + x["dt_bias"]) * x["x"],
            g=lambda x, _: softplus(x["dt"] + x["dt_bias"]) * x["A"],
        ),
        {"needs": ("limited_steps",)},
    ),
)


def _skip_constant(**x: Term) -> tuple[Terms, Terms]:
    z = x.pop("z", None)
    (y,), states = SSD(**x | {"D": 0 * x["D"]})
    y = y + x["D"] * detached(x["x"])
    return (y if z is None else y * (z * sigmoid(z)),), states


def _silu_slope(**x: Term) -> tuple[Terms, Terms]:
    z = x.pop("z", None)
    (y,), states = SSD(**x)
    return (y if z is None else y * (z * detached(sigmoid(z))),), states


def _mlstm(**parts: Callable[[Any], Any]) -> WrongBackward:
    """Return the equations of mLSTM with some parts detached: ``detached`` by the name of the part."""

    def wrong(**x: Term) -> tuple[Terms, Terms]:
        of = {name: parts.get(name, lambda z: z) for name in ("m", "f", "i", "n", "bound", "query", "key")}
        shifted = log_sigmoid(x["f"]) + x["m"]
        m = of["m"](maximum(shifted, x["i"]))
        f, i, q = of["f"](kept(exp(shifted - m))), of["i"](exp(x["i"] - m)), x["scale"] * x["q"]
        C, n = f * x["C"] + outer(x["k"], i * x["v"]), f * x["n"] + i * of["key"](x["k"])
        product = of["n"](n).mT @ of["query"](q)
        return ((C.mT @ q) / (of["bound"](maximum(abs(product), exp(-m))) + x["eps"]),), (C, n, m)

    return WrongBackward(wrong)


MLSTM = table(make=_mlstm, cells=("mlstm",))(
    memory_denominator_constant=(
        "Treats the denominator as a constant.",
        _mlstm(bound=detached),
        {"stands_for": ("mlstm_kernels#16",)},
    ),
    memory_d_q_through_normalizer_dropped=("Passes no gradient through nᵀ q to q.", _mlstm(query=detached)),
    memory_d_k_through_normalizer_dropped=("Passes no gradient through the normalizer to k.", _mlstm(key=detached)),
    memory_d_gates_through_normalizer_dropped=(
        "Passes no gradient through the normalizer to the gates and to the steps before.",
        _mlstm(n=detached),
    ),
    memory_d_f_dropped=("Passes no gradient to the forget gate.", _mlstm(f=detached)),
    memory_d_i_dropped=("Passes no gradient to the input gate.", _mlstm(i=detached)),
)


def _short_conv(**changes: Changed) -> WrongBackward:
    return WrongBackward(with_arguments(short_conv, **changes))


def _within_step(x: Term, B: Term, C: Term, weight: Term, window: Term) -> tuple[Terms, Terms]:
    window = stacked(detached(window), B * x)
    return (C * (weight.mT @ window),), (without_first_row(window),)


SHORT_CONV = table(make=_short_conv, cells=("short_conv",))(
    convolution_d_b_dropped=("Passes no gradient to the gate B.", _short_conv(B=lambda x: detached(x["B"]))),
    convolution_d_c_dropped=("Passes no gradient to the gate C.", _short_conv(C=lambda x: detached(x["C"]))),
    convolution_d_x_without_b=(
        "Leaves out the gate B in the gradient of x.",
        WrongBackward(lambda **x: _ungated_input(**x)),
    ),
    convolution_gradient_of_step_alone=(
        "Passes no gradient to the inputs of the steps before.",
        WrongBackward(_within_step),
    ),
)


def _ungated_input(x: Term, B: Term, C: Term, weight: Term, window: Term) -> tuple[Terms, Terms]:
    window = stacked(window, instead(B * x, x + B * detached(x)))
    return (C * (weight.mT @ window),), (without_first_row(window),)


FAMILIES = {
    "norms and gates back": OF_NORMED,
    "groups of heads back": GROUPS,
    "Mamba-2 back": MAMBA2,
    "mLSTM back": MLSTM,
    "short convolution back": SHORT_CONV,
}
