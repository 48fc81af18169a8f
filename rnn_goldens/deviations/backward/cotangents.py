"""Cotangents of the outputs that are averaged, or enter where they do not belong."""

from collections.abc import Callable, Sequence

import numpy as np

from rnn_goldens.cells import Array, Backward, Case, Cotangents, State
from rnn_goldens.cells.backward import OneWay
from rnn_goldens.deviations.backward.wrong import in_cotangents
from rnn_goldens.deviations.deviation import Deviation, Wrong, in_network


def _of_out(change: Callable[[Array, Case], Array]) -> Wrong:
    return in_cotangents(lambda case, given: {n: change(a, case) if n == "d_out" else a for n, a in given.items()})


def _mean_over_batch(d_out: Array, case: Case) -> Array:
    return np.broadcast_to(d_out.mean(axis=0, keepdims=True), d_out.shape) if case.batched else d_out


def _mean_over_time(d_out: Array, _: Case) -> Array:
    return np.broadcast_to(d_out.mean(axis=-2, keepdims=True), d_out.shape)


def _rows(case: Case) -> int:
    return len(case.x) if case.batched else 1


def _cell_to_state(_: Case, given: Cotangents) -> Cotangents:
    if "d_c_n" not in given:
        return given
    d_c = given["d_c_n"]
    return {**given, "d_h_n": given.get("d_h_n", 0) + d_c, "d_c_n": np.zeros_like(d_c)}


class _ReverseAtItsStart(Backward):
    """The cotangent of the reverse direction's h_n enters after the step with which that direction begins."""

    def back(self, case: Case, suffix: str, d_outs: Sequence[Array], d_last: State, lengths: Array) -> OneWay:
        self._entering: Array | None = None
        if suffix.endswith("_reverse"):
            self._entering, self._lengths = d_last[0], lengths
            d_last = np.zeros_like(d_last[0]), *d_last[1:]
        return super().back(case, suffix, d_outs, d_last, lengths)

    def enter(self, d_state: State, d_out: Array, t: int) -> State:
        if self._entering is not None:
            d_out = d_out + self.only(self._lengths - 1 == t, self._entering)
        return super().enter(d_state, d_out, t)


DEVIATIONS = (
    Deviation(
        "d_out_divided_by_batch",
        "Divides the cotangent of out by the number of sequences, and that of the last states not.",
        _of_out(lambda d_out, case: d_out / _rows(case)),
    ),
    Deviation(
        "d_out_divided_by_steps",
        "Divides the cotangent of out by the number of steps, and that of the last states not.",
        _of_out(lambda d_out, _: d_out / d_out.shape[-2]),
    ),
    Deviation(
        "d_out_mean_over_batch",
        "Gives every sequence the mean over the batch of the cotangent of out.",
        _of_out(_mean_over_batch),
    ),
    Deviation(
        "d_out_mean_over_time",
        "Gives every step the mean over time of the cotangent of out.",
        _of_out(_mean_over_time),
    ),
    Deviation(
        "d_c_n_added_to_h",
        "Adds the cotangent of c_n to that of the hidden state, not to the cell's.",
        in_cotangents(_cell_to_state),
        cells=("lstm",),
    ),
    Deviation(
        "d_h_n_of_reverse_at_its_start",
        "Adds the reverse direction's cotangent of h_n at the last time step, where that direction begins.",
        in_network(_ReverseAtItsStart),
        needs=("bidirectional",),
    ),
)
