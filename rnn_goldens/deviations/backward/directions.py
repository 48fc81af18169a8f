"""Directions and layers: whose cotangent goes where."""

from collections.abc import Iterable, Sequence

import numpy as np

from rnn_goldens.cells import Array, Backward, Case, Cotangents
from rnn_goldens.cells.arrays import State
from rnn_goldens.cells.backward import OneWay
from rnn_goldens.deviations.backward.wrong import in_gradient, in_gradients, in_steps_back
from rnn_goldens.deviations.deviation import Deviation, Gradients, Wrong, in_network

_BOTH, _DEEP = ("bidirectional",), ("multilayer",)


def _reverse_not_flipped(right: Backward, ways: Sequence[Sequence[Array]], layer: int) -> list[Array]:
    return right.hand_down([way[::-1] if place else way for place, way in enumerate(ways)], layer)


def _one_direction(kept: int) -> Wrong:
    return in_steps_back(hand_down=lambda right, ways, layer: right.hand_down([ways[min(kept, len(ways) - 1)]], layer))


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
    return {name: gradients[name.removesuffix("_reverse")] for name in gradients}


def _swapped(_: Case, gradients: Gradients) -> Gradients:
    other = {f"{name}_reverse": name for name in gradients if f"{name}_reverse" in gradients}
    other |= {name: reverse for reverse, name in other.items()}
    return {name: gradients[other.get(name, name)] for name in gradients}


def _reverse_zero(_: Case, gradients: Gradients) -> Gradients:
    return {name: 0 * array if name.endswith("_reverse") else array for name, array in gradients.items()}


def _lower_zero(case: Case, gradients: Gradients) -> Gradients:
    """Where there is a layer above it."""
    lower = [name for name in case.weights if "_l0" in name and case.config.num_layers > 1]
    return {name: 0 * array if name in lower else array for name, array in gradients.items()}


def _nothing_below(right: Backward, ways: Sequence[Sequence[Array]], layer: int) -> list[Array]:
    found = right.hand_down(ways, layer)
    return [np.zeros_like(part) for part in found] if layer else found


class _Overwriting(Backward):
    """What the first direction hands down stands where the cotangents of the layer's output did."""

    def of_batch(self, case: Case, cotangents: Cotangents) -> dict[str, Array]:
        self._overwritten: list[Array] | None = None
        return super().of_batch(case, cotangents)

    def side(self, d_outs: Sequence[Array], direction: int, directions: int) -> list[Array]:
        overwritten = self._overwritten if direction else None
        fits = overwritten is not None and overwritten[0].shape == d_outs[0].shape
        return super().side(overwritten if fits and overwritten is not None else d_outs, direction, directions)

    def back(self, case: Case, suffix: str, d_outs: Sequence[Array], d_last: State, lengths: Array) -> OneWay:
        way = super().back(case, suffix, d_outs, d_last, lengths)
        self._overwritten = way.inputs
        return way


DEVIATIONS = (
    Deviation(
        "reverse_x_gradient_not_flipped",
        "Adds the reverse direction's gradient of its input from the last step to the first.",
        in_steps_back(hand_down=_reverse_not_flipped),
        needs=_BOTH,
    ),
    Deviation(
        "reverse_cotangent_flipped",
        "Takes the reverse half of out's cotangent from the last step to the first.",
        in_steps_back(side=_side_flipped),
        needs=_BOTH,
    ),
    Deviation(
        "cotangent_halves_swapped",
        "Gives the directions each other's half of out's cotangent.",
        in_steps_back(side=_halves_swapped),
        needs=_BOTH,
    ),
    Deviation(
        "cotangent_half_for_both",
        "Gives both directions the forward half of out's cotangent.",
        in_steps_back(side=_first_half),
        needs=_BOTH,
    ),
    Deviation(
        "reverse_way_back_as_forward",
        "Goes back through the reverse direction in the forward one's order.",
        in_steps_back(times_back=_times_as_forward),
        needs=_BOTH,
    ),
    Deviation(
        "x_gradient_of_forward_alone",
        "Leaves the reverse direction out of the gradient of the input.",
        _one_direction(0),
        needs=_BOTH,
    ),
    Deviation(
        "x_gradient_of_reverse_alone",
        "Leaves the forward direction out of the gradient of the input.",
        _one_direction(1),
        needs=_BOTH,
    ),
    Deviation(
        "forward_gradients_for_reverse",
        "Gives the forward weights' gradients for those of the reverse direction.",
        in_gradients(_forward_for_reverse),
        needs=_BOTH,
    ),
    Deviation(
        "direction_gradients_swapped",
        "Gives the weights of the directions each other's gradients.",
        in_gradients(_swapped),
        needs=_BOTH,
    ),
    Deviation(
        "reverse_gradients_zero",
        "Gives zero for the gradients of the reverse direction's weights.",
        in_gradients(_reverse_zero),
        needs=_BOTH,
    ),
    Deviation(
        "layers_detached",
        "Sends nothing back from a layer to the one below it.",
        in_steps_back(hand_down=_nothing_below),
        needs=_DEEP,
    ),
    Deviation(
        "lower_gradients_zero",
        "Gives zero for the gradients of the first layer's weights.",
        in_gradients(_lower_zero),
        needs=_DEEP,
    ),
    Deviation(
        "cotangents_overwritten",
        "Writes the gradient of a layer's input over its output's cotangent, that the other direction has yet to read.",
        in_network(_Overwriting),
        needs=("multilayer", "bidirectional"),
        stands_for=("mxnet PR18203",),
    ),
    Deviation(
        "upper_gradients_zero",
        "Gives zero for the gradients of all weights but the first layer's.",
        in_gradient(("weight", "bias"), lambda array: 0 * array, but="_l0"),
        needs=_DEEP,
    ),
)
