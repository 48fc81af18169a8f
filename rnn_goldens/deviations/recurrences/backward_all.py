"""Deviations of the backward pass of every recurrence: cotangents of states, packed sequences, sums of weights."""

from collections.abc import Iterable, Sequence

import numpy as np

from rnn_goldens.cells.arrays import Array
from rnn_goldens.cells.recurrence import Arrays, RecurrenceCase
from rnn_goldens.cells.recurrence_backward import Gradients, RecurrenceBackward
from rnn_goldens.deviations.recurrences.backward_deviation import (
    CHUNK,
    BackwardRecurrenceDeviation,
    declared_for,
    in_loop,
)
from rnn_goldens.deviations.recurrences.deviation import CELLS
from rnn_goldens.golden.recurrences import RECURRENCES

_all = declared_for(CELLS)
_WITH_WEIGHTS = tuple(cell for cell, recurrence in RECURRENCES.items() if recurrence.weights)


def _zero(arrays: Arrays) -> dict[str, Array]:
    return {name: np.zeros_like(array) for name, array in arrays.items()}


# Cotangents of states.


def _last_ignored(right: RecurrenceBackward, case: RecurrenceCase, cotangents: Arrays) -> dict[str, Array]:
    return _zero(right.d_last(case, cotangents))


def _not_carried(right: RecurrenceBackward, d_before: dict[str, Array], d_after: Arrays, t: int) -> dict[str, Array]:
    carried = right.carry(d_before, d_after, t)
    return _zero(carried) if t else carried


def _truncated(steps: int) -> BackwardRecurrenceDeviation:
    def carry(right: RecurrenceBackward, d_before: dict[str, Array], d_after: Arrays, t: int) -> dict[str, Array]:
        carried = right.carry(d_before, d_after, t)
        return _zero(carried) if t and t % steps == 0 else carried

    return BackwardRecurrenceDeviation(
        f"recurrence_backward_truncated_every_{steps}",
        f"Does not pass the state's cotangent to the previous chunk of {steps} steps.",
        in_loop(carry=carry),
        CELLS,
        ("several_chunks",) if steps == CHUNK else ("several_steps",),
    )


class _EnteringEverywhere(RecurrenceBackward):
    """Adds the cotangent of the last state at every step."""

    def d_last(self, case: RecurrenceCase, cotangents: Arrays) -> dict[str, Array]:
        self._d_last = super().d_last(case, cotangents)
        return self._d_last

    def carry(self, d_before: dict[str, Array], d_after: Arrays, t: int) -> dict[str, Array]:
        carried = super().carry(d_before, d_after, t)
        return {name: array + self._d_last[name] for name, array in carried.items()} if t else carried


class _StartFromLast(RecurrenceBackward):
    """Returns the cotangents of the last states as the gradients of the initial states."""

    def d_last(self, case: RecurrenceCase, cotangents: Arrays) -> dict[str, Array]:
        self._d_last = super().d_last(case, cotangents)
        return self._d_last

    def to_start(self, d_states: dict[str, Array]) -> dict[str, Array]:  # noqa: ARG002 - not used
        return self._d_last


class _OneStepShort(RecurrenceBackward):
    """Returns the gradient of the state after the first step as the gradient of the initial state."""

    def carry(self, d_before: dict[str, Array], d_after: Arrays, t: int) -> dict[str, Array]:
        self._after = dict(d_after)
        return super().carry(d_before, d_after, t)

    def to_start(self, d_states: dict[str, Array]) -> dict[str, Array]:  # noqa: ARG002 - not used
        return self._after


def _start_summed(right: RecurrenceBackward, d_states: dict[str, Array]) -> dict[str, Array]:
    found = right.to_start(d_states)
    return {n: np.broadcast_to(a.sum(axis=0, keepdims=True), a.shape) for n, a in found.items()}


# Steps.


def _in_order_of_time(_: RecurrenceBackward, case: RecurrenceCase) -> Iterable[int]:
    return range(case.time)


