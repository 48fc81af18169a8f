"""Finds where a user's numbers first differ from a golden's, in the order of computation."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.cells.steps import Step
from rnn_goldens.golden.data import GoldenData
from rnn_goldens.golden.precision import PRECISIONS

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class KnownOutput:
    """A state at one step, as the user's outputs contain it. Arrays are (batch, hidden).

    Attributes:
        output: the output that contains the state: ``out``, ``h_n`` or ``c_n``.
        state: ``h`` or ``c``.
        got: the user's values.
        want: the expected values.
        wrong: mask of the values that differ by more than the tolerance.
    """

    output: str
    state: str
    got: Float64
    want: Float64
    wrong: NDArray[np.bool_]


@dataclass(frozen=True)
class Place:
    """An element of a state at a step: its step, output, state, batch row and unit."""

    step: Step
    output: str
    state: str
    row: int
    unit: int


@dataclass(frozen=True, eq=False)
class ReaderOutputs:
    """A user's outputs beside a golden's."""

    golden: GoldenData
    outputs: Mapping[str, Float64]

    def at(self, step: Step) -> list[KnownOutput]:
        """Return the states of a step that the outputs contain: out for the last layer, h_n and c_n for last steps."""
        config, size = self.golden.network, self.golden.network.output_size
        reverse = step.direction == "reverse"
        found = []
        if step.layer == config.num_layers - 1:
            units = slice(size, None) if reverse and config.bidirectional else slice(0, size)
            found.append(self._known("out", "h", (..., step.time, units), np.array(True)))
        index, last = (step.layer * config.num_directions + reverse,), self.last(step)
        states = [state for state in self.golden.layout.states if f"{state}_n" in self.outputs and last.any()]
        return [*found, *(self._known(f"{state}_n", state, index, last[..., None]) for state in states)]

    def first_difference(self, steps: Sequence[Step]) -> Place | None:
        """Return the wrong element that is computed first: by layer, order of steps, row, time step, unit."""
        found = [(self._order(place), place) for step in steps for place in self._differences(step)]
        return min(found, key=lambda pair: pair[0])[1] if found else None

    def _differences(self, step: Step) -> Iterator[Place]:
        for known in self.at(step):
            for row, unit in np.argwhere(np.atleast_2d(known.wrong)):
                yield Place(step, known.output, known.state, int(row), int(unit))

    def _order(self, place: Place) -> tuple[int, ...]:
        """Return the sort key. The reverse direction starts at the end of a sequence; padding is in order of time."""
        step, length = place.step, int(self._lengths()[place.row])
        backward = step.direction == "reverse" and step.time < length
        visit = length - 1 - step.time if backward else step.time
        return (step.layer, visit, place.row, step.time, place.unit)

    def _known(self, output: str, state: str, index: tuple[Any, ...], here: NDArray[np.bool_]) -> KnownOutput:
        want: Float64 = self.golden.stored.expected[output]
        return KnownOutput(output, state, self.outputs[output][index], want[index], self._wrong[output][index] & here)

    @cached_property
    def _wrong(self) -> dict[str, NDArray[np.bool_]]:
        """Return a mask of the wrong elements of each output, computed as in ``comparison``."""
        found = {}
        for name, got in self.outputs.items():
            want = self.golden.stored.expected[name]
            allowed = self.golden.tolerance.allowed(name, want, PRECISIONS[self.golden.dtype])
            with np.errstate(invalid="ignore"):
                found[name] = ~((got == want) | (np.abs(got - want) <= allowed))
        return found

    def last(self, step: Step) -> NDArray[np.bool_]:
        """Return, for each sequence, whether this is the last step that the direction computes: (batch,) or ()."""
        lengths = self._lengths().reshape(self.golden.batch_shape)
        return np.asarray(step.time == (0 if step.direction == "reverse" else lengths - 1))

    def _lengths(self) -> NDArray[np.int64]:
        if self.golden.lengths is not None:
            return self.golden.lengths
        return np.full(max(1, int(np.prod(self.golden.batch_shape))), self.golden.stored.x.shape[-2])
