"""Deviations of the backward pass of every recurrence: states, packed sequences, sums of weights, rounding."""

from collections.abc import Sequence

import numpy as np

from rnn_goldens.cells.matrix_primitives import NUMPY
from rnn_goldens.cells.notation import Term, exp
from rnn_goldens.cells.numpy_primitives import Array
from rnn_goldens.cells.recurrence import Arrays, RecurrenceCase
from rnn_goldens.cells.recurrence_backward import Gradients, RecurrenceBackward
from rnn_goldens.cells.recurrence_notation import outer
from rnn_goldens.deviations.equation_edits import detached
from rnn_goldens.deviations.needs import LONGER_THAN
from rnn_goldens.deviations.recurrences.backward_attention import RepeatedHeads
from rnn_goldens.deviations.recurrences.backward_decays import RunningSum
from rnn_goldens.deviations.recurrences.edits import (
    ATTENTION,
    CELLS,
    DELTA,
    GATED,
    WEIGHTED,
    WrongBackward,
    for_each_chunk_size,
    in_loop,
    in_results,
)
from rnn_goldens.deviations.recurrences.equation_parts import attention
from rnn_goldens.deviations.table_rows import for_each, table

# ruff: noqa: ARG005 - functions have the arguments of the methods that they replace


def _zero(arrays: Arrays) -> Arrays:
    return {name: np.zeros_like(array) for name, array in arrays.items()}


def _truncated(steps: int) -> type[RecurrenceBackward]:
    return in_loop(carry=lambda _, d_before, d_after, t: _zero(d_before) if t and t % steps == 0 else d_before)


class _EnteringEverywhere(RecurrenceBackward):
    def d_last(self, case: RecurrenceCase, cotangents: Arrays) -> Arrays:
        self._d_last = super().d_last(case, cotangents)
        return self._d_last

    def carry(self, d_before: Arrays, d_after: Arrays, t: int) -> Arrays:  # noqa: ARG002 - not used
        return {name: array + self._d_last[name] for name, array in d_before.items()} if t else d_before


def _start_summed(found: Gradients, case: RecurrenceCase, *_: object) -> Gradients:
    of_states = {name: found[name] for name in case.states}
    return found | {n: np.broadcast_to(a.sum(axis=0, keepdims=True), a.shape) for n, a in of_states.items()}


def _first_row_alone(whole: Gradients, case: RecurrenceCase, _: Sequence[Gradients]) -> Gradients:
    for name in (*case.inputs, *case.states) if case.offsets is None else ():
        whole[name] = np.concatenate([whole[name][:1], 0 * whole[name][1:]])
    return whole


class _AcrossBorders(RecurrenceBackward):
    """Passes the state's cotangent on to the packed sequence before, whose last state was not the initial one."""

    def d_last(self, case: RecurrenceCase, cotangents: Arrays) -> Arrays:
        found = super().d_last(case, cotangents)
        return {name: array + self.d_start[name] for name, array in found.items()} if self.d_start else found


class _LastOfPackAlone(RecurrenceBackward):
    def d_last(self, case: RecurrenceCase, cotangents: Arrays) -> Arrays:
        found = super().d_last(case, cotangents)
        return _zero(found) if self.d_start else found


def _first_start_alone(right: RecurrenceBackward, case: RecurrenceCase, found: Sequence[Gradients]) -> Gradients:
    return right.joined(case, [found[0], *({**one, **{n: 0 * one[n] for n in case.states}} for one in found[1:])])


