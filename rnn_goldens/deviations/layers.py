"""Layers that use another layer's weights, or pass something other than their output to the next layer."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from rnn_goldens.cells import Array, Case, Network, State, Weights
from rnn_goldens.deviations.alteration import (
    Alteration,
    Outputs,
    in_layer_inputs,
    in_out,
    in_outputs,
    in_steps,
    in_weights,
    in_x,
    is_last_layer,
)
from rnn_goldens.deviations.table_rows import table

NEEDS = ("multilayer",)


def _of_layer_0(kinds: tuple[str, ...]) -> Alteration:
    def weights(right: Network, case: Case, suffix: str) -> Weights:
        w = right.weights(case, suffix)
        first = right.weights(case, "_".join(["l0", *suffix.split("_")[1:]]))
        return {
            name: first[name] if name.startswith(kinds) and first[name].shape == array.shape else array
            for name, array in w.items()
        }

    return in_steps(weights=weights)


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


DEVIATIONS = table(make=_between_layers, needs=NEEDS)(
    layer_0_weights_reused=(
        "Runs every layer with the first layer's weights, where their shapes allow it.",
        _of_layer_0(("weight", "bias")),
    ),
    layer_0_w_hh_reused=("Runs every layer with the first layer's W_hh.", _of_layer_0(("weight_hh",))),
    layer_0_biases_reused=(
        "Runs every layer with the first layer's biases.",
        _of_layer_0(("bias",)),
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
