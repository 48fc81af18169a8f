"""What wrong outputs resemble: the right ones in another order, at another time, times a number; or nothing at all."""

from dataclasses import replace

import numpy as np

from rnn_goldens.diagnosis.likeness import Array, off_by
from rnn_goldens.diagnosis.seen import Seen
from rnn_goldens.diagnosis.where_wrong import ENOUGH_STEPS
from rnn_goldens.golden.tolerance import Exact


def all_zero(seen: Seen) -> bool | None:
    """Out is."""
    return not seen.got["out"].any()


def still_initial(seen: Seen) -> bool | None:
    """What is returned is what was given."""
    initial = seen.golden.stored.h0
    return None if initial is None or not initial.any() else np.array_equal(seen.got["h_n"], initial)


def out_is_initial(seen: Seen) -> bool | None:
    """Out is, at every step of every row, what was given."""
    initial = seen.golden.stored.h0
    if initial is None or not initial.any() or seen.golden.lengths is not None:
        return None
    last = initial[-seen.directions :]
    if seen.golden.stored.x.ndim == 3:  # noqa: PLR2004 - (batch, time, input)
        last = np.moveaxis(last, 0, 1)
    at_a_step = last.reshape(*last.shape[:-2], -1)
    return bool((seen.got["out"] == at_a_step[..., None, :]).all())


def nearly_right(seen: Seen) -> bool | float | None:
    """The largest error as a multiple of the tolerance, where all numbers are near the right ones in their places."""
    if isinstance(seen.golden.tolerance, Exact):
        return None
    most = off_by(seen.expected, seen.got)
    return most if most > 1 and seen.is_nearly_right else False


def right_to_float32(seen: Seen) -> bool | None:
    """Of float64."""
    if seen.expected.dtype != "float64" or isinstance(seen.expected.tolerance, Exact) or not seen.are_shaped:
        return None
    single = replace(seen.expected, dtype="float32")
    return not any(single.wrong(name, values).any() for name, values in seen.got.items())


def numbers_of_float32(seen: Seen) -> bool | None:
    """What is wrong, in float64, is numbers that are float32's, and what is right is not."""
    if seen.golden.dtype != "float64":
        return None
    wrong = [name for name in seen.got if seen.wrong[name].any()]
    return all(_is_float32(seen.got[name]) and not _is_float32(seen.want(name)) for name in wrong)


def _is_float32(values: Array) -> bool:
    return np.array_equal(values, values.astype(np.float32), equal_nan=True)


def same_numbers_by_unit(seen: Seen) -> bool | None:
    """At each step the right numbers, not at their units."""
    return None if seen.hidden == 1 else _same_sorted(seen, axis=-1)


def same_numbers_by_step(seen: Seen) -> bool | None:
    """In each unit the right numbers, not at their steps."""
    return None if seen.steps == 1 else _same_sorted(seen, axis=-2)


def _same_sorted(seen: Seen, axis: int) -> bool:
    got, want = (np.sort(values, axis=axis) for values in (seen.got["out"], seen.want("out")))
    return seen.out_is_wrong and seen.near(got, want)


def one_step_late(seen: Seen) -> bool | None:
    """Each step gives what the one before should."""
    return _shifted(seen, slice(1, None), slice(None, -1))


def one_step_early(seen: Seen) -> bool | None:
    """Each step gives what the next should."""
    return _shifted(seen, slice(None, -1), slice(1, None))


def _shifted(seen: Seen, of_got: slice, of_want: slice) -> bool | None:
    if not seen.is_one_chain or seen.steps < ENOUGH_STEPS or not seen.out_is_wrong:
        return None
    return seen.near(seen.got["out"][..., of_got, :], seen.want("out")[..., of_want, :])


def repeats(seen: Seen) -> bool | None:
    """Every step gives the same, and should not."""
    if not seen.is_one_chain or seen.steps < ENOUGH_STEPS or not seen.out_is_wrong:
        return None
    got, want = seen.got["out"], seen.want("out")
    return bool((got == got[..., :1, :]).all()) and not bool((want == want[..., :1, :]).all())


def constant_factor(seen: Seen) -> bool | float | None:
    """Out is the right one times a number: which."""
    return _factor(seen, "out") if seen.out_is_wrong else None


def h_n_factor(seen: Seen) -> bool | float | None:
    """Out is right, and h_n is the right one times a number: which."""
    return False if seen.out_is_wrong or not seen.wrong["h_n"].any() else _factor(seen, "h_n")


def _factor(seen: Seen, name: str) -> bool | float | None:
    got, want = seen.got[name], seen.want(name)
    if not want.any():
        return None
    k = float((got * want).sum() / np.square(want).sum())
    return k if np.isfinite(k) and abs(k) > 1e-3 and seen.near(got, k * want, name) else False  # noqa: PLR2004 - not zero


def h_n_same_numbers(seen: Seen) -> bool | None:
    """Out is right, and h_n has the right numbers in other places."""
    if seen.got["h_n"].size == 1:
        return None
    got, want = (np.sort(values, axis=None) for values in (seen.got["h_n"], seen.want("h_n")))
    return not seen.out_is_wrong and bool(seen.wrong["h_n"].any()) and seen.near(got, want, "h_n")


def h_n_is_c_n(seen: Seen) -> bool | None:
    """What is returned as h_n is the right c_n."""
    if "c_n" not in seen.wrong:
        return None
    return bool(seen.wrong["h_n"].any()) and seen.near(seen.got["h_n"], seen.want("c_n"), "c_n")
