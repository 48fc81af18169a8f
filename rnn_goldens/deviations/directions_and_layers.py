"""Directions that are run, reversed or joined wrongly; layers with other weights or inputs than their own."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from rnn_goldens.cells import Array, Case, Network, State, Weights
from rnn_goldens.deviations.alteration import (
    FORWARD,
    REVERSE,
    Alteration,
    Outputs,
    direction,
    in_layer_inputs,
    in_network,
    in_out,
    in_outputs,
    in_steps,
    in_unrolled,
    in_weights,
    in_x,
    is_last_layer,
)
from rnn_goldens.deviations.table_rows import table

_BIDIRECTIONAL = ("bidirectional",)


def _reversed_in_time(out: Array, lengths: Array) -> Array:
    """Reverse each sequence within its length."""
    t = np.arange(out.shape[1])
    source = np.where(t < lengths[:, None], lengths[:, None] - 1 - t, t)
    return np.take_along_axis(out, source[..., None], axis=1)


class _ForwardInTime(Network):
    def times(self, time: int, *, reverse: bool) -> range:  # noqa: ARG002 - ignored: this is the bug
        return range(time)


def _weights_of(source: Callable[[str, Sequence[str]], str], *kinds: str) -> Alteration:
    """Use weights of these kinds from ``source(suffix, all suffixes)`` instead of a suffix, if their shapes agree."""

    def weights(right: Network, case: Case, suffix: str) -> Weights:
        w, taken = right.weights(case, suffix), source(suffix, case.config.suffixes)
        other = right.weights(case, taken) if taken in case.config.suffixes else w
        return {n: other[n] if n.startswith(kinds) and other[n].shape == a.shape else a for n, a in w.items()}

    return in_steps(weights=weights)


def _forward(suffix: str, _: Sequence[str]) -> str:
    return suffix.removesuffix("_reverse")


def _opposite(suffix: str, _: Sequence[str]) -> str:
    return suffix.removesuffix("_reverse") if suffix.endswith("_reverse") else f"{suffix}_reverse"


def _direction_major(suffix: str, suffixes: Sequence[str]) -> str:
    return sorted(suffixes, key=lambda one: one.endswith("_reverse"))[suffixes.index(suffix)]


def _first_layer(suffix: str, _: Sequence[str]) -> str:
    return "_".join(["l0", *suffix.split("_")[1:]])


class _BatchFlipped(_ForwardInTime):
    def unroll(self, case: Case, suffix: str, layer_input: Array, state: State, lengths: Array) -> tuple[Array, State]:
        if direction(suffix) == FORWARD:
            return super().unroll(case, suffix, layer_input, state, lengths)
        out, last = super().unroll(case, suffix, layer_input[::-1], state, lengths[::-1])
        return out[::-1], last


class _StartsFromForwardEnd(Network):
    end: State

    def unroll(self, case: Case, suffix: str, layer_input: Array, state: State, lengths: Array) -> tuple[Array, State]:
        start = self.end if direction(suffix) == REVERSE and case.config.bidirectional else state
        out, self.end = super().unroll(case, suffix, layer_input, start, lengths)
        return out, self.end


def _forward_to_upper_layers(right: Network, outs: list[Array], layer: int, case: Case) -> Array:
    inputs = outs if is_last_layer(layer, case) else [outs[0], *(np.zeros_like(out) for out in outs[1:])]
    return right.join(inputs, layer, case)


DIRECTIONS = table(needs=_BIDIRECTIONAL)(
    reverse_not_reversed=(
        "Runs the reverse direction forward in time.",
        in_network(_ForwardInTime),
        {"stands_for": ("onnx PR7935", "tvm PR15829", "TIM-VX PR514")},
    ),
    reverse_not_flipped_back=(
        "Leaves the reverse direction's out in the order of computation, last time step first.",
        in_unrolled(lambda out, last, _start, lengths: (_reversed_in_time(out, lengths), last), REVERSE),
        {
            "stands_for": (
                *("keras#1431", "keras#3163", "tensorflow#40345", "onnxruntime#4187", "onnx2tf PR287"),
                *("tensorflow-onnx PR213", "CRNN-Keras#26", "TIM-VX PR520"),
            )
        },
    ),
    reverse_flips_output_only=(
        "Feeds the reverse direction x forward in time, and reverses its out.",
        in_layer_inputs(
            lambda _, suffix, x, state, lengths: (
                x if direction(suffix) == FORWARD else _reversed_in_time(x, lengths),
                state,
                lengths,
            )
        ),
    ),
    reverse_flips_batch=(
        "Reverses the batch axis of the reverse direction's input and out instead of the time axis.",
        in_network(_BatchFlipped),
    ),
    **{
        f"reverse_uses_forward_{name}": (
            f"Runs the reverse direction with the forward direction's {words}.",
            _weights_of(_forward, *kinds),
            attributes,
        )
        for name, words, kinds, attributes in (
            ("weights", "weights", ("weight", "bias"), {"stands_for": ("R-Net#13",)}),
            ("w_hh", "W_hh", ("weight_hh",), {}),
            ("w_ih", "W_ih", ("weight_ih",), {}),
            ("biases", "biases", ("bias",), {"needs": ("bidirectional", "bias")}),
        )
    },
    directions_weights_swapped=(
        "Runs each direction with the other's weights.",
        _weights_of(_opposite, "weight", "bias"),
    ),
    weights_direction_major=(
        "Reads the weights as those of all layers forward, then all layers in reverse, where their shapes allow it.",
        _weights_of(_direction_major, ""),
        {"needs": ("bidirectional", "multilayer"), "stands_for": ("pytorch PR22850",)},
    ),
    reverse_starts_from_forward_end=(
        "Starts the reverse direction from the forward direction's last state.",
        in_network(_StartsFromForwardEnd),
    ),
    reverse_missing=(
        "Never runs the reverse direction: its half of out and its last state are zero.",
        in_unrolled(lambda out, last, *_: (np.zeros_like(out), tuple(np.zeros_like(part) for part in last)), REVERSE),
    ),
    directions_joined_in_wrong_order=(
        "Joins the directions reverse first.",
        in_steps(join=lambda right, outs, layer, case: right.join(outs[::-1], layer, case)),
    ),
    directions_interleaved=(
        "Joins the directions unit by unit: forward 0, reverse 0, forward 1 and so on.",
        in_steps(join=lambda _, outs, _layer, _case: np.stack(outs, axis=-1).reshape(*outs[0].shape[:2], -1)),
    ),
    directions_stacked_and_reshaped=(
        "Stacks the directions as (2, batch, time, units) and reshapes that to out's shape.",
        in_steps(join=lambda _, outs, _layer, _case: np.stack(outs).reshape(*outs[0].shape[:2], -1)),
    ),
    directions_added=(
        "Adds the directions of the last layer instead of joining them.",
        in_steps(
            join=lambda right, outs, layer, case: (
                np.sum(outs, axis=0) if is_last_layer(layer, case) else right.join(outs, layer, case)
            )
        ),
    ),
    reverse_hidden_from_upper_layers=(
        "Feeds the upper layers the forward direction only.",
        in_steps(join=_forward_to_upper_layers),
        {"needs": ("bidirectional", "multilayer")},
    ),
)


_MULTILAYER = ("multilayer",)


def _between_layers(change: Callable[[Array], Array]) -> Alteration:
    """Change the input of each upper layer, but not the output of the last layer."""

    def join(right: Network, outs: list[Array], layer: int, case: Case) -> Array:
        joined = right.join(outs, layer, case)
        return joined if is_last_layer(layer, case) else change(joined)

    return in_steps(join=join)


def _dropped(array: Array) -> Array:
    """Dropout with p = 1/5 and a fixed mask."""
    mask = (np.arange(array.size).reshape(array.shape) * 7 + 3) % 5 != 0
    return np.where(mask, array / 0.8, 0)


def _half_dropped(array: Array) -> Array:
    """Dropout with p = 1/2 and a fixed mask."""
    mask = (np.arange(array.size).reshape(array.shape) * 7 + 3) % 4 < 2  # noqa: PLR2004 - two of four
    return np.where(mask, array * 2, 0)


def _residual(
    right: Network, case: Case, suffix: str, layer_input: Array, state: State, lengths: Array
) -> tuple[Array, State]:
    out, last = right.unroll(case, suffix, layer_input, state, lengths)
    skips = not suffix.startswith("l0") and out.shape == layer_input.shape
    return out + layer_input if skips else out, last


def _out_of_first_layer(case: Case, outputs: Outputs) -> Outputs:
    config = replace(case.config, num_layers=1)
    first = tuple(part[: config.num_directions] for part in case.state)
    return Network().run(replace(case, config=config, state=first))[0], *outputs[1:]


LAYERS = table(make=_between_layers, needs=_MULTILAYER)(
    layer_0_weights_reused=(
        "Runs every layer with the first layer's weights, where their shapes allow it.",
        _weights_of(_first_layer, "weight", "bias"),
    ),
    layer_0_w_hh_reused=("Runs every layer with the first layer's W_hh.", _weights_of(_first_layer, "weight_hh")),
    layer_0_biases_reused=(
        "Runs every layer with the first layer's biases.",
        _weights_of(_first_layer, "bias"),
        {"needs": ("multilayer", "bias")},
    ),
    dropout_left_on=(
        "Leaves dropout between the layers on (p = 1/5, with a fixed mask).",
        _dropped,
        {"stands_for": ("keras PR19397",)},
    ),
    dropout_of_half_left_on=("Leaves dropout between the layers on (p = 1/2, with a fixed mask).", _half_dropped),
    dropout_on_last_layer=(
        "Leaves dropout on the last layer's output on (p = 1/5, with a fixed mask).",
        in_out(_dropped),
        {"needs": (), "stands_for": ("OpenNMT-py#29",)},
    ),
    dropout_on_input=(
        "Leaves dropout on the input on (p = 1/5, with a fixed mask).",
        in_x(_dropped),
        {"needs": (), "stands_for": ("chainer PR2504",)},
    ),
    dropout_on_state=(
        "Leaves recurrent dropout on (p = 1/5, with a fixed mask).",
        in_steps(
            step=lambda right, case, suffix, w, layer_input, t, state: right.step(
                case, suffix, w, layer_input, t, (_dropped(state[0]), *state[1:])
            )
        ),
        {"needs": (), "stands_for": ("recurrent-batch-normalization-pytorch#13",)},
    ),
    dropout_scaling_left_on=(
        "Scales the input of upper layers by 1 - p (p = 1/5) although nothing is dropped.",
        lambda out: 0.8 * out,
    ),
    relu_between_layers=(
        "Applies a relu to the input of upper layers.",
        lambda out: np.maximum(out, 0),
        {"cells": ("rnn_tanh", "lstm", "gru")},
    ),
    tanh_between_layers=("Applies a tanh to the input of upper layers.", np.tanh),
    residual_between_layers=("Adds the input of an upper layer to its output.", in_steps(unroll=_residual)),
    upper_layers_see_last_step=(
        "Feeds upper layers the last time step of the layer below at every step.",
        lambda out: np.broadcast_to(out[:, -1:], out.shape),
    ),
    upper_layers_see_x=(
        "Feeds x to every layer, where the sizes allow it.",
        in_layer_inputs(lambda case, _suffix, x, *others: (case.x if case.x.shape == x.shape else x, *others)),
    ),
    upper_layers_read_input_size=(
        "Reads only as many columns of an upper layer's W_ih as x has features.",
        in_weights(
            lambda array, case: np.where(np.arange(array.shape[-1]) < case.config.input_size, array, 0), "weight_ih"
        ),
        {"stands_for": ("mxnet#17479",)},
    ),
    out_of_first_layer=("Returns the first layer's output as out.", in_outputs(_out_of_first_layer)),
)
