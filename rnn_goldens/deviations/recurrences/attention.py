"""Bugs of linear attention: decay, delta rule, scale, the layout of inputs and outputs, the reading of the state."""

from collections.abc import Callable
from dataclasses import replace
from math import log, sqrt

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.cells.matrix_primitives import MatrixArithmetic
from rnn_goldens.cells.notation import Operand, Term, exp, log_sigmoid, maximum, sigmoid
from rnn_goldens.cells.recurrence import RecurrenceCase
from rnn_goldens.cells.recurrence_equations import linear_attention as right
from rnn_goldens.cells.recurrence_notation import Terms, first_row, outer
from rnn_goldens.deviations.recurrences.edits import (
    ATTENTION,
    DELTA,
    GATED,
    Edit,
    Outputs,
    declared,
    in_arrays,
    in_equations,
    in_outputs,
)
from rnn_goldens.deviations.recurrences.equation_parts import attention
from rnn_goldens.deviations.recurrences.states_and_sequences import tiled
from rnn_goldens.deviations.table_rows import table
from rnn_goldens.golden.recurrence_config import RecurrenceConfig, recurrence_config

# ruff: noqa: ARG005 - wrong equations take arguments that they do not use


class _OfColumns(MatrixArithmetic):
    """Multiplies columns by the decays of rows."""

    def decayed_columns(self, decay: Array, S: Array) -> Array:
        """The columns of S times the decays, which are repeated if there are more columns."""
        columns = np.arange(S.shape[-1]) % decay.shape[-2]
        return np.asarray(decay[..., columns, :].swapaxes(-1, -2) * S)


def _after_update(q: Term, g: Term, scale: Operand, **x: Term) -> tuple[Terms, Terms]:
    _, (S,) = right(q=q, scale=scale, **x)
    S = exp(g) * S
    return (scale * (S.mT @ q),), (S,)


def _first_head(gate: Array) -> Array:
    return np.broadcast_to(gate[:, :, :1], gate.shape)


def time_inside_heads(array: Array) -> Array:
    """Return what is read of the memory of (batch, time, heads, …) as (batch, heads, time, …)."""
    rows, time, heads, *sizes = array.shape
    return array.reshape(rows, heads, time, *sizes).swapaxes(1, 2)


_OF_HEADS = {"needs": ("several_heads",)}

DECAY = table(make=in_equations, cells=GATED)(
    decay_of_first_key=(
        "Uses the decay of the first key for all rows of the state.",
        lambda g, **x: right(g=first_row(g), **x),
        {"needs": ("decay_by_key",)},
    ),
    decay_of_first_head=("Uses the decay of the first head for all heads.", in_arrays(g=_first_head), _OF_HEADS),
    decay_time_read_inside_heads=(
        "Reads the memory of g as (batch, heads, time).",
        in_arrays(g=time_inside_heads),
        {"needs": ("several_heads", "several_steps")},
    ),
    decay_of_columns=(
        "Multiplies the columns of the state by the decays of the keys, instead of the rows.",
        attention.wrong(decayed=lambda x: Term("decayed_columns", (exp(x.g), x.S))),
        _OfColumns(),
        {"needs": ("decay_by_key",)},
    ),
    decay_of_next_step=(
        "Uses the decay of the next step.",
        in_arrays(g=lambda g: np.concatenate([g[:, 1:], g[:, -1:]], axis=1)),
        {"needs": ("several_steps",)},
    ),
    decay_left_out=("Leaves out the decay.", attention.wrong(decayed=lambda x: x.S)),
    decay_applied_twice=("Applies the decay twice.", lambda g, **x: right(g=2 * g, **x)),
    decay_sign_flipped=(
        "Computes e^-g instead of e^g.",
        lambda g, **x: right(g=-g, **x),
        {"fix": "g is the logarithm of the decay, so it is not positive"},
    ),
    decay_to_base_2=(
        "Computes 2^g instead of e^g.",
        lambda g, **x: right(g=log(2) * g, **x),
        {"fix": declared('decay="log2"', "takes g log2 e")},
    ),
    decay_scaled_for_base_2=(
        "Multiplies g by log2 e, as for a power of 2, and then computes a power of e.",
        lambda g, **x: right(g=g / log(2), **x),
    ),
    decay_exponential_left_out=(
        "Multiplies the state by g instead of e^g.",
        attention.wrong(decayed=lambda x: x.g * x.S),
        {"fix": declared('decay="factor"', "takes e^g")},
    ),
    decay_linearized=(
        "Multiplies the state by 1 + g instead of e^g.",
        attention.wrong(decayed=lambda x: (1 + x.g) * x.S),
    ),
    decay_log_sigmoid_added=(
        "Applies a log-sigmoid to g, which is a logarithm already.",
        lambda g, **x: right(g=log_sigmoid(g), **x),
    ),
    decay_clamped=("Replaces log-decays below -5 by -5.", lambda g, **x: right(g=maximum(g, -5), **x)),
    decay_after_update=("Applies the decay after the update instead of before.", _after_update),
    past_state_not_decayed=(
        "Does not apply the decay of the first step to the initial state.",
        in_arrays(g=lambda g: np.concatenate([np.zeros_like(g[:, :1]), g[:, 1:]], axis=1)),
        {"needs": ("state",)},
    ),
    decay_not_seen_by_delta_rule=(
        "Subtracts from the value what the state holds for the key before the decay, instead of after it.",
        attention.wrong(removed=lambda x: x.S.mT @ x.k),
        {"cells": ("gated_delta",)},
    ),
)


