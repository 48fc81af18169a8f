"""Sequences of different lengths: padding that is read, lengths mistaken, states taken from beyond the end."""

from dataclasses import replace

import numpy as np

from rnn_goldens.cells import Array, Case, Network, State
from rnn_goldens.deviations.deviation import (
    FORWARD,
    REVERSE,
    Deviation,
    Outputs,
    direction,
    in_case,
    in_lengths,
    in_network,
    in_outputs,
    in_state,
    in_steps,
    in_unrolled,
)

NEEDS = ("lengths",)


def _full(layer_input: Array, lengths: Array) -> Array:
    return np.full_like(lengths, layer_input.shape[1])


def _beyond(out: Array, lengths: Array) -> Array:
    return np.arange(out.shape[1])[:, None] >= lengths[:, None, None]


class _ComputesPadding(Network):
    """Forward layers run on through the padding; what becomes of that is for others to say."""

    keeps_out, keeps_state = True, True

    def unroll(self, case: Case, suffix: str, layer_input: Array, state: State, lengths: Array) -> tuple[Array, State]:
        out, last = super().unroll(case, suffix, layer_input, state, lengths)
        if direction(suffix) == REVERSE:
            return out, last
        padded_out, padded_last = super().unroll(case, suffix, layer_input, state, _full(layer_input, lengths))
        return padded_out if self.keeps_out else out, padded_last if self.keeps_state else last


class _KeepsOnlyOut(_ComputesPadding):
    keeps_state = False


class _KeepsOnlyState(_ComputesPadding):
    keeps_out = False


class _ReverseStartsInPadding(Network):
    def unroll(self, case: Case, suffix: str, layer_input: Array, state: State, lengths: Array) -> tuple[Array, State]:
        visited = lengths if direction(suffix) == FORWARD else _full(layer_input, lengths)
        out, last = super().unroll(case, suffix, self.seen(layer_input, lengths), state, visited)
        return np.where(_beyond(out, lengths), 0, out), last

    def seen(self, layer_input: Array, lengths: Array) -> Array:  # noqa: ARG002 - for the one who zeroes padding
        return layer_input


class _ReverseStartsInZeroedPadding(_ReverseStartsInPadding):
    def seen(self, layer_input: Array, lengths: Array) -> Array:
        return np.where(_beyond(layer_input, lengths), 0, layer_input)


class _ReverseFlipsPadding(Network):
    """Turns the padded sequence as a whole, so that the padding comes first, and visits as many steps as it is long."""

    def unroll(self, case: Case, suffix: str, layer_input: Array, state: State, lengths: Array) -> tuple[Array, State]:
        if direction(suffix) == FORWARD:
            return super().unroll(case, suffix, layer_input, state, lengths)
        out, last = super().unroll(case, suffix, layer_input[:, ::-1], state, lengths)
        return out[:, ::-1], last

    def times(self, time: int, *, reverse: bool) -> range:  # noqa: ARG002 - the input is turned, not the time
        return range(time)


class _PaddingInFront(Network):
    """Takes the last steps of the padded sequence for the sequence."""

    def unroll(self, case: Case, suffix: str, layer_input: Array, state: State, lengths: Array) -> tuple[Array, State]:
        return super().unroll(case, suffix, layer_input, state, layer_input.shape[1] - lengths)

    def within(self, t: int, lengths: Array) -> Array:
        return np.asarray(t >= lengths)


class _ZerosInFront(Network):
    """Moves each sequence to the end of its row, and runs through the zeros in front of it."""

    def unroll(self, case: Case, suffix: str, layer_input: Array, state: State, lengths: Array) -> tuple[Array, State]:
        padding = layer_input.shape[1] - lengths
        seen = _moved_on(np.where(_beyond(layer_input, lengths), 0, layer_input), padding)
        out, last = super().unroll(case, suffix, seen, state, _full(layer_input, lengths))
        back = _moved_on(out, -padding)
        return np.where(_beyond(out, lengths), 0, back), last


