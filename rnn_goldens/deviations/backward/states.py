"""Cotangents of states: of the last states, carried from step to step, and of the initial states."""

from collections.abc import Callable, Sequence

import numpy as np

from rnn_goldens.cells import Array, Backward, Case, Cotangents, State
from rnn_goldens.cells.backward import DirectionGradients
from rnn_goldens.deviations.alteration import Alteration, Gradients, by_layer, in_network
from rnn_goldens.deviations.backward.alterations import in_cotangents, in_gradients, in_steps_back
from rnn_goldens.deviations.deviation import Deviation

_LSTM = ("lstm",)


def _truncated(steps: int) -> Deviation:
    """Return the deviation that detaches the state after every ``steps`` steps, as between chunks."""

    def carry(right: Backward, d_before: State, d_after: State, within: Array, t: int) -> State:
        carried = right.carry(d_before, d_after, within, t)
        return tuple(np.zeros_like(part) for part in carried) if t % steps == 0 and t else carried

    return Deviation(
        f"backward_truncated_every_{steps}",
        f"Detaches the state after every {steps} steps: gradients do not pass further back.",
        in_steps_back(carry=carry),
    )


class _DetachedBetweenSteps(Backward):
    """Passes no gradient between steps; only the first step of a sequence passes one, to the initial state."""

    def back(
        self, case: Case, suffix: str, d_outs: Sequence[Array], d_last: State, lengths: Array
    ) -> DirectionGradients:
        self._reverse, self._lengths = suffix.endswith("_reverse"), lengths
        return super().back(case, suffix, d_outs, d_last, lengths)

    def carry(self, d_before: State, d_after: State, within: Array, t: int) -> State:
        is_first = t >= self._lengths - 1 if self._reverse else np.full(len(within), t == 0)
        mask = (is_first | ~within)[:, None]
        return tuple(part * mask for part in super().carry(d_before, d_after, within, t))


def _not_carried(right: Backward, d_before: State, d_after: State, within: Array, t: int) -> State:
    return tuple(np.zeros_like(part) for part in right.carry(d_before, d_after, within, t))


def _part_not_carried(index: int) -> Alteration:
    def carry(right: Backward, d_before: State, d_after: State, within: Array, t: int) -> State:
        carried = right.carry(d_before, d_after, within, t)
        return tuple(np.zeros_like(part) if place == index else part for place, part in enumerate(carried))

    return in_steps_back(carry=carry)


def _of_last(change: Callable[[str, Array, Case], Array]) -> Alteration:
    """Change the cotangents of the last states."""

    def changed(case: Case, cotangents: Cotangents) -> Cotangents:
        return {name: array if name == "d_out" else change(name, array, case) for name, array in cotangents.items()}

    return in_cotangents(changed)


def _without(*names: str) -> Alteration:
    return in_cotangents(lambda _, cotangents: {n: 0 * a if n in names else a for n, a in cotangents.items()})


def _times(factor: float, *names: str) -> Alteration:
    return in_cotangents(lambda _, cotangents: {n: factor * a if n in names else a for n, a in cotangents.items()})


def _last_swapped(case: Case, cotangents: Cotangents) -> Cotangents:
    zeros = np.zeros_like(case.state[0])
    d_h, d_c = (cotangents.get(name, zeros) for name in ("d_h_n", "d_c_n"))
    return {**cotangents, "d_h_n": d_c, "d_c_n": d_h}


def _top_layer_alone(_: str, array: Array, case: Case) -> Array:
    found = np.array(by_layer(array, case))
    found[:-1] = 0
    return found.reshape(array.shape)


def _layers_reversed(_: str, array: Array, case: Case) -> Array:
    return by_layer(array, case)[::-1].reshape(array.shape)


def _directions_swapped(_: str, array: Array, case: Case) -> Array:
    return by_layer(array, case)[:, ::-1].reshape(array.shape)


def _out(change: Callable[[Array], Array]) -> Alteration:
    return in_cotangents(lambda _, cotangents: {n: change(a) if n == "d_out" else a for n, a in cotangents.items()})


def _last_step_alone(d_out: Array) -> Array:
    found = np.zeros_like(d_out)
    found[..., -1, :] = d_out[..., -1, :]
    return found


