"""The sequences of a golden of a recurrence, run by several calls with a pool of states."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.comparison.array_conversion import NotNumbers, Output, read
from rnn_goldens.comparison.calls_in_parts import Results, copied, require_kept
from rnn_goldens.golden.call import ALONE, NO_PLACE, SNAPSHOTS, Call
from rnn_goldens.golden.data import GoldenData, InputsData
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.stored_arrays import Float64

Run = Callable[[InputsData], Any]
"""An implementation, which returns outputs, last states or the pool, and a third output if the call asks for it."""

Row = tuple[int, Sequence[int]]
"""A sequence of the golden and the time steps that a call runs of it."""

FIRST, LAST = "first", "last"
"""Where a row of padding is."""

ANOTHER = 1.0
"""What the states of others hold: at the ends of a pool, where a wrong place of a row of padding lies."""


@dataclass(eq=False)
class Served:
    """The sequences of a golden while calls run them: what is done, and the pool with their states.

    Attributes:
        sequences: for each row, the sequence of the golden that it runs; a sequence may run in two rows.
        places: for each row, the places in the pool that are its own, the first one for its initial state.
        pool: the states after the calls so far, NaN in unused places.
        done: for each row, the number of its steps that calls have run.
        outputs: for each row, the outputs of its steps by call.
        current: for each row, which of its places has the state after its steps.
        dtypes: the types of the last outputs and of the pool.
        violation: the first change of a place that was not the call's own.
    """

    run: Run
    golden: GoldenData
    sequences: Sequence[int]
    places: NDArray[np.int64]
    pool: Float64
    done: list[int]
    outputs: list[list[Float64]]
    current: list[int]
    dtypes: list[str] = field(default_factory=list)
    violation: str = ""

    @classmethod
    def begun(cls, run: Run, golden: GoldenData, sequences: Sequence[int], each: int = 1) -> "Served":
        """Return the rows before their first step: their states are in a pool of NaN, ``each`` with so many places."""
        require_kept(golden)
        rows = len(sequences)
        # Never place 0, which some kernels skip; unused places of NaN between those of two rows; the last row first.
        starts = 1 + (each + 1) * np.arange(rows)[::-1]
        places = starts[:, None] + np.arange(each)
        (initial,) = golden.shapes.initial
        states = golden.states[initial].astype(np.float64)
        pool = np.full((int(places.max()) + 3, *states.shape[1:]), np.nan)
        pool[[0, -1]] = ANOTHER
        pool[places[:, 0]] = states[list(sequences)]
        return cls(run, golden, sequences, places, pool, [0] * rows, [[] for _ in sequences], [0] * rows)

    def time(self, row: int) -> int:
        """The number of time steps of a row."""
        return sequence_time(self.golden, self.sequences[row])

    def left(self, row: int) -> int:
        """The number of time steps that a row has not done."""
        return self.time(row) - self.done[row]

    def call(self, counts: Mapping[int, int], *, padding: str = "", begins: bool = False, idle: bool = False) -> None:
        """Run the next steps of some rows, with as many as ``counts`` says, and a row of ``padding`` first or last.

        Rows without steps are left out unless ``idle``. ``begins``: say which rows have no initial state, and leave
        another state in their places.
        """
        rows = [row for row, count in counts.items() if count or idle]
        if not any(counts.values()):
            return
        steps: list[Row] = [(self.sequences[r], range(self.done[r], self.done[r] + counts[r])) for r in rows]
        indices = [int(self.places[row, 0]) for row in rows]
        at = {FIRST: 0, LAST: len(rows)}.get(padding)
        if at is not None:
            steps.insert(at, steps[0])
            indices.insert(at, NO_PLACE)
        said: dict[str, Any] = {}
        if begins:
            has_state = [bool(self.done[r]) or bool(self.golden.stored.states) for r in rows]
            said = {"has_initial_state": np.array(has_state)}
            for row, has in zip(rows, has_state, strict=True):
                self.pool[self.places[row, 0]] = self.pool[self.places[row, 0]] if has else ANOTHER
        outputs, pool = self._run(steps, Call(state_indices=np.array(indices), **said))
        found = [output for output, index in zip(outputs, indices, strict=True) if index != NO_PLACE], pool
        self._keep(rows, found, [counts[row] for row in rows], self.places[rows, 0])

    def verify(self, counts: Mapping[int, tuple[int, int]]) -> None:
        """Run steps of which only some are accepted: by row, the number of accepted steps and that of all.

        Those that are not accepted are other steps of the sequence. A row of padding comes last.
        """
        rows, steps = list(counts), list[Row]()
        for row, (accepted, every) in counts.items():
            begin, time = self.done[row], self.time(row)
            right = range(begin, begin + accepted)
            steps.append((self.sequences[row], [*right, *((begin + k + 1) % time for k in range(accepted, every))]))
        none = np.full_like(self.places[:1], NO_PLACE)
        places = np.concatenate([self.places[rows], none])
        accepted_before = np.array([*(self.current[row] + 1 for row in rows), 1])
        call = Call(state_indices=places, num_accepted_tokens=accepted_before)
        (*outputs, _), pool = self._run([*steps, steps[-1]], call)
        found = outputs, pool
        written = [place for r in rows for place in self.places[r, : counts[r][1]]]
        self._keep(rows, found, [counts[row][0] for row in rows], np.array(written))
        for row, (accepted, _) in counts.items():
            self.current[row] = accepted - 1

    def results(self, meaning: str, rows: Sequence[int]) -> Results:
        """Return the outputs and last states of rows, one for each sequence of the golden."""
        out = assembled(self.golden, [np.concatenate(self.outputs[row]) for row in rows])
        last = self.pool[[self.places[row, self.current[row]] for row in rows]]
        outputs = [Output(array, dtype) for array, dtype in zip((out, last), self.dtypes, strict=True)]
        return Results(self.golden, outputs, meaning, self.violation, self.pool)

    def _run(self, rows: Sequence[Row], call: Call) -> tuple[list[Float64], Output]:
        """Return the outputs of each row, and the pool."""
        (initial,) = self.golden.shapes.initial
        inputs = inputs_of(self.golden, rows, call, {initial: self.pool})
        out, pool = parts_of(self.golden, self.run(inputs), 2)
        if pool.values.shape != self.pool.shape:
            raise TypeError(
                f"a call with state_indices returned a state of shape {pool.values.shape}; expected the pool, "
                f"{self.pool.shape}: return it, or change it in place and return only the outputs"
            )
        self.dtypes = [out.dtype, pool.dtype]
        return split(inputs, out), pool

    def _keep(
        self, rows: Sequence[int], found: tuple[list[Float64], Output], counts: Sequence[int], written: Iterable[int]
    ) -> None:
        """Store outputs and pool of a call, and note whether it wrote to places of others."""
        outputs, pool = found
        for row, count, output in zip(rows, counts, outputs, strict=True):
            self.outputs[row].append(output[:count])
            self.done[row] += count
        after = np.asarray(PRECISIONS[self.golden.dtype].round(pool.values), np.float64)  # as the next call gets it
        same = (after == self.pool) | (np.isnan(after) & np.isnan(self.pool))
        changed = np.flatnonzero(~same.reshape(len(same), -1).all(axis=1))
        for place in sorted({*map(int, changed)} - {*map(int, written)}):
            owner = next((row for row, own in enumerate(self.places) if place in own), None)
            of = "no sequence has it" if owner is None else f"it is that of sequence {self.sequences[owner]}"
            self.violation = self.violation or f"a call changed place {place} of the pool, which is not its own: {of}"
        self.pool = after


def sequence_time(golden: GoldenData, sequence: int) -> int:
    """Return the number of time steps of a sequence."""
    return golden.time if golden.offsets is None else int(np.diff(golden.offsets)[sequence])


def inputs_of(
    golden: GoldenData,
    rows: Sequence[Row],
    call: Call = ALONE,
    states: Mapping[str, Float64] | None = None,
    *,
    packed: bool = False,
) -> InputsData:
    """Return the inputs of a call that runs steps of sequences: as a batch if all have as many, else packed."""
    inputs = golden.for_implementation()
    counts = [len(steps) for _, steps in rows]
    packed = packed or len(set(counts)) > 1
    arrays = {
        name: np.concatenate([_steps(golden, array, *row) for row in rows], axis=1 if packed else 0)
        for name, array in inputs.stored.inputs.items()
    }
    features = [name for name in golden.features if name not in ("packed", "state")]
    features += [*(["packed"] if packed else []), *(["state"] if states else [])]
    offsets = np.cumsum([0, *counts]) if packed else None
    stored = replace(inputs.stored, inputs=arrays, offsets=offsets, states=dict(states or {}))
    return replace(inputs, stored=stored, call=call, features=tuple(features))


def _steps(golden: GoldenData, array: Float64, sequence: int, steps: Sequence[int]) -> Float64:
    """Return some time steps of a sequence, (1, steps, …)."""
    if golden.offsets is None:
        return array[sequence : sequence + 1, list(steps)]
    return array[:, [int(golden.offsets[sequence]) + step for step in steps]]


def split(inputs: InputsData, out: Output) -> list[Float64]:
    """Return the outputs of each row of a call, (steps, …); raises TypeError if they have another number of steps."""
    expected = (*inputs.batch_shape, inputs.time)
    if out.values.shape[:2] != expected:
        raise TypeError(f"outputs of a call have shape {out.values.shape}; expected {expected} and further axes")
    return list(out.values) if inputs.offsets is None else np.split(out.values[0], inputs.offsets[1:-1])


def assembled(golden: GoldenData, of_sequences: Sequence[Float64]) -> Float64:
    """Return the outputs of all sequences, each (steps, …), as the golden has them."""
    return np.stack(of_sequences) if golden.offsets is None else np.concatenate(of_sequences)[None]


def parts_of(golden: GoldenData, result: Any, count: int) -> list[Output]:  # noqa: ANN401 - as implementations return it
    """Return the parts of a result: outputs, last states or pool, snapshots. Raises TypeError if there are others."""
    names = [*golden.layout.outputs, SNAPSHOTS][:count]
    if isinstance(result, Mapping) and {*names} <= {*result}:
        result = [result[name] for name in names]
    if not isinstance(result, tuple | list) or len(result) != count:
        kind = f"{len(result)} parts" if isinstance(result, tuple | list) else f"a {type(result).__name__}"
        raise TypeError(f"the implementation returned {kind}; expected {', '.join(names)}")
    try:
        return [copied(read(part)) for part in result]  # the next call may reuse the memory
    except NotNumbers as error:
        raise TypeError(f"{' or '.join(names)} {error}") from None
