"""Initial states that are ignored, confused or leaked; states that are passed on wrongly."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from rnn_goldens.cells import Array, Case, Network, State, Weights
from rnn_goldens.deviations.alteration import (
    Alteration,
    by_layer,
    direction,
    in_case,
    in_network,
    in_state,
    in_steps,
    is_first,
)
from rnn_goldens.deviations.biases import left_out
from rnn_goldens.deviations.table_rows import table

LSTM = ("lstm",)
STATE = ("state",)


def selected(index: Any) -> Callable[[Array, Case], Array]:  # noqa: ANN401 - a slice, or one for each axis
    """Return a change of a state: the selected layers and directions take the places of all, repeated if necessary."""

    def change(part: Array, case: Case) -> Array:
        states = by_layer(part, case)
        return np.broadcast_to(states[index], states.shape).reshape(part.shape)

    return change


_LAYERS_REVERSED, _DIRECTIONS_SWAPPED = selected(np.s_[::-1]), selected(np.s_[:, ::-1])


def _zero(part: Array, _case: Case) -> Array:
    return np.zeros_like(part)


def zero_but(part: Array, case: Case, index: Any) -> Array:  # noqa: ANN401 - a slice, or one for each axis
    """Return a state that is zero except for the selected layers and directions."""
    states = np.zeros_like(by_layer(part, case))
    states[index] = by_layer(part, case)[index]
    return states.reshape(part.shape)


def _ones_without_batch(part: Array, case: Case) -> Array:
    return part if case.batch_given or case.state_given else np.ones_like(part)


def _rolled_rows(part: Array, _case: Case) -> Array:
    return np.roll(part, 1, axis=1)


def _unpacked_over_batch(case: Case) -> Case:
    h0 = case.state[0]
    rows = (h0[:, min(row, h0.shape[1] - 1)] for row in range(len(case.state)))
    return replace(case, state=tuple(np.broadcast_to(row[:, None], h0.shape) for row in rows))


def _kept_from_call_before(*, state_given: bool) -> Alteration:
    return in_case(
        lambda case: replace(case, state=Network().run(case)[1:]) if case.state_given == state_given else case
    )


def _row_by_row(
    right: Network, case: Case, suffix: str, layer_input: Array, state: State, lengths: Array
) -> tuple[Array, State]:
    outs, lasts = [], [tuple(part[:1] for part in state)]
    for row in range(len(layer_input)):
        one = slice(row, row + 1)
        out, last = right.unroll(case, suffix, layer_input[one], lasts[-1], lengths[one])
        outs.append(out)
        lasts.append(last)
    return np.concatenate(outs), tuple(np.concatenate(parts) for parts in zip(*lasts[1:], strict=True))


def _step_from(before: Callable[[State, State], State]) -> Alteration:
    """Start each step from ``before(state, start)`` instead of the state."""

    class Deviating(Network):
        begun: State

        def unroll(
            self, case: Case, suffix: str, layer_input: Array, state: State, lengths: Array
        ) -> tuple[Array, State]:
            self.begun = state
            return super().unroll(case, suffix, layer_input, state, lengths)

        def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
            return super().step(case, suffix, w, layer_input, t, before(state, self.begun))

    return in_network(Deviating)


def _updated_in_place(
    right: Network, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State
) -> State:
    half = (state[0].shape[-1] + 1) // 2
    after = right.step(case, suffix, w, layer_input, t, state)
    h = np.concatenate([after[0][:, :half], state[0][:, half:]], axis=1)
    late = right.step(case, suffix, w, layer_input, t, (h, *state[1:]))
    return tuple(np.concatenate([a[:, :half], b[:, half:]], axis=1) for a, b in zip(after, late, strict=True))


def _change_one_at_every_step(at: int, change: Callable[[Array], Array]) -> Alteration:
    """Change one part of the state before every step: h if ``at`` is 0, c if it is 1."""
    return _step_from(lambda state, _: tuple(change(part) if k == at else part for k, part in enumerate(state)))


class _OneBufferForLayers(Network):
    ended: dict[str, State]

    def unroll(self, case: Case, suffix: str, layer_input: Array, state: State, lengths: Array) -> tuple[Array, State]:
        if suffix.startswith("l0"):
            self.ended = {} if suffix == case.config.suffixes[0] else self.ended
        out, last = super().unroll(case, suffix, layer_input, self.ended.get(direction(suffix), state), lengths)
        self.ended[direction(suffix)] = last
        return out, last


class _GatesNotCleared(Network):
    def __init__(self) -> None:
        self.products: dict[int, Array] = {}

    def unroll(self, case: Case, suffix: str, layer_input: Array, state: State, lengths: Array) -> tuple[Array, State]:
        self.products = {}
        return super().unroll(case, suffix, layer_input, state, lengths)

    def product(self, v: Array, matrix: Array) -> Array:
        self.products[id(matrix)] = super().product(v, matrix) + self.products.get(id(matrix), 0)
        return self.products[id(matrix)]


_WRONG_STATES = {
    "of_wrong_layer": ("of the layers in reverse order", _LAYERS_REVERSED, ("multilayer",)),
    "of_wrong_direction": ("of the other direction", _DIRECTIONS_SWAPPED, ("bidirectional",)),
    "of_wrong_row": ("of the previous batch row", _rolled_rows, ()),
    "with_units_reversed": ("with its units in reverse order", lambda part, _: part[..., ::-1], ()),
}

OF_PARTS = table(make=in_state)(
    **{
        f"{state}0_alone_{name}": (
            f"Uses the {state}0 {words}; {other}0 is right.",
            *(change, at),
            {"cells": LSTM, "needs": (*STATE, *needs)},
        )
        for at, (state, other) in enumerate((("h", "c"), ("c", "h")))
        for name, (words, change, needs) in _WRONG_STATES.items()
    },
    **{
        f"{state}_alone_of_row_before": (
            f"Passes {state} of the previous batch row to the next step; {other} is right.",
            _change_one_at_every_step(at, lambda part: np.roll(part, 1, axis=0)),
            {"cells": LSTM},
        )
        for at, (state, other) in enumerate((("h", "c"), ("c", "h")))
    },
    c_alone_with_units_reversed=(
        "Passes c with its units in reverse order to the next step; h is right.",
        _change_one_at_every_step(1, lambda part: part[:, ::-1]),
        {"cells": LSTM},
    ),
    state_buffer_shared_by_layers=(
        "Uses one buffer for the states of all layers: each starts from the last state of the layer below.",
        in_network(_OneBufferForLayers),
        {"needs": ("multilayer",)},
    ),
    gates_not_cleared=(
        "Does not clear the gates between steps: products are added to those of the previous step.",
        in_network(_GatesNotCleared),
    ),
    state_not_zero_without_batch=(
        "Starts from uninitialized memory (here: ones) if neither a batch axis nor a state is given.",
        _ones_without_batch,
        {"needs": ("unbatched",)},
    ),
    c_not_zero_without_batch=(
        "Starts c from uninitialized memory (here: ones) if neither a batch axis nor a state is given.",
        *(_ones_without_batch, 1),
        {"cells": LSTM, "needs": ("unbatched",)},
    ),
    states_reversed_without_batch=(
        "Takes the initial states of layers and directions in reverse order if there is no batch axis.",
        lambda part, case: part if case.batch_given else part[::-1],
        {"needs": ("unbatched", "state")},
    ),
    default_state_sized_by_layers=(
        "Gives the default state as many rows as there are layers; if the batch has more or fewer, starts from ones.",
        lambda part, case: (
            part if case.state_given or case.config.num_layers in (1, part.shape[1]) else np.ones_like(part)
        ),
        {"needs": ("multilayer",)},
    ),
)

_OF_LAYERS, _OF_DIRECTIONS = {"needs": ("state", "multilayer")}, {"needs": ("state", "bidirectional")}

OF_H0 = table(make=in_state, needs=STATE)(
    h0_ignored=("Starts from h = 0 whatever h0 is.", _zero, 0, {"stands_for": ("opencv#19278",)}),
    c0_ignored=("Starts from c = 0 whatever c0 is.", _zero, 1, {"cells": LSTM}),
    h0_c0_ignored=(
        "Starts from h = c = 0 whatever h0 and c0 are.",
        _zero,
        {"cells": LSTM, "stands_for": ("onnx-tensorflow#409",)},
    ),
    h0_c0_swapped=(
        "Takes h0 for c0 and c0 for h0.",
        in_case(lambda case: replace(case, state=case.state[::-1])),
        {"cells": LSTM, "stands_for": ("nni#2839",), "mixes_states": True},
    ),
    h0_for_c0_too=(
        "Starts c from h0, too.",
        in_case(lambda case: replace(case, state=case.state[:1] * len(case.state))),
        {"cells": LSTM, "mixes_states": True},
    ),
    h0_of_wrong_layer=("Takes the initial states of the layers in reverse order.", _LAYERS_REVERSED, _OF_LAYERS),
    h0_of_first_layer_for_all=(
        "Starts every layer from the first layer's state.",
        selected(np.s_[:1]),
        {"needs": ("state", "multilayer"), "stands_for": ("GansFallingShort PR2", "pytorch PR95137")},
    ),
    h0_of_upper_layers_ignored=(
        "Uses the initial state in the first layer only.",
        lambda part, case: zero_but(part, case, np.s_[:1]),
        _OF_LAYERS,
    ),
    h0_of_wrong_direction=("Swaps the initial states of the two directions.", _DIRECTIONS_SWAPPED, _OF_DIRECTIONS),
    h0_of_forward_for_reverse=(
        "Starts both directions from the forward direction's state.",
        selected(np.s_[:, :1]),
        {"needs": ("state", "bidirectional"), "stands_for": ("Paddle PR27644", "onnxruntime PR1626")},
    ),
    h0_of_reverse_ignored=(
        "Starts the reverse direction from zero.",
        lambda part, case: zero_but(part, case, np.s_[:, :1]),
        _OF_DIRECTIONS,
    ),
    h0_direction_major=(
        "Reads the first axis of the states as all layers forward, then all layers in reverse.",
        lambda part, case: part.reshape(by_layer(part, case).swapaxes(0, 1).shape).swapaxes(0, 1).reshape(part.shape),
        {"needs": ("state", "bidirectional", "multilayer")},
    ),
    h0_of_wrong_row=("Starts each batch row from the state of the previous row.", _rolled_rows),
    h0_of_first_row_for_all=(
        "Starts every batch row from the first row's state.",
        lambda part, _: np.broadcast_to(part[:, :1], part.shape),
    ),
    h0_unpacked_over_batch=(
        "Unpacks h0 over the batch: its first row is h for all rows, its second is c.",
        in_case(_unpacked_over_batch),
        {"cells": LSTM, "stands_for": ("tensorflow#83119",), "mixes_states": True},
    ),
    h0_read_batch_first=(
        "Reads the memory of h0 as (batch, layers·directions, hidden).",
        lambda part, _case: part.reshape(part.shape[1], part.shape[0], part.shape[2]).swapaxes(0, 1),
        {"stands_for": ("onnx#921",)},
    ),
    h0_units_reversed=("Takes the units of the initial state in reverse order.", lambda part, _: part[..., ::-1]),
)

PASSED_ON = table(make=_step_from)(
    hh_skipped_at_first_step=("Skips W_hh h + b_hh at t = 0.", left_out(("weight_hh", "bias_hh"), at_first_step=True)),
    first_state_not_kept=(
        "Does not keep the state of the first step: the second starts from h0 again.",
        in_steps(
            step=lambda right, case, suffix, w, layer_input, t, state: (
                state if is_first(suffix, layer_input, t) else right.step(case, suffix, w, layer_input, t, state)
            )
        ),
    ),
    state_never_fed_forward=(
        "Starts every step from the initial state.",
        lambda _, start: start,
        {"stands_for": ("burn#2701",)},
    ),
    h_never_fed_forward=(
        "Starts every step from h0 and passes on only c.",
        lambda state, start: (start[0], *state[1:]),
        {"cells": LSTM},
    ),
    c_never_fed_forward=(
        "Starts every step from c0 and passes on only h.",
        lambda state, start: (state[0], *start[1:]),
        {"cells": LSTM},
    ),
    state_of_row_before=(
        "Feeds each batch row the state of the previous row at every step.",
        lambda state, _: tuple(np.roll(part, 1, axis=0) for part in state),
    ),
    state_of_first_row=(
        "Feeds every batch row the first row's state at every step.",
        lambda state, _: tuple(np.broadcast_to(part[:1], part.shape) for part in state),
    ),
    state_leaks_across_rows=(
        "Starts each batch row from the last state of the previous row.",
        in_steps(unroll=_row_by_row),
        {"stands_for": ("keras-onnx#123",)},
    ),
    state_kept_from_call_before=(
        "If no initial state is given, starts from the last state of an earlier, equal call.",
        _kept_from_call_before(state_given=False),
        {"stands_for": ("cudnn.torch#348", "Flux.jl#121")},
    ),
    state_kept_despite_h0=(
        "Starts from the last state of an earlier, equal call although an initial state is given.",
        _kept_from_call_before(state_given=True),
        {"needs": STATE},
    ),
    state_updated_in_place=(
        "Overwrites h while it is being read: the second half of the units reads the new first half.",
        in_steps(step=_updated_in_place),
    ),
    state_units_reversed=(
        "Passes the units of the state in reverse order to the next step.",
        lambda state, _: tuple(part[:, ::-1] for part in state),
    ),
)

DEVIATIONS = (*OF_PARTS, *OF_H0, *PASSED_ON)
