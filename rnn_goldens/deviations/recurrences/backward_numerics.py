"""Deviations of the backward pass of recurrences that round to a narrow type."""

from collections.abc import Sequence

import numpy as np

from rnn_goldens.cells.arrays import Array
from rnn_goldens.cells.recurrence import RecurrenceCase
from rnn_goldens.deviations.recurrences.backward_deviation import BackwardRecurrenceDeviation, declared_for
from rnn_goldens.deviations.recurrences.backward_kernel import (
    AttentionBackward,
    BackwardKernel,
    RepeatedHeadsBackward,
    RunningSumBackward,
    Values,
    overriding,
)
from rnn_goldens.deviations.recurrences.deviation import ATTENTION, CELLS, DELTA, GATED
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.recurrences import RECURRENCES

_deviation = declared_for(ATTENTION)
Arrays = dict[str, Array]


def rounded(array: Array, precision: str = "bfloat16") -> Array:
    """Return an array rounded to a precision, in its own type."""
    return PRECISIONS[precision].round(array.astype(np.float64)).astype(array.dtype)


def _added_up(parts: Sequence[Array]) -> Array:
    """Return the sum, rounded after each addition."""
    total = rounded(parts[0])
    for part in parts[1:]:
        total = rounded(total + part)
    return total


def _carried(precision: str) -> BackwardRecurrenceDeviation:
    def carry(right: BackwardKernel, d_before: Arrays, d_after: Values, t: int) -> Arrays:
        return {name: rounded(array, precision) for name, array in right.carry(d_before, d_after, t).items()}

    return _deviation(
        f"state_cotangent_in_{precision}",
        f"Rounds the state's cotangent to {precision} after every step.",
        overriding(BackwardKernel, carry=carry),
        cells=CELLS,
    )


def _states_rounded(right: AttentionBackward, case: RecurrenceCase) -> list[Values]:
    names = ("S", "decayed", "S_after")
    return [{n: rounded(a) if n in names else a for n, a in x.items()} for x in right.kept(case)]


def _written_rounded(right: AttentionBackward, case: RecurrenceCase) -> list[Values]:
    return [{**x, "written": rounded(x["written"])} for x in right.kept(case)]


DEVIATIONS = (
    _carried("bfloat16"),
    _carried("float16"),
    _deviation(
        "states_kept_in_bfloat16",
        "Keeps the states of the forward pass in bfloat16 for the backward pass.",
        overriding(AttentionBackward, kept=_states_rounded),
    ),
    _deviation(
        "written_kept_in_bfloat16",
        "Keeps what is written to the state in bfloat16 for the backward pass.",
        overriding(AttentionBackward, kept=_written_rounded),
        cells=DELTA,
    ),
    _deviation(
        "copies_added_up_in_bfloat16",
        "Adds up the gradients of keys and values over the query heads of a group in bfloat16.",
        overriding(RepeatedHeadsBackward, over_copies=lambda _, name, copies: _added_up(copies)),  # noqa: ARG005 - all
    ),
    _deviation(
        "d_g_running_sum_in_bfloat16",
        "Keeps the running sum of the gradient of g in bfloat16.",
        overriding(RunningSumBackward, rounded=lambda _, running: rounded(running)),
        cells=GATED,
        stands_for=("FlashQLA PR28",),
    ),
    _deviation(
        "recurrence_weights_added_up_in_bfloat16",
        "Rounds the gradients of the weights to bfloat16 after adding each step.",
        overriding(BackwardKernel, over_time=lambda _, shares: _added_up(shares)),
        cells=tuple(cell for cell, recurrence in RECURRENCES.items() if recurrence.weights),
    ),
)
