"""Deviations of the backward pass of linear attention: queries, keys, values, beta and the state."""

from collections.abc import Callable
from typing import Any

import numpy as np

from rnn_goldens.cells.arrays import Array
from rnn_goldens.cells.recurrence import RecurrenceCase
from rnn_goldens.deviations.recurrences.backward_deviation import declared_for
from rnn_goldens.deviations.recurrences.backward_kernel import (
    AttentionBackward,
    BackwardKernel,
    RepeatedHeadsBackward,
    Values,
    overriding,
    transposed,
)
from rnn_goldens.deviations.recurrences.deviation import ATTENTION, DELTA

_deviation = declared_for(ATTENTION)
_GATED_DELTA = ("gated_delta",)
_WITHOUT_DECAY = ("delta_rule",)
Arrays = dict[str, Array]


def _attention(**methods: Callable[..., Any]) -> type[BackwardKernel]:
    return overriding(AttentionBackward, **methods)


def _repeated(**methods: Callable[..., Any]) -> type[BackwardKernel]:
    return overriding(RepeatedHeadsBackward, **methods)


# Queries.


def _first_query_alone(right: AttentionBackward, x: Values, d_o: Array) -> Array:
    return np.asarray(right.from_output({**x, "q": x["q"][..., :1]}, d_o[..., :1]))


def _mean_over_queries(right: AttentionBackward, x: Values, d_o: Array) -> Array:
    return np.asarray(right.from_output(x, d_o) / d_o.shape[-1])


def _first_copy(_: RepeatedHeadsBackward, name: str, copies: Array) -> Array:  # noqa: ARG001 - for all arrays
    return np.asarray(copies[0])


def _gates_of_first_copy(right: RepeatedHeadsBackward, name: str, copies: Array) -> Array:
    return copies[0] if name in ("g", "beta") else right.over_copies(name, copies)


QUERIES = (
    _deviation(
        "d_q_without_scale",
        "Computes the gradient of q without the scale.",
        _attention(d_q=lambda right, x, d_o: right.d_q(x, d_o) / right.scale),
    ),
    _deviation(
        "d_q_scaled_twice",
        "Multiplies the gradient of q by the scale twice.",
        _attention(d_q=lambda right, x, d_o: right.scale * right.d_q(x, d_o)),
    ),
    _deviation(
        "d_q_by_state_before",
        "Computes the gradient of q with the state before the step instead of after it.",
        _attention(d_q=lambda right, x, d_o: right.d_q({**x, "S_after": x["S"]}, d_o)),
    ),
    _deviation(
        "state_cotangent_without_scale",
        "Passes the cotangent of the output to the state without the scale.",
        _attention(from_output=lambda right, x, d_o: right.from_output(x, d_o) / right.scale),
    ),
    _deviation(
        "state_cotangent_of_first_query",
        "Passes only the cotangent of the first query head of each group to the state.",
        _attention(from_output=_first_query_alone),
        "grouped_queries",
    ),
    _deviation(
        "state_cotangent_mean_over_queries",
        "Uses the mean over the query heads of a group for the cotangent of the state instead of the sum.",
        _attention(from_output=_mean_over_queries),
        "grouped_queries",
    ),
    _deviation(
        "gradients_of_first_copy",
        "Repeats keys and values for each query head, and returns the gradients of the first copy, not their sum.",
        _repeated(over_copies=_first_copy),
        "grouped_queries",
    ),
    _deviation(
        "gate_gradients_of_first_copy",
        "Sums the gradients of keys and values over the query heads of a group, but not those of g and beta.",
        _repeated(over_copies=_gates_of_first_copy),
        "grouped_queries",
        cells=("gated_linear_attention", "delta_rule", "gated_delta"),
    ),
)


# Keys, values and beta.


def _own_output_last(right: AttentionBackward, x: Values, d_outputs: Values, d_after: Values) -> Arrays:
    """Pass the output's cotangent to the state before the step, but not to the key and value of the step."""
    without_output = right.step_back(x, {"o": np.zeros_like(d_outputs["o"])}, d_after)
    found = right.step_back(x, d_outputs, d_after)
    return {**found, "k": without_output["k"], "v": without_output["v"]}


