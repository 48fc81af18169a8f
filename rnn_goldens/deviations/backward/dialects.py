"""Bugs of the backward pass of dialects: of their equations, and of the options for clips and activations."""

from collections.abc import Callable
from fractions import Fraction
from functools import partial

from rnn_goldens.cells import BUILT_IN_CELLS
from rnn_goldens.cells.notation import Term, Weight, elu, hard_sigmoid, minimum, relu, sigmoid, tanh
from rnn_goldens.cells.step_program import Equations
from rnn_goldens.deviations.alteration import Alteration
from rnn_goldens.deviations.backward.alterations import in_derivatives, in_gradient
from rnn_goldens.deviations.backward.paths import slope_of_tanh
from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.deviations.dialect_equations import of_dialect as of_dialect_forward
from rnn_goldens.deviations.dialect_equations import peepholes
from rnn_goldens.deviations.dialect_options import CLIPPED, FIFTH, HARD, SIXTH, clip_at_1, limited
from rnn_goldens.deviations.equation_edits import (
    Activation,
    activated,
    detached,
    differentiated,
    edited,
    instead,
    without_paths,
)
from rnn_goldens.deviations.table_rows import table
from rnn_goldens.golden.built_in_cells import DIALECTS

of_dialect = partial(of_dialect_forward, change=in_derivatives, end="_backward")
"""The table of a dialect: rows of a sentence and equations with right values and wrong derivatives."""


_of_reset_before = partial(without_paths, BUILT_IN_CELLS["gru_reset_before"])

RESET_BEFORE = of_dialect("gru_reset_before")(
    reset_detached=("Passes no gradient to the reset gate.", _of_reset_before(n="r")),
    reset_state_detached=("Passes no gradient through the reset state r h to h.", _of_reset_before(n="h")),
    reset_after=(
        "Differentiates as if the reset gate were applied after the product.",
        differentiated("gru_reset_before", z_n=lambda w, x, h, r: w.W_in @ x + w.b_in + r * (w.W_hn @ h + w.b_hn)),
    ),
)


def _of_c_alone(p: Term, c: Term) -> Term:
    return detached(p) * c


def _by_old_cell(w: Weight, x: Term, h: Term, c: Term, new_c: Term) -> Term:
    peephole = instead(w.p_o * new_c, w.p_o * detached(c) + detached(w.p_o) * new_c)
    return sigmoid(w.W_io @ x + w.b_io + w.W_ho @ h + w.b_ho + peephole)


_of_peephole = partial(without_paths, BUILT_IN_CELLS["lstm_peephole"])

PEEPHOLE = of_dialect("lstm_peephole")(
    i_detached=("Passes no gradient through p_i c to c.", _of_peephole(i="c")),
    f_detached=("Passes no gradient through p_f c to c.", _of_peephole(f="c")),
    o_detached=("Passes no gradient through p_o c to c.", _of_peephole(o="new_c")),
    all_detached=("Passes no gradient through any peephole to c.", _of_peephole(i="c", f="c", o="new_c")),
    p_i_without_gradient=("Returns a gradient of zero for p_i.", peepholes(of_i=_of_c_alone)),
    p_f_without_gradient=("Returns a gradient of zero for p_f.", peepholes(of_f=_of_c_alone)),
    p_o_without_gradient=("Returns a gradient of zero for p_o.", peepholes(of_o=_of_c_alone)),
    p_o_by_old_cell=(
        "Multiplies the gradient of p_o by the old c instead of the new one.",
        edited("lstm_peephole", o=_by_old_cell),
    ),
    units_reversed=("Returns gradients of peepholes in reverse order.", in_gradient("p_", lambda g, _: g[::-1])),
)

_of_projection = partial(differentiated, "lstm_projection")
_to_projected = partial(without_paths, BUILT_IN_CELLS["lstm_projection"])