STATES = table(make=WrongBackward, cells=CELLS, reports={"recurrence_backward_truncated_every_32": ("mamba PR831",)})(
    last_state_cotangent_ignored=(
        "Ignores the cotangent of the last state.",
        in_results(d_last=lambda found, *_: _zero(found)),
        {"stands_for": ("flash-linear-attention-npu PR291",)},
    ),
    last_state_cotangent_twice=(
        "Adds the cotangent of the last state twice.",
        in_results(d_last=lambda found, *_: {name: 2 * array for name, array in found.items()}),
    ),
    last_state_cotangent_at_every_step=(
        "Adds the cotangent of the last state at every step instead of only at the last.",
        _EnteringEverywhere,
        {"needs": ("several_steps",)},
    ),
    state_cotangent_not_carried=(
        "Passes no cotangent of the state from a step to the one before it.",
        in_loop(carry=lambda _, d_before, d_after, t: _zero(d_before) if t else d_before),
        {"needs": ("several_steps",)},
    ),
    **for_each(
        (16, 32, 64),
        "recurrence_backward_truncated_every_{}",
        "Does not pass the state's cotangent to the previous chunk of {} steps.",
        _truncated,
        lambda steps: {"needs": (LONGER_THAN[steps],)},
    ),
    initial_state_gradient_zero=(
        "Returns zero for the gradient of the initial state.",
        in_loop(to_start=lambda _, d_states, d_last: _zero(d_states)),
        {"needs": ("state",)},
    ),
    initial_state_gradient_from_the_end=(
        "Returns the cotangent of the last state as the gradient of the initial state.",
        in_loop(to_start=lambda _, d_states, d_last: d_last),
        {"needs": ("state",)},
    ),
    initial_state_gradient_one_step_short=(
        "Returns the gradient of the state after the first step as that of the initial state.",
        in_loop(carry=lambda _, d_before, d_after, t: d_before if t else d_after),
        {"needs": ("state",)},
    ),
    initial_state_gradient_summed_over_batch=(
        "Sums the gradient of the initial state over the batch, as if all rows shared one state.",
        in_results(named=_start_summed),
        {"needs": ("rows", "state")},
    ),
)

