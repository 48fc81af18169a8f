"""Facts on where outputs are wrong: which outputs, layers, directions, rows and steps."""

import numpy as np

from rnn_goldens.diagnosis.observation import Observation

ENOUGH_STEPS = 3
"""Smallest number of steps in which a trend is observed: with fewer steps it may be a coincidence."""


def present(name: str, observed: Observation) -> bool | None:
    """Return False for an output that is present in the right shape; None for others, which ``facts`` reports."""
    return False if name in observed.got else None


def not_finite(observed: Observation) -> bool | None:
    """Return whether any output has NaN or infinity."""
    return any(not np.isfinite(values).all() for values in observed.got.values())


def only_last_states(observed: Observation) -> bool | None:
    """Return whether out is right and every last state is wrong."""
    return not observed.out_is_wrong and all(wrong.any() for name, wrong in observed.wrong.items() if name != "out")


def only(name: str, observed: Observation) -> bool | None:
    """Return whether one last state is the only wrong output of an LSTM."""
    if "c_n" not in observed.wrong:
        return None
    return [other for other, wrong in observed.wrong.items() if wrong.any()] == [name]


def only_out(observed: Observation) -> bool | None:
    """Return whether out is the only wrong output."""
    return observed.out_is_wrong and not observed.last_states_are_wrong


def c_right(observed: Observation) -> bool | None:
    """Return whether c_n of an LSTM is right after one step and h_n is wrong. Later steps mix h and c."""
    if "c_n" not in observed.wrong or not observed.is_one_chain or observed.steps > 1:
        return None
    return observed.out_is_wrong and bool(observed.wrong["h_n"].any()) and not observed.wrong["c_n"].any()


def first_layer_right(observed: Observation) -> bool | None:
    """Return whether out and a last state are wrong, but no last state of the first layer; False with one layer."""
    if observed.layers == 1:
        return False
    first = [bool(observed.wrong[name][: observed.directions].any()) for name in observed.wrong if name != "out"]
    return not any(first) and observed.out_is_wrong and observed.last_states_are_wrong


def forward_right(observed: Observation) -> bool | None:
    """Return whether only the reverse half of out is wrong."""
    return _half_right(observed, 0)


def reverse_right(observed: Observation) -> bool | None:
    """Return whether only the forward half of out is wrong."""
    return _half_right(observed, 1)


def _half_right(observed: Observation, half: int) -> bool | None:
    if observed.directions == 1:
        return False  # there is no other direction
    if observed.layers > 1:
        return None
    halves = np.split(observed.wrong["out"], 2, axis=-1)
    return not halves[half].any() and bool(halves[1 - half].any())


def first_row_right(observed: Observation) -> bool | None:
    """Return whether all rows after the first are wrong, and the first is right; empty sequences do not count."""
    out = observed.wrong["out"]
    if out.ndim < 3 or len(out) == 1:  # noqa: PLR2004 - (batch, time, units)
        return False  # the only row is wrong
    others = out[1:] if observed.golden.lengths is None else out[1:][observed.golden.lengths[1:] > 0]
    return not out[0].any() and len(others) > 0 and bool(others.any(axis=(1, 2)).all())


def only_beyond_lengths(observed: Observation) -> bool | None:
    """Return whether only padding is wrong."""
    lengths = observed.golden.lengths
    if lengths is None or (lengths == observed.steps).all():
        return False  # there is no padding
    within = np.arange(observed.steps) < lengths[:, None]
    return not observed.wrong["out"][within].any() and bool(observed.wrong["out"][~within].any())


def first_step_right(observed: Observation) -> bool | None:
    """Return whether the first step is right and a later one is wrong, with a wrong last state."""
    if observed.layers > 1 or observed.directions > 1 or observed.steps == 1 or not observed.out_is_wrong:
        return None
    if not observed.last_states_are_wrong:  # only out may be wrong
        return None
    return not observed.wrong["out"][..., 0, :].any()


def right_from_zero(observed: Observation) -> bool | None:
    """Return whether the first step is right, if it starts from a zero state."""
    h0 = observed.golden.stored.h0
    if h0 is not None and h0.any():
        return None
    if observed.is_one_chain and observed.steps == 1:
        return False if observed.out_is_wrong else None
    return first_step_right(observed)


def wrong_from_first_step(observed: Observation) -> bool | None:
    """Return whether the first of several steps is wrong, for one layer and direction."""
    if observed.layers > 1 or observed.directions > 1 or observed.steps == 1:
        return None
    return bool(observed.wrong["out"][..., 0, :].any())


def wrong_from_step(observed: Observation) -> bool | float | None:
    """Return the step from which on out is wrong, if several steps before it are right; else False."""
    if not observed.is_one_chain or observed.steps < ENOUGH_STEPS or not observed.out_is_wrong:
        return None
    by_step = observed.wrong_steps
    first = int(by_step.argmax())
    return float(first) if first > 1 and by_step[first:].all() else False


def grows(observed: Observation) -> bool | None:
    """Return whether the error grows in every step, to more than ten times the error of the first step."""
    if not observed.is_one_chain or observed.steps < ENOUGH_STEPS or not observed.out_is_wrong:
        return None
    error = np.abs(observed.got["out"] - observed.want("out")).max(axis=-1).reshape(-1, observed.steps).max(axis=0)
    return bool((np.diff(error) > 0).all() and error[-1] > 10 * error[0])
