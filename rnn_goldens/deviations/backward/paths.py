"""Missing or wrong gradient paths through a cell, and wrong derivatives of activations."""

from collections.abc import Callable

import numpy as np

from rnn_goldens.cells import BUILT_IN_CELLS, Array, Backward
from rnn_goldens.cells.equations import lstm
from rnn_goldens.cells.notation import Term, Weight, clip, mix, tanh
from rnn_goldens.cells.step_program import Equations
from rnn_goldens.deviations.alteration import Alteration
from rnn_goldens.deviations.backward.alterations import in_derivatives, in_steps_back
from rnn_goldens.deviations.equation_edits import (
    Formula,
    detached,
    differentiated,
    edited,
    instead,
    without_derivative,
    without_paths,
)
from rnn_goldens.deviations.table_rows import for_each, table


def _cut(cell: str = "lstm", **used: str) -> Alteration:
    """Leave out the derivatives of parts by a part that they use."""
    return in_derivatives(**{cell: without_paths(BUILT_IN_CELLS[cell], **used)})


def _lstm(**formulas: Formula) -> Alteration:
    return in_derivatives(lstm=differentiated("lstm", **formulas))


def _gru(**formulas: Formula) -> Alteration:
    return in_derivatives(gru=differentiated("gru", **formulas))


def slope_of_tanh(argument: Term, result: Term) -> Term:
    """Return a term with the derivative of a tanh with this result."""
    return argument * detached(1 - result * result)


