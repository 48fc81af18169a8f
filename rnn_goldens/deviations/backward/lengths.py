"""Deviations in which padding has or affects gradients."""

import numpy as np

from rnn_goldens.cells import Array, Backward, Case, Cotangents
from rnn_goldens.deviations.alteration import Alteration, Gradients, in_network
from rnn_goldens.deviations.backward.alterations import in_cotangents, in_gradients, in_steps_back
from rnn_goldens.deviations.table_rows import table

_LENGTHS = ("lengths",)


def _added_at_the_end(case: Case, cotangents: Cotangents) -> Cotangents:
    """Add the cotangents of padding to the cotangent of the last step, as if the last output were repeated."""
    if case.lengths is None or "d_out" not in cotangents:
        return cotangents
    d_out = np.array(cotangents["d_out"])
    for row, length in enumerate(case.lengths):
        d_out[row, length - 1] += d_out[row, length:].sum(axis=0)
    return {**cotangents, "d_out": d_out}


def _lost_where_shorter(case: Case, cotangents: Cotangents) -> Cotangents:
    if case.lengths is None:
        return cotangents
    is_longest = (case.lengths == case.x.shape[1])[:, None]
    return {name: array if name == "d_out" else array * is_longest for name, array in cotangents.items()}


def _at_its_end(case: Case, gradients: Gradients) -> Gradients:
    """Put the gradient of x at the end of the padded time axis."""
    if case.lengths is None:
        return gradients
    x = [
        np.roll(row, case.x.shape[1] - length, axis=0) for row, length in zip(gradients["x"], case.lengths, strict=True)
    ]
    return {**gradients, "x": np.stack(x)}


def _sorted(case: Case, gradients: Gradients) -> Gradients:
    """Leave the rows sorted by length, as in a packed sequence."""
    if case.lengths is None:
        return gradients
    order = np.argsort(-case.lengths, kind="stable")
    rows = {"x": lambda a: a[order], "h0": lambda a: a[:, order], "c0": lambda a: a[:, order]}
    return {name: rows[name](array) if name in rows else array for name, array in gradients.items()}


def _lengths_off(by: int) -> Alteration:
    """Use lengths that are off by a number of steps, if lengths are given."""

    class Off(Backward):
        def of_batch(self, case: Case, cotangents: Cotangents) -> Gradients:
            self._off = 0 if case.lengths is None else by
            return super().of_batch(case, cotangents)

        def within_back(self, t: int, lengths: Array) -> Array:
            return super().within_back(t, lengths + self._off)

    return in_network(Off)


DEVIATIONS = table(needs=_LENGTHS)(
    padded_steps_gone_back_through=(
        "Includes padded steps in the backward pass, as if every sequence were as long as the longest.",
        in_steps_back(within_back=lambda _, _t, lengths: np.ones(len(lengths), bool)),
    ),
    lengths_one_short_on_the_way_back=(
        "Leaves out the last step of every sequence in the backward pass.",
        _lengths_off(-1),
    ),
    lengths_one_long_on_the_way_back=(
        "Includes one padded step of every padded sequence in the backward pass.",
        _lengths_off(1),
    ),
    padded_cotangents_added=(
        "Adds the cotangents of out beyond a sequence's end to that of its last step.",
        in_cotangents(_added_at_the_end),
    ),
    d_h_n_lost_where_shorter=(
        "Loses the cotangent of the last state of sequences that are shorter than the longest.",
        in_steps_back(carry=lambda _, d_before, *_others: d_before),
    ),
    last_cotangents_of_longest_alone=(
        "Uses the cotangents of the last states of the longest sequences only.",
        in_cotangents(_lost_where_shorter),
    ),
    x_gradient_at_padded_end=(
        "Puts a shorter sequence's gradient of x at the end of the padded time axis.",
        in_gradients(_at_its_end),
    ),
    gradient_rows_left_sorted=("Leaves the rows of gradients sorted by length.", in_gradients(_sorted)),
)