DELTA_RULE = table(make=in_equations, cells=DELTA)(
    beta_of_first_head=("Uses the beta of the first head for all heads.", in_arrays(beta=_first_head), _OF_HEADS),
    beta_time_read_inside_heads=(
        "Reads the memory of beta as (batch, heads, time).",
        in_arrays(beta=time_inside_heads),
        {"needs": ("several_heads", "several_steps")},
    ),
    beta_sigmoid_added=(
        "Applies a sigmoid to beta, which is between 0 and 1 already.",
        lambda beta, **x: right(beta=sigmoid(beta), **x),
    ),
    beta_left_out=("Leaves out beta.", attention.wrong(written=lambda x: x.v - x.removed)),
    beta_doubled=(
        "Doubles beta.",
        lambda beta, **x: right(beta=2 * beta, **x),
        {"fix": "a layer that allows negative eigenvalues doubles beta before it calls the kernel"},
    ),
    beta_applied_twice=("Applies beta twice.", lambda beta, **x: right(beta=beta * beta, **x)),
    beta_not_on_value=(
        "Applies beta only to what the state holds: v - β S k.",
        attention.wrong(written=lambda x: x.v - x.beta * x.removed),
    ),
    beta_not_on_held_value=(
        "Applies beta only to the value: β v - S k.",
        attention.wrong(written=lambda x: x.beta * x.v - x.removed),
    ),
    held_value_not_subtracted=(
        "Adds β v to the state, without subtracting what it holds for the key.",
        attention.wrong(written=lambda x: x.beta * x.v),
    ),
    held_value_added=(
        "Adds what the state holds for the key to the value, instead of subtracting it.",
        attention.wrong(written=lambda x: x.beta * (x.v + x.removed)),
    ),
    held_value_of_query=(
        "Subtracts what the state holds for the first query of the group, instead of the key.",
        attention.wrong(removed=lambda x: x.decayed.mT @ first_row(x.q.mT).mT),
    ),
    delta_rule_of_keys=(
        "Subtracts from the key what the state holds for the value: k = β (k - S v).",
        attention.wrong(after=lambda x: x.decayed + outer(x.beta * (x.k - x.decayed @ x.v), x.v)),
        {"stands_for": ("flash-linear-attention#623",)},
    ),
)


def _group(case: RecurrenceCase) -> int:
    return case.config.queries


def _tiled(case: RecurrenceCase) -> Array:
    """Return the query heads that read the first state, then those that read the second one, and so on."""
    return np.arange(case.config["query_heads"]).reshape(_group(case), -1).T.ravel()


