"""Bugs of the backward pass of options that select dialects: clips and activations."""

from collections.abc import Callable, Mapping
from fractions import Fraction

from rnn_goldens.cells.notation import (
    Operand,
    Term,
    Weight,
    clip,
    elu,
    hard_sigmoid,
    maximum,
    minimum,
    mix,
    relu,
    softplus,
    tanh,
)
from rnn_goldens.cells.notation import sigmoid as logistic
from rnn_goldens.cells.program import Equations
from rnn_goldens.deviations.backward.alterations import detached, in_derivatives, instead
from rnn_goldens.deviations.backward.dialect_cells import of_dialect
from rnn_goldens.deviations.correct_equations import affine, gates
from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.deviations.dialect_options import FIFTH, HARD, SIXTH

Change = Callable[[Term], Term]


def _keep(term: Term) -> Term:
    return term


# Clips.


def _through(low: Operand, high: Operand) -> Change:
    """Return a clip with the derivative of the identity: a straight-through gradient."""
    return lambda z: instead(clip(z, low, high), z)  # type: ignore[arg-type] # numbers


def _gated(limit: Change, last: Change, gate: Change = logistic, candidate: Change = tanh) -> Mapping[str, Equations]:
    """Return equations with limited arguments of activations, by name of the standard cell."""

    def rnn(x: Term, h: Term, w: Weight) -> tuple[Term]:
        return (candidate(limit(affine(x, h, w, "h"))),)

    def lstm(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
        i, f, o = (gate(limit(affine(x, h, w, letter))) for letter in "ifo")
        c = f * c + i * candidate(limit(affine(x, h, w, "g")))
        return o * candidate(last(c)), c

    def gru(x: Term, h: Term, w: Weight) -> tuple[Term]:
        r, z = (gate(limit(affine(x, h, w, letter))) for letter in "rz")
        return (mix(z, h, candidate(limit(w.W_in @ x + w.b_in + r * (w.W_hn @ h + w.b_hn)))),)

    return {"rnn_tanh": rnn, "lstm": lstm, "gru": gru}


def _one(z: Term) -> Term:
    return clip(z, -1, 1)


def _one_side(z: Term) -> Term:
    return instead(_one(z), minimum(z, 1))


def _clip(name: str, sentence: str, limit: Change, last: Change, *cells: str) -> Deviation:
    wrong = _gated(limit, last)
    names = tuple(f"{cell}_clip" for cell in cells or wrong)
    equations = {name: wrong[name.removesuffix("_clip")] for name in names}
    return Deviation(f"clip_{name}_backward", sentence, in_derivatives(**equations), names)


def _cell_clip(new: Callable[[Term], Term]) -> Equations:
    def equations(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
        i, f, g, o = gates(x, h, w, *"ifgo")
        after = new(f * c + i * g)
        return o * tanh(after), after

    return equations


CLIP = (
    _clip(
        "straight_through",
        "Passes gradients through clipped arguments as if they were not clipped.",
        _through(-1, 1),
        _through(-1, 1),
    ),
    _clip("one_side", "Passes gradients through arguments that are clipped below.", _one_side, _one_side),
    _clip("of_cell_straight_through", "Passes gradients through a clipped c.", _one, _through(-1, 1), "lstm"),
    of_dialect(
        "lstm_cell_clip",
        "straight_through",
        "Passes gradients through a clipped c as if it were not clipped.",
        _cell_clip(_through(-0.5, 0.5)),
    ),
    of_dialect(
        "lstm_cell_clip",
        "detached",
        "Passes no gradient from a step to the c before it.",
        lambda x, h, c, w: _cell_clip(lambda z: clip(z, -0.5, 0.5))(x, h, detached(c), w),
    ),
)

# Activations.


def _hard(name: str, sentence: str, derivative: Callable[[Term, Fraction], Term], *cells: str) -> Deviation:
    wrong = {
        cell: _gated(_keep, _keep, lambda z, slope=HARD[cell]: instead(hard_sigmoid(z, slope), derivative(z, slope)))[  # type: ignore[misc]
            cell.partition("_")[0]
        ]
        for cell in cells or HARD
    }
    return Deviation(f"hard_sigmoid_{name}_backward", sentence, in_derivatives(**wrong), tuple(wrong))


def _of_rnn(cell: str, name: str, sentence: str, right: Change, derivative: Change) -> Deviation:
    def equations(x: Term, h: Term, w: Weight) -> tuple[Term]:
        z = affine(x, h, w, "h")
        return (instead(right(z), derivative(z)),)

    return of_dialect(cell, name, sentence, equations)


def _elu(z: Term) -> Term:
    return elu(z, Fraction(3, 4))


def _leaky(z: Term) -> Term:
    return maximum(z, Fraction(1, 8) * z)


def _scaled(z: Term) -> Term:
    return Fraction(5, 4) * tanh(Fraction(7, 8) * z)


def _scaled_by_alpha(z: Term) -> Term:
    return Fraction(8, 7) * _scaled(z)


def _affine(z: Term) -> Term:
    return Fraction(3, 4) * z + Fraction(1, 4)


def _softsign(z: Term) -> Term:
    return z / (1 + abs(z))


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
    _of_rnn("rnn_leaky_relu", "of_relu", "Uses the derivative of a relu.", _leaky, relu),
    _of_rnn("rnn_leaky_relu", "of_identity", "Uses the derivative 1 below zero, too.", _leaky, _keep),
    _of_rnn("rnn_elu", "of_relu", "Uses the derivative of a relu.", _elu, relu),
    _of_rnn("rnn_elu", "without_alpha", "Leaves out alpha in the derivative below zero.", _elu, elu),
    _of_rnn(
        "rnn_scaled_tanh",
        "slope_of_tanh",
        "Uses 1 - y² for the derivative of 5/4 tanh(7/8 z).",
        _scaled,
        lambda z: z * detached(1 - _scaled(z) * _scaled(z)),
    ),
    _of_rnn(
        "rnn_scaled_tanh",
        "without_beta",
        "Leaves out beta in the derivative.",
        _scaled,
        _scaled_by_alpha,
    ),
    _of_rnn(
        "rnn_affine",
        "without_alpha",
        "Leaves out alpha in the derivative.",
        _affine,
        _keep,
    ),
    _of_rnn(
        "rnn_softsign",
        "not_squared",
        "Uses 1 / (1 + |z|) for the derivative, without the square.",
        _softsign,
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
