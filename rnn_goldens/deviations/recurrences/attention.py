"""Bugs of linear attention in the scale, the layout of inputs and outputs, and the reading of the state."""

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.deviations.recurrences.deviation import ATTENTION, RecurrenceDeviation
from rnn_goldens.deviations.recurrences.kernel import replaced
from rnn_goldens.deviations.recurrences.step_kernel import AttentionKernel, Step, StepKernel


def of_attention(
    name: str,
    sentence: str,
    needs: tuple[str, ...] = (),
    stands_for: tuple[str, ...] = (),
    **methods: Callable[..., Any],
) -> RecurrenceDeviation:
    """Return the deviation of all four rules with replaced methods of the step kernel."""
    return RecurrenceDeviation(name, sentence, replaced(StepKernel, **methods), ATTENTION, needs, stands_for)


# Layout.


def _tiled_queries(right: AttentionKernel) -> Array:
    q = right.case.inputs["q"]
    return q.reshape(*q.shape[:2], -1, right.heads, right.d_k).transpose(0, 3, 2, 1, 4)


def _tiled_outputs(_right: AttentionKernel, o: Array) -> Array:
    return o.transpose(0, 3, 2, 1, 4).reshape(o.shape[0], o.shape[3], -1, o.shape[-1])


def _first_query_of_group(right: AttentionKernel) -> Array:
    q = right.queries()
    return np.broadcast_to(q[:, :, :1], q.shape)


def _time_inside_heads(right: AttentionKernel, name: str) -> Array:
    array = right.case.inputs[name]
    return array.reshape(array.shape[0], right.heads, right.case.time, -1)


def _keys_as_queries(right: AttentionKernel) -> Array:
    return np.broadcast_to(right.keys()[:, :, None], right.queries().shape)


def _normalized(vectors: Array) -> Array:
    return np.asarray(vectors / np.sqrt((vectors * vectors).sum(axis=-1, keepdims=True) + vectors.dtype.type(1e-6)))


def _without_last_column(right: AttentionKernel, o: Array) -> Array:
    o = np.array(right.arranged(o))
    o[..., -1] = 0
    return o


def _read_transposed(right: AttentionKernel) -> Array:
    S = right.initial_state()
    return S.reshape(*S.shape[:2], right.d_v, right.d_k).swapaxes(-1, -2)


def _written_transposed(_right: AttentionKernel, S: Array) -> Array:
    return S.swapaxes(-1, -2).reshape(S.shape)


def _read_before_update(right: StepKernel, x: Step, S: Array) -> tuple[Array, Array]:
    return right.output(x, S), right.step(x, S)[1]


LAYOUT = (
    of_attention(
        "query_heads_tiled",
        "Lets query head h read the state of head h % heads instead of h // (query_heads // heads).",
        ("grouped_queries", "several_heads"),
        ("vLLM-2080Ti-Definitive PR99",),
        queries=_tiled_queries,
        arranged=_tiled_outputs,
    ),
    of_attention(
        "first_query_of_group_for_all",
        "Uses the first query head of a group for the whole group.",
        ("grouped_queries",),
        queries=_first_query_of_group,
    ),
    of_attention(
        "time_read_inside_heads",
        "Reads the memory of keys and values as (batch, heads, time, size).",
        ("several_heads", "several_steps"),
        keys=lambda right: _time_inside_heads(right, "k"),
        values=lambda right: _time_inside_heads(right, "v"),
    ),
    of_attention(
        "queries_and_keys_swapped",
        "Swaps queries and keys; of a group of queries, the first takes the place of the key.",
        queries=_keys_as_queries,
        keys=lambda right: right.queries()[:, :, 0],
    ),
    of_attention(
        "queries_normalized",
        "Divides each query by its length, without being asked.",
        queries=lambda right: _normalized(right.queries()),
    ),
    of_attention(
        "keys_normalized",
        "Divides each key by its length, without being asked.",
        keys=lambda right: _normalized(right.keys()),
    ),
    of_attention(
        "last_output_column_lost",
        "Leaves the last of the d_v numbers of each output zero.",
        arranged=_without_last_column,
    ),
    of_attention(
        "past_state_read_transposed",
        "Reads the memory of the initial state as (d_v, d_k).",
        ("state",),
        ("vllm#41292", "sgl-kernel-npu#640"),
        initial_state=_read_transposed,
    ),
    of_attention(
        "last_state_written_transposed",
        "Writes the last state to memory as (d_v, d_k).",
        (),
        ("sgl-kernel-npu#640",),
        last_state=_written_transposed,
    ),
    of_attention(
        "state_read_before_update",
        "Computes the output of a step from the state before the step.",
        step=_read_before_update,
    ),
)

# Scale.


def _by(root: Callable[[AttentionKernel], float]) -> Callable[[AttentionKernel], Any]:
    """Return a method that replaces the default scale."""
    return lambda right: right.number(root(right)) if right.case.config.option("scale") is None else right.scale()


SCALE = (
    of_attention(
        "scale_by_d_v",
        "Scales by 1/√d_v instead of 1/√d_k.",
        ("default_scale", "unequal_sizes"),
        scale=_by(lambda right: 1 / sqrt(right.d_v)),
    ),
    of_attention(
        "scale_without_root",
        "Scales by 1/d_k instead of 1/√d_k.",
        ("default_scale",),
        scale=_by(lambda right: 1 / right.d_k),
    ),
    of_attention("scale_left_out", "Leaves out the scale.", scale=lambda right: right.number(1)),
    of_attention("scale_applied_twice", "Applies the scale twice.", scale=lambda right: right.scale() * right.scale()),
    of_attention(
        "scale_option_ignored",
        "Scales by 1/√d_k even if another scale is given.",
        ("scale_option",),
        scale=lambda right: right.number(1 / sqrt(right.d_k)),
    ),
    of_attention(
        "scale_applied_to_keys",
        "Scales the keys instead of the outputs, so that the state is scaled, too.",
        keys=lambda right: right.scale() * right.keys(),
        scale=lambda right: right.number(1),
    ),
)