def _first_repeated(case: RecurrenceCase, name: str) -> Array:
    """Return queries or keys, of which all heads share the first one if heads share any."""
    array = case.inputs[name]
    return np.broadcast_to(array[:, :, :1], array.shape) if "key_heads" in case.config else array


def _first_of_key_head(case: RecurrenceCase) -> RecurrenceCase:
    of_each = case.config["heads"] // case.config["key_heads"]
    return case.with_arrays(v=case.inputs["v"][:, :, ::of_each].repeat(of_each, axis=2))


def _without_others(case: RecurrenceCase, found: Outputs) -> Outputs:
    """Return the results of as many heads as there are key heads, and zero for others."""
    computed = np.arange(case.config["heads"]) < case.config["key_heads"]
    return {
        "o": np.where(computed[:, None], found["o"], 0 * found["o"]),
        "S_n": np.where(computed[:, None, None], found["S_n"], 0 * found["S_n"]),
    }


def _beta_of_first_head(case: RecurrenceCase) -> RecurrenceCase:
    """Return the case with a beta for each head, which is one for all heads but the first."""
    beta, heads = case.inputs["beta"], case.config["heads"]
    ones = np.ones((*beta.shape[:2], heads - 1), beta.dtype)
    sizes = {name: value for name, value in case.config.items() if name != "beta_heads"}
    given = {**case.inputs, "beta": np.concatenate([beta, ones], axis=2)}
    return replace(case, config=recurrence_config(case.cell, sizes), inputs=given)


def _queries_and_keys_swapped(case: RecurrenceCase) -> RecurrenceCase:
    q, k, group = case.inputs["q"], case.inputs["k"], _group(case)
    return case.with_arrays(q=np.repeat(k, group, axis=2), k=q[:, :, ::group])


def _normalized(vectors: Array) -> Array:
    return np.asarray(vectors / np.sqrt((vectors * vectors).sum(axis=-1, keepdims=True) + vectors.dtype.type(1e-6)))