PROJECTION = of_dialect("lstm_projection")(
    output_gate_detached=("Passes no gradient to the output gate.", _to_projected(new_h="o")),
    cell_detached=("Passes no gradient through the projected output to c.", _to_projected(new_h="new_c")),
    without_output_gate=(
        "Leaves out the output gate in the gradients of weight_hr and c.",
        _of_projection(new_h=lambda w, new_c: w.W_hr @ tanh(new_c)),
    ),
    without_tanh=(
        "Leaves out the tanh in the gradients of weight_hr, o and c.",
        _of_projection(new_h=lambda w, o, new_c: w.W_hr @ (o * new_c)),
    ),
    weight_zero=("Returns zero for the gradient of weight_hr.", in_gradient("weight_hr", lambda g, _: 0 * g)),
    weight_transposed=(
        "Writes the gradient of weight_hr to memory as (hidden, proj_size).",
        in_gradient("weight_hr", lambda g, _: g.T.reshape(g.shape)),
    ),
)

_of_input_forget = partial(differentiated, "lstm_input_forget")
_of_coupled_input = partial(differentiated, "lstm_coupled_input")

INPUT_FORGET = of_dialect("lstm_input_forget")(
    f_detached=(
        "Passes no gradient through f = 1 - i to the input gate.",
        _of_input_forget(new_c=lambda c, i, g: i * g + c - detached(i) * c),
    ),
    f_sign=(
        "Uses the wrong sign for the gradient through f = 1 - i.",
        _of_input_forget(new_c=lambda c, i, g: i * g + c - 2 * (detached(i) * c) + i * c),
    ),
    cell_open=(
        "Passes the whole gradient of the new c to the old one: f = 1.",
        _of_input_forget(new_c=lambda c, i, g: i * g + c - i * detached(c)),
    ),
)

COUPLED_INPUT = of_dialect("lstm_coupled_input")(
    i_detached=(
        "Passes no gradient through i = 1 - f to the forget gate.",
        _of_coupled_input(new_c=lambda c, f, g: f * c + g - detached(f) * g),
    ),
    f_detached=(
        "Passes a gradient to the forget gate only through i = 1 - f.",
        _of_coupled_input(new_c=lambda c, f, g: detached(f) * c + g - f * g),
    ),
)


def _through(z: Term) -> Term:
    """Clip z to ±1 with the derivative of the identity: a straight-through gradient."""
    return instead(clip_at_1(z), z)


def _one_side(z: Term) -> Term:
    return instead(clip_at_1(z), minimum(z, 1))


def _clip(limit: Activation, last: Activation) -> Alteration:
    return in_derivatives(**{cell: limited(cell, limit, limit, last) for cell in CLIPPED})


CLIP = table(_clip, named="clip_{}_backward", cells=CLIPPED)(
    straight_through=("Passes gradients through clipped arguments as if they were not clipped.", *(_through, _through)),
    one_side=("Passes gradients through arguments that are clipped below.", _one_side, _one_side),
    of_cell_straight_through=(
        "Passes gradients through a clipped c.",
        *(clip_at_1, _through),
        {"cells": ("lstm_clip",)},
    ),
)

CELL_CLIP = of_dialect("lstm_cell_clip")(
    straight_through=(
        "Passes gradients through a clipped c as if it were not clipped.",
        differentiated("lstm_cell_clip", new_c=lambda f, c, i, g: f * c + i * g),
    )
)

PROJECTION_CLIP = of_dialect("lstm_projection_clip")(
    straight_through=(
        "Passes gradients through a clipped projection as if it were not clipped.",
        differentiated("lstm_projection_clip", new_h=lambda w, o, new_c: w.W_hr @ (o * tanh(new_c))),
    )
)

CELL_CLIP_DETACHED = of_dialect("lstm_cell_clip")(
    detached=(
        "Passes no gradient from a step to the c before it.",
        without_paths(BUILT_IN_CELLS["lstm_cell_clip"], new_c="c"),
    )
)