def _carried_cell_detached(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    h, c = lstm(x, h, c, w)
    return h, detached(c)


def _reset(other: Callable[[Term, Term, Term, Weight], Term]) -> Equations:
    """Return GRU equations with the derivatives of ``other(r, W_hn h + b_hn, h, weights)`` for r (W_hn h + b_hn)."""

    def z_n(x: Term, h: Term, r: Term, w: Weight) -> Term:
        hidden: Term = w.W_hn @ h + w.b_hn
        argument: Term = w.W_in @ x + w.b_in + instead(r * hidden, other(r, hidden, h, w))
        return argument

    return edited("gru", z_n=z_n)


GATES = {
    "lstm": {"i": "input", "f": "forget", "g": "candidate", "o": "output"},
    "gru": {"r": "reset", "z": "update", "n": "candidate"},
}


OF_GATES = table()(
    **{
        f"{cell}_{what}_dropped": (sentence, in_derivatives(**{cell: equations}))
        for cell, gates in GATES.items()
        for gate, word in gates.items()
        for what, sentence, equations in (
            (
                f"{word}_path",
                f"Treats {gate} as a constant in the backward pass.",
                without_derivative(BUILT_IN_CELLS[cell], gate),
            ),
            (
                f"h_through_{word}",
                f"Passes no gradient from {gate} to the hidden state before the step.",
                without_paths(BUILT_IN_CELLS[cell], **{gate: "h"}),
            ),
            (
                f"x_through_{word}",
                f"Passes no gradient from {gate} to the input.",
                without_paths(BUILT_IN_CELLS[cell], **{gate: "x"}),
            ),
        )
    }
)

OF_LSTM = table(named="lstm_{}")(
    cell_path_dropped=("Passes no gradient from the cell state to the cell state before the step.", _cut(new_c="c")),
    cell_in_output_dropped=("Passes no gradient from h = o tanh(c) to the cell state.", _cut(new_h="new_c")),
    carried_cell_gradient_dropped=(
        "Leaves out the gradient of the cell state from later steps and from c_n.",
        in_derivatives(lstm=_carried_cell_detached),
    ),
    input_gate_by_itself=(
        "Multiplies the input gate's gradient by i instead of g.",
        _lstm(new_c=lambda f, c, i, g: f * c + i * detached(i) + detached(i) * g),
        {"stands_for": ("Neuron PR181",)},
    ),
    forget_gate_by_new_cell=(
        "Multiplies the forget gate's gradient by the cell state after the step instead of before it.",
        _lstm(new_c=lambda f, c, i, g, new_c: detached(f) * c + i * g + f * detached(new_c)),
    ),
    output_gate_by_cell=(
        "Multiplies the output gate's gradient by c instead of tanh(c).",
        _lstm(new_h=lambda o, new_c: detached(o) * tanh(new_c) + o * detached(new_c)),
    ),
    output_gate_by_state=(
        "Multiplies the output gate's gradient by the new h instead of tanh(c).",
        _lstm(new_h=lambda o, new_c, new_h: detached(o) * tanh(new_c) + o * detached(new_h)),
    ),
    tanh_slope_by_cell=(
        "Uses 1 - c² for the derivative of tanh(c) instead of 1 - tanh(c)².",
        in_derivatives(
            lstm=edited("lstm", new_h=lambda o, new_c: o * instead(tanh(new_c), slope_of_tanh(new_c, new_c)))
        ),
    ),
    candidate_slope_by_state=(
        "Uses 1 - h² of the new h for the derivative of the candidate's tanh instead of 1 - g².",
        _lstm(g=lambda z_g, new_h: slope_of_tanh(z_g, new_h)),
    ),
    **for_each(
        (2, 3, 5, 10, 20),
        "cell_gradient_masked_beyond_{}",
        "Passes no gradient through a cell state beyond ±{}, as if it had been clipped.",
        lambda limit: _lstm(new_c=lambda new_c: clip(new_c, -limit, limit)),
    ),
)

OF_GRU = table(named="gru_{}")(
    kept_state_path_dropped=(
        "Passes no gradient through z h to the hidden state before the step.",
        _cut("gru", new_h="h"),
    ),
    update_gate_reversed=(
        "Uses n - h instead of h - n in the update gate's gradient.",
        _gru(new_h=lambda z, h, n: mix(detached(z), h, n) - mix(z, detached(h), detached(n))),
    ),
    shares_swapped=(
        "Passes the fraction 1 - z of the gradient to h and z to the candidate, instead of z and 1 - z.",
        _gru(new_h=lambda z, h, n: mix(z, detached(h), detached(n)) + mix(detached(z), n, h)),
    ),
    reset_left_out_backward=(
        "Leaves out the reset gate in the gradients of W_hn, b_hn and h.",
        in_derivatives(gru=_reset(lambda r, hidden, _h, _w: r * detached(hidden) + hidden)),
    ),
    candidate_slope_by_state=(
        "Uses 1 - h² of the new h for the derivative of the candidate's tanh instead of 1 - n².",
        _gru(n=lambda z_n, new_h: slope_of_tanh(z_n, new_h)),
    ),
    reset_before_product_on_the_way_back=(
        "Differentiates as if the reset gate were applied before the product: W_hn (r h) + b_hn.",
        in_derivatives(gru=_reset(lambda r, _hidden, h, w: w.W_hn @ (r * h) + w.b_hn)),
    ),
    reset_by_state=(
        "Multiplies the reset gate's gradient by h instead of W_hn h + b_hn, as if it were applied before the product.",
        in_derivatives(gru=_reset(lambda r, hidden, h, _w: r * detached(h) + detached(r) * hidden)),
    ),
    reset_by_product_alone=(
        "Multiplies the reset gate's gradient by W_hn h instead of W_hn h + b_hn.",
        in_derivatives(gru=_reset(lambda r, hidden, h, w: r * detached(w.W_hn @ h) + detached(r) * hidden)),
        {"needs": ("bias",)},
    ),
    b_hn_without_reset=(
        "Leaves the reset gate out of the gradient of b_hn.",
        in_derivatives(gru=_reset(lambda r, hidden, h, w: r * detached(hidden) + detached(r) * (w.W_hn @ h) + w.b_hn)),
        {"needs": ("bias",)},
    ),
)

PATHS = (*OF_GATES, *OF_LSTM, *OF_GRU)


_TANH, _SIGMOID = ("rnn_tanh", "lstm", "gru"), ("lstm", "gru")


def _masked(activation: str, limit: float) -> Alteration:
    def slope(right: Backward, y: Array, z: Array) -> Array:
        return np.where(np.abs(z) > limit, 0.0, getattr(right, f"{activation}_slope")(y, z))

    return in_steps_back(**{f"{activation}_slope": slope})


# Derivatives are functions of the right backward pass, the result y, and the argument z.

OF_TANH = table(lambda slope: in_steps_back(tanh_slope=slope), cells=_TANH)(
    tanh_slope_of_argument=(
        "Uses 1 - z² of tanh's argument z for its derivative instead of 1 - y² of the result.",
        lambda _, _y, z: 1 - z * z,
    ),
    tanh_slope_at_result=(
        "Uses 1 - tanh(y)² of tanh's result y for its derivative, as if y were the argument.",
        lambda _, y, _z: 1 - np.tanh(y) ** 2,
        {"stands_for": ("Neuron PR181",)},
    ),
    tanh_slope_not_squared=("Uses 1 - y for tanh's derivative instead of 1 - y².", lambda _, y, _z: 1 - y),
    tanh_slope_missing=("Leaves out tanh's derivative.", lambda _, y, _z: 1 + 0 * y),
    tanh_slope_as_of_sigmoid=("Uses y (1 - y) for tanh's derivative.", lambda _, y, _z: y * (1 - y)),
    tanh_slope_twice=("Multiplies by tanh's derivative twice.", lambda right, y, z: right.tanh_slope(y, z) ** 2),
)

OF_SIGMOID = table(lambda slope: in_steps_back(sigmoid_slope=slope), cells=_SIGMOID)(
    sigmoid_slope_of_argument=(
        "Uses z (1 - z) of the sigmoid's argument z for its derivative instead of y (1 - y) of the result.",
        lambda _, _y, z: z * (1 - z),
    ),
    sigmoid_slope_at_result=(
        "Computes the sigmoid's derivative at its result, as if that were the argument.",
        lambda right, y, _z: right.sigmoid(y) * (1 - right.sigmoid(y)),
    ),
    sigmoid_slope_missing=("Leaves out the sigmoid's derivative.", lambda _, y, _z: 1 + 0 * y),
    sigmoid_slope_as_of_tanh=("Uses 1 - y² for the sigmoid's derivative.", lambda _, y, _z: 1 - y * y),
    sigmoid_slope_half=("Uses y for the sigmoid's derivative, without 1 - y.", lambda _, y, _z: y),
)

MASKED = table(make=_masked)(
    **{
        f"{of}_slope_masked_beyond_{limit}": (
            f"Uses zero for the {of}'s derivative beyond ±{limit}, as if it were constant there.",
            of,
            limit,
            {"cells": cells},
        )
        for of, cells, limits in (("tanh", _TANH, (2, 4)), ("sigmoid", _SIGMOID, (4, 8)))
        for limit in limits
    }
)

OF_RELU = table(cells=("rnn_relu",))(
    relu_slope_missing=(
        "Passes the gradient through a relu whose argument is negative.",
        in_steps_back(where_larger=lambda _, g, _a, _b: g),
    ),
    relu_slope_leaky=(
        "Passes a hundredth of the gradient through a relu whose argument is negative.",
        in_steps_back(where_larger=lambda _, g, a, b: np.where(a > b, g, 0.01 * g)),
    ),
    relu_slope_as_of_tanh=(
        "Uses 1 - y² for the relu's derivative.",
        in_steps_back(where_larger=lambda right, g, a, b: right.where_larger(g, a, b) * (1 - a * a)),
    ),
)

SLOPES = (*OF_TANH, *OF_SIGMOID, *MASKED, *OF_RELU)
