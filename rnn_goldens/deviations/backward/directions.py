"""Cotangents and gradients of the wrong direction or layer."""

from collections.abc import Iterable, Sequence

import numpy as np

from rnn_goldens.cells import Array, Backward, Case, Cotangents
from rnn_goldens.cells.arrays import State
from rnn_goldens.cells.backward import DirectionGradients
from rnn_goldens.deviations.alteration import Alteration, Gradients, in_network
from rnn_goldens.deviations.backward.alterations import in_gradient, in_gradients, in_steps_back
from rnn_goldens.deviations.deviation import Deviation

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


def _halves_swapped(right: Backward, d_outs: Sequence[Array], direction: int, directions: int) -> list[Array]:
    return right.side(d_outs, directions - 1 - direction, directions)


def _first_half(right: Backward, d_outs: Sequence[Array], _direction: int, directions: int) -> list[Array]:
    return right.side(d_outs, 0, directions)


def _times_as_forward(right: Backward, time: int, *, reverse: bool) -> Iterable[int]:  # noqa: ARG001
    return right.times_back(time, reverse=False)


def _forward_for_reverse(_: Case, gradients: Gradients) -> Gradients:
    return {name: gradients.get(name.removesuffix("_reverse"), array) for name, array in gradients.items()}


def _swapped(_: Case, gradients: Gradients) -> Gradients:
    other = {f"{name}_reverse": name for name in gradients if f"{name}_reverse" in gradients}
    other |= {name: reverse for reverse, name in other.items()}
    return {name: gradients[other.get(name, name)] for name in gradients}


def _reverse_zero(_: Case, gradients: Gradients) -> Gradients:
    return {name: 0 * array if name.endswith("_reverse") else array for name, array in gradients.items()}


def _lower_zero(case: Case, gradients: Gradients) -> Gradients:
    """Set the gradients of the first layer to zero, if there is an upper layer."""
    lower = [name for name in case.weights if "_l0" in name and case.config.num_layers > 1]
    return {name: 0 * array if name in lower else array for name, array in gradients.items()}


def _zero_below(right: Backward, d_inputs: Sequence[Sequence[Array]], layer: int) -> list[Array]:
    found = right.to_layer_below(d_inputs, layer)
    return [np.zeros_like(part) for part in found] if layer else found


class _Overwriting(Backward):
    """Overwrites the cotangents of a layer's output with the first direction's gradient of its input."""

    def of_batch(self, case: Case, cotangents: Cotangents) -> dict[str, Array]:
        self._overwritten: list[Array] | None = None
        return super().of_batch(case, cotangents)

    def side(self, d_outs: Sequence[Array], direction: int, directions: int) -> list[Array]:
        overwritten = self._overwritten if direction else None
        same_shape = overwritten is not None and overwritten[0].shape == d_outs[0].shape
        return super().side(overwritten if same_shape and overwritten is not None else d_outs, direction, directions)

    def back(
        self, case: Case, suffix: str, d_outs: Sequence[Array], d_last: State, lengths: Array
    ) -> DirectionGradients:
        found = super().back(case, suffix, d_outs, d_last, lengths)
        self._overwritten = found.inputs
        return found


DEVIATIONS = (
    Deviation(
        "reverse_x_gradient_not_flipped",
        "Adds the reverse direction's gradient of its input with the steps in reverse order.",
        in_steps_back(to_layer_below=_reverse_not_flipped),
        needs=_BIDIRECTIONAL,
    ),
    Deviation(
        "reverse_cotangent_flipped",
        "Uses the reverse half of out's cotangent with the steps in reverse order.",
        in_steps_back(side=_side_flipped),
        needs=_BIDIRECTIONAL,
    ),
    Deviation(
        "cotangent_halves_swapped",
        "Swaps the halves of out's cotangent between the directions.",
        in_steps_back(side=_halves_swapped),
        needs=_BIDIRECTIONAL,
    ),
    Deviation(
        "cotangent_half_for_both",
        "Uses the forward half of out's cotangent for both directions.",
        in_steps_back(side=_first_half),
        needs=_BIDIRECTIONAL,
    ),
    Deviation(
        "reverse_way_back_as_forward",
        "Runs the backward pass of the reverse direction in the order of the forward direction.",
        in_steps_back(times_back=_times_as_forward),
        needs=_BIDIRECTIONAL,
    ),
    Deviation(
        "x_gradient_of_forward_alone",
        "Leaves the reverse direction out of the gradient of the input.",
        _one_direction(0),
        needs=_BIDIRECTIONAL,
    ),
    Deviation(
        "x_gradient_of_reverse_alone",
        "Leaves the forward direction out of the gradient of the input.",
        _one_direction(1),
        needs=_BIDIRECTIONAL,
    ),
    Deviation(
        "forward_gradients_for_reverse",
        "Returns the gradients of the forward weights for those of the reverse direction.",
        in_gradients(_forward_for_reverse),
        needs=_BIDIRECTIONAL,
    ),
    Deviation(
        "direction_gradients_swapped",
        "Swaps the gradients of the weights of the two directions.",
        in_gradients(_swapped),
        needs=_BIDIRECTIONAL,
    ),
    Deviation(
        "reverse_gradients_zero",
        "Returns zero for the gradients of the reverse direction's weights.",
        in_gradients(_reverse_zero),
        needs=_BIDIRECTIONAL,
    ),
    Deviation(
        "layers_detached",
        "Passes no gradient from a layer to the one below it.",
        in_steps_back(to_layer_below=_zero_below),
        needs=_MULTILAYER,
    ),
    Deviation(
        "lower_gradients_zero",
        "Returns zero for the gradients of the first layer's weights.",
        in_gradients(_lower_zero),
        needs=_MULTILAYER,
    ),
    Deviation(
        "cotangents_overwritten",
        "Overwrites the cotangent of a layer's output with that of its input before the other direction has read it.",
        in_network(_Overwriting),
        needs=("multilayer", "bidirectional"),
        stands_for=("mxnet PR18203",),
    ),
    Deviation(
        "upper_gradients_zero",
        "Returns zero for the gradients of all weights except the first layer's.",
        in_gradient(("weight", "bias"), lambda array: 0 * array, but="_l0"),
        needs=_MULTILAYER,
    ),
)
