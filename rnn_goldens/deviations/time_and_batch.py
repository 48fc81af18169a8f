"""Time steps, batch rows and axes that are mixed up or lost; last states taken from, or stored in, the wrong place."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from rnn_goldens.cells import Array, Case, Network, State
from rnn_goldens.deviations.alteration import (
    FORWARD,
    REVERSE,
    Alteration,
    Outputs,
    at_the_end,
    by_layer,
    direction,
    in_last_states,
    in_network,
    in_out,
    in_outputs,
    in_steps,
    in_unrolled,
    in_x,
)
from rnn_goldens.deviations.lengths import beyond
from rnn_goldens.deviations.states import selected
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
        {"stands_for": ("openvino#37820", "pytorch PR11368")},
    ),
    x_reshaped_to_time_major=(
        "Reshapes x to time-major: right shape, values of other rows and steps.",
        in_x(_time_major_by_reshape),
    ),
    out_reshaped_to_batch_first=(
        "Reshapes out to batch-first: right shape, values of other rows and steps.",
        in_out(_batch_first_by_reshape),
        {"stands_for": ("keras-onnx#126",)},
    ),
    x_and_out_taken_for_time_major=(
        "Treats the memory of x and of out as time-major: a step starts from the state of another row or time.",
        in_steps(run=_both_by_reshape),
        {"stands_for": ("AiDotNet.Tensors PR907",)},
    ),
    out_time_major=("Returns out as (time, batch, …).", in_out(lambda out: out.swapaxes(0, 1))),
    out_merges_time_and_units=(
        "Returns out as (batch, time·units).",
        in_out(lambda out: out.reshape(len(out), -1)),
        {"stands_for": ("candle PR2542",)},
    ),
    out_squeezed=(
        "Squeezes out: removes axes of size 1, whether batch, time or units.",
        at_the_end(lambda _, outputs: (outputs[0].squeeze(), *outputs[1:])),
        {"stands_for": ("pytorch-qrnn#11", "pytext PR658")},
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


LSTM = ("lstm",)


def _h_of_step(at: int) -> Alteration:
    return in_unrolled(lambda out, last, _start, _lengths: (out, (out[:, at], *last[1:])), FORWARD)


def _one_step_early(out: Array, last: State, start: State, lengths: Array) -> tuple[Array, State]:
    before = np.concatenate([start[0][:, None], out], axis=1)[np.arange(len(out)), lengths - 1]
    return out, (before, *last[1:])


class _OneStepEarly(Network):
    def unroll(self, case: Case, suffix: str, layer_input: Array, state: State, lengths: Array) -> tuple[Array, State]:
        out, last = super().unroll(case, suffix, layer_input, state, lengths)
        if direction(suffix) == FORWARD:
            return _one_step_early(out, last, state, lengths)
        before = np.concatenate([out, np.zeros_like(out[:, :1])], axis=1)[:, 1]
        return out, (np.where((lengths > 1)[:, None], before, state[0]), *last[1:])


def _h_n_and_c_n(change: Callable[[Array, Array], State]) -> Alteration:
    return in_outputs(lambda _, outputs: (outputs[0], *change(*outputs[1:])))


_CHANGES = {
    "direction_major": (
        "all layers forward, then all in reverse",
        lambda part, case: by_layer(part, case).swapaxes(0, 1).reshape(part.shape),
        ("bidirectional", "multilayer"),
    ),
    "with_layers_reversed": ("the last layer first", selected(np.s_[::-1]), ("multilayer",)),
    "with_units_reversed": ("its units in reverse order", lambda part, _: part[..., ::-1], ()),
    "zero": ("zeros only", lambda part, _: np.zeros_like(part), ()),
}

_LAYERS, _DIRECTIONS = {"needs": ("multilayer",)}, {"needs": ("bidirectional",)}

LAST_STATES = table(make=in_last_states)(
    h_n_reversed_without_batch=(
        "Returns the last states of layers and directions in reverse order where there is no batch axis.",
        lambda part, case: part if case.batch_given else part[::-1],
        {"needs": ("unbatched",)},
    ),
    **{
        f"{state}_n_alone_{name}": (
            f"Returns {state}_n with {words}; {other}_n is right.",
            *(change, at),
            {"cells": LSTM, "needs": needs},
        )
        for at, (state, other) in enumerate((("h", "c"), ("c", "h")))
        for name, (words, change, needs) in _CHANGES.items()
    },
    h_n_direction_major=(
        "Returns the last states of all layers forward, then of all layers in reverse.",
        lambda part, case: by_layer(part, case).swapaxes(0, 1).reshape(part.shape),
        {"needs": ("bidirectional", "multilayer")},
    ),
    h_n_layers_reversed=("Returns the last layer's last state first.", selected(np.s_[::-1]), _LAYERS),
    h_n_directions_swapped=(
        "Returns the reverse direction's last state before the forward direction's.",
        selected(np.s_[:, ::-1]),
        _DIRECTIONS,
    ),
    h_n_of_last_layer_only=("Returns the last layer's last state for every layer.", selected(np.s_[-1:]), _LAYERS),
    h_n_of_first_layer_only=("Returns the first layer's last state for every layer.", selected(np.s_[:1]), _LAYERS),
    h_n_of_forward_only=(
        "Returns the forward direction's last state for the reverse direction, too.",
        selected(np.s_[:, :1]),
        _DIRECTIONS,
    ),
    h_n_without_first_axis=(
        "Returns the last state of the last layer and direction, without the first axis.",
        lambda part, _: part[-1],
    ),
    h_n_of_reverse_from_wrong_end=(
        "Takes the reverse direction's last state from the last time step of each sequence, which it visits first.",
        in_unrolled(
            lambda out, last, _start, lengths: (out, (out[np.arange(len(out)), lengths - 1], *last[1:])), REVERSE
        ),
        _DIRECTIONS,
    ),
    h_n_of_forward_from_wrong_end=("Takes the forward direction's last state from the first time step.", _h_of_step(0)),
    h_n_one_step_early=(
        "Takes the forward direction's last state from the second to last step.",
        in_unrolled(_one_step_early, FORWARD),
    ),
    h_n_one_step_early_in_both_directions=(
        "Takes the last state of each direction from its second to last step.",
        in_network(_OneStepEarly),
    ),
    h_n_from_padded_end=(
        "Takes the forward direction's last state from out's last time step, which is padding for a shorter sequence.",
        _h_of_step(-1),
        {"needs": ("lengths",), "stands_for": ("ray#21392",)},
    ),
    h_n_is_h0=("Returns the initial states as the last states.", in_outputs(lambda case, out: (out[0], *case.state))),
    h_n_zero=(
        "Never writes the last states: they are zero.",
        lambda part, _: np.zeros_like(part),
        {"stands_for": ("coremltools#263",)},
    ),
    h_n_c_n_swapped=(
        "Returns c_n as h_n and h_n as c_n.",
        _h_n_and_c_n(lambda h_n, c_n: (c_n, h_n)),
        {"cells": LSTM, "stands_for": ("burn PR5234",)},
    ),
    c_n_is_h_n=("Returns h_n as c_n, too.", _h_n_and_c_n(lambda h_n, _: (h_n, h_n)), {"cells": LSTM}),
    c_n_after_tanh=("Returns tanh(c) as c_n.", _h_n_and_c_n(lambda h_n, c_n: (h_n, np.tanh(c_n))), {"cells": LSTM}),
    out_is_c=(
        "Outputs c instead of h.",
        in_steps(emit=lambda _, state, within: np.where(within, state[-1], 0)),
        {"cells": LSTM, "mixes_states": True},
    ),
    h_n_batch_first=("Returns the last states as (batch, layers·directions, hidden).", lambda h, _: h.swapaxes(0, 1)),
    h_n_reshaped_from_batch_first=(
        "Reshapes the last states from (batch, layers·directions, hidden).",
        lambda part, _: part.swapaxes(0, 1).reshape(part.shape),
    ),
    h_n_with_extra_axis=(
        "Returns the last states with an extra first axis of size 1.",
        at_the_end(lambda _, outputs: (outputs[0], *(part[None] for part in outputs[1:]))),
        {"stands_for": ("pytorch#151200",)},
    ),
    h_n_unpacked_over_batch=(
        "Unpacks the last states over the batch: returns the first row's, without a batch axis.",
        lambda part, _: part[:, 0],
        {"stands_for": ("keras#20173", "tensorflow#74475")},
    ),
    h_n_units_reversed=("Returns the last states with the units in reverse order.", lambda part, _: part[..., ::-1]),
)