class _StateZeroedInPadding(Network):
    """Multiplies the state by the mask at every step: before the end in reverse, after it forward."""

    def unroll(self, case: Case, suffix: str, layer_input: Array, state: State, lengths: Array) -> tuple[Array, State]:
        padded = (lengths < layer_input.shape[1])[:, None]
        if direction(suffix) == REVERSE:
            return super().unroll(case, suffix, layer_input, _zero_where(padded, state), lengths)
        out, last = super().unroll(case, suffix, layer_input, state, lengths)
        return out, _zero_where(padded, last)


class _CellRunsThroughPadding(Network):
    """Masks h beyond the end, and not c."""

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


class _UpperLayersIgnoreLengths(Network):
    def unroll(self, case: Case, suffix: str, layer_input: Array, state: State, lengths: Array) -> tuple[Array, State]:
        own = lengths if suffix.startswith("l0") else _full(layer_input, lengths)
        return super().unroll(case, suffix, layer_input, state, own)


def _moved_on(array: Array, steps: Array) -> Array:
    """Each row so many time steps later, around the end."""
    source = (np.arange(array.shape[1]) - steps[:, None]) % array.shape[1]
    return np.take_along_axis(array, source[..., None], axis=1)


def _not_realigned(out: Array, last: State, _start: State, lengths: Array) -> tuple[Array, State]:
    return _moved_on(out, out.shape[1] - lengths), last


def _longest_first(case: Case) -> Array:
    """Rows in order of decreasing length, as packing sorts them."""
    return np.arange(len(case.x)) if case.lengths is None else np.argsort(-case.lengths, kind="stable")


def _left_sorted(case: Case, outputs: Outputs) -> Outputs:
    rows = _longest_first(case)
    return outputs[0][rows], *(part[:, rows] for part in outputs[1:])


def _states_left_sorted(case: Case, outputs: Outputs) -> Outputs:
    return outputs[0], *_left_sorted(case, outputs)[1:]


def _start_not_sorted(part: Array, case: Case) -> Array:
    moved = np.empty_like(part)
    moved[:, _longest_first(case)] = part
    return moved


def _cut_to_longest(case: Case, outputs: Outputs) -> Outputs:
    longest = outputs[0].shape[1] if case.lengths is None else int(case.lengths.max())
    return outputs[0][:, :longest], *outputs[1:]


def _not_written_beyond_longest(case: Case, outputs: Outputs) -> Outputs:
    longest = outputs[0].shape[1] if case.lengths is None else int(case.lengths.max())
    written = (np.arange(outputs[0].shape[1]) < longest)[:, None]
    return np.where(written, outputs[0], 1.0), *outputs[1:]


