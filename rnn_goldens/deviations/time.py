"""Time steps that are shifted, reversed or skipped."""

from dataclasses import replace

import numpy as np

from rnn_goldens.cells import Array, State
from rnn_goldens.deviations.alteration import FORWARD, Alteration, in_case, in_out, in_steps, in_unrolled
from rnn_goldens.deviations.table import table


def _shifted(array: Array, by: int) -> Array:
    """Shift along the time axis and fill with zeros."""
    moved = np.roll(array, by, axis=1)
    moved[:, slice(by) if by > 0 else slice(by, None)] = 0
    return moved


def _of_step_before(start: Array, out: Array, lengths: Array) -> Array:
    before = np.concatenate([start[:, None], out[:, :-1]], axis=1)
    return np.where(np.arange(out.shape[1])[:, None] < lengths[:, None, None], before, 0)


def _last_step_everywhere(out: Array, last: State, _start: State, lengths: Array) -> tuple[Array, State]:
    within = np.arange(out.shape[1])[:, None] < lengths[:, None, None]
    return np.where(within, last[0][:, None], 0), last


def _in_x(by: int) -> Alteration:
    return in_case(lambda case: replace(case, x=_shifted(case.x, by)))


DEVIATIONS = table()(
    x_reversed=("Visits the time steps of x in reverse order.", in_case(lambda case: replace(case, x=case.x[:, ::-1]))),
    x_late=("Feeds x of the previous step: x_{t-1} at t, and zeros first.", _in_x(1)),
    x_early=("Feeds x of the next step: x_{t+1} at t, and zeros last.", _in_x(-1)),
    first_x_everywhere=(
        "Feeds the first step's x at every step.",
        in_case(lambda case: replace(case, x=np.broadcast_to(case.x[:, :1], case.x.shape))),
    ),
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
    out_is_last_step_everywhere=("Outputs the last state at every step.", in_unrolled(_last_step_everywhere)),
    out_of_last_step_only=("Returns out of the last step only, without a time axis.", in_out(lambda out: out[:, -1])),
    every_other_step_skipped=(
        "Visits every second time step only.",
        in_steps(times=lambda _, time, *, reverse: range(0, time, 2)[:: -1 if reverse else 1]),
    ),
)
