"""Bugs of linear attention in the scale, the layout of inputs and outputs, and the reading of the state."""

from collections.abc import Callable
from dataclasses import replace
from math import sqrt

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.cells.recurrence import RecurrenceCase
from rnn_goldens.cells.recurrence_equations import linear_attention as right
from rnn_goldens.deviations.recurrences.edits import (
    ATTENTION,
    DELTA,
    Edit,
    Outputs,
    declared,
    in_arrays,
    in_equations,
    in_outputs,
    tiled,
)
from rnn_goldens.deviations.recurrences.equation_parts import attention as parts
from rnn_goldens.deviations.recurrences.updates import time_inside_heads
from rnn_goldens.deviations.table_rows import table
from rnn_goldens.golden.recurrence_config import RecurrenceConfig, recurrence_config

# ruff: noqa: ARG005 - wrong equations take arguments that they do not use


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
        parts.wrong(o=lambda x: x.scale * (x.S.mT @ x.q)),
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
