"""Cotangents of the outputs that are divided, averaged or added in the wrong place."""

from collections.abc import Callable, Sequence

import numpy as np

from rnn_goldens.cells import Array, Backward, Case, Cotangents, State
from rnn_goldens.cells.backward import DirectionGradients
from rnn_goldens.deviations.alteration import Alteration, in_network
from rnn_goldens.deviations.backward.alterations import in_cotangents
from rnn_goldens.deviations.deviation import Deviation


def _of_out(change: Callable[[Array, Case], Array]) -> Alteration:
    return in_cotangents(
        lambda case, cotangents: {n: change(a, case) if n == "d_out" else a for n, a in cotangents.items()}
    )


def _mean_over_batch(d_out: Array, case: Case) -> Array:
    return np.broadcast_to(d_out.mean(axis=0, keepdims=True), d_out.shape) if case.batched else d_out


def _mean_over_time(d_out: Array, _: Case) -> Array:
    return np.broadcast_to(d_out.mean(axis=-2, keepdims=True), d_out.shape)


def _rows(case: Case) -> int:
    return len(case.x) if case.batched else 1


def _cell_to_state(_: Case, cotangents: Cotangents) -> Cotangents:
    if "d_c_n" not in cotangents:
        return cotangents
    d_c = cotangents["d_c_n"]
    return {**cotangents, "d_h_n": cotangents.get("d_h_n", 0) + d_c, "d_c_n": np.zeros_like(d_c)}


class _ReverseAtItsStart(Backward):
    """Adds the cotangent of the reverse direction's h_n at the first step of that direction."""

    def back(
        self, case: Case, suffix: str, d_outs: Sequence[Array], d_last: State, lengths: Array
    ) -> DirectionGradients:
        self._d_last: Array | None = None
        if suffix.endswith("_reverse"):
            self._d_last, self._lengths = d_last[0], lengths
            d_last = np.zeros_like(d_last[0]), *d_last[1:]
        return super().back(case, suffix, d_outs, d_last, lengths)

    def enter(self, d_state: State, d_out: Array, t: int) -> State:
        if self._d_last is not None:
            d_out = d_out + self.only(self._lengths - 1 == t, self._d_last)
        return super().enter(d_state, d_out, t)


DEVIATIONS = (
    Deviation(
        "d_out_divided_by_batch",
        "Divides the cotangent of out by the number of sequences, but not that of the last states.",
        _of_out(lambda d_out, case: d_out / _rows(case)),
    ),
    Deviation(
        "d_out_divided_by_steps",
        "Divides the cotangent of out by the number of steps, but not that of the last states.",
        _of_out(lambda d_out, _: d_out / d_out.shape[-2]),
    ),
    Deviation(
        "d_out_mean_over_batch",
        "Uses the mean over the batch of the cotangent of out for every sequence.",
        _of_out(_mean_over_batch),
    ),
    Deviation(
        "d_out_mean_over_time",
        "Uses the mean over time of the cotangent of out for every step.",
        _of_out(_mean_over_time),
    ),
    Deviation(
        "d_c_n_added_to_h",
        "Adds the cotangent of c_n to that of the hidden state instead of the cell state.",
        in_cotangents(_cell_to_state),
        cells=("lstm",),
        mixes_states=True,
    ),
    Deviation(
        "d_h_n_of_reverse_at_its_start",
        "Adds the reverse direction's cotangent of h_n at the last time step, where that direction begins.",
        in_network(_ReverseAtItsStart),
        needs=("bidirectional",),
    ),
)
