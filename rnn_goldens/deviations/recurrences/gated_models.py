"""Bugs of recurrences that compute their gates themselves, forward and backward: Gated DeltaNet-2, RWKV-7, Mamba."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.cells.matrix_primitives import MatrixArithmetic
from rnn_goldens.cells.notation import Term, exp, log_sigmoid, maximum, sigmoid, softplus, sqrt
from rnn_goldens.cells.recurrence_equations import DECAY_RATE, generalized_delta, l2norm, linear_attention
from rnn_goldens.cells.recurrence_notation import Equations, Terms, first_row, kept, outer
from rnn_goldens.deviations.equation_edits import detached, instead
from rnn_goldens.deviations.recurrences.edits import Edit, WrongBackward, in_arrays, in_equations
from rnn_goldens.deviations.table_rows import table

Part = Callable[[Mapping[str, Any], Any], Any]
"""``part(arguments of the equations, right value)`` returns what a part of the equations is instead."""

Wrong = Callable[..., Equations]


def _with(parts: Mapping[str, Part], x: Mapping[str, Any], **right: Any) -> dict[str, Any]:  # noqa: ANN401 - terms or numbers
    """Return right values by name, those of other parts instead."""
    return {name: parts[name](x, value) if name in parts else value for name, value in right.items()}


def _separate_gates(**parts: Part) -> Equations:
    """Return Gated DeltaNet-2 with other parts: queries, keys, gates, log-decay, or what is read and written."""

    def equations(**x: Term) -> tuple[Terms, Terms]:
        g, erase = -exp(x["A_log"]) * softplus(x["a"] + x["dt_bias"]), x["beta_limit"] * sigmoid(x["b"])
        of = _with(parts, x, q=l2norm(x["q"]), k=l2norm(x["k"]), erase=erase, write=sigmoid(x["w"]), g=g)
        S = kept(exp(of["g"])) * x["S"]
        read = _with(parts, x, S=S)["S"]
        of |= _with(parts, x, new=of["write"] * x["v"] - read.mT @ (of["erase"] * of["k"]), written=of["k"])
        S = S + outer(of["written"], of["new"])
        return (x["scale"] * (S.mT @ of["q"]),), (S,)

    return equations


def _removal(**parts: Part) -> Equations:
    """Return RWKV-7 with other parts: the removal key, the rate a, the log-decay, the key, or what is removed."""

    def equations(**x: Term) -> tuple[Terms, Terms]:
        kappa = x["kappa"] / maximum(sqrt(x["kappa"].mT @ x["kappa"]), 1e-12)
        of = _with(parts, x, kappa=kappa, a=sigmoid(x["a"]), g=-DECAY_RATE * sigmoid(x["w"]))
        of |= _with(parts, x, k=x["k"] * (1 + (of["a"] - 1) * x["k_a"]), removed=of["kappa"] * of["a"])
        of |= _with(parts, x, reads=of["kappa"])
        given = {"q": x["q"], "v": x["v"], "S": x["S"], "scale": x["scale"]}
        return generalized_delta(k=of["k"], a=-of["reads"], b=of["removed"], g=of["g"], **given)

    return equations


def _scan(**parts: Part) -> Equations:
    """Return Mamba's scan with other parts: the step size, that of the decay or of the input, D u, or the gate."""

    def equations(**x: Term) -> tuple[Terms, Terms]:
        dt = _with(parts, x, dt=_step_size(x["dt"] + x["dt_bias"], x))["dt"]
        of = _with(parts, x, decay=dt, input=dt, skip=x["D"] * x["u"])
        factor = _with(parts, x, factor=kept(exp(of["decay"] * x["A"])))["factor"]
        h = factor * x["h"] + outer(of["input"] * x["u"], x["B"])
        y = h @ x["C"] + of["skip"]
        return (y if "z" not in x else y * _with(parts, x, gate=x["z"] * sigmoid(x["z"]))["gate"],), (h,)

    return equations


def _step_size(summed: Term, x: Mapping[str, Any]) -> Term:
    return softplus(summed) if x["step_size"] == "softplus" else summed


def _forward(of: Wrong) -> Callable[..., Edit]:
    return lambda **parts: in_equations(of(**parts))


def _backward(of: Wrong) -> Callable[..., WrongBackward]:
    """Return equations with right values, and the derivatives of other parts."""

    def with_value(part: Part) -> Part:
        return lambda x, right: instead(right, part(x, right))

    return lambda **parts: WrongBackward(of(**{name: with_value(part) for name, part in parts.items()}))


class _Overflowing(MatrixArithmetic):
    def softplus(self, z: Array) -> Array:
        """log(1 + e^z), whose exponential overflows for large z."""
        return np.asarray(np.log(1 + np.exp(z)))


