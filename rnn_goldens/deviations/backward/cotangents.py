"""Deviations of cotangents of outputs and states, and of the gradients of initial states."""

from collections.abc import Callable, Sequence

import numpy as np

from rnn_goldens.cells import Array, Backward, Case, Cotangents, State
from rnn_goldens.cells.backward import DirectionGradients
from rnn_goldens.deviations.alteration import Alteration, in_network
from rnn_goldens.deviations.backward.alterations import in_cotangents, in_gradient, in_gradients, in_steps_back
from rnn_goldens.deviations.states import selected, zero_but
from rnn_goldens.deviations.table_rows import for_each, table

_LSTM = ("lstm",)

_Change = Callable[[Array, Case], Array]


_LAST = ""
"""In place of the name of a cotangent: those of all last states."""


def _of(change: _Change, named: str = "d_out") -> Alteration:
    """Change a cotangent, or those of all last states."""

    def changed(case: Case, cotangents: Cotangents) -> Cotangents:
        chosen = {named} if named else set(cotangents) - {"d_out"}
        return {name: change(array, case) if name in chosen else array for name, array in cotangents.items()}

    return in_cotangents(changed)


def _times(factor: float, named: str) -> Alteration:
    return _of(lambda array, _: factor * array, named)


def _carried(change: Callable[[State, int], State]) -> Alteration:
    """Change what is passed to the previous step: ``change(cotangents, t)``."""
    return in_steps_back(
        carry=lambda right, d_before, d_after, within, t: change(right.carry(d_before, d_after, within, t), t)
    )


def _zero(cotangents: State) -> State:
    return tuple(np.zeros_like(part) for part in cotangents)


class _Knowing(Backward):
    """Knows the direction, the lengths and the cotangents of the last states."""

    def back(
        self, case: Case, suffix: str, d_outs: Sequence[Array], d_last: State, lengths: Array
    ) -> DirectionGradients:
        self.reverse, self.lengths, self.d_last = suffix.endswith("_reverse"), lengths, d_last
        return super().back(case, suffix, d_outs, d_last, lengths)


class _DetachedBetweenSteps(_Knowing):
    def carry(self, d_before: State, d_after: State, within: Array, t: int) -> State:
        is_first = t >= self.lengths - 1 if self.reverse else np.full(len(within), t == 0)
        mask = (is_first | ~within)[:, None]
        return tuple(part * mask for part in super().carry(d_before, d_after, within, t))


class _EnteringEverywhere(_Knowing):
    def carry(self, d_before: State, d_after: State, within: Array, t: int) -> State:
        carried = super().carry(d_before, d_after, within, t)
        return carried[0] + self.d_last[0], *carried[1:]


class _StartFromLast(_Knowing):
    def to_start(self, d_state: State) -> State:
        return self.d_last if d_state else d_state


class _ReverseAtItsStart(_Knowing):
    def back(
        self, case: Case, suffix: str, d_outs: Sequence[Array], d_last: State, lengths: Array
    ) -> DirectionGradients:
        self.late = d_last[0] if suffix.endswith("_reverse") else np.zeros_like(d_last[0])
        return super().back(case, suffix, d_outs, (d_last[0] - self.late, *d_last[1:]), lengths)

    def enter(self, d_state: State, d_out: Array, t: int) -> State:
        return super().enter(d_state, d_out + self.only(self.lengths - 1 == t, self.late), t)


class _OneStepShort(Backward):
    def carry(self, d_before: State, d_after: State, within: Array, t: int) -> State:
        self._after = d_after
        return super().carry(d_before, d_after, within, t)

    def to_start(self, d_state: State) -> State:
        return self._after if d_state else d_state


def _last_swapped(case: Case, cotangents: Cotangents) -> Cotangents:
    zeros = np.zeros_like(case.state[0])
    d_h, d_c = (cotangents.get(name, zeros) for name in ("d_h_n", "d_c_n"))
    return {**cotangents, "d_h_n": d_c, "d_c_n": d_h}


