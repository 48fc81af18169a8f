"""Facts on what wrong outputs match: the right ones in another order, at another time, or times a factor."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from rnn_goldens.diagnosis.fault_location import ENOUGH_STEPS
from rnn_goldens.diagnosis.match import Array, off_by
from rnn_goldens.diagnosis.observation import Observation
from rnn_goldens.golden.tolerance import Exact

SMALL = 1e-3
"""Largest error, as a fraction of the largest value, that counts as rounding or approximation."""


def all_zero(observed: Observation) -> bool | None:
    """Return whether out is zero everywhere."""
    return not observed.got[observed.main].any()


def no_step_updates(observed: Observation) -> bool | None:
    """Return whether out is zero everywhere and each last state is the initial state, which is not zero."""
    initial = {f"{name.removesuffix('0')}_n": state for name, state in observed.golden.stored.states.items()}
    last = {name: values for name, values in observed.got.items() if name != observed.main}
    if not last.keys() <= initial.keys() or not any(initial[name].any() for name in last):
        return None
    unchanged = all(np.array_equal(values, initial[name]) for name, values in last.items())
    return unchanged and not observed.got[observed.main].any()


def still_initial(observed: Observation) -> bool | None:
    """Return whether h_n is the initial state."""
    initial = observed.golden.stored.h0
    return None if initial is None or not initial.any() else np.array_equal(observed.got["h_n"], initial)


def out_is_initial(observed: Observation) -> bool | None:
    """Return whether out is the initial state at every step of every row."""
    initial = observed.golden.stored.h0
    if initial is None or not initial.any() or observed.golden.lengths is not None:
        return None
    last = initial[-observed.directions :]
    if observed.golden.stored.x.ndim == 3:  # noqa: PLR2004 - (batch, time, input)
        last = np.moveaxis(last, 0, 1)
    at_a_step = last.reshape(*last.shape[:-2], -1)
    return bool((observed.got["out"] == at_a_step[..., None, :]).all())


def nearly_right(observed: Observation) -> bool | float | None:
    """Return the largest error as a multiple of the tolerance, if all values are near the right ones; else False."""
    if isinstance(observed.golden.tolerance, Exact):
        return None
    most = off_by(observed.expected, observed.got)
    return most if most > 1 and observed.is_nearly_right else False


def small_error(observed: Observation) -> bool | float | None:
    """Return the largest error as a fraction of the largest value, if it is small; else False."""
    return observed.error if observed.wrong_ones and observed.error <= SMALL else False


def right_to_float32(observed: Observation) -> bool | None:
    """Return whether float64 outputs are within the float32 tolerance."""
    if (
        observed.expected.dtype != "float64"
        or isinstance(observed.expected.tolerance, Exact)
        or not observed.are_shaped
    ):
        return None
    single = replace(observed.expected, dtype="float32")
    return not any(single.wrong(name, values).any() for name, values in observed.got.items())


def numbers_of_float32(observed: Observation) -> bool | None:
    """Return whether every wrong float64 array contains only float32 values, while the right array does not."""
    if observed.golden.dtype != "float64":
        return None
    wrong = [name for name in observed.got if observed.wrong[name].any()]
    return all(_is_float32(observed.got[name]) and not _is_float32(observed.want(name)) for name in wrong)


def _is_float32(values: Array) -> bool:
    return np.array_equal(values, values.astype(np.float32), equal_nan=True)


def same_numbers_by_unit(observed: Observation) -> bool | None:
    """Return whether each step has the right values at other units."""
    return None if observed.hidden == 1 else _same_sorted(observed, axis=-1)


def same_numbers_by_step(observed: Observation) -> bool | None:
    """Return whether each unit has the right values at other steps."""
    return None if observed.steps == 1 else _same_sorted(observed, axis=-2)


def _same_sorted(observed: Observation, axis: int) -> bool:
    got, want = (np.sort(values, axis=axis) for values in (observed.got["out"], observed.want("out")))
    return observed.out_is_wrong and observed.near(got, want)


def one_step_late(observed: Observation) -> bool | None:
    """Return whether each step has the right output of the step before."""
    return _shifted(observed, slice(1, None), slice(None, -1))


def one_step_early(observed: Observation) -> bool | None:
    """Return whether each step has the right output of the next step."""
    return _shifted(observed, slice(None, -1), slice(1, None))


def _shifted(observed: Observation, of_got: slice, of_want: slice) -> bool | None:
    if not observed.is_one_chain or observed.steps < ENOUGH_STEPS or not observed.out_is_wrong:
        return None
    return observed.near(observed.got["out"][..., of_got, :], observed.want("out")[..., of_want, :])


def repeats(observed: Observation) -> bool | None:
    """Return whether every step has the same output and should not."""
    if not observed.is_one_chain or observed.steps < ENOUGH_STEPS or not observed.out_is_wrong:
        return None
    got, want = observed.got["out"], observed.want("out")
    return bool((got == got[..., :1, :]).all()) and not bool((want == want[..., :1, :]).all())


def constant_factor(observed: Observation) -> bool | float | None:
    """Return the factor between out and the right one; False if there is none."""
    return factor(observed, ["out"]) if observed.out_is_wrong else None


def h_n_factor(observed: Observation) -> bool | float | None:
    """Return the factor between h_n and the right one, if out is right; False if there is none."""
    return False if observed.out_is_wrong or not observed.wrong["h_n"].any() else factor(observed, ["h_n"])


def factor(observed: Observation, names: Collection[str]) -> bool | float | None:
    """Return the factor between some arrays and the right ones; False if there is none, None if unobservable.

    Arrays that are near the right ones have none: their errors are too small to be distinguished from a factor.
    """
    pairs = {name: (observed.got[name], observed.want(name)) for name in names if observed.want(name).any()}
    if not observed.are_shaped or not pairs:
        return None
    square = sum(float(np.square(want).sum()) for _, want in pairs.values())
    k = sum(float((got * want).sum()) for got, want in pairs.values()) / square
    fits, is_right = (
        all(observed.near(got, times * want, name) for name, (got, want) in pairs.items()) for times in (k, 1.0)
    )
    return k if np.isfinite(k) and abs(k) > SMALL and fits and not is_right else False


def h_n_same_numbers(observed: Observation) -> bool | None:
    """Return whether out is right and h_n has the right values in another order."""
    if observed.got["h_n"].size == 1:
        return None
    got, want = (np.sort(values, axis=None) for values in (observed.got["h_n"], observed.want("h_n")))
    return not observed.out_is_wrong and bool(observed.wrong["h_n"].any()) and observed.near(got, want, "h_n")


def h_n_is_c_n(observed: Observation) -> bool | None:
    """Return whether h_n is the right c_n."""
    if "c_n" not in observed.wrong:
        return None
    return bool(observed.wrong["h_n"].any()) and observed.near(observed.got["h_n"], observed.want("c_n"), "c_n")
