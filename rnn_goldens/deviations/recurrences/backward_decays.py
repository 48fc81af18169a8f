"""Deviations of the backward pass of linear attention with a decay."""

from collections.abc import Callable
from typing import Any

import numpy as np

from rnn_goldens.cells.arrays import Array
from rnn_goldens.cells.recurrence import RecurrenceCase
from rnn_goldens.cells.recurrence_backward import summed_to
from rnn_goldens.deviations.recurrences.backward_deviation import CHUNK, declared_for
from rnn_goldens.deviations.recurrences.backward_kernel import (
    AttentionBackward,
    BackwardKernel,
    Gradients,
    RunningSumBackward,
    Values,
    overriding,
)
from rnn_goldens.deviations.recurrences.deviation import GATED

_deviation = declared_for(GATED)
Arrays = dict[str, Array]


def _attention(**methods: Callable[..., Any]) -> type[BackwardKernel]:
    return overriding(AttentionBackward, **methods)


def _running_sum(**methods: Callable[..., Any]) -> type[BackwardKernel]:
    return overriding(RunningSumBackward, **methods)


# The running sum.


class _Exclusive(RunningSumBackward):
    """Returns the running sum of the later steps, without the step's own part."""

    def step_back(self, x: Values, d_outputs: Values, d_after: Values) -> Arrays:
        later = self.from_last(x, d_after["S"]) if self.running is None else self.running
        return {**super().step_back(x, d_outputs, d_after), "g": summed_to(later, x["g"])}


class _OwnPartAlone(RunningSumBackward):
    """Returns each step's own part of the running sum."""

    def step_back(self, x: Values, d_outputs: Values, d_after: Values) -> Arrays:
        self.running = np.zeros_like(x["k"])
        return super().step_back(x, d_outputs, d_after)


class _RestartedEveryChunk(RunningSumBackward):
    """Starts the running sum from zero in each chunk except the last."""

    def carry(self, d_before: Arrays, d_after: Values, t: int) -> Arrays:
        if t % CHUNK == 0 and self.running is not None:
            self.running = np.zeros_like(self.running)
        return super().carry(d_before, d_after, t)


class _NotRestarted(RunningSumBackward):
    """Continues the running sum from a packed sequence to the sequence before it."""

    def of_sequence(self, case: RecurrenceCase, cotangents: Values) -> Gradients:
        return AttentionBackward.of_sequence(self, case, cotangents)


class _WithoutWritten(RunningSumBackward):
    """Leaves the key of the outer product out of the running sum."""

    def d_k_written(self, x: Values, d_state: Array) -> Array:
        return AttentionBackward.d_k_written(self, x, d_state)


class _WithoutRemoved(RunningSumBackward):
    """Leaves the key that reads the removed part out of the running sum."""

    def d_k_removed(self, x: Values, d_written: Array) -> Array:
        return AttentionBackward.d_k_removed(self, x, d_written)


class _WholeKey(RunningSumBackward):
    """Subtracts k times the whole gradient of k, both parts with the same sign."""

    def d_k_removed(self, x: Values, d_written: Array) -> Array:
        found = AttentionBackward.d_k_removed(self, x, d_written)
        self.add(-x["k"] * found)
        return found


def _without_last(right: RunningSumBackward, x: Values, d_last: Array) -> Array:
    return 0 * right.from_last(x, d_last)


RUNNING_SUM = (
    _deviation(
        "d_g_without_last_state",
        "Starts the running sum of the gradient of g at zero, without the cotangent of the last state.",
        _running_sum(from_last=_without_last),
    ),
    _deviation(
        "d_g_running_sum_exclusive",
        "Leaves out a step's own part from the running sum of the gradient of g, which is then one step late.",
        _Exclusive,
    ),
    _deviation(
        "d_g_not_summed_over_later_steps",
        "Returns each step's part q d_q - k d_k as the gradient of g instead of their running sum.",
        _OwnPartAlone,
    ),
    _deviation(
        "d_g_running_sum_within_chunks",
        f"Starts the running sum of the gradient of g at zero in each chunk of {CHUNK} steps.",
        _RestartedEveryChunk,
        "several_chunks",
    ),
    _deviation(
        "d_g_running_sum_across_borders",
        "Continues the running sum of the gradient of g from a packed sequence to the sequence before it.",
        _NotRestarted,
        "packed",
    ),
    _deviation(
        "d_g_from_queries_alone",
        "Computes the gradient of g with q d_q only, without subtracting k d_k.",
        _WithoutWritten,
    ),
    _deviation(
        "d_g_without_removed_part",
        "Leaves out the key that reads the removed part from the running sum of the gradient of g.",
        _WithoutRemoved,
        cells=("gated_delta",),
    ),
    _deviation(
        "d_g_with_whole_d_k",
        "Subtracts k times the whole gradient of k in the gradient of g, as if both parts had the same sign.",
        _WholeKey,
        cells=("gated_delta",),
    ),
)


