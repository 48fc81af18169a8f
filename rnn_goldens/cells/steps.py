"""A network step by step: what its gates get, what they are, and the state, read from the one definition."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rnn_goldens.cells.arrays import Array, State, Weights
from rnn_goldens.cells.case import Case
from rnn_goldens.cells.network import Network
from rnn_goldens.cells.program import Program

ACTIVATIONS = ("sigmoid", "tanh", "relu")
"""The primitives that make gates."""


@dataclass(frozen=True, eq=False)
class Step:
    """One time step of one layer in one direction, of every batch row; of unbatched input without the batch axis.

    Gates have the letters of the equations: ``ifgo`` of an LSTM, ``rzn`` of a GRU, ``h`` of an RNN. g and n are
    candidates, which nobody calls gates, but are computed like them.

    Attributes:
        layer: from 0.
        direction: ``forward`` or ``reverse``.
        time: the time step; the reverse direction visits the last one first.
        within: (batch,), whether the sequence has that step.
        x: what the layer gets, (batch, input of the layer).
        state_before: h, and c of an LSTM, (batch, hidden), as the direction brings it to the step.
        preactivations: by gate, what its activation gets, (batch, hidden); NaN where the sequence has ended.
        gates: by gate, what its activation gives, likewise.
        state: h, and c of an LSTM, after the step; as before it where the sequence has ended.
    """

    layer: int
    direction: str
    time: int
    within: Array
    x: Array
    state_before: Mapping[str, Array]
    preactivations: Mapping[str, Array]
    gates: Mapping[str, Array]
    state: Mapping[str, Array]


def steps_of(case: Case) -> tuple[Step, ...]:
    """Every step of a network, in the order in which they are computed: by layer, direction and visit."""
    noting = _Noting(case)
    with np.errstate(all="ignore"):  # a golden may saturate, or overflow, and is meant to
        noting.run(case)
    return tuple(noting.steps)


class _Noting(Network):
    """The network, which notes what it does."""

    def __init__(self, case: Case) -> None:
        self.steps: list[Step] = []
        self._batched = case.batched
        self._suffix, self._time = "", 0
        self._values: list[Array] = []
        self._program: Program
        self._case = case

    def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
        """Keep its values."""
        self._suffix, self._time = suffix, t
        self._program = self.cell(case).at_once.program(w)
        self._values = self._program.values(self, layer_input[:, t], state, w)
        return tuple(self._values[k] for k in self._program.after)

    def emit(self, state: State, within: Array) -> Array:
        """The step is over: note it."""
        layer, _, direction = self._suffix.removeprefix("l").partition("_")
        cell, shape = self._case.cell, state[0].shape
        gets, gives = {}, {}
        for gate, (before, after) in gate_places(self._program, cell.gates).items():
            gets[gate] = np.where(within, np.broadcast_to(self._values[before], shape), np.nan)
            gives[gate] = np.where(within, np.broadcast_to(self._values[after], shape), np.nan)
        x, *started = self._values[: self._program.inputs]
        self.steps.append(
            Step(
                layer=int(layer),
                direction=direction or "forward",
                time=self._time,
                within=self._own(within[:, 0]),
                x=self._own(x),
                state_before=self._named(dict(zip(cell.states, started, strict=True))),
                preactivations=self._named(gets),
                gates=self._named(gives),
                state=self._named(dict(zip(cell.states, state, strict=True))),
            )
        )
        return super().emit(state, within)

    def _named(self, arrays: Mapping[str, Array]) -> Mapping[str, Array]:
        return {name: self._own(array) for name, array in arrays.items()}

    def _own(self, array: Array) -> Array:
        return np.array(array if self._batched else array[0])


@lru_cache(maxsize=256)
def gate_places(program: Program, gates: str) -> dict[str, tuple[int, int]]:
    """By gate, where in a program's values stands what its activation gets, and what it gives.

    An activation is a gate's if what it gets is made of that gate's rows of the weights; an LSTM's tanh of c is none's.
    A gate that has no activation is left out.
    """
    found: dict[str, tuple[int, int]] = {}
    for k, operation in enumerate(program.operations, start=program.inputs):
        if operation.primitive in ACTIVATIONS:
            rows = set(_rows_behind(program, operation.of[0]))
            if len(rows) == 1:
                found[gates[rows.pop()]] = (operation.of[0], k)
    return {gate: found[gate] for gate in gates if gate in found}


def _rows_behind(program: Program, k: int) -> Iterator[int]:
    """Of which gates' rows a value is made, other than through another activation."""
    if k < program.inputs:
        return
    operation = program.operations[k - program.inputs]
    if operation.primitive in ("block", "vector"):
        yield operation.detail[0]
    elif operation.primitive in ("product", "affine"):  # whole, for there is one gate
        yield 0
    elif operation.primitive not in ACTIVATIONS:
        for part in operation.of:
            yield from _rows_behind(program, part)
