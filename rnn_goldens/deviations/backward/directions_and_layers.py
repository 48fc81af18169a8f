"""Cotangents and gradients of the wrong direction or layer."""

from collections.abc import Callable, Sequence

import numpy as np

from rnn_goldens.cells import Array, Backward, Case
from rnn_goldens.cells.backward import DirectionGradients
from rnn_goldens.cells.numpy_primitives import State
from rnn_goldens.deviations.alteration import Alteration, in_network
from rnn_goldens.deviations.backward.alterations import in_gradient, in_names, in_steps_back
from rnn_goldens.deviations.table_rows import table

_BIDIRECTIONAL, _MULTILAYER = ("bidirectional",), ("multilayer",)


def _reverse_not_flipped(right: Backward, d_inputs: Sequence[Sequence[Array]], layer: int) -> list[Array]:
    return right.to_layer_below(
        [steps[::-1] if direction else steps for direction, steps in enumerate(d_inputs)], layer
    )


def _one_direction(index: int) -> Alteration:
    return in_steps_back(
        to_layer_below=lambda right, d_inputs, layer: right.to_layer_below(
            [d_inputs[min(index, len(d_inputs) - 1)]], layer
        )
    )


def _side_flipped(right: Backward, d_outs: Sequence[Array], direction: int, directions: int) -> list[Array]:
    found = right.side(d_outs, direction, directions)
    return found[::-1] if direction else found


def handed_down(change: Callable[[Array], Array]) -> Alteration:
    """Return a change of the gradient that is passed to the layer below, if there is one."""

    def to_layer_below(right: Backward, d_inputs: Sequence[Sequence[Array]], layer: int) -> list[Array]:
        found = right.to_layer_below(d_inputs, layer)
        return list(map(change, found)) if layer else found

    return in_steps_back(to_layer_below=to_layer_below)


class _Overwriting(Backward):
    _overwritten: Sequence[Array] = ()

    def side(self, d_outs: Sequence[Array], direction: int, directions: int) -> list[Array]:
        if direction and self._overwritten[0].shape == d_outs[0].shape:
            d_outs = self._overwritten
        return super().side(d_outs, direction, directions)

    def back(
        self, case: Case, suffix: str, d_outs: Sequence[Array], d_last: State, lengths: Array
    ) -> DirectionGradients:
        found = super().back(case, suffix, d_outs, d_last, lengths)
        self._overwritten = found.inputs
        return found


OF_DIRECTIONS = table(needs=_BIDIRECTIONAL)(
    reverse_x_gradient_not_flipped=(
        "Adds the reverse direction's gradient of its input with the steps in reverse order.",
        in_steps_back(to_layer_below=_reverse_not_flipped),
    ),
    reverse_cotangent_flipped=(
        "Uses the reverse half of out's cotangent with the steps in reverse order.",
        in_steps_back(side=_side_flipped),
    ),
    cotangent_halves_swapped=(
        "Swaps the halves of out's cotangent between the directions.",
        in_steps_back(
            side=lambda right, d_outs, direction, directions: right.side(d_outs, directions - 1 - direction, directions)
        ),
    ),
    cotangent_half_for_both=(
        "Uses the forward half of out's cotangent for both directions.",
        in_steps_back(side=lambda right, d_outs, _direction, directions: right.side(d_outs, 0, directions)),
    ),
    reverse_way_back_as_forward=(
        "Runs the backward pass of the reverse direction in the order of the forward direction.",
        in_steps_back(times_back=lambda right, time, **_: right.times_back(time, reverse=False)),
    ),
    x_gradient_of_forward_alone=("Leaves the reverse direction out of the gradient of the input.", _one_direction(0)),
    x_gradient_of_reverse_alone=("Leaves the forward direction out of the gradient of the input.", _one_direction(1)),
    forward_gradients_for_reverse=(
        "Returns the gradients of the forward weights for those of the reverse direction.",
        in_names(lambda name: name.removesuffix("_reverse")),
    ),
    direction_gradients_swapped=(
        "Swaps the gradients of the weights of the two directions.",
        in_names(lambda name: name.removesuffix("_reverse") if name.endswith("_reverse") else f"{name}_reverse"),
    ),
    reverse_gradients_zero=(
        "Returns zero for the gradients of the reverse direction's weights.",
        in_gradient(".*_reverse", lambda array, _: 0 * array),
    ),
)

OF_LAYERS = table(needs=_MULTILAYER)(
    layers_detached=("Passes no gradient from a layer to the one below it.", handed_down(np.zeros_like)),
    lower_gradients_zero=(
        "Returns zero for the gradients of the first layer's weights.",
        in_gradient(".*_l0", lambda array, case: 0 * array if case.config.num_layers > 1 else array),
    ),
    cotangents_overwritten=(
        "Overwrites the cotangent of a layer's output with that of its input before the other direction has read it.",
        in_network(_Overwriting),
        {"needs": ("multilayer", "bidirectional"), "stands_for": ("mxnet PR18203",)},
    ),
    upper_gradients_zero=(
        "Returns zero for the gradients of all weights except the first layer's.",
        in_gradient("(weight|bias)(?!.*_l0)", lambda array, _: 0 * array),
    ),
)

DEVIATIONS = (*OF_DIRECTIONS, *OF_LAYERS)
