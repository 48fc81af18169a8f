"""Bugs of all recurrences: initial and last states, borders of batch rows and of packed sequences, tiled groups."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.cells.recurrence import RecurrenceCase, packed, run
from rnn_goldens.deviations.needs import sequence_count
from rnn_goldens.deviations.recurrences.edits import (
    ATTENTION,
    CELLS,
    CHUNK,
    GATED,
    Change,
    Edit,
    Outputs,
    Wrong,
    for_each_chunk_size,
)
from rnn_goldens.deviations.table_rows import table
from rnn_goldens.golden.stored_arrays import sequence_slices

WITH_HEADS = (*ATTENTION, "slstm")


def _part(case: RecurrenceCase, start: int, stop: int) -> RecurrenceCase:
    """Return the case with some of its time steps."""
    return replace(case, inputs={name: array[:, start:stop] for name, array in case.inputs.items()})


def _run(case: RecurrenceCase) -> Outputs:
    """Run a case that may have no time steps."""
    if case.time:
        return run(case)
    recurrence = case.config.recurrence
    shapes = {
        name: (len(next(iter(case.inputs.values()))), 0, *case.config.shape(axes))
        for name, axes in case.config.outputs.items()
    }
    dtype = next(iter(case.inputs.values())).dtype
    outputs: Outputs = {name: np.zeros(shape, dtype) for name, shape in shapes.items()}
    return outputs | {f"{name}_n": case.states[f"{name}0"] for name in recurrence.compared}


def in_two_parts(case: RecurrenceCase, border: int, first: Wrong, second: Wrong) -> Outputs:
    """Run the steps before a border in one way, and the others, from the states there, in another way."""
    before = first(_part(case, 0, border))
    if case.time <= border:
        return before
    states = {f"{name}0": before[f"{name}_n"] for name in case.config.recurrence.states}
    after = second(replace(_part(case, border, case.time), states=states))
    outputs = case.config.recurrence.outputs
    return after | {name: np.concatenate([before[name], after[name]], axis=1) for name in outputs}


def _in_states(change: Change) -> Edit:
    """Return a change of each initial state: an array (sequences, …)."""
    return Edit(
        lambda case: case.with_arrays(**{name: change(array) for name, array in case.states.items()}),
        takes_packed=True,
    )


def _in_last_states(change: Change) -> Edit:
    """Return a change of each last state: an array (sequences, …)."""
    return Edit(
        outputs=lambda _, found: {n: change(array) if n.endswith("_n") else array for n, array in found.items()},
        takes_packed=True,
    )


def _one_step(case: RecurrenceCase) -> Outputs:
    if not case.state_given:
        return run(case)
    found = run(_part(case, 0, 1))
    outputs = {name: np.repeat(found[name], case.time, axis=1) for name in case.config.recurrence.outputs}
    return found | outputs


def _from_row_before(case: RecurrenceCase) -> Outputs:
    """Run the rows of a batch one after the other, without resetting the state."""
    rows, time = len(next(iter(case.inputs.values()))), case.time
    joined = {name: array.reshape(1, rows * time, *array.shape[2:]) for name, array in case.inputs.items()}
    offsets = np.arange(rows + 1) * time
    found = _over_borders(replace(case, inputs=joined, offsets=offsets))
    outputs = {name: found[name].reshape(rows, time, *found[name].shape[2:]) for name in case.config.recurrence.outputs}
    return found | outputs


def tiled(axis: str, groups: str) -> Edit:
    """Return the bug in which place k of an axis reads group k % groups instead of k // (places // groups)."""

    def order(case: RecurrenceCase) -> Array:
        return np.arange(case.config[axis]).reshape(-1, case.config.get(groups, 1)).T.ravel()

    def changed(case: RecurrenceCase) -> RecurrenceCase:
        of_inputs, of_weights, places = case.config.inputs, case.config.recurrence.weights, order(case)
        inputs = {n: array.take(places, 2) for n, array in case.inputs.items() if of_inputs[n].startswith(axis)}
        weights = {n: array.take(places, 0) for n, array in case.weights.items() if of_weights[n].startswith(axis)}
        states = {name: array.take(places, 1) for name, array in case.states.items()}
        return case.with_arrays(**inputs, **weights, **states)

    def outputs(case: RecurrenceCase, found: Outputs) -> Outputs:
        if groups not in case.config:
            return found
        back, steps = np.argsort(order(case)), case.config.outputs
        return {name: array.take(back, 2 if name in steps else 1) for name, array in found.items()}

    return Edit(changed, outputs=outputs)


