"""Bugs in what is kept between calls: single calls are right, and wrong states are read or written between them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnn_goldens.cells import Array, outputs
from rnn_goldens.cells.network import AnyCase
from rnn_goldens.cells.runner import Runner, States
from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.deviations.table_rows import table
from rnn_goldens.deviations.wrong_pass import WrongPass, overriding
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.call import Call
from rnn_goldens.golden.data import InputsData
from rnn_goldens.golden.recurrences import RECURRENCES

ANY = (*CELLS, *RECURRENCES)
ONE_STATE = tuple(name for name, of in RECURRENCES.items() if len(of.states) == 1)
"""The recurrences whose states can be in a pool."""

LSTM = ("lstm",)

Times = Sequence[int]


@dataclass(frozen=True, eq=False)
class WrongCalls(WrongPass):
    """A wrong runner: functions that replace methods of ``Runner``, or a class that overrides them.

    Attributes:
        calls: the call patterns that detect it.
        methods: the functions by name of the method.
        base: the class whose methods they replace.
    """

    calls: tuple[str, ...]
    methods: dict[str, Callable[..., Any]] = field(default_factory=dict)
    base: type[Runner] = Runner

    def outputs_by_name(self, case: AnyCase) -> dict[str, Array]:
        """Return the outputs of a single call, which are right."""
        return outputs(case)

    def runner(self) -> Runner:
        """Return a wrong runner before its first call."""
        wrong: Runner = overriding(self.base, self.methods)()
        return wrong


def _in_calls(*patterns: str) -> Callable[..., WrongCalls]:
    return lambda **methods: WrongCalls(patterns, methods)


def _zeros(states: States, *names: str) -> States:
    return {n: np.zeros_like(array) if not names or n in names else array for n, array in states.items()}


def _upper_zero(states: States) -> States:
    zeros = _zeros(states)
    for name, array in states.items():
        zeros[name][:1] = array[:1]  # of the first layer, the only one of a forward direction
    return zeros


def _not_reset(*names: str) -> Callable[..., States]:
    """Return what starts a call from the states of the last one, too, if none are given."""

    def states(right: Runner, inputs: InputsData) -> States:
        before, kept = right.states(inputs), right.last()
        is_pool = inputs.call.state_indices is not None
        if inputs.call.continues or inputs.given_states or is_pool or not kept:
            return before
        fits = all(kept[name].shape == array.shape for name, array in before.items())
        return {n: kept[n] if not names or n in names else array for n, array in before.items()} if fits else before

    return states


_SINGLE_STEPS = ("steps", "pool")
_CONTINUED = ("chunks", "stateful", "mixed", "drafts", "snapshots")

CONTINUED = table(cells=ANY)(
    state_of_call_before_ignored=(
        "Starts each call from zero, also one that continues another.",
        _in_calls(*_SINGLE_STEPS, *_CONTINUED)(given=lambda _, states, __: _zeros(states)),
    ),
    state_ignored_by_several_steps=(
        "Starts a call of several steps from zero; a call of one step uses the state.",
        _in_calls(*_CONTINUED)(given=lambda _, states, time: _zeros(states) if time > 1 else states),
        {"stands_for": ("transformers PR45513", "transformers#46190")},
    ),
    kept_state_ignored_by_several_steps=(
        "Starts a call of several steps that continues another from zero; from a given state it starts right.",
        _in_calls("stateful")(
            states=lambda right, inputs: (
                _zeros(right.states(inputs)) if inputs.call.continues and inputs.time > 1 else right.states(inputs)
            )
        ),
        {"stands_for": ("transformers#31909",)},
    ),
    state_ignored_by_one_step=(
        "Starts a call of one step from zero; a call of several steps uses the state.",
        _in_calls(*_SINGLE_STEPS, *_CONTINUED)(given=lambda _, states, time: _zeros(states) if time == 1 else states),
    ),
    state_not_reset=(
        "Keeps the state over a reset: a call without an initial state continues the last call.",
        _in_calls("stateful", "twice")(states=_not_reset()),
    ),
)

OF_NETWORKS = table()(
    c_of_call_before_ignored=(
        "Starts each call from c = 0, also one that continues another; h is kept.",
        _in_calls("chunks", "steps", "stateful")(given=lambda _, states, __: _zeros(states, "c0")),
        {"cells": LSTM},
    ),
    h_of_call_before_ignored=(
        "Starts each call from h = 0, also one that continues another; c is kept.",
        _in_calls("chunks", "steps", "stateful")(given=lambda _, states, __: _zeros(states, "h0")),
        {"cells": LSTM},
    ),
    c_not_reset=(
        "Resets h only: a call without an initial state continues from the last c.",
        _in_calls("stateful", "twice")(states=_not_reset("c0")),
        {"cells": LSTM},
    ),
    states_of_upper_layers_not_kept=(
        "Keeps the states of the first layer only; the others start each call from zero.",
        _in_calls("chunks", "steps", "stateful")(given=lambda _, states, __: _upper_zero(states)),
        {"needs": ("multilayer",)},
    ),
)

# Places in a pool.


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


_PLACES = _in_calls("pool", "mixed", "drafts")

PLACES = table(cells=ONE_STATE)(
    place_of_padding_is_last=(
        "Takes the place -1 of a row of padding for the last place of the pool: reads and overwrites it.",
        _in_calls("pool")(place=lambda _, index, size: index % size),
        {"stands_for": ("flashinfer PR2793", "flashinfer#5042", "sglang PR23353")},
    ),
    place_of_padding_is_first=(
        "Takes the place -1 of a row of padding for place 0 of the pool: reads and overwrites it.",
        _in_calls("pool")(place=lambda _, index, __: max(index, 0)),
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
        WrongCalls(("pool", "mixed"), base=_StatesByRow),
    ),
    state_of_one_step_not_written=(
        "Does not write the state after a call of one step.",
        _PLACES(written=_written_unless(lambda time: time == 1)),
    ),
    state_of_several_steps_not_written=(
        "Does not write the state after a call of several steps.",
        _in_calls("mixed", "drafts")(written=_written_unless(lambda time: time > 1)),
    ),
)


def _stale(right: Runner, call: Call, number: int, times: Times) -> bool:
    return right.has_state(call, number, times) or times[number] == 1


MIXED = table(cells=ONE_STATE)(
    state_of_row_that_begins_not_zero=(
        "Starts a row that begins from what lies in its place: ignores has_initial_state.",
        _in_calls("mixed")(has_state=lambda *_: True),
    ),
    state_of_row_that_begins_with_one_step_not_zero=(
        "Takes a row of one step for one that continues: if it begins, it starts from what lies in its place.",
        _in_calls("mixed")(has_state=_stale),
        {"stands_for": ("vllm PR50649", "vllm PR32118", "vllm#51562", "vllm PR51483")},
    ),
    has_initial_state_of_first_row_for_all=(
        "Takes all rows to begin if the first one does.",
        _in_calls("mixed")(has_state=lambda right, call, _, times: right.has_state(call, 0, times)),
    ),
    state_of_one_step_beside_several_not_written=(
        "Does not write the state of a row of one step in a call with longer rows.",
        _in_calls("mixed")(
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

    return _in_calls("drafts")(accepted=accepted)


DRAFTS = table(cells=ONE_STATE)(
    rejected_drafts_kept=(
        "Keeps one state for each sequence, that after the last drafted step: rejected drafts stay in it.",
        _in_calls("drafts")(written=_last_step_only, accepted=lambda *_: 1),
        {"stands_for": ("vllm PR52942", "vllm PR50272", "llama.cpp PR20075")},
    ),
    accepted_drafts_ignored=(
        "Continues from the state after the first step of the call before, however many were accepted.",
        _in_calls("drafts")(accepted=lambda *_: 1),
        {"stands_for": ("llama.cpp PR23174",)},
    ),
    accepted_drafts_ignored_without_drafts=(
        "A call without drafts continues from the state after the first step of the call before; one with drafts is "
        "right.",
        _in_calls("drafts")(
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
        _in_calls("drafts")(accepted=lambda right, call, _: right.accepted(call, 0)),
        {"stands_for": ("vllm PR55504",)},
    ),
    states_of_drafts_one_step_early=(
        "Writes the state before each drafted step to its place, instead of that after it.",
        _in_calls("drafts")(written=_one_later),
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
    def snapshots(right: Runner, times: Times, every: int) -> list[tuple[int, int]]:
        return [(k, step - by(every)) for k, step in right.snapshots(times, every)]

    return snapshots


SNAPSHOTS = table(make=lambda wrong: _in_calls("snapshots")(snapshots=wrong), cells=ONE_STATE)(
    snapshots_on_grid_of_all_sequences=(
        "From the second sequence on, takes snapshots at multiples of snapshot_every steps of all sequences together, "
        "not of its own.",
        _on_grid_of_all,
        {"stands_for": ("vllm#57266", "sglang#31833", "sglang PR33450")},
    ),
    snapshots_of_chunk_before=("Takes the state before each chunk of snapshot_every steps.", _moved(lambda n: n)),
    snapshots_one_step_early=("Takes each snapshot one step early.", _moved(lambda _: 1)),
    snapshots_of_last_state=(
        "Returns the last state in place of each snapshot.",
        lambda right, times, every: [(k, times[k]) for k, _ in right.snapshots(times, every)],
    ),
)


class _StateBefore(Runner):
    """Leaves the last state of the sequence before in that of an empty one."""

    before: States | None = None

    def computed(self, case: Any, start: States, steps: Array) -> Any:  # noqa: ANN401 - as that of ``Runner``
        found, states = super().computed(case, start, steps)
        if not case.time and self.before is not None:
            states = self.before
        self.before = {name: array[-1:] for name, array in states.items()}
        return found, states


def _zero_if_empty(right: Runner, case: Any, start: States, steps: Array) -> Any:  # noqa: ANN401
    return right.computed(case, start if case.time else _zeros(start), steps)


def _of_first_row(right: Runner, call: Call, _: int, time: int) -> Array:
    return right.updating(call, 0, time)


def _on_the_right(right: Runner, call: Call, number: int, time: int) -> Array:
    return np.arange(len(right.updating(call, number, time)))


PADDING_AND_EMPTY = table(cells=ONE_STATE)(
    last_state_of_empty_sequence_zero=(
        "Does not write the last state of an empty sequence: it is zero, not the initial state.",
        _in_calls("empty")(computed=_zero_if_empty),
        {"stands_for": ("vllm PR53731", "flashinfer PR3536"), "needs": ("state",)},
    ),
    last_state_of_empty_sequence_is_that_before=(
        "Returns the last state of the sequence before for an empty one.",
        WrongCalls(("empty",), base=_StateBefore),
    ),
    padding_reaches_state=(
        "Ignores the mask: padding on the left changes the state.",
        _in_calls("padding")(updating=lambda _, __, ___, time: np.arange(time)),
        {"stands_for": ("maxtext PR5295",)},
    ),
    mask_of_first_row_for_all=(
        "Uses the mask of the first row for all rows.",
        _in_calls("padding")(updating=_of_first_row),
        {"needs": ("sequences",)},
    ),
    padding_on_the_right=(
        "Takes the padding to be on the right: runs as many steps as the mask has, from the first one on.",
        _in_calls("padding")(updating=_on_the_right),
    ),
)

FAMILIES: dict[str, tuple[Deviation, ...]] = {
    "continued calls": (*CONTINUED, *OF_NETWORKS),
    "pools of states": (*PLACES, *MIXED),
    "drafts": DRAFTS,
    "snapshots, padding and empty sequences": (*SNAPSHOTS, *PADDING_AND_EMPTY),
}

CALLS = tuple(deviation for family in FAMILIES.values() for deviation in family)
"""All bugs between calls."""