STEPS = table(make=WrongBackward, cells=CELLS, needs=("several_steps",))(
    recurrence_backward_in_order_of_time=(
        "Runs the backward pass over the steps in forward order.",
        in_loop(times_back=lambda _, case: range(case.time)),
    ),
    **for_each_chunk_size(
        "gradients_of_last_chunk_alone",
        "Computes gradients of the last chunk of {} steps only: those of the chunks before are zero.",
        lambda size: in_loop(times_back=lambda _, case: reversed(range((case.time - 1) // size * size, case.time))),
    ),
    **for_each_chunk_size(
        "gradients_of_whole_chunks_alone",
        "Leaves out the last chunk if it has fewer than {} steps: its gradients are zero.",
        lambda size: in_loop(
            times_back=lambda _, case: reversed(range(case.time // size * size if case.time > size else case.time))
        ),
    ),
    input_gradients_as_visited=(
        "Returns the gradients of the inputs in the order of the backward pass, the last step first.",
        in_loop(named=lambda right, case, d_inputs, d_weights: right.named(case, d_inputs[::-1], d_weights)),
    ),
    output_cotangent_one_step_late=(
        "Uses the cotangent of the output of the previous step.",
        in_results(d_outputs=lambda found, *_: [_zero(found[0]), *found[:-1]]),
        {"needs": ()},
    ),
    output_cotangent_of_last_step_alone=(
        "Uses the cotangent of the output at the last step only.",
        in_results(d_outputs=lambda found, *_: [*map(_zero, found[:-1]), found[-1]]),
    ),
)

SEQUENCES = table(make=WrongBackward, cells=CELLS)(
    gradients_of_first_row_alone=(
        "Returns zero for the gradients of inputs and initial states of all sequences of a batch except the first.",
        in_results(joined=_first_row_alone),
        {"needs": ("rows",)},
    ),
    state_cotangent_across_borders=(
        "Passes the state's cotangent from a packed sequence on to the sequence before it.",
        _AcrossBorders,
        {"needs": ("packed",)},
    ),
    last_state_cotangent_of_last_sequence_alone=(
        "Uses only the cotangent of the last state of the last packed sequence.",
        _LastOfPackAlone,
        {"needs": ("packed",)},
    ),
    initial_state_gradient_of_first_sequence_alone=(
        "Returns zero for the gradients of the initial states of all packed sequences except the first.",
        in_loop(joined=_first_start_alone),
        {"needs": ("packed", "state")},
    ),
    weights_overwritten_by_each_sequence=(
        "Assigns each packed sequence's gradients of the weights instead of adding them: one sequence remains.",
        in_results(joined=lambda whole, case, found: whole | {name: found[0][name] for name in case.weights}),
        {"cells": WEIGHTED, "needs": ("packed",)},
    ),
)

WEIGHTS = table(make=WrongBackward, cells=WEIGHTED)(
    recurrence_weights_of_last_step_alone=(
        "Computes the gradients of the weights from the last step only.",
        in_loop(over_time=lambda _, shares: shares[0]),
        {"needs": ("several_steps",)},
    ),
    recurrence_weights_of_first_step_alone=(
        "Assigns each step's share of the weights' gradients instead of adding it: that of the first step remains.",
        in_loop(over_time=lambda _, shares: shares[-1]),
        {"needs": ("several_steps",)},
    ),
    recurrence_weights_of_first_row_alone=(
        "Computes the gradients of the weights from the first sequence of a batch only.",
        in_loop(over_batch=lambda right, share: right.over_batch(share[:1])),
        {"needs": ("rows",)},
    ),
    recurrence_weights_mean_over_batch=(
        "Uses the mean over the batch for the gradients of the weights instead of the sum.",
        in_results(over_batch=lambda found, share: found / len(share)),
        {"needs": ("rows",)},
    ),
)


def _added_up(parts: Sequence[Array]) -> Array:
    """Return the sum, rounded after each addition."""
    total = NUMPY.rounded(parts[0], "bfloat16")
    for part in parts[1:]:
        total = NUMPY.rounded(total + part, "bfloat16")
    return total


def _carried(precision: str) -> type[RecurrenceBackward]:
    return in_loop(carry=lambda _, d_before, *_others: {n: NUMPY.rounded(a, precision) for n, a in d_before.items()})


def _kept(z: Term) -> Term:
    """Return a value as it is kept for the backward pass."""
    return detached(Term("rounded", (z,), ("bfloat16",)))


_STATES_KEPT = attention(
    decayed=lambda x: exp(detached(x.g)) * x.S + x.g * _kept(x.decayed),
    removed=lambda x: x.decayed.mT @ detached(x.k) + _kept(x.decayed).mT @ x.k,
    o=lambda x: x.scale * (x.after.mT @ detached(x.q)) + x.scale * (_kept(x.after).mT @ x.q),
)

_WRITTEN_KEPT = attention(after=lambda x: x.decayed + outer(detached(x.k), x.written) + outer(x.k, _kept(x.written)))


NUMERICS = table(make=WrongBackward, cells=ATTENTION)(
    **for_each(
        ("bfloat16", "float16"),
        "state_cotangent_in_{}",
        "Rounds the state's cotangent to {} after every step.",
        _carried,
        {"cells": CELLS},
    ),
    states_kept_in_bfloat16=("Keeps the states of the forward pass in bfloat16 for the backward pass.", _STATES_KEPT),
    written_kept_in_bfloat16=(
        "Keeps what is written to the state in bfloat16 for the backward pass.",
        _WRITTEN_KEPT,
        {"cells": DELTA},
    ),
    copies_added_up_in_bfloat16=(
        "Adds up the gradients of keys and values over the query heads of a group in bfloat16.",
        in_loop(RepeatedHeads, over_copies=lambda _, _name, copies: _added_up(copies)),
    ),
    d_g_running_sum_in_bfloat16=(
        "Keeps the running sum of the gradient of g in bfloat16.",
        in_loop(RunningSum, rounded=lambda _, running: NUMPY.rounded(running, "bfloat16")),
        {"cells": GATED, "stands_for": ("FlashQLA PR28",)},
    ),
    recurrence_weights_added_up_in_bfloat16=(
        "Rounds the gradients of the weights to bfloat16 after adding each step.",
        in_loop(over_time=lambda _, shares: _added_up(shares)),
        {"cells": WEIGHTED},
    ),
)
