"""Deviations of the backward pass of recurrences that round to a narrow type."""

from collections.abc import Sequence

from rnn_goldens.cells.matrix_primitives import NUMPY
from rnn_goldens.cells.notation import Term, exp
from rnn_goldens.cells.numpy_primitives import Array
from rnn_goldens.cells.recurrence_backward import RecurrenceBackward
from rnn_goldens.cells.recurrence_notation import outer
from rnn_goldens.deviations.equation_edits import detached
from rnn_goldens.deviations.recurrences.backward_attention import RepeatedHeads
from rnn_goldens.deviations.recurrences.backward_decays import RunningSum
from rnn_goldens.deviations.recurrences.edits import ATTENTION, CELLS, DELTA, GATED, WEIGHTED, WrongBackward, in_loop
from rnn_goldens.deviations.recurrences.equation_parts import attention
from rnn_goldens.deviations.table_rows import for_each, table


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


DEVIATIONS = table(make=WrongBackward, cells=ATTENTION)(
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