SOFTPLUS = table(cells=("gated_delta_net", "kda", "gated_delta_net_2", "selective_scan", "mamba", "mamba2"))(
    softplus_without_threshold=(
        "Computes log(1 + e^x) for the softplus of large x, too, where e^x overflows.",
        Edit(operations=_Overflowing()),
    )
)


def _of_first_key(array: Array) -> Array:
    return np.broadcast_to(array[..., :1], array.shape)


_gdn2, _gdn2_back = _forward(_separate_gates), _backward(_separate_gates)

GATED_DELTA_NET_2 = table(cells=("gated_delta_net_2",))(
    separate_gates_without_norms=(
        "Does not normalize queries and keys.",
        _gdn2(q=lambda x, _: x["q"], k=lambda x, _: x["k"]),
    ),
    separate_gates_dt_bias_left_out=("Leaves out dt_bias in the decay.", in_arrays(dt_bias=np.zeros_like)),
    separate_gates_a_log_taken_for_a=(
        "Takes A_log for A: does not compute -e^A_log.",
        _gdn2(g=lambda x, _: x["A_log"] * softplus(x["a"] + x["dt_bias"])),
    ),
    separate_gates_a_log_without_exponential=(
        "Leaves out the exponential of A_log: -A_log for -e^A_log.",
        _gdn2(g=lambda x, _: -x["A_log"] * softplus(x["a"] + x["dt_bias"])),
    ),
    one_gate_for_both=(
        "Uses the first number of the erase gate for all keys and all values: one beta, as in KDA.",
        _gdn2(
            erase=lambda x, _: x["beta_limit"] * sigmoid(first_row(x["b"])),
            write=lambda x, _: sigmoid(first_row(x["b"])) + 0 * x["w"],
        ),
    ),
    write_gate_on_difference=(
        "Multiplies the value minus what is erased by the write gate, not only the value.",
        _gdn2(new=lambda x, right: sigmoid(x["w"]) * (x["v"] - (sigmoid(x["w"]) * x["v"] - right))),
    ),
    erase_gate_on_written_key=(
        "Multiplies the key that is written by the erase gate, too.",
        _gdn2(written=lambda x, k: x["beta_limit"] * sigmoid(x["b"]) * k),
    ),
    erase_gate_left_out=(
        "Leaves out the sigmoid gate of what is erased.",
        _gdn2(erase=lambda x, _: x["beta_limit"] + 0 * x["b"]),
    ),
    write_gate_left_out=("Writes the whole value.", _gdn2(write=lambda x, _: 1 + 0 * x["w"])),
    erase_gate_of_first_key=("Uses the first number of the erase gate for all keys.", in_arrays(b=_of_first_key)),
    write_gate_of_first_value=("Uses the first number of the write gate for all values.", in_arrays(w=_of_first_key)),
    erase_gate_sigmoid_left_out=(
        "Leaves out the sigmoid of the erase gate.",
        _gdn2(erase=lambda x, _: x["beta_limit"] * x["b"]),
    ),
    write_gate_sigmoid_left_out=("Leaves out the sigmoid of the write gate.", _gdn2(write=lambda x, _: x["w"])),
    erase_limit_ignored=(
        "Ignores that the erase gate may be up to two (allow_neg_eigval).",
        _gdn2(erase=lambda x, _: sigmoid(x["b"])),
        {"needs": ("beta_up_to_two",)},
    ),
    write_gate_doubled=(
        "Applies beta_limit to the write gate, too.",
        _gdn2(write=lambda x, right: x["beta_limit"] * right),
        {"needs": ("beta_up_to_two",)},
    ),
    erase_before_decay=("Reads the state before its decay for what is erased.", _gdn2(S=lambda x, _: x["S"])),
    separate_gates_decay_of_first_key=(
        "Decays all keys as the first one.",
        in_arrays(a=_of_first_key, dt_bias=_of_first_key),
    ),
)

GATED_DELTA_NET_2_BACK = table(cells=("gated_delta_net_2",))(
    erase_gate_gradient_dropped=("Passes no gradient to the erase gate.", _gdn2_back(erase=lambda _, z: detached(z))),
    write_gate_gradient_dropped=("Passes no gradient to the write gate.", _gdn2_back(write=lambda _, z: detached(z))),
    separate_gates_slopes_left_out=(
        "Leaves out the derivatives of the sigmoids of both gates.",
        _gdn2_back(erase=lambda x, _: x["beta_limit"] * x["b"], write=lambda x, _: x["w"]),
    ),
    separate_gates_norm_gradient_dropped=(
        "Returns the gradients of the normalized queries and keys as theirs.",
        _gdn2_back(q=lambda x, _: x["q"], k=lambda x, _: x["k"]),
    ),
    separate_gates_decay_gradient_dropped=(
        "Passes no gradient through the decay.",
        _gdn2_back(g=lambda _, z: detached(z)),
    ),
)

