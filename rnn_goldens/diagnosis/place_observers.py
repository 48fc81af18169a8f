"""Observers of facts about places of an axis: outputs are right up to one, or the inputs from one on are not read."""

from collections.abc import Iterator, Sequence

import numpy as np

from rnn_goldens.diagnosis.match import Array
from rnn_goldens.diagnosis.observation import Observation, Value
from rnn_goldens.golden.embedding import is_copied
from rnn_goldens.golden.shapes import BATCH

PLACES = {
    "row": (BATCH,),
    "head": ("query_heads", "heads"),
    "value": ("d_v",),
    "channel": ("channels", "d"),
}
"""Axes of the outputs whose places do not mix, but for the channels of sLSTM, by what one of them is called."""

SUMMED = {"key": "d_k", "state": "n"}
"""Axes of the inputs over which each output is a sum, by what one of their places is called."""

BLOCK = 16
"""A kernel that stops early is taken to stop at a power of two, or after blocks of this size."""


def wrong_from_place(axes: Sequence[str], seen: Observation) -> Value | None:
    """Return the place of an axis from which on the outputs are wrong, if several places before it are right.

    Only added places that are copies make it certain that every place is checked. None if no output has the axis, or
    its places mix.
    """
    found = (seen.golden.axis(seen.main, name) for name in axes if is_copied(seen.golden.cell, name))
    axis = next((number for number in found if number is not None), None)
    if axis is None:
        return None
    by_place = np.array([of_place.any() for of_place in np.moveaxis(seen.wrong[seen.main], axis, 0)])
    first = int(by_place.argmax())
    of_each = by_place.size // seen.golden.config.get("heads", 1) if "query_heads" in axes else 1
    return first / of_each if first > of_each and first % of_each == 0 and by_place[first:].all() else False


def unread_from_place(axis: str, seen: Observation) -> Value | None:
    """Return the first place of an axis whose inputs have no effect; False if none, None if no input has the axis.

    The equations run on inputs that are zero from that place on. Last states are compared up to it.
    """
    from rnn_goldens.cells.recurrence import recurrence_case, run

    if axis not in seen.golden.config or not seen.is_finite or not seen.is_defined:
        return None
    case = recurrence_case(seen.golden, np.float64)
    for place in _ends(seen.golden.config[axis]):
        shorter = {
            name: _zeroed(array, axes.index(axis) + 2, place)
            for name, array in case.inputs.items()
            if axis in (axes := case.config.inputs[name].split())
        }
        found = run(case.with_arrays(**shorter))
        if all(_agrees(seen, axis, place, name, found[name]) for name in seen.got):
            return float(place)
    return False


def _ends(size: int) -> Iterator[int]:
    """Yield the places at which a kernel may stop, the likely ones first: of a few numbers among zeros several fit."""
    yield from (1 << k for k in reversed(range((size - 1).bit_length())))
    yield from range((size - 1) // BLOCK * BLOCK, 0, -BLOCK)


def _zeroed(array: Array, axis: int, place: int) -> Array:
    """Return an array with zeros from a place of an axis on."""
    before = np.arange(array.shape[axis]) < place
    return np.where(before.reshape(-1, *[1] * (array.ndim - axis - 1)), array, 0.0)


def _agrees(seen: Observation, axis: str, place: int, name: str, want: Array) -> bool:
    number = seen.golden.axis(name, axis)
    got, want = (a if number is None else a.take(range(place), number) for a in (seen.got[name], want))
    return seen.near(got, want, name)
