"""The time steps of a network: pre-activations, gates and states, computed by the definition."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rnn_goldens.cells.network import Case, Network
from rnn_goldens.cells.numpy_primitives import Array, State, Weights
from rnn_goldens.cells.step_program import Program
from rnn_goldens.golden.shapes import STACKED

ACTIVATIONS = ("sigmoid", "tanh", "relu")
"""The primitives that are activations of gates."""


@dataclass(frozen=True, eq=False)
class Step:
    """One time step of one layer in one direction, for all batch rows; without the batch axis for unbatched input.

    Gates have the letters of the equations: ``ifgo`` of an LSTM, ``rzn`` of a GRU, ``h`` of an RNN. The candidate
    values g and n are included: they are computed like gates.

    Attributes:
        layer: from 0.
        direction: ``forward`` or ``reverse``.
        time: the time step; the reverse direction visits the last one first.
        within: (batch,), whether the sequence has that step.
        x: the input of the layer at that time step, (batch, input size of the layer).
        state_before: h, and c of an LSTM, (batch, hidden), before the step.
        preactivations: by gate, the argument of its activation, (batch, hidden); NaN where the sequence has ended.
        gates: by gate, the result of its activation, shaped like ``preactivations`` and NaN at the same elements.
        state: h, and c of an LSTM, after the step; unchanged where the sequence has ended.
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
    """Return every step of a network as computed: by layer, by direction, then in the direction's order of steps."""
    recorder = _Recorder()
    with np.errstate(all="ignore"):  # some goldens saturate or overflow on purpose
        recorder.run(case)
    return tuple(recorder.steps)


class _Recorder(Network):
    """A network that records its steps."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
        """Compute a step and record it."""
        program = self.cell(case).program(w)
        values = program.computed(self, [layer_input[:, t], *state], w)
        after = tuple(values[k] for k in program.after)
        within = np.ones(len(case.x), bool) if case.lengths is None else self.within(t, case.lengths)
        places = gate_places(program, case.cell.gates)

        def own(array: Array) -> Array:
            return np.array(array if case.batch_given else array[0])

        def before_and_after(number: int) -> dict[str, Array]:
            shaped = {gate: np.broadcast_to(values[of[number]], state[0].shape) for gate, of in places.items()}
            return {gate: own(np.where(within[:, None], array, np.nan)) for gate, array in shaped.items()}

        def named(states: State) -> dict[str, Array]:
            return dict(zip(case.cell.states, map(own, states), strict=True))

        layer, _, direction = suffix.removeprefix("l").partition("_")
        kept = tuple(np.where(within[:, None], new, old) for new, old in zip(after, state, strict=True))
        self.steps.append(
            Step(
                layer=int(layer),
                direction=direction or "forward",
                time=t,
                within=own(within),
                x=own(values[0]),
                state_before=named(state),
                preactivations=before_and_after(0),
                gates=before_and_after(1),
                state=named(kept),
            )
        )
        return after


@lru_cache(maxsize=256)
def gate_places(program: Program, gates: str) -> dict[str, tuple[int, int]]:
    """Return, by gate, the indices of the argument and the result of its activation in a program's values.

    An activation belongs to a gate if only that gate's rows of the weights are used for its argument; an LSTM's tanh
    of c belongs to no gate. A gate without an activation is omitted.
    """
    found: dict[str, tuple[int, int]] = {}
    for k, operation in enumerate(program.operations, start=program.inputs):
        if operation.primitive in ACTIVATIONS:
            rows = set(_rows_behind(program, operation.of[0]))
            if len(rows) == 1:
                found[gates[rows.pop()]] = (operation.of[0], k)
    return {gate: found[gate] for gate in gates if gate in found}


def _rows_behind(program: Program, k: int) -> Iterator[int]:
    """Yield the indices of the gates whose rows a value is computed from, except through another activation."""
    if k < program.inputs:
        return
    operation = program.operations[k - program.inputs]
    is_stacked = not operation.weights or operation.weights[0] in dict(STACKED)
    if operation.primitive == "block" or (operation.primitive == "vector" and is_stacked):
        yield operation.detail[0]
    elif operation.primitive in ("product", "affine") and is_stacked:  # undivided: there is one gate
        yield 0
    elif operation.primitive not in ACTIVATIONS:
        for part in operation.of:
            yield from _rows_behind(program, part)
