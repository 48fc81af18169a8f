"""Time steps that are shifted, reversed or skipped; batch rows that are mixed up; axes that are confused or lost."""

from dataclasses import replace

import numpy as np

from rnn_goldens.cells import Array, Case, Network
from rnn_goldens.deviations.alteration import (
    FORWARD,
    Outputs,
    at_the_end,
    in_out,
    in_outputs,
    in_steps,
    in_unrolled,
    in_x,
)
from rnn_goldens.deviations.lengths import beyond
from rnn_goldens.deviations.table_rows import table


def _shifted(array: Array, by: int) -> Array:
    """Shift along the time axis and fill with zeros."""
    moved = np.roll(array, by, axis=1)
    moved[:, slice(by) if by > 0 else slice(by, None)] = 0
    return moved


def _of_step_before(start: Array, out: Array, lengths: Array) -> Array:
    return np.where(beyond(out, lengths), 0, np.concatenate([start[:, None], out[:, :-1]], axis=1))


TIME = table()(
    x_reversed=("Visits the time steps of x in reverse order.", in_x(lambda x: x[:, ::-1])),
    x_late=("Feeds x of the previous step: x_{t-1} at t, and zeros first.", in_x(lambda x: _shifted(x, 1))),
    x_early=("Feeds x of the next step: x_{t+1} at t, and zeros last.", in_x(lambda x: _shifted(x, -1))),
    first_x_everywhere=("Feeds the first step's x at every step.", in_x(lambda x: np.broadcast_to(x[:, :1], x.shape))),
    last_step_skipped=(
        "Ends one step early: x's last step is never visited.",
        in_steps(times=lambda _, time, *, reverse: range(time - 2, -1, -1) if reverse else range(time - 1)),
    ),
    last_step_skipped_in_reverse=(
        "Ends one step early in the reverse direction: x's first step is never visited there.",
        in_steps(times=lambda _, time, *, reverse: range(time - 1, 0, -1) if reverse else range(time)),
        {"needs": ("bidirectional",)},
    ),
    first_step_skipped=(
        "Starts at the second step: x's first step is never visited.",
        in_steps(times=lambda _, time, *, reverse: range(time - 1, 0, -1) if reverse else range(1, time)),
    ),
    out_of_step_before=(
        "Outputs the state before each step instead of after it, in the forward direction.",
        in_unrolled(lambda out, last, start, lengths: (_of_step_before(start[0], out, lengths), last), FORWARD),
    ),
    out_reversed=("Returns out with the time steps in reverse order.", in_out(lambda out: out[:, ::-1])),
    out_is_last_step_everywhere=(
        "Outputs the last state at every step.",
        in_unrolled(lambda out, last, _, lengths: (np.where(beyond(out, lengths), 0, last[0][:, None]), last)),
    ),
    out_of_last_step_only=("Returns out of the last step only, without a time axis.", in_out(lambda out: out[:, -1])),
    every_other_step_skipped=(
        "Visits every second time step only.",
        in_steps(times=lambda _, time, *, reverse: range(0, time, 2)[:: -1 if reverse else 1]),
    ),
)


def _exchanged(right: Network, case: Case) -> Outputs:
    batch, time = case.x.shape[:2]
    state = tuple(part[:, np.arange(time) % batch] for part in case.state)
    out, *last = right.run(replace(case, x=case.x.swapaxes(0, 1), state=state, lengths=None))
    return out.swapaxes(0, 1), *last


def _time_major_by_reshape(x: Array) -> Array:
    batch, time, size = x.shape
    return x.reshape(time, batch, size).swapaxes(0, 1)


def _batch_first_by_reshape(out: Array) -> Array:
    return out.swapaxes(0, 1).reshape(out.shape)


def _both_by_reshape(right: Network, case: Case) -> Outputs:
    out, *last = right.run(replace(case, x=_time_major_by_reshape(case.x)))
    return _batch_first_by_reshape(out), *last


def _mirrored(case: Case, outputs: Outputs) -> Outputs:
    out, *last = outputs
    by_direction = out.reshape(*out.shape[:2], case.config.num_directions, -1)
    return by_direction[..., ::-1].reshape(out.shape), *(part[..., ::-1] for part in last)


BATCH = table(
    make=in_outputs
)(
    batch_and_time_exchanged=(
        "Treats x's batch axis as time and its time axis as the batch.",
        in_steps(run=_exchanged),
    ),
    x_reshaped_to_time_major=(
        "Reshapes x to time-major: right shape, values of other rows and steps.",
        in_x(_time_major_by_reshape),
    ),
    out_reshaped_to_batch_first=(
        "Reshapes out to batch-first: right shape, values of other rows and steps.",
        in_out(_batch_first_by_reshape),
    ),
    x_and_out_taken_for_time_major=(
        "Treats the memory of x and of out as time-major: a step starts from the state of another row or time.",
        in_steps(run=_both_by_reshape),
    ),
    out_time_major=("Returns out as (time, batch, …).", in_out(lambda out: out.swapaxes(0, 1))),
    out_merges_time_and_units=("Returns out as (batch, time·units).", in_out(lambda out: out.reshape(len(out), -1))),
    out_squeezed=(
        "Squeezes out: removes axes of size 1, whether batch, time or units.",
        at_the_end(lambda _, outputs: (outputs[0].squeeze(), *outputs[1:])),
    ),
    h_n_squeezed=(
        "Squeezes the last states: removes axes of size 1, whether layers, batch or units.",
        at_the_end(lambda _, outputs: (outputs[0], *(part.squeeze() for part in outputs[1:]))),
    ),
    unbatched_kept_as_batch=(
        "Returns a batch of one for unbatched input.",
        at_the_end(
            lambda case, outputs: (
                outputs
                if case.x.ndim > 2  # noqa: PLR2004 - not (time, input)
                else (outputs[0][None], *(part[:, None] for part in outputs[1:]))
            )
        ),
        {"needs": ("unbatched",)},
    ),
    x_of_first_row=("Feeds every batch row the first row's x.", in_x(lambda x: np.broadcast_to(x[:1], x.shape))),
    rows_reversed=(
        "Returns the batch rows in reverse order.",
        lambda _, outputs: (outputs[0][::-1], *(part[:, ::-1] for part in outputs[1:])),
    ),
    units_reversed=("Returns the units of each direction in reverse order, in out and in the last states.", _mirrored),
    out_of_first_row_for_all=(
        "Returns the first row's out for every batch row.",
        in_out(lambda out: np.broadcast_to(out[:1], out.shape)),
    ),
)