class _SubtractsUndecayed(AttentionBackward):
    """Subtracts the removed part from the state's cotangent after the decay instead of before it."""

    def through_removed(self, x: Values, d_written: Array, d_state: Array) -> Array:
        self._removed = super().through_removed(x, d_written, d_state) - d_state
        return d_state

    def through_decay(self, x: Values, d_state: Array) -> Array:
        return np.asarray(super().through_decay(x, d_state) + self._removed)


class _RemovedNotPassed(AttentionBackward):
    """Leaves out every cotangent that the removed part has, as if the written value were a constant times beta."""

    def d_k_removed(self, x: Values, d_written: Array) -> Array:
        return 0 * super().d_k_removed(x, d_written)

    def through_removed(self, x: Values, d_written: Array, d_state: Array) -> Array:  # noqa: ARG002 - not used
        return d_state


class _KeyOfRemovedLeftOut(AttentionBackward):
    """Leaves out what the key that reads the state passes to the gradients of k and beta."""

    def d_k_removed(self, x: Values, d_written: Array) -> Array:
        return 0 * super().d_k_removed(x, d_written)

    def d_beta(self, x: Values, d_written: Array) -> Array:
        return super().d_beta({**x, "removed": 0 * x["removed"]}, d_written)


KEYS_AND_VALUES = (
    _deviation(
        "own_output_not_passed",
        "Computes the gradients of k and v with the state's cotangent from later steps: their own output is left out.",
        _attention(step_back=_own_output_last),
    ),
    _deviation(
        "d_k_of_removed_missing",
        "Leaves out the key that reads the removed part from the gradient of k.",
        _attention(d_k_removed=lambda right, x, d_written: 0 * right.d_k_removed(x, d_written)),
        cells=DELTA,
    ),
    _deviation(
        "d_k_of_removed_added",
        "Adds the key that reads the removed part to the gradient of k instead of subtracting it.",
        _attention(d_k_removed=lambda right, x, d_written: -right.d_k_removed(x, d_written)),
        cells=DELTA,
    ),
    _deviation(
        "d_k_of_removed_by_undecayed_state",
        "Uses the state before it decays for the key that reads the removed part.",
        _attention(d_k_removed=lambda right, x, d_written: right.d_k_removed({**x, "decayed": x["S"]}, d_written)),
        cells=_GATED_DELTA,
    ),
    _deviation(
        "d_k_of_removed_without_beta",
        "Computes the part of the key that reads the removed part without beta.",
        _attention(d_k_removed=lambda right, x, d_written: right.d_k_removed({**x, "beta": 1.0}, d_written)),
        cells=DELTA,
    ),
    _deviation(
        "d_k_of_written_missing",
        "Leaves out the key of the outer product from the gradient of k.",
        _attention(d_k_written=lambda right, x, d_state: 0 * right.d_k_written(x, d_state)),
        cells=DELTA,
    ),
    _deviation(
        "d_k_of_written_by_v",
        "Uses v for the gradient of k in the outer product, although another value was written.",
        _attention(d_k_written=lambda right, x, d_state: right.d_k_written({**x, "written": x["v"]}, d_state)),
        cells=DELTA,
    ),
    _deviation(
        "d_k_of_written_by_beta_v",
        "Uses beta v for the gradient of k in the outer product, without the removed part.",
        _attention(
            d_k_written=lambda right, x, d_state: right.d_k_written({**x, "written": x["beta"] * x["v"]}, d_state)
        ),
        cells=DELTA,
    ),
    _deviation(
        "d_v_without_beta",
        "Computes the gradient of v without beta.",
        _attention(d_v=lambda _, x, d_written: d_written),  # noqa: ARG005 - the method's arguments
        cells=DELTA,
    ),
    _deviation(
        "d_v_with_beta_twice",
        "Multiplies the gradient of v by beta twice.",
        _attention(d_v=lambda right, x, d_written: x["beta"] * right.d_v(x, d_written)),
        cells=DELTA,
    ),
    _deviation(
        "d_beta_by_v_alone",
        "Computes the gradient of beta with v instead of the difference of v and the removed part.",
        _attention(d_beta=lambda right, x, d_written: right.d_beta({**x, "removed": 0 * x["removed"]}, d_written)),
        cells=DELTA,
    ),
    _deviation(
        "d_beta_by_undecayed_state",
        "Computes the gradient of beta with what the key reads of the state before it decays.",
        _attention(
            d_beta=lambda right, x, d_written: right.d_beta({**x, "removed": transposed(x["S"]) @ x["k"]}, d_written)
        ),
        cells=_GATED_DELTA,
    ),
    _deviation(
        "d_beta_by_written",
        "Computes the gradient of beta with what is written, which contains beta.",
        _attention(d_beta=lambda right, x, d_written: x["beta"] * right.d_beta(x, d_written)),
        cells=DELTA,
    ),
    _deviation(
        "key_of_removed_missing_without_decay",
        "Without a decay, leaves out what the key that reads the state passes to the gradients of k and beta.",
        _KeyOfRemovedLeftOut,
        cells=_WITHOUT_DECAY,
        stands_for=("flash-linear-attention#862", "flash-linear-attention PR863"),
    ),
)