def _last_chunk_alone(_: RecurrenceBackward, case: RecurrenceCase) -> Iterable[int]:
    return reversed(range((case.time - 1) // CHUNK * CHUNK, case.time))


def _whole_chunks_alone(_: RecurrenceBackward, case: RecurrenceCase) -> Iterable[int]:
    return reversed(range(case.time // CHUNK * CHUNK if case.time > CHUNK else case.time))


def _as_visited(
    right: RecurrenceBackward, case: RecurrenceCase, d_inputs: Sequence[Arrays], d_weights: Arrays
) -> Gradients:
    return right.named(case, d_inputs[::-1], d_weights)


def _one_step_late(right: RecurrenceBackward, case: RecurrenceCase, cotangents: Arrays) -> Sequence[Arrays]:
    found = right.d_outputs(case, cotangents)
    return [_zero(found[0]), *found[:-1]]


def _last_output_alone(right: RecurrenceBackward, case: RecurrenceCase, cotangents: Arrays) -> Sequence[Arrays]:
    found = right.d_outputs(case, cotangents)
    return [*map(_zero, found[:-1]), found[-1]]


# The batch and packed sequences.


def _first_row_alone(right: RecurrenceBackward, case: RecurrenceCase, found: Sequence[Gradients]) -> Gradients:
    whole = right.joined(case, found)
    for name in (*case.inputs, *case.states) if case.offsets is None else ():
        whole[name] = np.concatenate([whole[name][:1], 0 * whole[name][1:]])
    return whole


class _AcrossBorders(RecurrenceBackward):
    """Passes the state's cotangent on to the packed sequence before, whose last state was not the initial one."""

    def d_last(self, case: RecurrenceCase, cotangents: Arrays) -> dict[str, Array]:
        found = super().d_last(case, cotangents)
        return {name: array + self.d_start[name] for name, array in found.items()} if self.d_start else found


class _LastOfPackAlone(RecurrenceBackward):
    """Uses the cotangent of the last state of the last packed sequence only."""

    def d_last(self, case: RecurrenceCase, cotangents: Arrays) -> dict[str, Array]:
        found = super().d_last(case, cotangents)
        return _zero(found) if self.d_start else found


def _first_start_alone(right: RecurrenceBackward, case: RecurrenceCase, found: Sequence[Gradients]) -> Gradients:
    return right.joined(case, [found[0], *({**one, **{n: 0 * one[n] for n in case.states}} for one in found[1:])])


def _weights_overwritten(right: RecurrenceBackward, case: RecurrenceCase, found: Sequence[Gradients]) -> Gradients:
    return {**right.joined(case, found), **{name: found[0][name] for name in case.weights}}


STATES = (
    _all(
        "last_state_cotangent_ignored",
        "Ignores the cotangent of the last state.",
        in_loop(d_last=_last_ignored),
        stands_for=("flash-linear-attention-npu PR291",),
    ),
    _all(
        "last_state_cotangent_at_every_step",
        "Adds the cotangent of the last state at every step instead of only at the last.",
        _EnteringEverywhere,
        "several_steps",
    ),
    _all(
        "state_cotangent_not_carried",
        "Passes no cotangent of the state from a step to the one before it.",
        in_loop(carry=_not_carried),
        "several_steps",
    ),
    *(_truncated(steps) for steps in (16, CHUNK)),
    _all(
        "initial_state_gradient_zero",
        "Returns zero for the gradient of the initial state.",
        in_loop(to_start=lambda _, d_states: _zero(d_states)),
        "state",
    ),
    _all(
        "initial_state_gradient_from_the_end",
        "Returns the cotangent of the last state as the gradient of the initial state.",
        _StartFromLast,
        "state",
    ),
    _all(
        "initial_state_gradient_one_step_short",
        "Returns the gradient of the state after the first step as that of the initial state.",
        _OneStepShort,
        "state",
    ),
    _all(
        "initial_state_gradient_summed_over_batch",
        "Sums the gradient of the initial state over the batch, as if all rows shared one state.",
        in_loop(to_start=_start_summed),
        "rows",
        "state",
    ),
)

STEPS = (
    _all(
        "recurrence_backward_in_order_of_time",
        "Runs the backward pass over the steps in forward order.",
        in_loop(times_back=_in_order_of_time),
        "several_steps",
    ),
    _all(
        "gradients_of_last_chunk_alone",
        f"Computes gradients of the last chunk of {CHUNK} steps only: those of the chunks before are zero.",
        in_loop(times_back=_last_chunk_alone),
        "several_chunks",
    ),
    _all(
        "gradients_of_whole_chunks_alone",
        f"Leaves out the last chunk if it has fewer than {CHUNK} steps: its gradients are zero.",
        in_loop(times_back=_whole_chunks_alone),
        "several_chunks",
    ),
    _all(
        "input_gradients_as_visited",
        "Returns the gradients of the inputs in the order of the backward pass, the last step first.",
        in_loop(named=_as_visited),
        "several_steps",
    ),
    _all(
        "output_cotangent_one_step_late",
        "Uses the cotangent of the output of the previous step.",
        in_loop(d_outputs=_one_step_late),
    ),
    _all(
        "output_cotangent_of_last_step_alone",
        "Uses the cotangent of the output at the last step only.",
        in_loop(d_outputs=_last_output_alone),
        "several_steps",
    ),
)

SEQUENCES = (
    _all(
        "gradients_of_first_row_alone",
        "Returns zero for the gradients of inputs and initial states of all sequences of a batch except the first.",
        in_loop(joined=_first_row_alone),
        "rows",
    ),
    _all(
        "state_cotangent_across_borders",
        "Passes the state's cotangent from a packed sequence on to the sequence before it.",
        _AcrossBorders,
        "packed",
    ),
    _all(
        "last_state_cotangent_of_last_sequence_alone",
        "Uses only the cotangent of the last state of the last packed sequence.",
        _LastOfPackAlone,
        "packed",
    ),
    _all(
        "initial_state_gradient_of_first_sequence_alone",
        "Returns zero for the gradients of the initial states of all packed sequences except the first.",
        in_loop(joined=_first_start_alone),
        "packed",
        "state",
    ),
    _all(
        "weights_overwritten_by_each_sequence",
        "Assigns each packed sequence's gradients of the weights instead of adding them: one sequence remains.",
        in_loop(joined=_weights_overwritten),
        "packed",
        cells=_WITH_WEIGHTS,
    ),
)

WEIGHTS = (
    _all(
        "recurrence_weights_of_last_step_alone",
        "Computes the gradients of the weights from the last step only.",
        in_loop(over_time=lambda _, shares: shares[0]),
        "several_steps",
        cells=_WITH_WEIGHTS,
    ),
    _all(
        "recurrence_weights_of_first_step_alone",
        "Assigns each step's share of the weights' gradients instead of adding it: that of the first step remains.",
        in_loop(over_time=lambda _, shares: shares[-1]),
        "several_steps",
        cells=_WITH_WEIGHTS,
    ),
    _all(
        "recurrence_weights_of_first_row_alone",
        "Computes the gradients of the weights from the first sequence of a batch only.",
        in_loop(over_batch=lambda right, share: right.over_batch(share[:1])),
        "rows",
        cells=_WITH_WEIGHTS,
    ),
    _all(
        "recurrence_weights_mean_over_batch",
        "Uses the mean over the batch for the gradients of the weights instead of the sum.",
        in_loop(over_batch=lambda right, share: right.over_batch(share) / len(share)),
        "rows",
        cells=_WITH_WEIGHTS,
    ),
)