DEVIATIONS = (
    Deviation(
        "lengths_ignored",
        "Runs every sequence to the padded end.",
        in_case(lambda case: replace(case, lengths=None)),
        needs=NEEDS,
        stands_for=("onnxruntime#1400", "deeplearning4j#4631", "onnx-tensorflow#342", "practical-torchtext#5"),
    ),
    Deviation(
        "outputs_not_zeroed",
        "Repeats the last h beyond a sequence's end instead of zeros.",
        in_steps(emit=lambda _, state, _within: state[0]),
        needs=NEEDS,
        stands_for=("keras#4192",),
    ),
    Deviation(
        "outputs_computed_in_padding",
        "Runs the forward direction on through the padding: out is not zero there. The last states are right.",
        in_network(_KeepsOnlyOut),
        needs=NEEDS,
    ),
    Deviation(
        "state_runs_through_padding",
        "Runs the forward direction's state on through the padding: out is right, the last states are not.",
        in_network(_KeepsOnlyState),
        needs=NEEDS,
        stands_for=("deeplearning4j#7115",),
    ),
    Deviation(
        "c_runs_through_padding",
        "Keeps h where a sequence ends, and runs c on through the padding in the forward direction.",
        in_network(_CellRunsThroughPadding),
        cells=("lstm",),
        needs=NEEDS,
    ),
    Deviation(
        "state_zeroed_in_padding",
        "Multiplies the state by the mask: padding zeroes it, after the end forward, before the start in reverse.",
        in_network(_StateZeroedInPadding),
        needs=NEEDS,
    ),
    Deviation(
        "reverse_starts_in_padding",
        "Starts the reverse direction at the padded end.",
        in_network(_ReverseStartsInPadding),
        needs=("lengths", "bidirectional"),
        stands_for=("jax PR15169",),
    ),
    Deviation(
        "reverse_starts_in_zeroed_padding",
        "Sets padding to zero and starts the reverse direction in it: right as long as biases and h0 are zero.",
        in_network(_ReverseStartsInZeroedPadding),
        needs=("lengths", "bidirectional"),
        stands_for=("mxnet#19323",),
    ),
    Deviation(
        "reverse_flips_padding",
        "Turns the padded sequence as a whole for the reverse direction, which then reads padding first.",
        in_network(_ReverseFlipsPadding),
        needs=("lengths", "bidirectional"),
        stands_for=("ngraph PR3176",),
    ),
    Deviation(
        "reverse_not_realigned",
        "Turns the reverse direction's out back as a whole: a shorter sequence's ends up at the padded end.",
        in_unrolled(_not_realigned, REVERSE),
        needs=("lengths", "bidirectional"),
    ),
    Deviation(
        "padding_in_front",
        "Takes a sequence to be at the end of its row, with the padding in front.",
        in_network(_PaddingInFront),
        needs=NEEDS,
    ),
    Deviation(
        "h0_lands_on_padding",
        "Pads in front: the initial state runs through zeros before the sequence starts.",
        in_network(_ZerosInFront),
        needs=NEEDS,
        stands_for=("ml-agents PR5206", "astnn PR28"),
    ),
    Deviation(
        "lengths_one_too_short",
        "Ends every given length one step early.",
        in_lengths(lambda lengths, _: lengths - 1),
        needs=NEEDS,
    ),
    Deviation(
        "lengths_one_too_long",
        "Ends every given length one step late, where there is one.",
        in_lengths(lambda lengths, time: np.minimum(lengths + 1, time)),
        needs=NEEDS,
    ),
    Deviation(
        "lengths_of_wrong_row",
        "Uses for each batch row the length of the row before it.",
        in_lengths(lambda lengths, _: np.roll(lengths, 1)),
        needs=NEEDS,
    ),
    Deviation(
        "lengths_of_first_row",
        "Uses the first row's length for every row.",
        in_lengths(lambda lengths, _: np.full_like(lengths, lengths[0])),
        needs=NEEDS,
    ),
    Deviation(
        "lengths_all_longest",
        "Uses the longest length for all rows.",
        in_lengths(lambda lengths, _: np.full_like(lengths, lengths.max())),
        needs=NEEDS,
    ),
    Deviation(
        "lengths_all_shortest",
        "Ends every sequence where the shortest ends.",
        in_lengths(lambda lengths, _: np.full_like(lengths, lengths.min())),
        needs=NEEDS,
    ),
    Deviation(
        "lengths_ignored_by_upper_layers",
        "Uses the lengths in the first layer only.",
        in_network(_UpperLayersIgnoreLengths),
        needs=("lengths", "multilayer"),
    ),
    Deviation(
        "rows_left_sorted",
        "Sorts the rows by length and does not restore their order.",
        in_outputs(_left_sorted),
        needs=NEEDS,
    ),
    Deviation(
        "states_left_sorted",
        "Sorts the rows by length and restores the order of out, but not of the last states.",
        in_outputs(_states_left_sorted),
        needs=NEEDS,
    ),
    Deviation(
        "h0_not_sorted",
        "Sorts the rows by length, but not the initial states with them.",
        in_state(_start_not_sorted),
        needs=("lengths", "state"),
        stands_for=("Paddle#5421",),
    ),
    Deviation(
        "out_cut_to_longest",
        "Returns out only as long as the longest sequence.",
        in_outputs(_cut_to_longest),
        needs=NEEDS,
    ),
    Deviation(
        "out_not_written_beyond_longest",
        "Does not write out beyond the longest sequence: whatever was in memory is there (here: ones).",
        in_outputs(_not_written_beyond_longest),
        needs=NEEDS,
        stands_for=("onnxruntime#1193",),
    ),
)