def _replaces_last_step(case: Case, cotangents: Cotangents) -> Cotangents:
    """Remove the cotangent of out at the last step of the forward direction."""
    found = np.array(cotangents["d_out"]) if "d_out" in cotangents else None
    if found is None or "d_h_n" not in cotangents:
        return cotangents
    found[..., -1, : case.config.output_size] = 0
    return {**cotangents, "d_out": found}


class _EnteringEverywhere(Backward):
    """Adds the cotangent of the last state at every step."""

    def back(
        self, case: Case, suffix: str, d_outs: Sequence[Array], d_last: State, lengths: Array
    ) -> DirectionGradients:
        self._d_last = d_last
        return super().back(case, suffix, d_outs, d_last, lengths)

    def carry(self, d_before: State, d_after: State, within: Array, t: int) -> State:
        carried = super().carry(d_before, d_after, within, t)
        return carried[0] + self._d_last[0], *carried[1:]


class _StartFromLast(Backward):
    """Returns the cotangent of the last state as the gradient of the initial state."""

    def back(
        self, case: Case, suffix: str, d_outs: Sequence[Array], d_last: State, lengths: Array
    ) -> DirectionGradients:
        self._d_last = d_last
        return super().back(case, suffix, d_outs, d_last, lengths)

    def to_start(self, d_state: State) -> State:
        return self._d_last if d_state else d_state


class _OneStepShort(Backward):
    """Returns the gradient of the state after the first step as the gradient of the initial state."""

    def carry(self, d_before: State, d_after: State, within: Array, t: int) -> State:
        self._after = d_after
        return super().carry(d_before, d_after, within, t)

    def to_start(self, d_state: State) -> State:
        return self._after if d_state else d_state


def _start(change: Callable[[str, Array, Case], Array], *names: str) -> Alteration:
    """Change the gradients of the initial states."""

    def changed(case: Case, gradients: Gradients) -> Gradients:
        return {n: change(n, a, case) if n in (names or ("h0", "c0")) else a for n, a in gradients.items()}

    return in_gradients(changed)


def _start_swapped(_: Case, gradients: Gradients) -> Gradients:
    return {**gradients, "h0": gradients["c0"], "c0": gradients["h0"]} if "c0" in gradients else gradients


def _summed_over_batch(_: str, array: Array, case: Case) -> Array:
    return np.broadcast_to(array.sum(axis=1, keepdims=True), array.shape).copy() if case.batched else array


