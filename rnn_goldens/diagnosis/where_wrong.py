"""Where outputs are wrong: which of them, which layers, directions, rows and steps."""

import numpy as np

from rnn_goldens.diagnosis.seen import Seen

ENOUGH_STEPS = 3
"""Of fewer, chance looks like a course of time."""


def there(name: str, seen: Seen) -> bool | None:
    """An output that is looked at is there, and in the right shape: what is not is seen before."""
    return False if name in seen.got else None


def not_finite(seen: Seen) -> bool | None:
    """NaN or infinity."""
    return any(not np.isfinite(values).all() for values in seen.got.values())


def only_last_states(seen: Seen) -> bool | None:
    """Out is right, and no last state is."""
    return not seen.out_is_wrong and all(wrong.any() for name, wrong in seen.wrong.items() if name != "out")


def only(name: str, seen: Seen) -> bool | None:
    """Of the outputs of an LSTM, one last state alone is wrong."""
    if "c_n" not in seen.wrong:
        return None
    return [other for other, wrong in seen.wrong.items() if wrong.any()] == [name]


def only_out(seen: Seen) -> bool | None:
    """All but out is right."""
    return seen.out_is_wrong and not seen.last_states_are_wrong


def c_right(seen: Seen) -> bool | None:
    """After one step the state of an LSTM is right, and what it gives is not; later what is wrong comes back to it."""
    if "c_n" not in seen.wrong or not seen.is_one_chain or seen.steps > 1:
        return None
    return seen.out_is_wrong and bool(seen.wrong["h_n"].any()) and not seen.wrong["c_n"].any()


def first_layer_right(seen: Seen) -> bool | None:
    """As far as its last states tell; not if a golden of one layer is wrong."""
    if seen.layers == 1:
        return False
    first = [bool(seen.wrong[name][: seen.directions].any()) for name in seen.wrong if name != "out"]
    return not any(first) and seen.out_is_wrong


def forward_right(seen: Seen) -> bool | None:
    """The reverse half of out alone is wrong."""
    return _half_right(seen, 0)


def reverse_right(seen: Seen) -> bool | None:
    """The forward half of out alone is wrong."""
    return _half_right(seen, 1)


def _half_right(seen: Seen, half: int) -> bool | None:
    if seen.directions == 1:
        return False  # what is wrong there is in both
    if seen.layers > 1:
        return None
    halves = np.split(seen.wrong["out"], 2, axis=-1)
    return not halves[half].any() and bool(halves[1 - half].any())


def first_row_right(seen: Seen) -> bool | None:
    """Rows beyond the first alone are wrong."""
    out = seen.wrong["out"]
    if out.ndim < 3 or len(out) == 1:  # noqa: PLR2004 - (batch, time, units)
        return False  # the one row there is
    return not out[0].any() and bool(out[1:].any())


def only_beyond_lengths(seen: Seen) -> bool | None:
    """What is padding alone is wrong."""
    lengths = seen.golden.lengths
    if lengths is None or (lengths == seen.steps).all():
        return False  # nothing lies beyond
    within = np.arange(seen.steps) < lengths[:, None]
    return not seen.wrong["out"][within].any() and bool(seen.wrong["out"][~within].any())


def first_step_right(seen: Seen) -> bool | None:
    """And a later one is not, where the last state is wrong too."""
    if seen.layers > 1 or seen.directions > 1 or seen.steps == 1 or not seen.out_is_wrong:
        return None
    if not seen.last_states_are_wrong:  # it may be out alone that is spoilt
        return None
    return not seen.wrong["out"][..., 0, :].any()


def right_from_zero(seen: Seen) -> bool | None:
    """The first step, where nothing comes from before."""
    h0 = seen.golden.stored.h0
    if h0 is not None and h0.any():
        return None
    if seen.is_one_chain and seen.steps == 1:
        return False if seen.out_is_wrong else None
    return first_step_right(seen)


def wrong_from_first_step(seen: Seen) -> bool | None:
    """In one chain."""
    if seen.layers > 1 or seen.directions > 1 or seen.steps == 1:
        return None
    return bool(seen.wrong["out"][..., 0, :].any())


def wrong_from_step(seen: Seen) -> bool | float | None:
    """Right for more than one step, then never again: the step from which on."""
    if not seen.is_one_chain or seen.steps < ENOUGH_STEPS or not seen.out_is_wrong:
        return None
    by_step = np.atleast_1d(seen.wrong["out"].any(axis=-1).reshape(-1, seen.steps).any(axis=0))
    first = int(by_step.argmax())
    return float(first) if first > 1 and by_step[first:].all() else False


def grows(seen: Seen) -> bool | None:
    """The largest error of a step is larger than that of the step before, and in the end ten times the first."""
    if not seen.is_one_chain or seen.steps < ENOUGH_STEPS or not seen.out_is_wrong:
        return None
    error = np.abs(seen.got["out"] - seen.want("out")).max(axis=-1).reshape(-1, seen.steps).max(axis=0)
    return bool((np.diff(error) > 0).all() and error[-1] > 10 * error[0])
