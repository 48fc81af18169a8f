"""Whether gradients are those of wrong outputs: what a framework gives that differentiates a wrong forward pass.

No backward pass of a deviation is written for that. Along a direction, gradients say how the outputs' sum with the
cotangents rises; so does the wrong network, asked a little further on either side. Directions are drawn, the first
through all arrays at once, which tells most from each other; then some through each array.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from rnn_goldens.diagnosis.likeness import APART, NEAR, Array, Arrays
from rnn_goldens.golden.expected import Expected

if TYPE_CHECKING:
    from rnn_goldens.cells import Case
    from rnn_goldens.deviations.deviation import Wrong
    from rnn_goldens.golden.data import GoldenData

STEP = 2.0**-10
"""How far along a direction, whose length is 4 at most: errors are of its fourth power."""

DIRECTIONS = 3
"""Through each array."""

Direction = Mapping[str, Array]


class Slopes:
    """Gradients of a golden that came, and how the sum rises by them, by the right ones and by wrong outputs."""

    def __init__(self, golden: "GoldenData", got: Arrays, right: Expected) -> None:
        self.golden, self.got, self.right = golden, got, right

    @np.errstate(all="ignore")
    def are_those_of(self, cause: tuple[str, ...]) -> bool:
        """Whether the gradients are those of the outputs that a wrong network gives, and not the right ones."""
        from rnn_goldens.deviations import together

        if not self._directions:
            return False
        try:
            wrong = together(cause)
            told = [self._tells(wrong, direction) for direction in self._directions]
        except (_Other, ValueError):
            return False
        return any(told)

    @np.errstate(all="ignore")
    def shows(self, cause: tuple[str, ...]) -> bool:
        """Whether the right gradients are not those of a wrong network's outputs."""
        from rnn_goldens.deviations import together

        wrong = together(cause)
        for direction in self._directions:
            try:
                slope, error = self._slope(wrong, direction)
            except (_Other, ValueError):
                return True  # outputs of another shape
            if abs(slope - _along(direction, self.right.values)) > APART * (self._slack(direction) + error):
                return True
        return False

    def _tells(self, wrong: "Wrong", direction: Direction) -> bool:
        """Whether a direction tells what came from what is right; raises _Other if also from what is wrong so."""
        slope, error = self._slope(wrong, direction)
        slack, got = self._slack(direction) + error, _along(direction, self.got)
        if not abs(slope - got) <= NEAR * slack:
            raise _Other
        return abs(got - _along(direction, self.right.values)) > APART * APART * slack

    @cached_property
    def _directions(self) -> list[Direction]:
        """Drawn, and always the same; none where what came has not the right shapes, or holds no numbers."""
        from rnn_goldens.cells import no_equations

        shaped = all(array.shape == self.right.values[name].shape for name, array in self.got.items())
        if not shaped or not all(np.isfinite(array).all() for array in self.got.values()) or no_equations(self.golden):
            return []
        return list(self._drawn())

    def _drawn(self) -> Iterator[Direction]:
        numbers = np.random.default_rng(0)
        for names in [list(self.got), *([name] for name in self.got for _ in range(DIRECTIONS))]:
            direction = {name: numbers.choice([-1.0, 1.0], self.got[name].shape) for name in names}
            size = np.sqrt(sum(array.size for array in direction.values()))
            yield {name: array * min(1.0, 4 / size) for name, array in direction.items()}

    def _slack(self, direction: Direction) -> float:
        """How far roundings may lead: as many small errors of either sign do, and not as the worst do."""
        found = sum(float(np.square(array * self.right.allowed(name)).sum()) for name, array in direction.items())
        return NEAR * float(np.sqrt(found))

    def _slope(self, wrong: "Wrong", direction: Direction) -> tuple[float, float]:
        """How the sum rises along a direction, and how far that may be off."""
        sums = {by: self._sum(wrong, _moved(self._case, direction, by * STEP)) for by in (-1.0, -0.5, 0.5, 1.0)}
        whole, half = (sums[1.0] - sums[-1.0]) / (2 * STEP), (sums[0.5] - sums[-0.5]) / STEP
        slope = (4 * half - whole) / 3
        if not np.isfinite(slope):
            raise _Other
        return slope, abs(half - whole) / 100 + 1e-11 * (abs(slope) + max(map(abs, sums.values())))

    def _sum(self, wrong: "Wrong", case: "Case") -> float:
        """Of the outputs with the cotangents."""
        outputs, found = wrong(case), 0.0
        for output, cotangent in zip(outputs, self.golden.cotangents.values(), strict=True):
            if output.shape != cotangent.shape:
                raise _Other
            found += float((output * cotangent).sum())
        return found

    @cached_property
    def _case(self) -> "Case":
        from rnn_goldens.cells import case_of

        return case_of(self.golden, np.float64)


class _Other(Exception):
    """What came is something else."""


def _along(direction: Direction, gradients: Arrays) -> float:
    return sum(float((array * gradients[name]).sum()) for name, array in direction.items())


def _moved(case: "Case", direction: Direction, by: float) -> "Case":
    def moved(name: str, array: Array) -> Array:
        return array + by * direction[name] if name in direction else array

    weights = {name: moved(name, array) for name, array in case.weights.items()}
    state = tuple(moved(f"{name}0", part) for name, part in zip(case.cell.states, case.state, strict=True))
    return replace(case, weights=weights, x=moved("x", case.x), state=state)
