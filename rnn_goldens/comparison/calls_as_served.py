"""Call patterns of recurrences, as models are served: pools of states, mixed calls, drafts, snapshots, padding.

Together, the calls of a pattern compute every step of a golden: their outputs, and the states that they leave, have its
expected values.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from rnn_goldens.comparison.array_conversion import Output
from rnn_goldens.comparison.calls_in_parts import SINGLE_STEPS, Results, require_kept
from rnn_goldens.comparison.served_sequences import (
    FIRST,
    LAST,
    Row,
    Run,
    Served,
    assembled,
    inputs_of,
    parts_of,
    sequence_time,
    split,
)
from rnn_goldens.comparison.states import StatesAt, has_states
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.call import Call
from rnn_goldens.golden.data import GoldenData
from rnn_goldens.golden.stored_arrays import Float64

DRAFTS = 3
"""The number of drafted steps that a call runs besides the one that is certain."""

LEFT = 2
"""The number of steps of padding before the longest sequence."""

LONG, SHORT = 64, 2
"""The number of steps between snapshots of sequences that have more than 64, and of others."""


def has_one_state(golden: GoldenData) -> bool:
    """Return whether a golden is of a recurrence with one state, which is compared."""
    of_states = len(golden.layout.states) == 1 == len(golden.layout.outputs) - 1
    return not golden.is_network and of_states and not golden.not_compared


def with_pool(run: Run, golden: GoldenData) -> Iterator[Results]:
    """Prefill, then run the last steps one by one, with states in a pool; two groups of rows take turns.

    The first sequence runs twice, and a row of padding runs in each call: first or last.
    """
    count = golden.sequences
    served = Served.begun(run, golden, [*range(count), 0])
    rows = range(count + 1)
    served.call({row: max(0, served.time(row) - SINGLE_STEPS) for row in rows}, padding=FIRST)
    while any(map(served.left, rows)):
        for turn in (0, 1):
            served.call({row: 1 for row in rows if row % 2 == turn and served.left(row)}, padding=(FIRST, LAST)[turn])
    yield served.results("calls with a pool of states give other outputs than a single call", range(count))
    yield served.results("a sequence that runs twice in a pool differs the second time", [count, *range(1, count)])


def mixed(run: Run, golden: GoldenData) -> Iterator[Results]:
    """Run rows of one step and rows of several steps in the same call, with states in a pool."""
    try:
        served = _mixed(run, golden, begins=True)
    except Unsupported:
        served = _mixed(run, golden, begins=False)
    count, meaning = golden.sequences, "calls with rows of one step and of several steps give other outputs"
    yield served.results(meaning, range(count))
    yield served.results(meaning, [count, *range(1, count)])


def _mixed(run: Run, golden: GoldenData, *, begins: bool) -> Served:
    """Run the first steps of the first sequence; then others begin; the last row, the first sequence again, with one.

    Rows that have ended run no step in the last call, and keep their state. ``begins``: calls say which rows begin, and
    other states lie in their places.
    """
    count = golden.sequences
    served = Served.begun(run, golden, [*range(count), 0])
    served.call({0: served.time(0) // 2}, begins=begins)
    others = {row: max(1, served.time(row) - 1) for row in range(1, count)}
    served.call({0: served.left(0), **others, count: 1}, begins=begins)
    served.call({row: served.left(row) for row in (0, *others, count)}, begins=begins, idle=True)
    return served


def with_drafts(run: Run, golden: GoldenData) -> Iterator[Results]:
    """Run drafted steps, of which the first ones are accepted, and go on from the state after these.

    First all calls have drafts, then every other one; then, if the implementation takes packed sequences, rows with
    drafts and rows without are in one call.
    """
    yield _with_drafts(run, golden, lambda _turn, _row: True)
    yield _with_drafts(run, golden, lambda turn, _row: turn % 2 == 0)
    try:
        found = _with_drafts(run, golden, lambda turn, row: (turn + row) % 2 == 0)
    except Unsupported:
        return
    yield found


def _with_drafts(run: Run, golden: GoldenData, has_drafts: Callable[[int, int], bool]) -> Results:
    rows, width, turn = range(golden.sequences), DRAFTS + 1, 0
    served = Served.begun(run, golden, rows, width)
    while left := [row for row in rows if served.left(row)]:
        counts = {}
        for row in left:
            accepted = 1 + (turn + row + 1) % width if has_drafts(turn, row) else 1
            counts[row] = min(accepted, served.left(row)), width if has_drafts(turn, row) else 1
        served.verify(counts)
        turn += 1
    return served.results("calls with drafts, some of which are accepted, give other outputs than a single call", rows)


def with_snapshots(run: Run, golden: GoldenData) -> Iterator[Results]:
    """Take a snapshot of the state every few steps, compare it if the golden has its states, and continue from each."""
    require_kept(golden)
    yield from _with_snapshots(run, golden, packed=golden.offsets is not None)
    if golden.offsets is None and golden.sequences > 1:
        try:
            yield from _with_snapshots(run, golden, packed=True)
        except Unsupported:
            return


def _with_snapshots(run: Run, golden: GoldenData, *, packed: bool) -> Iterator[Results]:
    times = [sequence_time(golden, k) for k in range(golden.sequences)]
    every = LONG if max(times) > LONG else SHORT if max(times) >= SHORT else 1
    rows: list[Row] = [(k, range(time)) for k, time in enumerate(times)]
    inputs = inputs_of(golden, rows, Call(snapshot_every=every), golden.stored.states, packed=packed)
    out, last, snapshots = parts_of(golden, run(inputs), 3)
    taken = [(k, step) for k, time in enumerate(times) for step in range(every, time + 1, every)]
    if snapshots.values.shape != (expected := (len(taken), *last.values.shape[1:])):
        raise TypeError(f"snapshots every {every} steps have shape {snapshots.values.shape}; expected {expected}")
    outputs = split(inputs, out)
    by_step: dict[int, dict[int, Float64]] = {}
    for (sequence, step), snapshot in zip(taken, snapshots.values, strict=True):
        by_step.setdefault(step, {})[sequence] = snapshot
    states_at = _states_at(golden, by_step, snapshots.dtype) if has_states(golden) else None
    of_call = (Output(assembled(golden, outputs), out.dtype), last)
    meaning = f"a call with snapshot_every={every} is wrong"
    yield Results(golden, of_call, meaning, seen=snapshots.values, states_at=states_at)
    for step, of_sequences in by_step.items():
        after, ends = list(outputs), np.array(last.values)
        for k, snapshot in of_sequences.items():
            rest, ends[k] = _continued(run, golden, (k, range(step, times[k])), snapshot)
            after[k] = np.concatenate([after[k][:step], rest])
        meaning = f"from the snapshots after {step} steps on, the outputs differ from those of a single call"
        of_rest = (Output(assembled(golden, after), out.dtype), Output(ends, last.dtype))
        yield Results(golden, of_rest, meaning, seen=snapshots.values)


def _states_at(golden: GoldenData, by_step: Mapping[int, Mapping[int, Float64]], dtype: str) -> StatesAt:
    """Return snapshots, by step and sequence, as states after steps."""
    (name,) = golden.layout.states
    if golden.offsets is None:
        return {step: {name: Output(np.stack([*of.values()]), dtype)} for step, of in by_step.items()}
    return {step: {f"{name}_{k}": Output(one, dtype) for k, one in of.items()} for step, of in by_step.items()}


def _continued(run: Run, golden: GoldenData, row: Row, state: Float64) -> tuple[Float64, Float64]:
    """Return the outputs and the last state of some steps of a sequence, from a state."""
    (initial,) = golden.shapes.initial
    if not len(row[1]):
        return np.zeros((0, *golden.stored.expected[golden.layout.outputs[0]].shape[2:])), state
    inputs = inputs_of(golden, [row], states={initial: state[None]})
    out, last = parts_of(golden, run(inputs), 2)
    return split(inputs, out)[0], last.values[0]


def with_padding(run: Run, golden: GoldenData) -> Iterator[Results]:
    """Run the sequences as a batch in which each is padded on the left, with a mask; the padding has other steps."""
    times = [sequence_time(golden, k) for k in range(golden.sequences)]
    longest = max(times) + LEFT
    rows = [(k, [(step - longest) % time for step in range(longest)]) for k, time in enumerate(times)]
    mask = np.arange(longest) >= longest - np.array(times)[:, None]
    inputs = inputs_of(golden, rows, Call(mask=mask), golden.stored.states)
    out, last = parts_of(golden, run(inputs), 2)
    own = [of_row[longest - time :] for of_row, time in zip(split(inputs, out), times, strict=True)]
    yield Results(golden, (Output(assembled(golden, own), out.dtype), last), "padding on the left changes the outputs")


def with_empty_sequences(run: Run, golden: GoldenData) -> Iterator[Results]:
    """Run packed sequences with empty ones between them and at the end, which keep their state."""
    count = golden.sequences
    rows: list[Row] = [(k, range(sequence_time(golden, k))) for k in range(count)]
    rows = [(0, ()), rows[0], (0, ()), *rows[1:], (0, ())]
    real = [k for k, (_, steps) in enumerate(rows) if len(steps)]
    stored: Mapping[str, Any] = golden.stored.states
    states = {name: array[[sequence for sequence, _ in rows]] for name, array in stored.items()}
    inputs = inputs_of(golden, rows, states=states, packed=True)
    out, last = parts_of(golden, run(inputs), 2)
    outputs = split(inputs, out)
    (initial,) = golden.shapes.initial
    empty = [k for k in range(len(rows)) if k not in real]
    right = inputs.states[initial].astype(np.float64)[empty]
    is_kept = last.values.shape == (len(rows), *right.shape[1:]) and bool((last.values[empty] == right).all())
    violation = "" if is_kept else "the last state of an empty sequence is not its initial state"
    of_real = Output(assembled(golden, [outputs[k] for k in real]), out.dtype)
    of_last = replace(last, values=last.values[real]) if len(last.values) == len(rows) else last
    meaning = "empty sequences between the others change the outputs"
    yield Results(golden, (of_real, of_last), meaning, violation, None if is_kept else last.values[empty])
