"""Observers of facts about wrong outputs: each returns whether its fact holds, or its number."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from rnn_goldens.diagnosis.match import Array, off_by
from rnn_goldens.diagnosis.observation import ENOUGH_STEPS, Observation, Value
from rnn_goldens.golden.embedding import is_copied
from rnn_goldens.golden.precision import NUMBER_TYPES
from rnn_goldens.golden.shapes import BATCH, TIME
from rnn_goldens.golden.tolerance import Exact

SMALL = 1e-3
"""Largest error, as a fraction of the largest value, that counts as rounding or approximation."""


# Conditions.


def shows_a_trend(seen: Observation) -> bool:
    """Return whether wrong outputs of one chain have enough steps for a trend."""
    return seen.is_one_chain and seen.golden.time >= ENOUGH_STEPS and seen.out_is_wrong


def passes_steps_on(seen: Observation) -> bool:
    """Return whether out has enough steps, and no layer reads a later one."""
    config, stored = seen.golden.config, seen.golden.stored
    forward = config.chains == config.get("num_layers", 1) and stored.lengths is None and stored.offsets is None
    return forward and seen.golden.time >= ENOUGH_STEPS and seen.out_is_wrong


def has_a_first_step(seen: Observation) -> bool:
    """Return whether the first of several steps can be seen in out: other layers and directions mix all steps."""
    return seen.layers == seen.directions == 1 and seen.golden.time > 1


def has_c(seen: Observation) -> bool:
    """Return whether c_n is an output."""
    return "c_n" in seen.wrong


def starts_at_h0(seen: Observation) -> bool:
    """Return whether the initial state is given and not zero."""
    return seen.golden.stored.h0 is not None and bool(seen.golden.stored.h0.any())


def are_wrong_integers(seen: Observation) -> bool:
    """Return whether out of an integer LSTM is wrong: unsigned or dequantized numbers can be equal to right ones."""
    return seen.golden.is_integer and seen.out_is_wrong


# What the outputs resemble.


def no_step_updates(seen: Observation) -> Value | None:
    """Return whether the last states are the initial ones, and the output of each step is zero."""
    initial = {f"{name.removesuffix('0')}_n": state for name, state in seen.golden.stored.states.items()}
    last = {name: values for name, values in seen.got.items() if name != seen.main}
    if not last.keys() <= initial.keys() or not any(initial[name].any() for name in last):
        return None
    unchanged = all(np.array_equal(values, initial[name]) for name, values in last.items())
    return unchanged and not seen.got[seen.main].any()


def out_is_initial(seen: Observation) -> bool:
    """Return whether out is the initial state of the last layer at every step."""
    initial = seen.golden.stored.h0
    assert initial is not None
    last = initial[-seen.directions :]
    if seen.golden.stored.x.ndim == 3:  # noqa: PLR2004 - (batch, time, input)
        last = np.moveaxis(last, 0, 1)
    at_a_step = last.reshape(*last.shape[:-2], -1)
    return bool((seen.got["out"] == at_a_step[..., None, :]).all())


def times_the_tolerance(seen: Observation) -> Value:
    """Return the largest error as a multiple of the tolerance, if the outputs are nearly right."""
    most = off_by(seen.expected, seen.got)
    return most if most > 1 and seen.is_nearly_right else False


def right_to_float32(seen: Observation) -> Value | None:
    """Return whether float64 values are within the float32 tolerance."""
    if seen.expected.dtype != "float64" or isinstance(seen.expected.tolerance, Exact) or not seen.are_shaped:
        return None
    single = replace(seen.expected, dtype="float32")
    return not any(single.wrong(name, values).any() for name, values in seen.got.items())


def is_dequantized(seen: Observation) -> Value:
    """Return whether out of an integer LSTM has real numbers, which the integers stand for."""
    config = seen.golden.config
    real = (seen.want("out") - config["h_zero"]) * config["h_scale"]
    return np.allclose(seen.got["out"], real, rtol=1e-5, atol=1e-3 * config["h_scale"])


def is_unsigned(seen: Observation) -> Value:
    """Return whether out of an integer LSTM has its bits, taken for an unsigned integer."""
    return np.array_equal(seen.got["out"], seen.want("out") % 2.0 ** NUMBER_TYPES[seen.golden.dtype].bits)


def only_float32_values(seen: Observation) -> Value:
    """Return whether every wrong array has only float32 values, unlike the right one."""
    return all(_is_float32(seen.got[name]) and not _is_float32(seen.want(name)) for name in seen.wrong_names)


def _is_float32(values: Array) -> bool:
    return np.array_equal(values, values.astype(np.float32), equal_nan=True)


def same_numbers(seen: Observation, name: str, axis: int | None) -> bool:
    """Return whether an output is wrong, and has the right values in another order along an axis."""
    got, want = (np.sort(values, axis=axis) for values in (seen.got[name], seen.want(name)))
    return bool(seen.wrong[name].any()) and seen.near(got, want, name)


def repeats(values: Array) -> bool:
    """Return whether the values of all steps are equal."""
    return bool((values == values[..., :1, :]).all())


# Where the outputs are wrong.


def present(name: str, seen: Observation) -> Value | None:
    """Return False for an output that is present in the right shape; None for others, which ``facts`` reports."""
    return False if name in seen.got else None


def only(name: str, seen: Observation) -> Value:
    """Return whether this output is wrong, and no other."""
    return seen.wrong_names == [name]


def half_right(half: int, seen: Observation) -> Value | None:
    """Return whether only the other direction's half of out is wrong; None if layers mix the directions."""
    if seen.directions == 1:
        return False  # there is no other direction
    if seen.layers > 1:
        return None
    halves = np.split(seen.wrong["out"], 2, axis=-1)
    return not halves[half].any() and bool(halves[1 - half].any())