STATES = table(make=_in_states, cells=CELLS)(
    past_state_ignored=(
        "Ignores the initial state.",
        np.zeros_like,
        {
            "needs": ("state",),
            "stands_for": (
                *("flash-linear-attention#285", "flash-linear-attention#494", "mamba#641", "sparkinfer PR1071"),
            ),
        },
    ),
    past_state_of_one_sequence_ignored=(
        "Ignores the initial state if there is only one sequence.",
        lambda array: np.zeros_like(array) if len(array) == 1 else array,
        {"needs": ("state", "one_sequence"), "stands_for": ("vllm PR22034",)},
    ),
    past_state_of_first_sequence_for_all=(
        "Uses the initial state of the first sequence for all sequences.",
        lambda array: np.broadcast_to(array[:1], array.shape),
        {"needs": ("state", "sequences")},
    ),
    one_step_after_past_state=(
        "Takes only one step if an initial state is given, and returns its output at all steps.",
        Edit(wrong=_one_step),
        {"needs": ("state", "several_steps"), "stands_for": ("transformers#46032", "transformers PR46741")},
    ),
    past_state_added_twice=(
        "Adds the initial state twice.",
        lambda array: 2 * array,
        {"needs": ("state",), "cells": tuple(cell for cell in CELLS if cell != "slstm")},
    ),
    past_state_read_heads_first=(
        "Reads the memory of the initial state as (heads, sequences, …): exchanges the strides of both axes.",
        lambda state: state.reshape(state.shape[1], state.shape[0], *state.shape[2:]).swapaxes(0, 1),
        {"needs": ("state", "sequences", "several_heads"), "cells": WITH_HEADS},
    ),
    last_state_written_heads_first=(
        "Writes the last state to memory as (heads, sequences, …): exchanges the strides of both axes.",
        _in_last_states(lambda state: state.swapaxes(0, 1).reshape(state.shape)),
        {"needs": ("sequences", "several_heads"), "cells": WITH_HEADS},
    ),
    last_state_one_step_early=(
        "Returns the state before the last step.",
        Edit(wrong=lambda case: run(case) | _last_of([_run(_part(case, 0, case.time - 1))])),
    ),
    state_not_reset_between_rows=(
        "Starts each row of a batch from the last state of the row before.",
        Edit(wrong=_from_row_before),
        {"needs": ("rows",), "stands_for": ("tpu-inference PR2431", "vllm#51562")},
    ),
)


def _over_borders(case: RecurrenceCase) -> Outputs:
    """Run packed sequences as one, from the first initial state."""
    assert case.offsets is not None
    states = {name: array[:1] for name, array in case.states.items()}
    whole = replace(case, offsets=None, states=states)
    found = [run(_part(whole, 0, int(stop))) for stop in case.offsets[1:]]
    return _last_of(found) | {name: found[-1][name] for name in case.config.recurrence.outputs}


def _last_of(found: Sequence[Outputs]) -> Outputs:
    return {name: np.concatenate([one[name] for one in found], axis=0) for name in found[0] if name.endswith("_n")}


def _reset_late(case: RecurrenceCase) -> Outputs:
    if case.offsets is None:
        return run(case)
    outputs, last = [], []
    for k, (one, steps) in enumerate(zip(case.sequences(), sequence_slices(case.offsets), strict=True)):
        first = 0 if k == 0 else 1
        is_last = k == sequence_count(case) - 1
        longer = replace(case, offsets=None, states=one.states)
        outputs.append(_run(_part(longer, steps.start + first, steps.stop + (not is_last))))
        last.append(_run(_part(one, min(first, one.time), one.time)))
    return packed(outputs, case.config) | _last_of(last)


def _without_last_step(case: RecurrenceCase) -> Outputs:
    found = _run(_part(case, 0, case.time - 1))
    for name in case.config.recurrence.outputs:
        found[name] = np.pad(found[name], [(0, int(axis == 1)) for axis in range(found[name].ndim)])
    return found


def _on_grid(size: int) -> Wrong:
    def wrong(case: RecurrenceCase) -> Outputs:
        if case.offsets is None:
            return run(case)
        found = []
        for one, steps in zip(case.sequences(), sequence_slices(case.offsets), strict=True):
            before = case.inputs["g"][0, steps.start - steps.start % size : steps.start].sum(axis=0)
            decay = np.exp(before).reshape(case.config["heads"], -1, 1)
            found.append(run(one.with_arrays(S0=decay * one.states["S0"])))
        return packed(found, case.config)

    return wrong


