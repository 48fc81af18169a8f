"""Bugs of the backward pass of options that select dialects: clips and activations."""

from collections.abc import Callable
from fractions import Fraction

from rnn_goldens.cells import BUILT_IN_CELLS
from rnn_goldens.cells.notation import Term, elu, hard_sigmoid, minimum, relu, tanh
from rnn_goldens.cells.notation import sigmoid as logistic
from rnn_goldens.cells.program import Equations
from rnn_goldens.deviations.alteration import Alteration
from rnn_goldens.deviations.backward.alterations import in_derivatives
from rnn_goldens.deviations.backward.dialect_cells import of_dialect
from rnn_goldens.deviations.backward.paths import slope_of_tanh
from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.deviations.dialect_options import CLIPPED, FIFTH, HARD, SIXTH, clip_at_1, limited
from rnn_goldens.deviations.parts import (
    Activation,
    Formula,
    activated,
    detached,
    differentiated,
    instead,
    without_paths,
)
from rnn_goldens.deviations.table import table
from rnn_goldens.golden.built_in_cells import DIALECTS

# Clips.


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

# Activations.


def _hard(derivative: Callable[[Term, Fraction], Term]) -> Alteration:
    def equations(cell: str) -> Equations:
        slope = HARD[cell]
        return activated(DIALECTS[cell].base, lambda z: instead(hard_sigmoid(z, slope), derivative(z, slope)))

    return in_derivatives(**{cell: equations(cell) for cell in HARD})


HARD_SIGMOID = table(_hard, named="hard_sigmoid_{}_backward", cells=tuple(HARD))(
    not_clipped=("Uses the slope where the hard sigmoid is clipped, too.", lambda z, slope: slope * z),
    of_sigmoid=("Uses the derivative of a sigmoid.", lambda z, _: logistic(z)),
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


def _of_rnn(cell: str, **rows: tuple[str, Formula]) -> tuple[Deviation, ...]:
    """Return the deviations of an RNN with the derivative of another formula, of the argument z_h and the result."""
    return of_dialect(cell)(**{name: (sentence, differentiated(cell, new_h=f)) for name, (sentence, f) in rows.items()})


RNN = (
    *_of_rnn(
        "rnn_leaky_relu",
        of_relu=("Uses the derivative of a relu.", lambda z_h: relu(z_h)),
        of_identity=("Uses the derivative 1 below zero, too.", lambda z_h: z_h),
    ),
    *_of_rnn("rnn_thresholded_relu", of_relu=("Uses the derivative of a relu.", lambda z_h: relu(z_h))),
    *_of_rnn(
        "rnn_elu",
        of_relu=("Uses the derivative of a relu.", lambda z_h: relu(z_h)),
        without_alpha=("Leaves out alpha in the derivative below zero.", lambda z_h: elu(z_h)),
    ),
    *_of_rnn(
        "rnn_scaled_tanh",
        slope_of_tanh=(
            "Uses 1 - y² for the derivative of 5/4 tanh(7/8 z).",
            lambda z_h, new_h: slope_of_tanh(Fraction(8, 7) * z_h, new_h),  # z_h is 7/8 z
        ),
        without_beta=("Leaves out beta in the derivative.", lambda new_h: Fraction(8, 7) * new_h),
    ),
    *_of_rnn("rnn_affine", without_alpha=("Leaves out alpha in the derivative.", lambda z_h: z_h)),
    *_of_rnn(
        "rnn_softsign",
        not_squared=(
            "Uses 1 / (1 + |z|) for the derivative, without the square.",
            lambda z_h: z_h * detached(1 / (1 + abs(z_h))),
        ),
    ),
    *_of_rnn(
        "rnn_softplus",
        by_output=(
            "Uses the sigmoid of the output for the derivative.",
            lambda z_h, new_h: z_h * detached(logistic(new_h)),
        ),
    ),
    *_of_rnn(
        "rnn_hard_sigmoid",
        not_clipped=("Uses the slope where the hard sigmoid is clipped, too.", lambda z_h: FIFTH * z_h),
    ),
    *_of_rnn("rnn_sigmoid", as_tanh=("Uses 1 - y² for the derivative.", lambda z_h, new_h: slope_of_tanh(z_h, new_h))),
)

DEVIATIONS = (*CLIP, *CELL_CLIP, *PROJECTION_CLIP, *CELL_CLIP_DETACHED, *HARD_SIGMOID, *RNN)
