"""Bugs of the backward pass of options that select dialects: clips and activations."""

from collections.abc import Callable
from fractions import Fraction

from rnn_goldens.cells import BUILT_IN_CELLS
from rnn_goldens.cells.notation import (
    Term,
    elu,
    hard_sigmoid,
    minimum,
    relu,
    softplus,
    softsign,
    tanh,
    thresholded_relu,
)
from rnn_goldens.cells.notation import sigmoid as logistic
from rnn_goldens.cells.program import Equations
from rnn_goldens.deviations.backward.alterations import in_derivatives
from rnn_goldens.deviations.backward.dialect_cells import of_dialect
from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.deviations.dialect_options import (
    ALPHA,
    CLIPPED,
    FIFTH,
    HARD,
    SIXTH,
    affine_map,
    clip_at_1,
    elu_by,
    identity,
    leaky_relu,
    limited,
    scaled_tanh,
)
from rnn_goldens.deviations.parts import Activation, activated, detached, differentiated, instead, without_paths
from rnn_goldens.golden.built_in_cells import DIALECTS

# Clips.


def _through(z: Term) -> Term:
    """Clip z to ±1 with the derivative of the identity: a straight-through gradient."""
    return instead(clip_at_1(z), z)


def _one_side(z: Term) -> Term:
    return instead(clip_at_1(z), minimum(z, 1))


def _clip(name: str, sentence: str, limit: Activation, last: Activation, cells: tuple[str, ...] = CLIPPED) -> Deviation:
    wrong = in_derivatives(**{cell: limited(cell, limit, limit, last) for cell in cells})
    return Deviation(f"clip_{name}_backward", sentence, wrong, cells)


CLIP = (
    _clip(
        "straight_through",
        "Passes gradients through clipped arguments as if they were not clipped.",
        _through,
        _through,
    ),
    _clip("one_side", "Passes gradients through arguments that are clipped below.", _one_side, _one_side),
    _clip("of_cell_straight_through", "Passes gradients through a clipped c.", clip_at_1, _through, ("lstm_clip",)),
    of_dialect(
        "lstm_cell_clip",
        "straight_through",
        "Passes gradients through a clipped c as if it were not clipped.",
        differentiated("lstm_cell_clip", new_c=lambda f, c, i, g: f * c + i * g),
    ),
    of_dialect(
        "lstm_projection_clip",
        "straight_through",
        "Passes gradients through a clipped projection as if it were not clipped.",
        differentiated("lstm_projection_clip", new_h=lambda w, o, new_c: w.W_hr @ (o * tanh(new_c))),
    ),
    of_dialect(
        "lstm_cell_clip",
        "detached",
        "Passes no gradient from a step to the c before it.",
        without_paths(BUILT_IN_CELLS["lstm_cell_clip"], new_c="c"),
    ),
)

# Activations.


def _hard(name: str, sentence: str, derivative: Callable[[Term, Fraction], Term], *cells: str) -> Deviation:
    def equations(cell: str) -> Equations:
        slope = HARD[cell]
        return activated(DIALECTS[cell].base, lambda z: instead(hard_sigmoid(z, slope), derivative(z, slope)))

    cells = cells or tuple(HARD)
    wrong = in_derivatives(**{cell: equations(cell) for cell in cells})
    return Deviation(f"hard_sigmoid_{name}_backward", sentence, wrong, cells)


def _of_rnn(cell: str, name: str, sentence: str, right: Activation, derivative: Activation) -> Deviation:
    equations = activated("rnn_tanh", candidate=lambda z: instead(right(z), derivative(z)))
    return of_dialect(cell, name, sentence, equations)


_ELU, _LEAKY, _SCALED, _AFFINE = elu_by(0.75), leaky_relu(0.125), scaled_tanh(1.25, 0.875), affine_map(0.75, 0.25)

ACTIVATIONS = (
    _hard("not_clipped", "Uses the slope where the hard sigmoid is clipped, too.", lambda z, slope: slope * z),
    _hard("of_sigmoid", "Uses the derivative of a sigmoid.", lambda z, _: logistic(z)),
    _hard(
        "slope_sixth",
        "Uses the slope 1/6 for the derivative.",
        lambda z, _: hard_sigmoid(z, SIXTH),
        "lstm_hard_sigmoid",
        "gru_hard_sigmoid",
    ),
    _hard(
        "slope_fifth",
        "Uses the slope 1/5 for the derivative.",
        lambda z, _: hard_sigmoid(z),
        "lstm_hard_sigmoid_sixth",
        "gru_hard_sigmoid_sixth",
    ),
    _of_rnn("rnn_leaky_relu", "of_relu", "Uses the derivative of a relu.", _LEAKY, relu),
    _of_rnn("rnn_leaky_relu", "of_identity", "Uses the derivative 1 below zero, too.", _LEAKY, identity),
    _of_rnn(
        "rnn_thresholded_relu", "of_relu", "Uses the derivative of a relu.", lambda z: thresholded_relu(z, ALPHA), relu
    ),
    _of_rnn("rnn_elu", "of_relu", "Uses the derivative of a relu.", _ELU, relu),
    _of_rnn("rnn_elu", "without_alpha", "Leaves out alpha in the derivative below zero.", _ELU, elu),
    _of_rnn(
        "rnn_scaled_tanh",
        "slope_of_tanh",
        "Uses 1 - y² for the derivative of 5/4 tanh(7/8 z).",
        _SCALED,
        lambda z: z * detached(1 - _SCALED(z) * _SCALED(z)),
    ),
    _of_rnn(
        "rnn_scaled_tanh",
        "without_beta",
        "Leaves out beta in the derivative.",
        _SCALED,
        lambda z: Fraction(8, 7) * _SCALED(z),
    ),
    _of_rnn(
        "rnn_affine",
        "without_alpha",
        "Leaves out alpha in the derivative.",
        _AFFINE,
        identity,
    ),
    _of_rnn(
        "rnn_softsign",
        "not_squared",
        "Uses 1 / (1 + |z|) for the derivative, without the square.",
        softsign,
        lambda z: z * detached(1 / (1 + abs(z))),
    ),
    _of_rnn(
        "rnn_softplus",
        "by_output",
        "Uses the sigmoid of the output for the derivative.",
        softplus,
        lambda z: z * detached(logistic(softplus(z))),
    ),
    _of_rnn(
        "rnn_hard_sigmoid",
        "not_clipped",
        "Uses the slope where the hard sigmoid is clipped, too.",
        hard_sigmoid,
        lambda z: FIFTH * z,
    ),
    _of_rnn(
        "rnn_sigmoid",
        "as_tanh",
        "Uses 1 - y² for the derivative.",
        logistic,
        lambda z: z * detached(1 - logistic(z) ** 2),
    ),
)

DEVIATIONS = (*CLIP, *ACTIVATIONS)
