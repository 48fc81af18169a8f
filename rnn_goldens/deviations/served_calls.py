"""Bugs of serving: places in a pool, rows that begin, drafts, snapshots, padding and empty sequences."""

from collections.abc import Callable
from typing import Any

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.cells.runner import Runner, States
from rnn_goldens.deviations.table_rows import table
from rnn_goldens.deviations.wrong_calls import Times, WrongCalls, in_calls, zeros
from rnn_goldens.golden.call import Call
from rnn_goldens.golden.recurrences import RECURRENCES

ONE_STATE = tuple(name for name, of in RECURRENCES.items() if len(of.states) == 1)
"""The recurrences whose states can be in a pool."""


def _index(call: Call, number: int, place: int = 0) -> int:
    assert call.state_indices is not None
    return int(call.state_indices[number] if call.state_indices.ndim == 1 else call.state_indices[number, place])


def _is_pool(call: Call) -> bool:
    return call.state_indices is not None


def _written_unless(is_left_out: Callable[[int], bool]) -> Callable[..., Any]:
    """Return what writes no state to a pool after some numbers of steps."""

    def written(right: Runner, call: Call, number: int, times: Times) -> Any:  # noqa: ANN401 - pairs
        return [] if _is_pool(call) and is_left_out(times[number]) else right.written(call, number, times)

    return written