def _cell_to_state(_: Case, cotangents: Cotangents) -> Cotangents:
    if "d_c_n" not in cotangents:
        return cotangents
    d_c = cotangents["d_c_n"]
    return {**cotangents, "d_h_n": cotangents.get("d_h_n", 0) + d_c, "d_c_n": np.zeros_like(d_c)}


def _replaces_last_step(case: Case, cotangents: Cotangents) -> Cotangents:
    """Remove the cotangent of out at the last step of the forward direction."""
    found = np.array(cotangents["d_out"]) if "d_out" in cotangents else None
    if found is None or "d_h_n" not in cotangents:
        return cotangents
    found[..., -1, : case.config.output_size] = 0
    return {**cotangents, "d_out": found}


def _start(change: _Change, *names: str) -> Alteration:
    """Change the gradients of the initial states."""
    return in_gradient("|".join(names or ("h0", "c0")), change)


PASSED_ON = table(make=_of)(
    backward_not_through_time=(
        "Passes no gradient from a step to the one before it: each step is differentiated separately.",
        _carried(lambda cotangents, _: _zero(cotangents)),
        {"stands_for": ("Flux.jl#2185",)},
    ),
    state_detached_between_steps=(
        "Detaches the state between steps; only the first step passes a gradient to the initial state.",
        in_network(_DetachedBetweenSteps),
    ),
    way_back_in_order_of_time=(
        "Runs the backward pass over the steps in forward order.",
        in_steps_back(times_back=lambda right, time, *, reverse: right.times(time, reverse=reverse)),
        {"stands_for": ("axon PR646",)},
    ),
    **for_each(
        (2, 4, 8, 16, 32, 64, 128),
        "backward_truncated_every_{}",
        "Detaches the state after every {} steps: gradients do not pass further back.",
        lambda steps: _carried(lambda cotangents, t: _zero(cotangents) if t % steps == 0 and t else cotangents),
    ),
    lstm_h_not_carried_back=(
        "Passes the gradient of the cell state from step to step, but not that of the hidden state.",
        _carried(lambda cotangents, _: (np.zeros_like(cotangents[0]), cotangents[1])),
        {"cells": _LSTM, "stands_for": ("AiDotNet PR722",)},
    ),
    lstm_c_not_carried_back=(
        "Passes the gradient of the hidden state from step to step, but not that of the cell state.",
        _carried(lambda cotangents, _: (cotangents[0], np.zeros_like(cotangents[1]))),
        {"cells": _LSTM},
    ),
    d_h_n_ignored=("Ignores the cotangent of h_n.", _times(0, "d_h_n")),
    d_h_n_twice=("Adds the cotangent of h_n twice.", _times(2, "d_h_n")),
    d_h_n_of_top_layer_alone=(
        "Ignores the cotangents of h_n of all layers except the last.",
        *(lambda array, case: zero_but(array, case, np.s_[-1:]), _LAST),
        {"needs": ("multilayer",)},
    ),
    d_h_n_layers_reversed=(
        "Uses the cotangents of the last states with the layers in reverse order.",
        *(selected(np.s_[::-1]), _LAST),
        {"needs": ("multilayer",)},
    ),
    d_h_n_directions_swapped=(
        "Swaps the cotangents of the last states between the directions.",
        *(selected(np.s_[:, ::-1]), _LAST),
        {"needs": ("bidirectional",)},
    ),
    d_h_n_at_every_step=(
        "Adds the cotangent of h_n at every step instead of only at the last.",
        in_network(_EnteringEverywhere),
    ),
    d_h_n_for_d_out=(
        "Replaces the cotangent of out at the last step by that of h_n instead of adding them.",
        in_cotangents(_replaces_last_step),
    ),
    d_c_n_ignored=(
        "Ignores the cotangent of c_n.",
        _times(0, "d_c_n"),
        {"cells": _LSTM, "stands_for": ("deeplearning4j#8838",)},
    ),
    d_c_n_twice=("Adds the cotangent of c_n twice.", _times(2, "d_c_n"), {"cells": _LSTM}),
    d_h_n_and_d_c_n_swapped=(
        "Swaps the cotangents of h_n and c_n.",
        in_cotangents(_last_swapped),
        {"cells": _LSTM, "mixes_states": True},
    ),
    d_out_ignored=("Ignores the cotangent of out.", _times(0, "d_out")),
    d_out_twice=("Adds the cotangent of out twice.", _times(2, "d_out")),
    d_out_of_last_step_alone=(
        "Uses the cotangent of out at the last step only.",
        lambda d_out, _: np.where(np.arange(-d_out.shape[-2], 0)[:, None] == -1, d_out, 0),
    ),
    d_out_one_step_late=("Uses the cotangent of out of the previous step.", lambda d, _: np.roll(d, 1, axis=-2)),
    d_out_reversed_in_time=("Uses the cotangent of out with the steps in reverse order.", lambda d, _: d[..., ::-1, :]),
    cotangents_taken_for_ones=(
        "Differentiates the sum of out and the last states whatever their cotangents are.",
        in_cotangents(lambda _, cotangents: {name: np.ones_like(array) for name, array in cotangents.items()}),
    ),
)