def _hard(derivative: Callable[[Term, Fraction], Term]) -> Alteration:
    def equations(cell: str) -> Equations:
        slope = HARD[cell]
        return activated(DIALECTS[cell].base, lambda z: instead(hard_sigmoid(z, slope), derivative(z, slope)))

    return in_derivatives(**{cell: equations(cell) for cell in HARD})


HARD_SIGMOID = table(_hard, named="hard_sigmoid_{}_backward", cells=tuple(HARD))(
    not_clipped=("Uses the slope where the hard sigmoid is clipped, too.", lambda z, slope: slope * z),
    of_sigmoid=("Uses the derivative of a sigmoid.", lambda z, _: sigmoid(z)),
    slope_sixth=(
        "Uses the slope 1/6 for the derivative.",
        lambda z, _: hard_sigmoid(z, SIXTH),
        {"cells": ("lstm_hard_sigmoid", "gru_hard_sigmoid")},
    ),
    slope_fifth=(
        "Uses the slope 1/5 for the derivative.",
        lambda z, _: hard_sigmoid(z),
        {"cells": ("lstm_hard_sigmoid_sixth", "gru_hard_sigmoid_sixth")},
    ),
)


def _of_rnn(cell: str) -> Callable[..., tuple[Deviation, ...]]:
    """Return the table of an RNN, of rows with another formula to differentiate, of the argument z_h and the result."""
    return of_dialect(cell, of=lambda formula: differentiated(cell, new_h=formula))


RNN = (
    *_of_rnn("rnn_leaky_relu")(
        of_relu=("Uses the derivative of a relu.", lambda z_h: relu(z_h)),
        of_identity=("Uses the derivative 1 below zero, too.", lambda z_h: z_h),
    ),
    *_of_rnn("rnn_thresholded_relu")(of_relu=("Uses the derivative of a relu.", lambda z_h: relu(z_h))),
    *_of_rnn("rnn_elu")(
        of_relu=("Uses the derivative of a relu.", lambda z_h: relu(z_h)),
        without_alpha=("Leaves out alpha in the derivative below zero.", lambda z_h: elu(z_h)),
    ),
    *_of_rnn("rnn_scaled_tanh")(
        slope_of_tanh=(
            "Uses 1 - y² for the derivative of 5/4 tanh(7/8 z).",
            lambda z_h, new_h: slope_of_tanh(Fraction(8, 7) * z_h, new_h),  # z_h is 7/8 z
        ),
        without_beta=("Leaves out beta in the derivative.", lambda new_h: Fraction(8, 7) * new_h),
    ),
    *_of_rnn("rnn_affine")(without_alpha=("Leaves out alpha in the derivative.", lambda z_h: z_h)),
    *_of_rnn("rnn_softsign")(
        not_squared=(
            "Uses 1 / (1 + |z|) for the derivative, without the square.",
            lambda z_h: z_h * detached(1 / (1 + abs(z_h))),
        ),
    ),
    *_of_rnn("rnn_softplus")(
        by_output=(
            "Uses the sigmoid of the output for the derivative.",
            lambda z_h, new_h: z_h * detached(sigmoid(new_h)),
        ),
    ),
    *_of_rnn("rnn_hard_sigmoid")(
        not_clipped=("Uses the slope where the hard sigmoid is clipped, too.", lambda z_h: FIFTH * z_h),
    ),
    *_of_rnn("rnn_sigmoid")(as_tanh=("Uses 1 - y² for the derivative.", lambda z_h, new_h: slope_of_tanh(z_h, new_h))),
)

DEVIATIONS = (
    *RESET_BEFORE,
    *PEEPHOLE,
    *PROJECTION,
    *INPUT_FORGET,
    *COUPLED_INPUT,
    *CLIP,
    *CELL_CLIP,
    *PROJECTION_CLIP,
    *CELL_CLIP_DETACHED,
    *HARD_SIGMOID,
    *RNN,
)