LAYOUT = table(make=in_equations, cells=ATTENTION)(
    query_heads_tiled=(
        "Lets query head h read the state of head h % heads instead of h // (query_heads // heads).",
        Edit(
            lambda case: case.with_arrays(q=case.inputs["q"][:, :, _tiled(case)]),
            outputs=lambda case, found: (
                found | {"o": found["o"][:, :, np.argsort(_tiled(case))]} if _group(case) > 1 else found
            ),
        ),
        {"needs": ("grouped_queries", "several_heads"), "stands_for": ("vLLM-2080Ti-Definitive PR99",)},
    ),
    first_query_of_group_for_all=(
        "Uses the first query head of a group for the whole group.",
        Edit(lambda case: case.with_arrays(q=case.inputs["q"][:, :, :: _group(case)].repeat(_group(case), axis=2))),
        {"needs": ("grouped_queries",)},
    ),
    value_heads_tiled=(
        "Lets head h read query and key h % key_heads instead of h // (heads // key_heads).",
        tiled("heads", "key_heads"),
        {
            "needs": ("grouped_values",),
            "fix": "repeat each query and key for neighbouring heads; "
            + declared('heads="tiled"', "has value heads in the order of a GGUF file"),
        },
    ),
    first_key_head_for_all=(
        "Uses the first query and key head for all heads.",
        Edit(lambda case: case.with_arrays(q=_first_repeated(case, "q"), k=_first_repeated(case, "k"))),
        {"needs": ("grouped_values",)},
    ),
    first_value_of_key_head_for_all=(
        "Uses the values of the first head of each key head for all its heads.",
        Edit(lambda case: _first_of_key_head(case) if "key_heads" in case.config else case),
        {"needs": ("grouped_values",)},
    ),
    heads_beyond_key_heads_left_out=(
        "Computes only as many heads as there are key heads; outputs and last states of the others are zero.",
        Edit(outputs=lambda case, found: _without_others(case, found) if "key_heads" in case.config else found),
        {"needs": ("grouped_values",), "stands_for": ("lattice#262",)},
    ),
    one_beta_for_first_head_only=(
        "Uses the one beta of all heads for the first head only; for others, beta is 1.",
        Edit(lambda case: _beta_of_first_head(case) if "beta_heads" in case.config else case),
        {"cells": DELTA, "needs": ("one_beta",)},
    ),
    time_read_inside_heads=(
        "Reads the memory of keys and values as (batch, heads, time, size).",
        in_arrays(k=time_inside_heads, v=time_inside_heads),
        {"needs": ("several_heads", "several_steps")},
    ),
    queries_and_keys_swapped=(
        "Swaps queries and keys; of a group of queries, the first takes the place of the key.",
        Edit(_queries_and_keys_swapped),
    ),
    queries_normalized=("Divides each query by its length, without being asked.", in_arrays(q=_normalized)),
    keys_normalized=("Divides each key by its length, without being asked.", in_arrays(k=_normalized)),
    last_output_column_lost=(
        "Leaves the last of the d_v numbers of each output zero.",
        in_outputs(o=lambda o: np.concatenate([o[..., :-1], np.zeros_like(o[..., -1:])], axis=-1)),
    ),
    past_state_read_transposed=(
        "Reads the memory of the initial state as (d_v, d_k).",
        in_arrays(S0=lambda S: S.reshape(*S.shape[:2], S.shape[3], S.shape[2]).swapaxes(-1, -2)),
        {
            "needs": ("state",),
            "stands_for": ("vllm#41292", "sgl-kernel-npu#640"),
            "fix": declared('state="value key"', "has states of (H, V, K)"),
        },
    ),
    last_state_written_transposed=(
        "Writes the last state to memory as (d_v, d_k).",
        in_outputs(S_n=lambda S: S.swapaxes(-1, -2).reshape(S.shape)),
        {"stands_for": ("sgl-kernel-npu#640",), "fix": declared('state="value key"', "has states of (H, V, K)")},
    ),
    state_read_before_update=(
        "Computes the output of a step from the state before the step.",
        attention.wrong(o=lambda x: x.scale * (x.S.mT @ x.q)),
    ),
)


def _with_scale(case: RecurrenceCase, scale: float | None) -> RecurrenceCase:
    return replace(case, config=replace(case.config, given={**case.config.given, "scale": scale}))


def _default(scale: Callable[[RecurrenceConfig], float]) -> Edit:
    """Return the use of another default scale."""
    return Edit(lambda case: _with_scale(case, scale(case.config)) if case.config.option("scale") is None else case)


SCALE = table(make=in_equations, cells=ATTENTION)(
    scale_by_d_v=(
        "Scales by 1/√d_v instead of 1/√d_k.",
        _default(lambda config: 1 / sqrt(config["d_v"])),
        {"needs": ("default_scale", "unequal_sizes")},
    ),
    scale_by_padded_d_k=(
        "Scales by 1/√d_k with d_k rounded up to a power of two, the size of a block.",
        _default(lambda config: 1 / sqrt(1 << (config["d_k"] - 1).bit_length())),
        {"needs": ("default_scale", "padded_keys")},
    ),
    scale_without_root=(
        "Scales by 1/d_k instead of 1/√d_k.",
        _default(lambda config: 1 / config["d_k"]),
        {"needs": ("default_scale",)},
    ),
    scale_left_out=(
        "Leaves out the scale.",
        lambda scale, **x: right(scale=1, **x),
        {"fix": declared('scale="one"', "leaves it to the caller")},
    ),
    scale_applied_twice=("Applies the scale twice.", lambda scale, **x: right(scale=scale * scale, **x)),
    scale_option_ignored=(
        "Scales by 1/√d_k even if another scale is given.",
        Edit(lambda case: _with_scale(case, None)),
        {"needs": ("scale_option",)},
    ),
    scale_applied_to_keys=(
        "Scales the keys instead of the outputs, so that the state is scaled, too.",
        lambda k, scale, **x: right(k=scale * k, scale=1, **x),
    ),
)