_rwkv7, _rwkv7_back = _forward(_removal), _backward(_removal)
_REWRITTEN = {"stands_for": ("AiDotNet.Tensors PR895",)}

RWKV7 = table(cells=("rwkv7",))(
    removal_left_out=(
        "Decays the state, and removes nothing from it.",
        in_equations(lambda **x: _decay_alone(**x)),
        _REWRITTEN,
    ),
    removal_key_not_normalized=(
        "Does not normalize the removal key.",
        _rwkv7(kappa=lambda x, _: x["kappa"]),
        _REWRITTEN,
    ),
    learning_rate_left_out=("Takes one for the rate a.", _rwkv7(a=lambda _, z: 1 + 0 * z), _REWRITTEN),
    decay_is_a_sigmoid=("Decays by sigmoid(w).", _rwkv7(g=lambda x, _: log_sigmoid(x["w"])), _REWRITTEN),
    output_reads_key=(
        "Reads the state with the key instead of the receptance q.",
        in_equations(lambda **x: _read_by_key(**x)),
        _REWRITTEN,
    ),
    removal_norm_with_small_number=(
        "Normalizes the removal key with 1e-6 under the root.",
        _rwkv7(kappa=lambda x, _: l2norm(x["kappa"])),
        {"fix": "fla's layer has it with fuse_norm=True; torch.nn.functional.normalize limits the length by 1e-12"},
    ),
    learning_rate_sigmoid_left_out=("Leaves out the sigmoid of the rate a.", _rwkv7(a=lambda x, _: x["a"])),
    decay_rate_left_out=(
        "Leaves out e^-0.5 in the decay: exp(-sigmoid(w)).",
        _rwkv7(g=lambda x, _: -sigmoid(x["w"])),
    ),
    decay_of_rwkv6=("Decays by exp(-e^w), as RWKV-6.", _rwkv7(g=lambda x, _: -exp(x["w"]))),
    replacement_key_not_scaled=("Uses k as it is, not k (1 + (a - 1) k_a).", _rwkv7(k=lambda x, _: x["k"])),
    removal_not_scaled=(
        "Removes the whole of what the removal key reads, not a times it.",
        _rwkv7(removed=lambda x, z: z / sigmoid(x["a"])),
    ),
    removal_reads_decayed_state=(
        "Reads the decayed state for what is removed, not the state before the step.",
        in_equations(lambda **x: _read_decayed(**x)),
        {"stands_for": ("flash-linear-attention#351",)},
    ),
    removal_scaled_when_read=(
        "Multiplies the key that reads by the rate a, not the key that removes.",
        _rwkv7(removed=lambda x, z: z / sigmoid(x["a"]), reads=lambda x, z: z * sigmoid(x["a"])),
    ),
    scale_of_queries_ignored=(
        "Ignores the scale of queries.",
        in_equations(lambda **x: _removal()(**x | {"scale": 1})),
        {"cells": ("rwkv7",), "needs": ("scale_option",)},
    ),
    removal_added=("Adds what the removal key reads.", _rwkv7(removed=lambda _, z: -z)),
)


def _read_by_key(**x: Term) -> tuple[Terms, Terms]:
    _, (S,) = _removal()(**x)
    k = x["k"] * (1 + (sigmoid(x["a"]) - 1) * x["k_a"])
    return (x["scale"] * (S.mT @ k),), (S,)


def _read_decayed(**x: Term) -> tuple[Terms, Terms]:
    decay = kept(exp(-DECAY_RATE * sigmoid(x["w"])))
    return _removal(reads=lambda _, z: decay * z)(**x)


def _decay_alone(**x: Term) -> tuple[Terms, Terms]:
    k = x["k"] * (1 + (sigmoid(x["a"]) - 1) * x["k_a"])
    return linear_attention(x["q"], k, x["v"], x["S"], g=-DECAY_RATE * sigmoid(x["w"]), scale=x["scale"])


RWKV7_BACK = table(cells=("rwkv7",))(
    removal_norm_gradient_dropped=(
        "Returns the gradient of the normalized removal key as that of the key.",
        _rwkv7_back(kappa=lambda x, _: x["kappa"]),
    ),
    learning_rate_slope_left_out=("Leaves out the slope of the sigmoid of a.", _rwkv7_back(a=lambda x, _: x["a"])),
    learning_rate_gradient_of_removal_alone=(
        "Passes no gradient through the key to the rate a.",
        _rwkv7_back(k=lambda x, _: x["k"] * (1 + (detached(sigmoid(x["a"])) - 1) * x["k_a"])),
    ),
    decay_slope_left_out=(
        "Leaves out the slope of the sigmoid of w.",
        _rwkv7_back(g=lambda x, _: -DECAY_RATE * x["w"]),
    ),
)

