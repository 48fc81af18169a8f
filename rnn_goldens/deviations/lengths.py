"""Sequences of different lengths: padding that is read, wrong lengths, states from beyond the end."""

from dataclasses import replace

import numpy as np

from rnn_goldens.cells import Array, Case, Network, State
from rnn_goldens.deviations.alteration import (
    FORWARD,
    REVERSE,
    Alteration,
    Outputs,
    direction,
    in_case,
    in_layer_inputs,
    in_lengths,
    in_network,
    in_outputs,
    in_state,
    in_steps,
    in_unrolled,
)
from rnn_goldens.deviations.table_rows import table

NEEDS = ("lengths",)


def _full(layer_input: Array, lengths: Array) -> Array:
    return np.full_like(lengths, layer_input.shape[1])


def beyond(out: Array, lengths: Array) -> Array:
    """Return a mask of the padding of a layer's input or output."""
    return np.arange(out.shape[1])[:, None] >= lengths[:, None, None]


def _computes_padding(*, keeps_out: bool, keeps_state: bool) -> Alteration:
    """Continue the forward direction through the padding, and keep what it gives as out or as the last state."""

    def unroll(
        right: Network, case: Case, suffix: str, layer_input: Array, state: State, lengths: Array
    ) -> tuple[Array, State]:
        out, last = right.unroll(case, suffix, layer_input, state, lengths)
        if direction(suffix) == REVERSE:
            return out, last
        padded_out, padded_last = right.unroll(case, suffix, layer_input, state, _full(layer_input, lengths))
        return padded_out if keeps_out else out, padded_last if keeps_state else last

    return in_steps(unroll=unroll)


class _ReverseStartsInPadding(Network):
    def unroll(self, case: Case, suffix: str, layer_input: Array, state: State, lengths: Array) -> tuple[Array, State]:
        visited = lengths if direction(suffix) == FORWARD else _full(layer_input, lengths)
        out, last = super().unroll(case, suffix, self.padded_input(layer_input, lengths), state, visited)
        return np.where(beyond(out, lengths), 0, out), last

    def padded_input(self, layer_input: Array, lengths: Array) -> Array:  # noqa: ARG002 - for a subclass
        return layer_input


class _ReverseStartsInZeroedPadding(_ReverseStartsInPadding):
    def padded_input(self, layer_input: Array, lengths: Array) -> Array:
        return np.where(beyond(layer_input, lengths), 0, layer_input)


class _ReverseFlipsPadding(Network):
    """Reverses the padded sequence as a whole, so that the padding comes first, and visits ``lengths`` steps."""

    def unroll(self, case: Case, suffix: str, layer_input: Array, state: State, lengths: Array) -> tuple[Array, State]:
        if direction(suffix) == FORWARD:
            return super().unroll(case, suffix, layer_input, state, lengths)
        out, last = super().unroll(case, suffix, layer_input[:, ::-1], state, lengths)
        return out[:, ::-1], last

    def times(self, time: int, *, reverse: bool) -> range:  # noqa: ARG002 - the input is reversed, not time
        return range(time)


class _PaddingInFront(Network):
    def unroll(self, case: Case, suffix: str, layer_input: Array, state: State, lengths: Array) -> tuple[Array, State]:
        return super().unroll(case, suffix, layer_input, state, layer_input.shape[1] - lengths)

    def within(self, t: int, lengths: Array) -> Array:
        return np.asarray(t >= lengths)


class _ZerosInFront(Network):
    """Moves each sequence to the end of its row and runs through the zeros before it."""

    def unroll(self, case: Case, suffix: str, layer_input: Array, state: State, lengths: Array) -> tuple[Array, State]:
        padding = layer_input.shape[1] - lengths
        moved = _rotated(np.where(beyond(layer_input, lengths), 0, layer_input), padding)
        out, last = super().unroll(case, suffix, moved, state, _full(layer_input, lengths))
        back = _rotated(out, -padding)
        return np.where(beyond(out, lengths), 0, back), last


class _StateZeroedInPadding(Network):
    """Multiplies the state by the mask at every step, so that padding sets it to zero."""

    def unroll(self, case: Case, suffix: str, layer_input: Array, state: State, lengths: Array) -> tuple[Array, State]:
        padded = (lengths < layer_input.shape[1])[:, None]
        if direction(suffix) == REVERSE:
            return super().unroll(case, suffix, layer_input, _zero_where(padded, state), lengths)
        out, last = super().unroll(case, suffix, layer_input, state, lengths)
        return out, _zero_where(padded, last)


class _CellRunsThroughPadding(Network):
    def unroll(self, case: Case, suffix: str, layer_input: Array, state: State, lengths: Array) -> tuple[Array, State]:
        out, (h, c) = super().unroll(case, suffix, layer_input, state, lengths)
        if direction(suffix) == FORWARD:
            w = self.weights(case, suffix)
            for t in range(int(lengths.min()), layer_input.shape[1]):
                _, after = self.step(case, suffix, w, layer_input, t, (h, c))
                c = np.where(self.within(t, lengths)[:, None], c, after)
        return out, (h, c)


def _zero_where(rows: Array, state: State) -> State:
    return tuple(np.where(rows, 0, part) for part in state)


def _rotated(array: Array, steps: Array) -> Array:
    """Rotate each row by a number of time steps."""
    source = (np.arange(array.shape[1]) - steps[:, None]) % array.shape[1]
    return np.take_along_axis(array, source[..., None], axis=1)


def _longest_first(case: Case) -> Array:
    """Return the order of rows by decreasing length, as packing sorts them."""
    return np.arange(len(case.x)) if case.lengths is None else np.argsort(-case.lengths, kind="stable")


