"""The definition run in float64, with every value of every step kept: the error analysis and the exact tier read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.cells import Array, Case, Network, State, Weights
from rnn_goldens.cells.program import Operation, Program

Float64 = NDArray[np.float64]


class Computed(Protocol):
    """Values, (visits, batch or 1, units or 1), and what computed each."""

    @property
    def w(self) -> Weights:
        """The weights, by the names that operations have for them."""

    @property
    def values(self) -> Sequence[Float64]:
        """All of them."""

    def operation(self, k: int) -> Operation | None:
        """What computed a value; None of what was given."""

    def arguments(self, k: int) -> list[Float64]:
        """What a value was computed of."""


@dataclass(frozen=True, eq=False)
class Unrolled:
    """One layer in one direction, step by step in the order of its visits.

    Attributes:
        w: its weights, by their names without the suffix.
        program: what is computed at each step, each gate's sum apart.
        times: the time step of each visit.
        values: every value of the program, (visits, batch or 1, units or 1).
        within: (visits, batch), whether a sequence has that step.
    """

    w: Weights
    program: Program
    times: tuple[int, ...]
    values: tuple[Float64, ...]
    within: NDArray[np.bool_]

    def operation(self, k: int) -> Operation | None:
        """What computed a value; None for x and the state."""
        return self.program.operations[k - self.program.inputs] if k >= self.program.inputs else None

    def arguments(self, k: int) -> list[Float64]:
        """What a value was computed of."""
        operation = self.operation(k)
        return [] if operation is None else [self.values[of] for of in operation.of]

    @cached_property
    def hidden(self) -> int:
        """Units of h."""
        return int(self.values[self.program.after[0]].shape[-1])


class Recording(Network):
    """The network; ``unrolled`` has what it did, layer by layer, in each direction."""

    def __init__(self) -> None:
        self.unrolled: list[list[Unrolled]] = []
        self._steps: list[list[Array]] = []
        self._times: list[int] = []

    def unroll(self, case: Case, suffix: str, layer_input: Array, state: State, lengths: Array) -> tuple[Array, State]:
        """Keep what it does."""
        self._steps, self._times = [], []
        result = super().unroll(case, suffix, layer_input, state, lengths)
        w = self.weights(case, suffix)
        values = tuple(
            np.stack([np.atleast_2d(value) for value in of_steps]) for of_steps in zip(*self._steps, strict=True)
        )
        within = np.array([self.within(t, lengths) for t in self._times])
        if not suffix.endswith("_reverse"):
            self.unrolled.append([])
        self.unrolled[-1].append(Unrolled(w, self.cell(case).apart.program(w), tuple(self._times), values, within))
        return result

    def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:  # noqa: ARG002
        """Keep its values."""
        program = self.cell(case).apart.program(w)
        values = program.values(self, layer_input[:, t], state, w)
        self._steps.append(values)
        self._times.append(t)
        return tuple(values[k] for k in program.after)


def recorded(case: Case) -> list[list[Unrolled]]:
    """What the network does with a case whose arrays are float64: by layer, its directions."""
    recording = Recording()
    recording.run(case)
    return recording.unrolled