DEVIATIONS = (
    Deviation(
        "backward_not_through_time",
        "Passes no gradient from a step to the one before it: each step is differentiated separately.",
        in_steps_back(carry=_not_carried),
        stands_for=("Flux.jl#2185",),
    ),
    Deviation(
        "state_detached_between_steps",
        "Detaches the state between steps; only the first step passes a gradient to the initial state.",
        in_network(_DetachedBetweenSteps),
    ),
    Deviation(
        "way_back_in_order_of_time",
        "Runs the backward pass over the steps in forward order.",
        in_steps_back(times_back=lambda right, time, *, reverse: right.times(time, reverse=reverse)),
        stands_for=("axon PR646",),
    ),
    *(_truncated(steps) for steps in (2, 4, 8, 16, 32, 64, 128)),
    Deviation(
        "lstm_h_not_carried_back",
        "Passes the gradient of the cell state from step to step, but not that of the hidden state.",
        _part_not_carried(0),
        cells=_LSTM,
        stands_for=("AiDotNet PR722",),
    ),
    Deviation(
        "lstm_c_not_carried_back",
        "Passes the gradient of the hidden state from step to step, but not that of the cell state.",
        _part_not_carried(1),
        cells=_LSTM,
    ),
    Deviation("d_h_n_ignored", "Ignores the cotangent of h_n.", _without("d_h_n")),
    Deviation("d_h_n_twice", "Adds the cotangent of h_n twice.", _times(2.0, "d_h_n")),
    Deviation(
        "d_h_n_of_top_layer_alone",
        "Ignores the cotangents of h_n of all layers except the last.",
        _of_last(_top_layer_alone),
        needs=("multilayer",),
    ),
    Deviation(
        "d_h_n_layers_reversed",
        "Uses the cotangents of the last states with the layers in reverse order.",
        _of_last(_layers_reversed),
        needs=("multilayer",),
    ),
    Deviation(
        "d_h_n_directions_swapped",
        "Swaps the cotangents of the last states between the directions.",
        _of_last(_directions_swapped),
        needs=("bidirectional",),
    ),
    Deviation(
        "d_h_n_at_every_step",
        "Adds the cotangent of h_n at every step instead of only at the last.",
        in_network(_EnteringEverywhere),
    ),
    Deviation(
        "d_h_n_for_d_out",
        "Replaces the cotangent of out at the last step by that of h_n instead of adding them.",
        in_cotangents(_replaces_last_step),
    ),
    Deviation(
        "d_c_n_ignored",
        "Ignores the cotangent of c_n.",
        _without("d_c_n"),
        cells=_LSTM,
        stands_for=("deeplearning4j#8838",),
    ),
    Deviation("d_c_n_twice", "Adds the cotangent of c_n twice.", _times(2.0, "d_c_n"), cells=_LSTM),
    Deviation(
        "d_h_n_and_d_c_n_swapped",
        "Swaps the cotangents of h_n and c_n.",
        in_cotangents(_last_swapped),
        cells=_LSTM,
        mixes_states=True,
    ),
    Deviation("d_out_ignored", "Ignores the cotangent of out.", _without("d_out")),
    Deviation("d_out_twice", "Adds the cotangent of out twice.", _times(2.0, "d_out")),
    Deviation(
        "d_out_of_last_step_alone",
        "Uses the cotangent of out at the last step only.",
        _out(_last_step_alone),
    ),
    Deviation(
        "d_out_one_step_late",
        "Uses the cotangent of out of the previous step.",
        _out(lambda d_out: np.roll(d_out, 1, axis=-2)),
    ),
    Deviation(
        "d_out_reversed_in_time",
        "Uses the cotangent of out with the steps in reverse order.",
        _out(lambda d_out: d_out[..., ::-1, :]),
    ),
    Deviation(
        "cotangents_taken_for_ones",
        "Differentiates the sum of out and the last states whatever their cotangents are.",
        in_cotangents(lambda _, cotangents: {name: np.ones_like(array) for name, array in cotangents.items()}),
    ),
    Deviation(
        "start_gradients_zero",
        "Returns zero for the gradients of the initial states.",
        _start(lambda _, array, _case: 0 * array),
        needs=("state",),
    ),
    Deviation(
        "h0_gradient_zero",
        "Returns zero for the gradient of h0.",
        _start(lambda _, array, _case: 0 * array, "h0"),
        cells=_LSTM,
        needs=("state",),
    ),
    Deviation(
        "c0_gradient_zero",
        "Returns zero for the gradient of c0.",
        _start(lambda _, array, _case: 0 * array, "c0"),
        cells=_LSTM,
        needs=("state",),
    ),
    Deviation(
        "start_gradients_from_the_end",
        "Returns the cotangents of the last states as the gradients of the initial states.",
        in_network(_StartFromLast),
        needs=("state",),
    ),
    Deviation(
        "start_gradients_one_step_short",
        "Returns the gradients of the states after the first step as those of the initial states.",
        in_network(_OneStepShort),
        needs=("state",),
    ),
    Deviation(
        "start_gradients_swapped",
        "Swaps the gradients of h0 and c0.",
        in_gradients(_start_swapped),
        cells=_LSTM,
        needs=("state",),
    ),
    Deviation(
        "start_gradients_layers_reversed",
        "Returns the gradients of the initial states with the layers in reverse order.",
        _start(_layers_reversed),
        needs=("state", "multilayer"),
    ),
    Deviation(
        "start_gradients_directions_swapped",
        "Swaps the gradients of the initial states between the directions.",
        _start(_directions_swapped),
        needs=("state", "bidirectional"),
    ),
    Deviation(
        "start_gradients_summed_over_batch",
        "Sums the gradients of the initial states over the batch, as if all rows shared one state.",
        _start(_summed_over_batch),
        needs=("state",),
    ),
)