def _late(start: int, stop: int) -> Wrong:
    """Return the bug in which packed sequences start and stop some steps late.

    A step has the output of the sequence that runs over it: of two, its own; zero if there is none.
    """

    def wrong(case: RecurrenceCase) -> Outputs:
        sequences, right = case.sequences(), run(case)
        if case.offsets is None or len(sequences) == 1:
            return right
        own, found = sequence_slices(case.offsets), list[Outputs]()
        outputs = {output: np.zeros_like(right[output]) for output in case.config.recurrence.outputs}
        runs = [slice(max(0, steps.start + start), min(steps.stop + stop, case.time)) for steps in own]
        for one, of in zip(sequences, runs, strict=True):
            found.append(_run(_part(replace(case, offsets=None, states=one.states), of.start, of.stop)))
        for is_own in (False, True):
            for part, of, steps in zip(found, runs, own, strict=True):
                to = slice(max(of.start, steps.start), min(of.stop, steps.stop)) if is_own else of
                for output, array in outputs.items():
                    array[:, to] = part[output][:, to.start - of.start : to.stop - of.start]
        return outputs | _last_of(found)

    return wrong


PACKED = table(make=lambda wrong: Edit(wrong=wrong, takes_packed=True), cells=CELLS)(
    borders_of_packed_sequences_ignored=(
        "Runs packed sequences as one, so that the state of a sequence reaches the next one.",
        lambda case: run(case) if case.offsets is None else _over_borders(case),
        {"needs": ("packed",), "stands_for": ("prime-rl#3000", "Automodel PR2147", "SkyRL PR2056")},
    ),
    past_states_of_later_sequences_ignored=(
        "Uses the initial state of the first sequence, and zero for the others.",
        _in_states(lambda array: np.concatenate([array[:1], np.zeros_like(array[1:])])),
        {"needs": ("state", "sequences")},
    ),
    state_reset_one_step_late=(
        "Starts each packed sequence but the first at its second step: the first one still has the state before it.",
        _reset_late,
        {"needs": ("packed",), "stands_for": ("PufferLib#622",)},
    ),
    last_step_of_sequence_dropped=(
        "Drops the last step of each sequence: its output is zero and the last state does not see it.",
        Edit(wrong=_without_last_step),
    ),
    last_state_of_last_sequence_for_all=(
        "Returns the last state of the last sequence for all sequences.",
        _in_last_states(lambda array: np.broadcast_to(array[-1:], array.shape)),
        {"needs": ("sequences",)},
    ),
    past_state_of_sequence_before=(
        "Reads the initial state of the sequence before; the first sequence reads that of the last.",
        _in_states(lambda array: np.roll(array, 1, axis=0)),
        {"needs": ("state", "sequences")},
    ),
    last_state_of_sequence_before=(
        "Writes each last state where that of the next sequence belongs; that of the last comes first.",
        _in_last_states(lambda array: np.roll(array, 1, axis=0)),
        {"needs": ("sequences",)},
    ),
    **for_each_chunk_size(
        "decay_sums_from_start_of_packed_chunk",
        "Decays the initial state of a packed sequence from the start of its chunk of {} steps, not its own.",
        _on_grid,
        lambda size: {
            "cells": GATED,
            "needs": ("state", "packed"),
            "stands_for": ("vllm PR23279",) if size == CHUNK else (),
        },
    ),
    **{
        f"packed_sequences_{how}_{when}": (
            f"{verb} each packed sequence one step {when}: {effect}.",
            _late(start, stop),
            {"needs": ("packed",)},
        )
        for how, verb, when, effect, start, stop in (
            ("start", "Starts", "early", "its state sees the last step of the sequence before", -1, 0),
            ("start", "Starts", "late", "its first output is zero, and its state does not see that step", 1, 0),
            ("stop", "Stops", "early", "its last output is zero, and its state does not see that step", 0, -1),
            ("stop", "Stops", "late", "its last state sees the first step of the next sequence", 0, 1),
            ("shifted", "Starts and stops", "early", "its last step belongs to the next sequence", -1, -1),
            ("shifted", "Starts and stops", "late", "its first step belongs to the sequence before", 1, 1),
        )
    },
)