# The decay of the state.


def _summed_over_keys(right: AttentionBackward, x: Values, d_state: Array) -> Array:
    found = right.d_g(x, d_state)
    return np.broadcast_to(found.sum(axis=-2, keepdims=True), found.shape)


class _BeforeRemoved(AttentionBackward):
    """Computes the gradient of g before the removed part is subtracted from the state's cotangent."""

    def through_removed(self, x: Values, d_written: Array, d_state: Array) -> Array:
        self._whole = d_state
        return super().through_removed(x, d_written, d_state)

    def d_g(self, x: Values, d_state: Array) -> Array:  # noqa: ARG002 - not used
        return super().d_g(x, self._whole)


class _DecayOfLaterStep(AttentionBackward):
    """Multiplies the state's cotangent by the decay of the step after it."""

    _later: Array | None = None

    def of_sequence(self, case: RecurrenceCase, cotangents: Values) -> Gradients:
        self._later = None
        return super().of_sequence(case, cotangents)

    def through_decay(self, x: Values, d_state: Array) -> Array:
        g, self._later = x["g"] if self._later is None else self._later, x["g"]
        return super().through_decay({**x, "g": g}, d_state)


class _StartUndecayed(AttentionBackward):
    """Returns the gradient of the initial state without the decay of the first step."""

    def through_decay(self, x: Values, d_state: Array) -> Array:
        self._undecayed = d_state
        return super().through_decay(x, d_state)

    def to_start(self, d_states: Arrays) -> Arrays:  # noqa: ARG002 - not used
        return {"S": self._undecayed}


STATE = (
    _deviation(
        "d_g_zero",
        "Returns zero for the gradient of g.",
        _attention(d_g=lambda right, x, d_state: 0 * right.d_g(x, d_state)),
    ),
    _deviation(
        "d_g_of_decay_itself",
        "Returns the gradient of the decay e^g as the gradient of g.",
        _attention(d_g=lambda right, x, d_state: right.d_g({**x, "decayed": x["S"]}, d_state)),
    ),
    _deviation(
        "d_g_by_state_after",
        "Computes the gradient of g with the state after the step instead of the decayed state.",
        _attention(d_g=lambda right, x, d_state: right.d_g({**x, "decayed": x["S_after"]}, d_state)),
    ),
    _deviation(
        "d_g_of_first_value",
        "Computes the gradient of g from the first column of the state only, without a sum over the values.",
        _attention(d_g=lambda right, x, d_state: right.d_g({**x, "decayed": x["decayed"][..., :1]}, d_state[..., :1])),
    ),
    _deviation(
        "d_g_by_key_summed_over_keys",
        "Sums the gradient of a decay by key over the keys, as if it were one number for each head.",
        _attention(d_g=_summed_over_keys),
        "decay_by_key",
    ),
    _deviation(
        "d_g_by_removed_state",
        "Computes the gradient of g with the state's cotangent from which no removed part was subtracted.",
        _BeforeRemoved,
        cells=("gated_delta",),
    ),
    _deviation(
        "state_cotangent_not_decayed",
        "Passes the state's cotangent to the step before without the decay.",
        _attention(through_decay=lambda _, x, d_state: d_state),  # noqa: ARG005 - the method's arguments
    ),
    _deviation(
        "state_cotangent_decayed_twice",
        "Multiplies the state's cotangent by the decay twice.",
        _attention(through_decay=lambda right, x, d_state: right.through_decay(x, right.through_decay(x, d_state))),
    ),
    _deviation(
        "state_cotangent_decayed_one_step_late",
        "Multiplies the state's cotangent by the decay of the step after it.",
        _DecayOfLaterStep,
        "several_steps",
    ),
    _deviation(
        "initial_state_gradient_undecayed",
        "Returns the gradient of the initial state without the decay of the first step.",
        _StartUndecayed,
        "state",
    ),
)
