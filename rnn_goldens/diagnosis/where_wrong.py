"""Where outputs are wrong: which of them, which layers, directions, rows and steps."""

import numpy as np

from rnn_goldens.diagnosis.seen import Seen

ENOUGH_STEPS = 3
"""Of fewer, chance looks like a course of time."""


def shape(name: str, seen: Seen) -> bool | None:
    """Of an output that is compared, the shape is right."""
    return False if name in seen.got else None


def not_finite(seen: Seen) -> bool | None:
    """NaN or infinity."""
    return any(not np.isfinite(values).all() for values in seen.got.values())


def only_last_states(seen: Seen) -> bool | None:
    """Out is right."""
    return not seen.out_is_wrong and any(wrong.any() for wrong in seen.wrong.values())


def only_out(seen: Seen) -> bool | None:
    """All but out is right."""
    return seen.out_is_wrong and not any(seen.wrong[name].any() for name in seen.wrong if name != "out")


def c_right(seen: Seen) -> bool | None:
    """The state of an LSTM is right, and what it gives is not."""
    if "c_n" not in seen.wrong:
        return None
    return seen.out_is_wrong and bool(seen.wrong["h_n"].any()) and not seen.wrong["c_n"].any()


def first_layer_right(seen: Seen) -> bool | None:
    """As far as its last states tell."""
    if seen.layers == 1:
        return None
    first = [bool(seen.wrong[name][: seen.directions].any()) for name in seen.wrong if name != "out"]
    return not any(first) and seen.out_is_wrong


def forward_right(seen: Seen) -> bool | None:
    """The reverse half of out alone is wrong."""
    return _half_right(seen, 0)


def reverse_right(seen: Seen) -> bool | None:
    """The forward half of out alone is wrong."""
    return _half_right(seen, 1)


def _half_right(seen: Seen, half: int) -> bool | None:
    if seen.directions == 1 or seen.layers > 1:
        return None
    halves = np.split(seen.wrong["out"], 2, axis=-1)
    return not halves[half].any() and bool(halves[1 - half].any())


def first_row_right(seen: Seen) -> bool | None:
    """Rows beyond the first alone are wrong."""
    out = seen.wrong["out"]
    if out.ndim < 3 or len(out) == 1:  # noqa: PLR2004 - (batch, time, units)
        return None
    return not out[0].any() and bool(out[1:].any())


def only_beyond_lengths(seen: Seen) -> bool | None:
    """What is padding alone is wrong."""
    lengths = seen.golden.lengths
    if lengths is None or (lengths == seen.steps).all():
        return None
    within = np.arange(seen.steps) < lengths[:, None]
    return not seen.wrong["out"][within].any() and bool(seen.wrong["out"][~within].any())


def first_step_right(seen: Seen) -> bool | None:
    """And a later one is not."""
    if seen.layers > 1 or seen.directions > 1 or seen.steps == 1 or not seen.out_is_wrong:
        return None
    return not seen.wrong["out"][..., 0, :].any()


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
