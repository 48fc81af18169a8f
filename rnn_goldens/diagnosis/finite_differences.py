"""Detects gradients of a wrong forward pass, as a framework computes them by automatic differentiation.

Deviations of the forward pass have no backward pass. Instead, the directional derivative of the loss (the outputs
times the cotangents) is computed from the gradients and, by finite differences, from the wrong network. The two must
be equal. The first random direction changes all arrays at once, which distinguishes best; the others change one array.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from rnn_goldens.diagnosis.match import APART, NEAR, Array, Arrays
from rnn_goldens.golden.expected import Expected

if TYPE_CHECKING:
    from rnn_goldens.cells import AnyCase
    from rnn_goldens.deviations.wrong_pass import WrongPass
    from rnn_goldens.golden.data import GoldenData

STEP = 2.0**-10
"""Step size along a direction, whose length is at most 4: the error is of fourth order."""

DIRECTIONS = 3
"""Number of directions that change only one array, for each array."""

Direction = Mapping[str, Array]


class DirectionalDerivatives:
    """Compares directional derivatives: of actual gradients, of the right ones and of wrong networks."""

    def __init__(self, golden: "GoldenData", got: Arrays, expected: Expected) -> None:
        self.golden, self.got, self.expected = golden, got, expected

    @np.errstate(all="ignore")
    def are_those_of(self, cause: tuple[str, ...]) -> bool:
        """Return whether the gradients are those of a network with these deviations, and not the right ones."""
        from rnn_goldens.deviations import together

        if not self._directions:
            return False
        try:
            wrong = together(cause)
            distinguished = [self._distinguishes(wrong, direction) for direction in self._directions]
        except (_Mismatch, ValueError):
            return False
        return any(distinguished)

    @np.errstate(all="ignore")
    def would_fail(self, cause: tuple[str, ...]) -> bool:
        """Return whether the right gradients differ from those of a network with these deviations."""
        from rnn_goldens.deviations import together

        wrong = together(cause)
        for direction in self._directions:
            try:
                slope, error = self._slope(wrong, direction)
            except (_Mismatch, ValueError):
                return True  # outputs of another shape
            if abs(slope - _along(direction, self.expected.values)) > APART * (self._rounding(direction) + error):
                return True
        return False

    def _distinguishes(self, wrong: "WrongPass", direction: Direction) -> bool:
        """Return whether the gradients differ from the right ones; raise _Mismatch if they differ from ``wrong``'s."""
        slope, error = self._slope(wrong, direction)
        rounding, got = self._rounding(direction) + error, _along(direction, self.got)
        if not abs(slope - got) <= NEAR * rounding:
            raise _Mismatch
        return abs(got - _along(direction, self.expected.values)) > APART * APART * rounding

    @cached_property
    def _directions(self) -> list[Direction]:
        """Random directions from a fixed seed; none if the gradients have wrong shapes or are not finite."""
        from rnn_goldens.cells import no_equations

        shaped = all(array.shape == self.expected.values[name].shape for name, array in self.got.items())
        if not shaped or not all(np.isfinite(array).all() for array in self.got.values()) or no_equations(self.golden):
            return []
        return list(self._random_directions())

    def _random_directions(self) -> Iterator[Direction]:
        numbers = np.random.default_rng(0)
        for names in [list(self.got), *([name] for name in self.got for _ in range(DIRECTIONS))]:
            direction = {name: numbers.choice([-1.0, 1.0], self.got[name].shape) for name in names}
            size = np.sqrt(sum(array.size for array in direction.values()))
            yield {name: array * min(1.0, 4 / size) for name, array in direction.items()}

    def _rounding(self, direction: Direction) -> float:
        """Return the expected rounding error: the sum of many small errors of either sign, not the worst case."""
        found = sum(float(np.square(array * self.expected.allowed(name)).sum()) for name, array in direction.items())
        return NEAR * float(np.sqrt(found))

    def _slope(self, wrong: "WrongPass", direction: Direction) -> tuple[float, float]:
        """Return the directional derivative of the loss of a wrong network, and its error."""
        sums = {by: self._sum(wrong, self._moved(direction, by * STEP)) for by in (-1.0, -0.5, 0.5, 1.0)}
        full, half = (sums[1.0] - sums[-1.0]) / (2 * STEP), (sums[0.5] - sums[-0.5]) / STEP
        slope = (4 * half - full) / 3
        if not np.isfinite(slope):
            raise _Mismatch
        return slope, abs(half - full) / 100 + 1e-11 * (abs(slope) + max(map(abs, sums.values())))

    def _sum(self, wrong: "WrongPass", case: "AnyCase") -> float:
        """Return the loss: the outputs times the cotangents."""
        outputs, found = wrong.outputs_by_name(case), 0.0
        for name, cotangent in self.golden.cotangents.items():
            if (output := outputs[name.removeprefix("d_")]).shape != cotangent.shape:
                raise _Mismatch
            found += float((output * cotangent).sum())
        return found

    def _moved(self, direction: Direction, by: float) -> "AnyCase":
        return self._case.moved({name: by * array for name, array in direction.items()})

    @cached_property
    def _case(self) -> "AnyCase":
        from rnn_goldens.cells import golden_case

        return golden_case(self.golden, np.float64)


class _Mismatch(Exception):
    """Raised if the actual gradients are not those of the wrong network."""


def _along(direction: Direction, gradients: Arrays) -> float:
    return sum(float((array * gradients[name]).sum()) for name, array in direction.items())
