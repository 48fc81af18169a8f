"""Compares actual arrays with those of a wrong network. A match must be clearly nearer than the right arrays."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.golden.expected import Expected
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.tolerance import Exact

Array = NDArray[np.float64]

Arrays = Mapping[str, Array]
"""Arrays by name: ``out``, ``h_n``, ``c_n``, or the names of the arrays that gradients belong to."""

NEAR = 2.0
"""Largest distance, in units of the tolerance, between two results of the same wrong network."""

ROUNDING_FACTOR = 4.0
"""Rounding errors may be this many times as large as the estimated ones."""

APART = 4.0
"""For a match, actual outputs are at least this many times as far from the right outputs as from the wrong ones."""


@np.errstate(all="ignore")  # outputs may hold NaN and infinity
def off_by(right: Expected, got: Arrays) -> float:
    """Return the largest error of any element, as a fraction of the tolerance."""
    return _distance(got, right.values, {name: right.allowed(name) for name in got})


@np.errstate(all="ignore")
def are_the_same(right: Expected, got: Arrays, again: Arrays) -> bool:
    """Return whether two results differ only by rounding, for example because threads sum in another order."""
    roundoff, unit = PRECISIONS[right.dtype].roundoff, {}
    for name, values in got.items():
        unit[name] = NEAR * right.allowed(name).max(initial=0.0) + 8 * roundoff * np.abs(values)
    return got.keys() == again.keys() and _distance(got, again, unit) <= 1


@np.errstate(all="ignore")
def explains(right: Expected, got: Arrays, wrong: Arrays, roundings: Arrays | None = None) -> bool:
    """Return whether a wrong network's outputs match the actual outputs, and the right outputs are farther away.

    The tolerance of a wrong network is unknown. Far from the right outputs, the largest tolerance of any element is
    used instead; near them, the tolerance of each element. Estimated ``roundings`` of the wrong network are tolerated.
    """
    if any(got[name].shape != wrong[name].shape for name in got):
        return False
    each = {name: _allowed(right, name, wrong[name]) for name in got}
    if roundings is not None:
        return _is_nearer(right, got, wrong, {n: each[n] + ROUNDING_FACTOR * roundings[n] for n in got}, APART)
    largest = {name: unit.max(initial=0.0) for name, unit in each.items()}
    if _distance(got, wrong, largest) <= NEAR and _distance(got, right.values, largest) > APART:
        return True
    return _has_shapes_of(right, got) and _is_nearer(right, got, wrong, each, NEAR)


@np.errstate(all="ignore")
def fits(right: Expected, got: Arrays, wrong: Arrays) -> bool:
    """Return whether actual outputs are nearer to a wrong network's outputs than to the right ones, within rounding.

    This confirms a deviation that another failure identified. Alone, it proves little, because many deviations
    fit a small error.
    """
    if not _has_shapes_of(right, got):
        return False
    each = {name: _allowed(right, name, wrong[name]) for name in got}
    from_wrong = _distance(got, wrong, each)
    return from_wrong <= NEAR and from_wrong < _distance(got, right.values, each)


@np.errstate(all="ignore")
def is_nearer(right: Expected, got: Arrays, wrong: Arrays) -> bool:
    """Return whether the sum of distances to a wrong network's outputs is much smaller than to the right outputs."""

    def total(others: Arrays) -> float:
        shaped = all(values.shape == others[name].shape for name, values in got.items())
        return (
            sum(float(np.nansum(np.abs(values - others[name]))) for name, values in got.items()) if shaped else np.inf
        )

    return total(wrong) * APART < total(right.values)


@np.errstate(all="ignore")
def share(right: Expected, got: Arrays, wrong: Arrays) -> float:
    """Return the fraction of the wrong elements that a wrong network explains. Another bug may explain the rest."""
    off, explained = 0, 0
    for name, values in got.items():
        want = right.values[name]
        unit = _allowed(right, name, want).max(initial=0.0)
        is_wrong = (
            np.ones(values.shape, bool) if values.shape != want.shape else ~(np.abs(values - want) <= APART * unit)
        )
        off += int(is_wrong.sum())
        if values.shape == wrong[name].shape:
            explained += int((is_wrong & (np.abs(values - wrong[name]) <= NEAR * unit)).sum())
    return explained / off if off else 0.0


def _has_shapes_of(right: Expected, got: Arrays) -> bool:
    return all(values.shape == right.values[name].shape for name, values in got.items())


def _is_nearer(right: Expected, got: Arrays, wrong: Arrays, unit: Arrays, least: float) -> bool:
    """Return whether actual outputs are near the wrong outputs, and the right outputs are clearly farther away."""
    from_wrong = _distance(got, wrong, unit)
    return from_wrong <= NEAR and _distance(got, right.values, unit) > max(APART * from_wrong, least)


def _allowed(right: Expected, name: str, wrong: Array) -> Array:
    """Return the tolerance of the right outputs plus rounding of the wrong ones."""
    precision = PRECISIONS[right.dtype]
    rounding = 2 * precision.roundoff * np.abs(wrong)
    allowed = right.allowed(name)
    if isinstance(right.tolerance, Exact):  # wrong outputs need not be exact: their sums round
        finite = np.abs(np.where(np.isfinite(wrong), wrong, 0))
        allowed = np.full_like(allowed, 4 * precision.roundoff * finite.max(initial=0.0))
    return np.asarray(rounding + (allowed if allowed.shape == wrong.shape else allowed.max(initial=0.0)))


def _distance(got: Arrays, other: Arrays, unit: Mapping[str, Array]) -> float:
    """Return the largest difference in units; infinite if shapes differ, or if only one of two values is NaN."""
    largest = 0.0
    for name, values in got.items():
        if values.shape != other[name].shape:
            return np.inf
        same = (values == other[name]) | (np.isnan(values) & np.isnan(other[name]))
        difference = np.where(same, 0.0, np.abs(values - other[name]) / unit[name])
        largest = max(largest, float(np.where(np.isnan(difference), np.inf, difference).max(initial=0.0)))
    return largest