class _StatesByRow(Runner):
    """Continues each row of a call from the state that the same row of the call before left."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[int, States] = {}
        self.row: int | None = None

    def start(self, call: Call, number: int, times: Times, pool: States) -> States:
        right, self.row = super().start(call, number, times, pool), number if _is_pool(call) else None
        return right if self.row is None else self.rows.get(number, right)

    def computed(self, case: Any, start: States, steps: Array) -> Any:  # noqa: ANN401 - as that of ``Runner``
        found = super().computed(case, start, steps)
        if self.row is not None:
            self.rows[self.row] = {name: array[-1:] for name, array in found[1].items()}
        return found


_PLACES = in_calls("pool", "mixed", "drafts")

PLACES = table(cells=ONE_STATE)(
    place_of_padding_is_last=(
        "Takes the place -1 of a row of padding for the last place of the pool: reads and overwrites it.",
        in_calls("pool", "drafts")(place=lambda _, index, size: index % size),
        {"stands_for": ("flashinfer PR2793", "flashinfer#5042", "sglang PR23353")},
    ),
    place_of_padding_is_first=(
        "Takes the place -1 of a row of padding for place 0 of the pool: reads and overwrites it.",
        in_calls("pool", "drafts")(place=lambda _, index, __: max(index, 0)),
        {"stands_for": ("tokenspeed PR700",)},
    ),
    places_are_rows=(
        "Reads and writes the state of row k at place k, whatever state_indices says.",
        _PLACES(
            read_from=lambda right, call, k, times: k if _is_pool(call) else right.read_from(call, k, times),
            written=lambda right, call, k, times: [(times[k], k)] if _is_pool(call) else right.written(call, k, times),
        ),
    ),
    state_written_to_place_of_row=(
        "Reads states at state_indices, and writes that of row k to place k.",
        _PLACES(
            written=lambda right, call, k, times: [(times[k], k)] if _is_pool(call) else right.written(call, k, times)
        ),
    ),
    place_of_first_row_for_all=(
        "Reads the states of all rows from the place of the first one.",
        _PLACES(
            read_from=lambda right, call, k, times: right.read_from(call, 0 if _is_pool(call) else k, times),
        ),
    ),
    states_kept_by_row=(
        "Continues each row of a call from the state that the same row of the call before left.",
        WrongCalls(("pool",), base=_StatesByRow),
    ),
    state_of_one_step_not_written=(
        "Does not write the state after a call of one step.",
        _PLACES(written=_written_unless(lambda time: time == 1)),
    ),
    state_of_several_steps_not_written=(
        "Does not write the state after a call of several steps.",
        in_calls("mixed", "drafts")(written=_written_unless(lambda time: time > 1)),
    ),
)


def _stale(is_stale: Callable[[int], bool]) -> WrongCalls:
    """Return the use of what lies in its place by a row that begins, after some numbers of steps."""

    def has_state(right: Runner, call: Call, number: int, times: Times) -> bool:
        return right.has_state(call, number, times) or is_stale(times[number])

    return in_calls("mixed")(has_state=has_state)


MIXED = table(cells=ONE_STATE)(
    state_of_row_that_begins_not_zero=(
        "Starts a row that begins from what lies in its place: ignores has_initial_state.",
        in_calls("mixed")(has_state=lambda *_: True),
    ),
    state_of_row_that_begins_with_one_step_not_zero=(
        "Takes a row of one step for one that continues: if it begins, it starts from what lies in its place.",
        _stale(lambda time: time == 1),
        {"stands_for": ("vllm PR50649", "vllm PR32118", "vllm#51562", "vllm PR51483")},
    ),
    state_of_row_that_begins_with_several_steps_not_zero=(
        "Takes a row of several steps for one that continues: if it begins, it starts from what lies in its place.",
        _stale(lambda time: time > 1),
    ),
    has_initial_state_of_first_row_for_all=(
        "Takes all rows to begin if the first one does.",
        in_calls("mixed")(has_state=lambda right, call, _, times: right.has_state(call, 0, times)),
    ),
    state_of_one_step_beside_several_not_written=(
        "Does not write the state of a row of one step in a call with longer rows.",
        in_calls("mixed")(
            written=lambda right, call, k, times: (
                [] if _is_pool(call) and times[k] == 1 < max(times) else right.written(call, k, times)
            )
        ),
    ),
)


def _last_step_only(right: Runner, call: Call, number: int, times: Times) -> Any:  # noqa: ANN401 - pairs
    if call.num_accepted_tokens is None:
        return right.written(call, number, times)
    return [(times[number], _index(call, number))]


def _one_later(right: Runner, call: Call, number: int, times: Times) -> Any:  # noqa: ANN401 - pairs
    found = list(right.written(call, number, times))
    if call.num_accepted_tokens is None:
        return found
    return [(step - 1, place) for step, place in found]


def _accepted(change: Callable[[int, int], int]) -> WrongCalls:
    """Return another number of accepted steps, from the right one and the number of places."""

    def accepted(right: Runner, call: Call, number: int) -> int:
        assert call.state_indices is not None
        return change(right.accepted(call, number), call.state_indices.shape[1])

    return in_calls("drafts")(accepted=accepted)


DRAFTS = table(cells=ONE_STATE)(
    rejected_drafts_kept=(
        "Keeps one state for each sequence, that after the last drafted step: rejected drafts stay in it.",
        in_calls("drafts")(written=_last_step_only, accepted=lambda *_: 1),
        {"stands_for": ("vllm PR52942", "vllm PR50272", "llama.cpp PR20075")},
    ),
    accepted_drafts_ignored=(
        "Continues from the state after the first step of the call before, however many were accepted.",
        in_calls("drafts")(accepted=lambda *_: 1),
        {"stands_for": ("llama.cpp PR23174",)},
    ),
    accepted_drafts_ignored_without_drafts=(
        "A call without drafts continues from the state after the first step of the call before; one with drafts is "
        "right.",
        in_calls("drafts")(
            read_from=lambda right, call, k, times: (
                right.read_from(call, k, times) if call.num_accepted_tokens is None or times[k] > 1 else _index(call, k)
            )
        ),
        {"stands_for": ("vllm#39273", "vllm PR40738")},
    ),
    one_accepted_draft_too_many=(
        "Continues from the state one step after the last accepted one.",
        _accepted(lambda count, places: min(count + 1, places)),
    ),
    one_accepted_draft_too_few=(
        "Continues from the state one step before the last accepted one.",
        _accepted(lambda count, _: max(count - 1, 1)),
    ),
    accepted_drafts_of_first_row_for_all=(
        "Uses the number of accepted steps of the first row for all rows.",
        in_calls("drafts")(accepted=lambda right, call, _: right.accepted(call, 0)),
        {"stands_for": ("vllm PR55504",)},
    ),
    states_of_drafts_one_step_early=(
        "Writes the state before each drafted step to its place, instead of that after it.",
        in_calls("drafts")(written=_one_later),
    ),
)


def _on_grid_of_all(_: Runner, times: Times, every: int) -> list[tuple[int, int]]:
    """Take snapshot n of a sequence at a multiple of ``every`` steps of all sequences together, in one row."""
    starts, found, before = np.cumsum([0, *times]), list[tuple[int, int]](), 0
    for time in times:
        for number in range(1, time // every + 1):
            flat = (before + number) * every
            k = int(np.searchsorted(starts[1:], flat, side="left"))
            found.append((k, int(flat - starts[k])))
        before += time // every
    return found


def _moved(by: Callable[[int], int]) -> Callable[..., list[tuple[int, int]]]:
    """Return snapshots some steps after the right ones, at most the last state of each sequence."""

    def snapshots(right: Runner, times: Times, every: int) -> list[tuple[int, int]]:
        return [(k, min(step + by(every), times[k])) for k, step in right.snapshots(times, every)]

    return snapshots


SNAPSHOTS = table(make=lambda wrong: in_calls("snapshots")(snapshots=wrong), cells=ONE_STATE)(
    snapshots_on_grid_of_all_sequences=(
        "From the second sequence on, takes snapshots at multiples of snapshot_every steps of all sequences together, "
        "not of its own.",
        _on_grid_of_all,
        {"stands_for": ("vllm#57266", "sglang#31833", "sglang PR33450")},
    ),
    snapshots_of_chunk_before=(
        "Takes the state before each chunk of snapshot_every steps.",
        _moved(lambda every: -every),
    ),
    snapshots_one_step_early=("Takes each snapshot one step early.", _moved(lambda _: -1)),
    snapshots_one_step_late=("Takes each snapshot one step late.", _moved(lambda _: 1)),
    snapshots_of_last_state=(
        "Returns the last state in place of each snapshot.",
        lambda right, times, every: [(k, times[k]) for k, _ in right.snapshots(times, every)],
    ),
)


class _StateBefore(Runner):
    """Leaves the last state of the sequence before in that of an empty one."""

    before: States | None = None

    def start(self, call: Call, number: int, times: Times, pool: States) -> States:
        if number == 0:
            self.before = None
        return super().start(call, number, times, pool)

    def computed(self, case: Any, start: States, steps: Array) -> Any:  # noqa: ANN401 - as that of ``Runner``
        found, states = super().computed(case, start, steps)
        if not case.time and self.before is not None:
            states = self.before
        self.before = {name: array[-1:] for name, array in states.items()}
        return found, states


def _zero_if_empty(right: Runner, case: Any, start: States, steps: Array) -> Any:  # noqa: ANN401
    return right.computed(case, start if case.time else zeros(start), steps)


def _of_first_row(right: Runner, call: Call, _: int, time: int) -> Array:
    return right.updating(call, 0, time)


def _on_the_right(right: Runner, call: Call, number: int, time: int) -> Array:
    return np.arange(len(right.updating(call, number, time)))


PADDING_AND_EMPTY = table(cells=ONE_STATE)(
    last_state_of_empty_sequence_zero=(
        "Does not write the last state of an empty sequence: it is zero, not the initial state.",
        in_calls("empty")(computed=_zero_if_empty),
        {"stands_for": ("vllm PR53731", "flashinfer PR3536"), "needs": ("state",)},
    ),
    last_state_of_empty_sequence_is_that_before=(
        "Returns the last state of the sequence before for an empty one.",
        WrongCalls(("empty",), base=_StateBefore),
    ),
    padding_reaches_state=(
        "Ignores the mask: padding on the left changes the state.",
        in_calls("padding")(updating=lambda _, __, ___, time: np.arange(time)),
        {"stands_for": ("maxtext PR5295",)},
    ),
    mask_of_first_row_for_all=(
        "Uses the mask of the first row for all rows.",
        in_calls("padding")(updating=_of_first_row),
        {"needs": ("sequences",)},
    ),
    padding_on_the_right=(
        "Takes the padding to be on the right: runs as many steps as the mask has, from the first one on.",
        in_calls("padding")(updating=_on_the_right),
    ),
)
