"""Compares actual arrays with those of a wrong network, and gradients with finite differences of its outputs.

A match must be clearly nearer than the right arrays. Deviations of the forward pass have no backward pass. Instead, the
directional derivative of the loss (the outputs times the cotangents) is computed from the gradients and, by finite
differences, from the wrong network. The two must be equal. The first random direction changes all arrays at once, which
distinguishes best; the others change one array.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.golden.data import GoldenData
from rnn_goldens.golden.expected import Expected
from rnn_goldens.golden.precision import NUMBER_TYPES
from rnn_goldens.golden.tolerance import Exact

if TYPE_CHECKING:
    from rnn_goldens.cells import AnyCase
    from rnn_goldens.deviations.wrong_pass import WrongPass

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
    roundoff, unit = NUMBER_TYPES[right.dtype].roundoff, {}
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
    precision = NUMBER_TYPES[right.dtype]
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


STEP = 2.0**-10
"""Step size along a direction, whose length is at most 4: the error is of fourth order."""

DIRECTIONS = 3
"""Number of directions that change only one array, for each array."""

CURVED = 2.0**-6
"""A difference over half a step is not further from its slope than this, relatively: other slopes need no full step."""


@dataclass(frozen=True, eq=False)
class _Direction:
    """Moves by name of an array, the derivatives by the actual and the right gradients, and inputs moved so often.

    The expected rounding error is the sum of many small errors of either sign, not the worst case.
    """

    moves: Mapping[str, Array]
    rounding: float
    got: float
    right: float
    cases: "dict[float, AnyCase]" = field(default_factory=dict)


class _Difference(NamedTuple):
    """A slope by a difference of two losses, and the larger one."""

    slope: float
    largest: float


class _Mismatch(Exception):
    """Raised if the actual gradients are not those of the wrong network."""


@dataclass(frozen=True, eq=False)
class DirectionalDerivatives:
    """Compares directional derivatives: of actual gradients, of the right ones and of wrong networks."""

    golden: GoldenData
    got: Arrays
    expected: Expected

    @np.errstate(all="ignore")
    def are_those_of(self, cause: tuple[str, ...]) -> bool:
        """Return whether the gradients are those of a network with these deviations, and not the right ones."""
        from rnn_goldens.deviations import together

        try:
            wrong = together(cause) if self._directions else None
            found = [wrong is not None and self._distinguishes(wrong, direction) for direction in self._directions]
        except (_Mismatch, ValueError):
            return False
        return any(found)

    @np.errstate(all="ignore")
    def would_fail(self, cause: tuple[str, ...]) -> bool:
        """Return whether the right gradients differ from those of a network with these deviations."""
        from rnn_goldens.deviations import together

        wrong = together(cause)
        try:
            for direction in self._directions:
                slope, error = self._slope(wrong, direction, self._difference(wrong, direction, 0.5))
                if abs(slope - direction.right) > APART * (direction.rounding + error):
                    return True
        except (_Mismatch, ValueError):
            return True  # outputs of another shape
        return False

    def _distinguishes(self, wrong: "WrongPass", direction: _Direction) -> bool:
        """Return whether the gradients differ from the right ones; raise _Mismatch if they differ from ``wrong``'s."""
        half, got = self._difference(wrong, direction, 0.5), direction.got
        curved = CURVED * (max(abs(half.slope), abs(got)) + half.largest * STEP)
        if not abs(half.slope - got) <= NEAR * direction.rounding + curved:
            raise _Mismatch  # a whole step would not change that, and most candidates end here
        slope, error = self._slope(wrong, direction, half)
        rounding = direction.rounding + error
        if not abs(slope - got) <= NEAR * rounding:
            raise _Mismatch
        return abs(got - direction.right) > APART * APART * rounding

    def _slope(self, wrong: "WrongPass", direction: _Direction, half: _Difference) -> tuple[float, float]:
        """Return the directional derivative of the loss of a wrong network, and its error."""
        full = self._difference(wrong, direction, 1.0)
        slope = (4 * half.slope - full.slope) / 3
        if not np.isfinite(slope):
            raise _Mismatch
        return slope, abs(half.slope - full.slope) / 100 + 1e-11 * (abs(slope) + max(half.largest, full.largest))

    def _difference(self, wrong: "WrongPass", direction: _Direction, by: float) -> _Difference:
        before, after = (self._loss(wrong, direction, steps) for steps in (-by, by))
        return _Difference((after - before) / (2 * by * STEP), max(abs(before), abs(after)))

    def _loss(self, wrong: "WrongPass", direction: _Direction, steps: float) -> float:
        """Return the outputs times the cotangents, some steps along a direction."""
        if steps not in direction.cases:
            moves = {name: steps * STEP * array for name, array in direction.moves.items()}
            direction.cases[steps] = self._case.moved(moves)
        outputs, found = wrong.outputs_by_name(direction.cases[steps]), 0.0
        for name, cotangent in self.golden.cotangents.items():
            if (output := outputs[name.removeprefix("d_")]).shape != cotangent.shape:
                raise _Mismatch
            found += float((output * cotangent).sum())
        return found

    @cached_property
    def _case(self) -> "AnyCase":
        from rnn_goldens.cells import golden_case

        return golden_case(self.golden, np.float64)

    @cached_property
    def _directions(self) -> list[_Direction]:
        """Random directions from a fixed seed; none if the gradients have wrong shapes or are not finite."""
        from rnn_goldens.cells import no_equations

        shaped = all(array.shape == self.expected.values[name].shape for name, array in self.got.items())
        if not shaped or not all(np.isfinite(array).all() for array in self.got.values()) or no_equations(self.golden):
            return []
        return list(self._random_directions())

    def _random_directions(self) -> Iterator[_Direction]:
        numbers = np.random.default_rng(0)
        for names in [list(self.got), *([name] for name in self.got for _ in range(DIRECTIONS))]:
            signs = {name: numbers.choice([-1.0, 1.0], self.got[name].shape) for name in names}
            size = np.sqrt(sum(array.size for array in signs.values()))
            moves = {name: array * min(1.0, 4 / size) for name, array in signs.items()}
            errors = (np.square(array * self.expected.allowed(name)).sum() for name, array in moves.items())
            got, right = (
                sum(float((array * gradients[name]).sum()) for name, array in moves.items())
                for gradients in (self.got, self.expected.values)
            )
            yield _Direction(moves, NEAR * float(np.sqrt(sum(errors))), got, right)