OF_START = table(make=_start, needs=("state",))(
    start_gradients_zero=("Returns zero for the gradients of the initial states.", lambda array, _: 0 * array),
    h0_gradient_zero=("Returns zero for the gradient of h0.", lambda array, _: 0 * array, "h0", {"cells": _LSTM}),
    c0_gradient_zero=("Returns zero for the gradient of c0.", lambda array, _: 0 * array, "c0", {"cells": _LSTM}),
    start_gradients_from_the_end=(
        "Returns the cotangents of the last states as the gradients of the initial states.",
        in_network(_StartFromLast),
    ),
    start_gradients_one_step_short=(
        "Returns the gradients of the states after the first step as those of the initial states.",
        in_network(_OneStepShort),
    ),
    start_gradients_swapped=(
        "Swaps the gradients of h0 and c0.",
        in_gradients(
            lambda _, gradients: (
                {**gradients, "h0": gradients["c0"], "c0": gradients["h0"]} if "c0" in gradients else gradients
            )
        ),
        {"cells": _LSTM},
    ),
    start_gradients_layers_reversed=(
        "Returns the gradients of the initial states with the layers in reverse order.",
        selected(np.s_[::-1]),
        {"needs": ("state", "multilayer")},
    ),
    start_gradients_directions_swapped=(
        "Swaps the gradients of the initial states between the directions.",
        selected(np.s_[:, ::-1]),
        {"needs": ("state", "bidirectional")},
    ),
    start_gradients_summed_over_batch=(
        "Sums the gradients of the initial states over the batch, as if all rows shared one state.",
        lambda array, case: (
            np.broadcast_to(array.sum(axis=1, keepdims=True), array.shape).copy() if case.batched else array
        ),
    ),
)

OF_OUT = table(make=_of)(
    d_out_divided_by_batch=(
        "Divides the cotangent of out by the number of sequences, but not that of the last states.",
        lambda d_out, case: d_out / (len(case.x) if case.batched else 1),
    ),
    d_out_divided_by_steps=(
        "Divides the cotangent of out by the number of steps, but not that of the last states.",
        lambda d_out, _: d_out / d_out.shape[-2],
    ),
    d_out_mean_over_batch=(
        "Uses the mean over the batch of the cotangent of out for every sequence.",
        lambda d_out, case: np.broadcast_to(d_out.mean(axis=0, keepdims=True), d_out.shape) if case.batched else d_out,
    ),
    d_out_mean_over_time=(
        "Uses the mean over time of the cotangent of out for every step.",
        lambda d_out, _: np.broadcast_to(d_out.mean(axis=-2, keepdims=True), d_out.shape),
    ),
    d_c_n_added_to_h=(
        "Adds the cotangent of c_n to that of the hidden state instead of the cell state.",
        in_cotangents(_cell_to_state),
        {"cells": ("lstm",), "mixes_states": True},
    ),
    d_h_n_of_reverse_at_its_start=(
        "Adds the reverse direction's cotangent of h_n at the last time step, where that direction begins.",
        in_network(_ReverseAtItsStart),
        {"needs": ("bidirectional",)},
    ),
)

DEVIATIONS = (*PASSED_ON, *OF_START, *OF_OUT)