def first_row_right(seen: Observation) -> Value:
    """Return whether all rows after the first are wrong, and the first is right; empty sequences do not count."""
    out = seen.wrong["out"]
    if out.ndim < 3 or len(out) == 1:  # noqa: PLR2004 - (batch, time, units)
        return False  # the only row is wrong
    others = out[1:] if seen.golden.lengths is None else out[1:][seen.golden.lengths[1:] > 0]
    return not out[0].any() and len(others) > 0 and bool(others.any(axis=(1, 2)).all())


def only_beyond_lengths(seen: Observation) -> Value:
    """Return whether out is wrong beyond the lengths only."""
    lengths = seen.golden.lengths
    if lengths is None or (lengths == seen.golden.time).all():
        return False  # there is no padding
    within = np.arange(seen.golden.time) < lengths[:, None]
    return not seen.wrong["out"][within].any() and bool(seen.wrong["out"][~within].any())


def first_layer_right(seen: Observation) -> Value:
    """Return whether the last states of the first layer are right, and others wrong."""
    first = [seen.wrong[name][: seen.directions].any() for name in seen.wrong if name != "out"]
    return seen.layers > 1 and not any(first) and seen.out_is_wrong and seen.last_states_are_wrong


def first_step_right(seen: Observation) -> Value | None:
    """Return whether the first step is right and a later one is wrong, with a wrong last state."""
    if not has_a_first_step(seen) or not seen.out_is_wrong or not seen.last_states_are_wrong:
        return None
    return not seen.wrong["out"][..., 0, :].any()


def right_from_zero(seen: Observation) -> Value | None:
    """Return whether the first step is right, if it starts from a zero state."""
    if starts_at_h0(seen):
        return None
    if seen.is_one_chain and seen.golden.time == 1:
        return False if seen.out_is_wrong else None
    return first_step_right(seen)


def wrong_from_step(seen: Observation) -> Value:
    """Return the step from which on out is wrong, if several steps before it are right; else False."""
    axis = seen.golden.axis(seen.main, TIME)
    assert axis is not None
    by_step = np.array([of_step.any() for of_step in np.moveaxis(seen.wrong[seen.main], axis, 0)])
    first = int(by_step.argmax())
    return float(first) if first > 1 and by_step[first:].all() else False


def grows(seen: Observation) -> Value:
    """Return whether the error of out grows from step to step, to more than ten times the first."""
    error = np.abs(seen.got["out"] - seen.want("out")).max(axis=-1).reshape(-1, seen.golden.time).max(axis=0)
    return bool((np.diff(error) > 0).all() and error[-1] > 10 * error[0])


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