# The state.


def _last_scaled(right: AttentionBackward, case: RecurrenceCase, cotangents: Values) -> Arrays:
    return {"S": right.scale * right.d_last(case, cotangents)["S"]}


def _last_read_transposed(right: AttentionBackward, case: RecurrenceCase, cotangents: Values) -> Arrays:
    return {"S": _as_transposed(right.d_last(case, cotangents)["S"])}


def _as_transposed(state: Array) -> Array:
    """Return the matrices of (d_k, d_v) that a buffer has if it is read or written as (d_v, d_k)."""
    *lanes, d_k, d_v = state.shape
    return transposed(state.reshape(*lanes, d_v, d_k))


STATE = (
    _deviation(
        "removed_part_not_passed_to_state",
        "Does not subtract the removed part from the state's cotangent.",
        _attention(through_removed=lambda _, x, d_written, d_state: d_state),  # noqa: ARG005 - the method's arguments
        cells=DELTA,
    ),
    _deviation(
        "removed_part_added_to_state",
        "Adds the removed part to the state's cotangent instead of subtracting it.",
        _attention(
            through_removed=lambda right, x, d_written, d_state: (
                2 * d_state - right.through_removed(x, d_written, d_state)
            )
        ),
        cells=DELTA,
    ),
    _deviation(
        "removed_part_without_beta",
        "Subtracts the removed part from the state's cotangent without beta.",
        _attention(
            through_removed=lambda right, x, d_written, d_state: right.through_removed(
                {**x, "beta": 1.0}, d_written, d_state
            )
        ),
        cells=DELTA,
    ),
    _deviation(
        "removed_part_detached",
        "Treats the removed part as a constant: neither k nor the state gets a gradient through it.",
        _RemovedNotPassed,
        cells=DELTA,
    ),
    _deviation(
        "removed_part_subtracted_after_decay",
        "Subtracts the removed part from the state's cotangent after the decay instead of before it.",
        _SubtractsUndecayed,
        cells=_GATED_DELTA,
    ),
    _deviation(
        "last_state_cotangent_scaled",
        "Multiplies the cotangent of the last state by the scale.",
        _attention(d_last=_last_scaled),
    ),
    _deviation(
        "last_state_cotangent_read_transposed",
        "Reads the cotangent of the last state as (d_v, d_k).",
        _attention(d_last=_last_read_transposed),
    ),
    _deviation(
        "initial_state_gradient_written_transposed",
        "Writes the gradient of the initial state as (d_v, d_k).",
        _attention(to_start=lambda right, d_states: {"S": _as_transposed(right.to_start(d_states)["S"])}),
        "state",
    ),
)
