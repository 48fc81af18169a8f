"""Last states taken from, or stored in, the wrong place."""

from collections.abc import Callable

import numpy as np

from rnn_goldens.cells import Array, Case, Network, State
from rnn_goldens.deviations.alteration import (
    FORWARD,
    REVERSE,
    Alteration,
    at_the_end,
    by_layer,
    direction,
    in_last_states,
    in_network,
    in_outputs,
    in_steps,
    in_unrolled,
)
from rnn_goldens.deviations.states import selected
from rnn_goldens.deviations.table_rows import table

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

DEVIATIONS = table(make=in_last_states)(
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
        {"needs": ("lengths",)},
    ),
    h_n_is_h0=("Returns the initial states as the last states.", in_outputs(lambda case, out: (out[0], *case.state))),
    h_n_zero=("Never writes the last states: they are zero.", lambda part, _: np.zeros_like(part)),
    h_n_c_n_swapped=("Returns c_n as h_n and h_n as c_n.", _h_n_and_c_n(lambda h_n, c_n: (c_n, h_n)), {"cells": LSTM}),
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
    ),
    h_n_unpacked_over_batch=(
        "Unpacks the last states over the batch: returns the first row's, without a batch axis.",
        lambda part, _: part[:, 0],
    ),
    h_n_units_reversed=("Returns the last states with the units in reverse order.", lambda part, _: part[..., ::-1]),
)