def _left_sorted(case: Case, outputs: Outputs) -> Outputs:
    rows = _longest_first(case)
    return outputs[0][rows], *(part[:, rows] for part in outputs[1:])


def _longest(case: Case) -> int:
    return case.x.shape[1] if case.lengths is None else int(case.lengths.max())


def _not_written_beyond_longest(case: Case, outputs: Outputs) -> Outputs:
    written = (np.arange(outputs[0].shape[1]) < _longest(case))[:, None]
    return np.where(written, outputs[0], 1.0), *outputs[1:]


DEVIATIONS = table(make=in_lengths, needs=NEEDS)(
    lengths_ignored=(
        "Runs every sequence to the padded end.",
        in_case(lambda case: replace(case, lengths=None)),
        {"stands_for": ("onnxruntime#1400", "deeplearning4j#4631", "onnx-tensorflow#342", "practical-torchtext#5")},
    ),
    outputs_not_zeroed=(
        "Repeats the last h beyond a sequence's end instead of zeros.",
        in_steps(emit=lambda _, state, _within: state[0]),
        {"stands_for": ("keras#4192",)},
    ),
    outputs_computed_in_padding=(
        "Continues the forward direction through the padding: out is not zero there. The last states are right.",
        _computes_padding(keeps_out=True, keeps_state=False),
    ),
    state_runs_through_padding=(
        "Updates the state of the forward direction in the padding: out is right, the last states are wrong.",
        _computes_padding(keeps_out=False, keeps_state=True),
        {"stands_for": ("deeplearning4j#7115",)},
    ),
    c_runs_through_padding=(
        "Keeps h at the end of a sequence, but updates c in the padding in the forward direction.",
        in_network(_CellRunsThroughPadding),
        {"cells": ("lstm",)},
    ),
    state_zeroed_in_padding=(
        "Sets the state to zero in padding: after a sequence in the forward direction, before it in reverse.",
        in_network(_StateZeroedInPadding),
    ),
    reverse_starts_in_padding=(
        "Starts the reverse direction at the padded end.",
        in_network(_ReverseStartsInPadding),
        {"needs": ("lengths", "bidirectional"), "stands_for": ("jax PR15169",)},
    ),
    reverse_starts_in_zeroed_padding=(
        "Sets padding to zero and starts the reverse direction in it: right only if biases and h0 are zero.",
        in_network(_ReverseStartsInZeroedPadding),
        {"needs": ("lengths", "bidirectional"), "stands_for": ("mxnet#19323",)},
    ),
    reverse_flips_padding=(
        "Reverses the padded sequence as a whole for the reverse direction, which then reads padding first.",
        in_network(_ReverseFlipsPadding),
        {"needs": ("lengths", "bidirectional"), "stands_for": ("ngraph PR3176",)},
    ),
    reverse_not_realigned=(
        "Reverses the reverse direction's padded out as a whole: shorter sequences end up at the padded end.",
        in_unrolled(lambda out, last, _start, lengths: (_rotated(out, out.shape[1] - lengths), last), REVERSE),
        {"needs": ("lengths", "bidirectional")},
    ),
    padding_in_front=(
        "Treats a sequence as if it were at the end of its row, after the padding.",
        in_network(_PaddingInFront),
    ),
    h0_lands_on_padding=(
        "Pads before the sequence: the initial state passes through zeros before the sequence starts.",
        in_network(_ZerosInFront),
        {"stands_for": ("ml-agents PR5206", "astnn PR28")},
    ),
    lengths_one_too_short=("Makes every given length one step too short.", lambda n, _: n - 1),
    lengths_one_too_long=(
        "Makes every given length one step too long, up to the padded length.",
        lambda n, time: np.minimum(n + 1, time),
    ),
    lengths_of_wrong_row=("Uses the length of the previous batch row for each row.", lambda n, _: np.roll(n, 1)),
    lengths_of_first_row=("Uses the first row's length for every row.", lambda n, _: np.full_like(n, n[0])),
    lengths_all_longest=("Uses the longest length for all rows.", lambda n, _: np.full_like(n, n.max())),
    lengths_all_shortest=("Uses the shortest length for all rows.", lambda n, _: np.full_like(n, n.min())),
    lengths_ignored_by_upper_layers=(
        "Uses the lengths in the first layer only.",
        in_layer_inputs(
            lambda _, suffix, x, state, lengths: (x, state, lengths if suffix.startswith("l0") else _full(x, lengths))
        ),
        {"needs": ("lengths", "multilayer")},
    ),
    rows_left_sorted=("Sorts the rows by length and does not restore their order.", in_outputs(_left_sorted)),
    states_left_sorted=(
        "Sorts the rows by length and restores the order of out, but not of the last states.",
        in_outputs(lambda case, outputs: (outputs[0], *_left_sorted(case, outputs)[1:])),
    ),
    h0_not_sorted=(
        "Sorts the rows by length, but not the initial states with them.",
        in_state(lambda part, case: part[:, np.argsort(_longest_first(case))]),
        {"needs": ("lengths", "state"), "stands_for": ("Paddle#5421",)},
    ),
    out_cut_to_longest=(
        "Returns out only as long as the longest sequence.",
        in_outputs(lambda case, outputs: (outputs[0][:, : _longest(case)], *outputs[1:])),
    ),
    out_not_written_beyond_longest=(
        "Does not write out beyond the longest sequence: it contains uninitialized memory (here: ones).",
        in_outputs(_not_written_beyond_longest),
        {"stands_for": ("onnxruntime#1193",)},
    ),
)