_mamba, _mamba_back = _forward(_scan), _backward(_scan)
_GATE = {"needs": ("output_gate",)}

MAMBA = table(cells=("mamba",))(
    step_size_bias_left_out=("Leaves out dt_bias.", in_arrays(dt_bias=np.zeros_like)),
    step_size_bias_after_softplus=(
        "Adds dt_bias after the softplus.",
        _mamba(dt=lambda x, _: _step_size(x["dt"], x) + x["dt_bias"]),
        {"needs": ("softplus_gate",)},
    ),
    step_size_softplus_left_out=(
        "Leaves out the softplus of the step size.",
        _mamba(dt=lambda x, _: x["dt"] + x["dt_bias"]),
        {"needs": ("softplus_gate",)},
    ),
    step_size_softplus_added=(
        "Applies a softplus where the step size is given (delta_softplus=False).",
        _mamba(dt=lambda x, _: softplus(x["dt"] + x["dt_bias"])),
        {"needs": ("given_step_size",)},
    ),
    scan_gate_left_out=("Leaves out the gate z.", _mamba(gate=lambda _, z: 1 + 0 * z), _GATE),
    scan_gate_without_z=(
        "Multiplies by the sigmoid of z instead of its silu.",
        _mamba(gate=lambda x, _: sigmoid(x["z"])),
        _GATE,
    ),
    scan_rate_taken_for_its_logarithm=(
        "Takes A for A_log: decays with -e^A.",
        in_arrays(A=lambda array: -np.exp(array)),
    ),
    scan_input_without_step_size=("Leaves out the step size in the input.", _mamba(input=lambda _, z: 1 + 0 * z)),
    scan_decay_without_step_size=("Leaves out the step size in the decay.", _mamba(decay=lambda _, z: 1 + 0 * z)),
    scan_skip_left_out=("Leaves out D u.", _mamba(skip=lambda _, z: 0 * z)),
    scan_skip_after_gate=("Adds D u after the gate.", in_equations(lambda **x: _skipped_after_gate(**x)), _GATE),
    scan_decay_of_euler_method=(
        "Multiplies the state by 1 + dt A instead of e^(dt A).",
        _mamba(factor=lambda x, _: 1 + _step_size(x["dt"] + x["dt_bias"], x) * x["A"]),
    ),
    scan_matrices_swapped=("Swaps B and C.", in_equations(lambda **x: _scan()(**x | {"B": x["C"], "C": x["B"]}))),
    scan_rate_of_first_state=(
        "Uses the first column of A for all n states of a channel.",
        in_arrays(A=_of_first_key),
    ),
    scan_step_size_of_first_channel=(
        "Uses the step size of the first channel for all channels.",
        in_arrays(dt=_of_first_key, dt_bias=_of_first_key),
    ),
)


def _skipped_after_gate(**x: Term) -> tuple[Terms, Terms]:
    (y,), states = _scan(skip=lambda _, z: 0 * z)(**x)
    return (y + x["D"] * x["u"],), states


MAMBA_BACK = table(cells=("mamba",))(
    step_size_gradient_of_bias_dropped=(
        "Passes no gradient to dt_bias.",
        _mamba_back(dt=lambda x, _: _step_size(x["dt"] + detached(x["dt_bias"]), x)),
    ),
    scan_gradient_of_rate_dropped=(
        "Passes no gradient to A.",
        WrongBackward(lambda **x: _scan()(**x | {"A": detached(x["A"])})),
    ),
    step_size_slope_left_out=(
        "Leaves out the slope of the softplus of the step size.",
        _mamba_back(dt=lambda x, _: x["dt"] + x["dt_bias"]),
        {"needs": ("softplus_gate",)},
    ),
    step_size_gradient_through_decay_dropped=(
        "Passes no gradient through the decay to the step size.",
        _mamba_back(decay=lambda _, z: detached(z)),
    ),
    scan_gate_gradient_dropped=("Passes no gradient to z.", _mamba_back(gate=lambda _, z: detached(z)), _GATE),
)


FAMILIES = {
    "softplus": SOFTPLUS,
    "Gated DeltaNet-2": GATED_DELTA_NET_2,
    "RWKV-7": RWKV7,
    "Mamba": MAMBA,
}

BACKWARD_FAMILIES = {
    "Gated DeltaNet-2 back": GATED_DELTA_NET_2_BACK,
    "RWKV-7 back": RWKV7_BACK,
    "Mamba back": MAMBA_BACK,
}
