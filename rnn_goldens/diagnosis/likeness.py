"""Whether arrays are those that a wrong network gives, and not the right ones that are nearly the same."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.golden.expected import Expected
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.tolerance import Exact

Array = NDArray[np.float64]

Arrays = Mapping[str, Array]
"""By name: of outputs ``out``, ``h_n``, ``c_n``; of gradients that of the array."""

NEAR = 2.0
"""In tolerances: so near are outputs that come from the same wrong network."""

SEEN = 4.0
"""So many times the rounding errors that were seen once may others make."""

APART = 4.0
"""So much further than from the wrong outputs are they from the right ones."""


@np.errstate(all="ignore")  # outputs may hold anything
def is_right(right: Expected, got: Arrays) -> bool:
    """Whether every element of what came is within its tolerance."""
    return off_by(right, got) <= 1


@np.errstate(all="ignore")
def off_by(right: Expected, got: Arrays) -> float:
    """The largest error of any element, as a fraction of what is allowed."""
    return _distance(got, right.values, {name: right.allowed(name) for name in got})


@np.errstate(all="ignore")
def are_the_same(right: Expected, got: Arrays, again: Arrays) -> bool:
    """Whether two answers differ by no more than two right networks may, as threads do that sum in another order."""
    if got.keys() != again.keys():
        return False
    roundoff, unit = PRECISIONS[right.dtype].roundoff, {}
    for name, values in got.items():
        unit[name] = NEAR * right.allowed(name).max(initial=0.0) + 8 * roundoff * np.abs(values)
    return _distance(got, again, unit) <= 1


@np.errstate(all="ignore")
def explains(right: Expected, got: Arrays, wrong: Arrays, roundings: Arrays | None = None) -> bool:
    """Whether a wrong network's outputs explain what came; never what is as near to the right ones.

    A wrong network may be off by its own tolerance, which is not known. Where it is far from the right one, the largest
    that is allowed anywhere stands for it; where it is near, element by element what is allowed there.

    Args:
        right: what is right.
        got: what came.
        wrong: what the wrong network gives.
        roundings: what rounding errors make of that, where it was seen; some of it is allowed, too.
    """
    if any(got[name].shape != wrong[name].shape for name in got):
        return False
    if roundings is not None:
        seen = {name: _allowed(right, name, wrong[name]) + SEEN * roundings[name] for name in got}
        from_wrong = _distance(got, wrong, seen)
        return from_wrong <= NEAR and _distance(got, right.values, seen) > max(APART * from_wrong, APART)
    largest = {name: _allowed(right, name, wrong[name]).max(initial=0.0) for name in got}
    if _distance(got, wrong, largest) <= NEAR and _distance(got, right.values, largest) > APART:
        return True
    if any(got[name].shape != right.values[name].shape for name in got):
        return False
    each = {name: _allowed(right, name, wrong[name]) for name in got}
    from_wrong = _distance(got, wrong, each)
    return from_wrong <= NEAR and _distance(got, right.values, each) > max(APART * from_wrong, NEAR)


@np.errstate(all="ignore")
def fits(right: Expected, got: Arrays, wrong: Arrays) -> bool:
    """Whether what came is nearer to a wrong network's outputs than to the right ones, and as near as roundings allow.

    That names nothing: so do many, where an error is small. What is named by other goldens is borne out by it.
    """
    if any(not got[name].shape == wrong[name].shape == right.values[name].shape for name in got):
        return False
    each = {name: _allowed(right, name, wrong[name]) for name in got}
    from_wrong = _distance(got, wrong, each)
    return from_wrong <= NEAR and from_wrong < _distance(got, right.values, each)


@np.errstate(all="ignore")
def is_nearer(right: Expected, got: Arrays, wrong: Arrays) -> bool:
    """Whether what came is much nearer to a wrong network's outputs than to the right ones, on the whole."""
    from_wrong, from_right = 0.0, 0.0
    for name, values in got.items():
        want = right.values[name]
        if values.shape != wrong[name].shape:
            return False
        from_wrong += float(np.nansum(np.abs(values - wrong[name])))
        from_right += float(np.nansum(np.abs(values - want))) if values.shape == want.shape else np.inf
    return from_wrong * APART < from_right


@np.errstate(all="ignore")
def share(right: Expected, got: Arrays, wrong: Arrays) -> float:
    """What part of the elements that are wrong a wrong network explains: the rest may be another's."""
    off, explained = 0, 0
    for name, values in got.items():
        want = right.values[name]
        unit = _allowed(right, name, want).max(initial=0.0)
        is_off = np.ones(values.shape, bool) if values.shape != want.shape else ~(np.abs(values - want) <= APART * unit)
        off += int(is_off.sum())
        if values.shape == wrong[name].shape:
            explained += int((is_off & (np.abs(values - wrong[name]) <= NEAR * unit)).sum())
    return explained / off if off else 0.0


def _allowed(right: Expected, name: str, wrong: Array) -> Array:
    """What is allowed of the right outputs, and some roundings of the wrong ones."""
    precision = PRECISIONS[right.dtype]
    rounding = 2 * precision.roundoff * np.abs(wrong)
    allowed = right.allowed(name)
    if isinstance(right.tolerance, Exact):  # what is wrong need not be exact: its sums are rounded, too
        finite = np.abs(np.where(np.isfinite(wrong), wrong, 0))
        allowed = np.full_like(allowed, 4 * precision.roundoff * finite.max(initial=0.0))
    return np.asarray(rounding + (allowed if allowed.shape == wrong.shape else allowed.max(initial=0.0)))


def _distance(got: Arrays, other: Arrays, unit: Mapping[str, Array]) -> float:
    """The largest difference, in units; infinite where shapes differ, or one is a number and the other is none."""
    largest = 0.0
    for name, values in got.items():
        if values.shape != other[name].shape:
            return np.inf
        same = (values == other[name]) | (np.isnan(values) & np.isnan(other[name]))
        difference = np.where(same, 0.0, np.abs(values - other[name]) / unit[name])
        largest = max(largest, float(np.where(np.isnan(difference), np.inf, difference).max(initial=0.0)))
    return largest
