"""Whether outputs are those that a wrong network gives, and not the right ones that are nearly the same."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.tolerance import Exact
from rnn_goldens.judging.outputs import NotNumbers, read, states_apart

if TYPE_CHECKING:
    from rnn_goldens.golden.data import GoldenData

Array = NDArray[np.float64]
Outputs = Mapping[str, Array]
"""By name: ``out``, ``h_n``, ``c_n``."""

NEAR = 2.0
"""In tolerances: so near are outputs that come from the same wrong network."""

APART = 4.0
"""So much further than from the wrong outputs are they from the right ones."""


def readable(golden: "GoldenData", out: object, h_n: object, c_n: object) -> Outputs:
    """The outputs that hold numbers, of those that the golden has."""
    found: dict[str, Array] = {}
    for name, value in states_apart(golden.cell, out, h_n, c_n).items():
        try:
            values = read(value).values
        except NotNumbers:
            continue
        if getattr(golden.stored, name) is not None:
            found[name] = values
    return found


@np.errstate(all="ignore")  # outputs may hold anything
def explains(golden: "GoldenData", got: Outputs, wrong: Outputs) -> bool:
    """Whether a wrong network's outputs explain what came; never what is as near to the right ones.

    A wrong network may be off by its own tolerance, which is not known. Where it is far from the right one, the largest
    that is allowed anywhere stands for it; where it is near, element by element what is allowed there.
    """
    right = {name: getattr(golden.stored, name) for name in got}
    if any(got[name].shape != wrong[name].shape for name in got):
        return False
    largest = {name: _allowed(golden, name, wrong[name]).max(initial=0.0) for name in got}
    if _distance(got, wrong, largest) <= NEAR and _distance(got, right, largest) > APART:
        return True
    if any(got[name].shape != right[name].shape for name in got):
        return False
    each = {name: _allowed(golden, name, wrong[name]) for name in got}
    from_wrong = _distance(got, wrong, each)
    return from_wrong <= NEAR and _distance(got, right, each) > max(APART * from_wrong, NEAR)


def _allowed(golden: "GoldenData", name: str, wrong: Array) -> Array:
    """What is allowed of the right outputs, and some roundings of the wrong ones."""
    precision, right = PRECISIONS[golden.dtype], getattr(golden.stored, name)
    rounding = 2 * precision.roundoff * np.abs(wrong)
    allowed: Array = golden.tolerance.allowed(name, right, precision)
    if isinstance(golden.tolerance, Exact):  # what is wrong need not be exact: its sums are rounded, too
        finite = np.abs(np.where(np.isfinite(wrong), wrong, 0))
        allowed = np.full_like(allowed, 4 * precision.roundoff * finite.max(initial=0.0))
    return np.asarray(rounding + (allowed if allowed.shape == wrong.shape else allowed.max(initial=0.0)))


def _distance(got: Outputs, other: Outputs, unit: Mapping[str, Array]) -> float:
    """The largest difference, in units; infinite where shapes differ, or one is a number and the other is none."""
    largest = 0.0
    for name, values in got.items():
        if values.shape != other[name].shape:
            return np.inf
        same = (values == other[name]) | (np.isnan(values) & np.isnan(other[name]))
        difference = np.where(same, 0.0, np.abs(values - other[name]) / unit[name])
        largest = max(largest, float(np.where(np.isnan(difference), np.inf, difference).max(initial=0.0)))
    return largest
