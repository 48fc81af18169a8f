"""Bugs of the options that select dialects: an option that is ignored, a limit or parameter in the wrong place."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial

import numpy as np

from rnn_goldens.cells import equations as right
from rnn_goldens.cells.notation import (
    Operand,
    Term,
    Weight,
    clip,
    elu,
    hard_sigmoid,
    maximum,
    minimum,
    relu,
    tanh,
    thresholded_relu,
)
from rnn_goldens.cells.notation import sigmoid as logistic
from rnn_goldens.cells.step_program import Equations
from rnn_goldens.deviations.alteration import Alteration, in_equations, in_steps, in_unrolled
from rnn_goldens.deviations.dialect_equations import of_dialect
from rnn_goldens.deviations.equation_edits import Activation, Formula, activated, edited
from rnn_goldens.deviations.table_rows import table
from rnn_goldens.golden.built_in_cells import DIALECTS, LAYOUTS

IGNORED = table(named="{}_ignored")(
    **{
        cell: (
            f"Ignores {dialect.option}: computes a standard {dialect.base}.",
            in_equations(**{cell: getattr(right, dialect.base)}),
            {"fix": f"read the option {next(iter(dialect.options))}"},
        )
        for cell, dialect in DIALECTS.items()
        if LAYOUTS[cell].gates == LAYOUTS[dialect.base].gates
        and not {"direction", "proj_size"} & dialect.options.keys()
    }
)

CLIPPED = ("rnn_tanh_clip", "lstm_clip", "gru_clip")


def identity(z: Term) -> Term:
    """Return z."""
    return z


def clip_at_1(z: Term) -> Term:
    """Clip z to ±1."""
    return clip(z, -1, 1)


def limited(cell: str, gate: Activation, candidate: Activation, last: Activation) -> Equations:
    """Return the equations of a cell in ``CLIPPED`` with other limits of the arguments of these activations."""
    base = DIALECTS[cell].base
    return activated(base, lambda z: logistic(gate(z)), lambda z: tanh(candidate(z)), lambda c: tanh(last(c)))


def _clip(gate: Activation, candidate: Activation | None = None, last: Activation | None = None) -> Alteration:
    return in_equations(**{cell: limited(cell, gate, candidate or gate, last or gate) for cell in CLIPPED})


Sum = Callable[[Term, Operand, Term, Operand], Term]
"""(W_i x, b_i, W_h h, b_h) → their sum, clipped somewhere."""


def _in_sum(clipped: Sum) -> Alteration:
    def argument(gate: str) -> Formula:
        def z(x: Term, h: Term, w: Weight) -> Term:
            w_i, b_i, w_h, b_h = (getattr(w, f"{kind}{side}{gate}") for side in "ih" for kind in ("W_", "b_"))
            return clipped(w_i @ x, b_i, w_h @ h, b_h)

        return z

    further: Mapping[str, Mapping[str, Formula]] = {
        "rnn_tanh": {},
        "lstm": {"new_h": lambda o, new_c: o * tanh(clip_at_1(new_c))},
        "gru": {"z_n": lambda x, h, r, w: clipped(w.W_in @ x, w.b_in, r * (w.W_hn @ h), r * w.b_hn)},
    }
    wrong = {}
    for cell in CLIPPED:
        base = DIALECTS[cell].base
        wrong[cell] = edited(base, **{**{f"z_{gate}": argument(gate) for gate in LAYOUTS[cell].gates}, **further[base]})
    return in_equations(**wrong)


CLIP = table(_clip, named="clip_{}", cells=CLIPPED)(
    before_bias=(
        "Clips the products before it adds the biases.",
        _in_sum(lambda w_i, b_i, w_h, b_h: clip_at_1(w_i + w_h) + b_i + b_h),
        {"needs": ("bias",)},
    ),
    of_each_product=(
        "Clips the two products one by one instead of their sum with the biases.",
        _in_sum(lambda w_i, b_i, w_h, b_h: clip_at_1(w_i) + b_i + clip_at_1(w_h) + b_h),
    ),
    of_input_part=("Clips W_i x + b_i only.", _in_sum(lambda w_i, b_i, w_h, b_h: clip_at_1(w_i + b_i) + w_h + b_h)),
    above_only=("Clips above only.", lambda z: minimum(z, 1)),
    below_only=("Clips below only.", lambda z: maximum(z, -1)),
    at_2=("Clips to twice the limit.", lambda z: clip(z, -2, 2)),
    at_half=("Clips to half of the limit.", lambda z: clip(z, -0.5, 0.5)),
    not_of_candidate=(
        "Clips the arguments of the gates, but not that of the candidate.",
        *(clip_at_1, identity, clip_at_1),
        {"cells": CLIPPED[1:]},
    ),
    of_candidate_only=(
        "Clips only the argument of the candidate.",
        *(identity, clip_at_1, identity),
        {"cells": CLIPPED[1:]},
    ),
    not_of_cell=(
        "Does not clip c, the argument of the last activation, as ONNX Runtime.",
        *(clip_at_1, clip_at_1, identity),
        {"cells": ("lstm_clip",)},
    ),
)


PROJECTION_CLIP = of_dialect("lstm_projection_clip")(
    ignored=("Does not clip the projection.", right.lstm_projection),
    before_projection=(
        "Clips o tanh(c) instead of its projection.",
        edited("lstm_projection", new_h=lambda w, o, new_c: w.W_hr @ clip(o * tanh(new_c), -0.25, 0.25)),
    ),
)

REVERSED = tuple(cell for cell, dialect in DIALECTS.items() if "direction" in dialect.options)


DIRECTION = table(cells=REVERSED)(
    reverse_ignored=(
        "Ignores direction=reverse: visits the time steps forward.",
        in_steps(times=lambda _right, time, **_: range(time)),
        {"fix": "read the option direction"},
    ),
    reverse_out_in_order_of_visit=(
        "Returns out in the order of computation, the last time step first, as Keras with go_backwards.",
        in_unrolled(lambda out, last, _start, _lengths: (out[:, ::-1], last)),
        {"fix": "reverse the time axis of out"},
    ),
    reverse_h_n_of_last_time_step=(
        "Takes h_n from the last time step instead of the first, where the reverse direction ends.",
        in_unrolled(lambda out, last, _start, lengths: (out, (out[np.arange(len(out)), lengths - 1], *last[1:]))),
    ),
)

FIFTH, SIXTH = Fraction(1, 5), Fraction(1, 6)
HARD: Mapping[str, Fraction] = {
    "lstm_hard_sigmoid": FIFTH,
    "lstm_hard_sigmoid_sixth": SIXTH,
    "gru_hard_sigmoid": FIFTH,
    "gru_hard_sigmoid_sixth": SIXTH,
}
"""The slope of the hard sigmoid, by dialect."""


def _hard(gate: Callable[[Term, Fraction], Term], candidate: Activation = tanh) -> Alteration:
    def equations(cell: str) -> Equations:
        return activated(DIALECTS[cell].base, lambda z: gate(z, HARD[cell]), candidate)

    return in_equations(**{cell: equations(cell) for cell in HARD})


HARD_SIGMOID = table(_hard, named="hard_sigmoid_{}", cells=tuple(HARD))(
    slope_sixth=(
        "Uses a hard sigmoid of slope 1/6 instead of 1/5.",
        lambda z, _: hard_sigmoid(z, SIXTH),
        {"cells": ("lstm_hard_sigmoid", "gru_hard_sigmoid")},
    ),
    slope_fifth=(
        "Uses a hard sigmoid of slope 1/5 instead of 1/6.",
        lambda z, _: hard_sigmoid(z, FIFTH),
        {"cells": ("lstm_hard_sigmoid_sixth", "gru_hard_sigmoid_sixth")},
    ),
    slope_quarter=("Uses a hard sigmoid of slope 1/4.", lambda z, _: hard_sigmoid(z, Fraction(1, 4))),
    without_offset=("Leaves out the offset 1/2 of the hard sigmoid.", lambda z, slope: clip(slope * z, 0, 1)),
    not_clipped_above=("Does not clip the hard sigmoid at 1.", lambda z, slope: maximum(slope * z + Fraction(1, 2), 0)),
    not_clipped_below=("Does not clip the hard sigmoid at 0.", lambda z, slope: minimum(slope * z + Fraction(1, 2), 1)),
    tanh_too=("Uses a hard tanh, clipped to ±1, for every tanh, too.", hard_sigmoid, clip_at_1),
)


def elu_by(alpha: float) -> Activation:
    """Return an elu with this factor below zero."""
    return lambda z: elu(z, Fraction(alpha))


def scaled_tanh(alpha: float, beta: float) -> Activation:
    """Return alpha tanh(beta z)."""
    return lambda z: Fraction(alpha) * tanh(Fraction(beta) * z)


_F, _G, _H = lambda z: hard_sigmoid(z, Fraction(1, 4)), elu_by(0.75), scaled_tanh(1.25, 0.875)


THREE = table(lambda *of: in_equations(lstm_activations=activated("lstm", *of)), named="lstm_activations_{}")(
    alpha_default=(
        "Ignores activation_alpha: uses the defaults 0.2 and 1.",
        *(hard_sigmoid, elu_by(1), scaled_tanh(1, 0.875)),
    ),
    beta_default=("Ignores activation_beta of the last activation: uses 1.", _F, _G, scaled_tanh(1.25, 1)),
    alpha_of_first_for_all=("Uses the first alpha for all activations.", _F, elu_by(0.25), scaled_tanh(0.25, 0.875)),
    alpha_shifted=("Gives the second activation the third alpha.", _F, elu_by(1.25), _H),
    beta_of_first_for_all=("Uses the first beta for all activations.", _F, _G, scaled_tanh(1.25, 0.5)),
    last_two_swapped=("Swaps the last two activations.", _F, _H, _G),
    last_is_tanh=("Uses tanh for the last activation.", _F, _G, tanh),
    last_is_second=("Uses the second activation for the last one, too.", _F, _G, _G),
)


_of_rnn = partial(of_dialect, of=lambda activation: activated("rnn_tanh", candidate=activation))
"""The table of an RNN: rows of a name, a sentence and another activation."""


def affine_map(alpha: float, beta: float) -> Activation:
    """Return alpha z + beta."""
    return lambda z: Fraction(alpha) * z + Fraction(beta)


ALPHA = Fraction(3, 4)
"""The alpha of ``rnn_thresholded_relu``."""

RNN = (
    *_of_rnn("rnn_affine")(
        parameters_swapped=("Swaps alpha and beta.", affine_map(0.25, 0.75)),
        without_beta=("Leaves out beta.", affine_map(0.75, 0)),
        without_alpha=("Leaves out alpha.", affine_map(1, 0.25)),
    ),
    *_of_rnn("rnn_leaky_relu")(
        alpha_default=("Ignores alpha: uses the default 0.01.", lambda z: maximum(z, Fraction(0.01) * z)),
        as_relu=("Uses a relu.", relu),
        sides_swapped=("Scales positive arguments instead of negative ones.", lambda z: minimum(z, Fraction(1, 8) * z)),
    ),
    *_of_rnn("rnn_scaled_tanh")(
        parameters_swapped=("Swaps alpha and beta.", scaled_tanh(0.875, 1.25)),
        without_alpha=("Leaves out alpha.", scaled_tanh(1, 0.875)),
        without_beta=("Leaves out beta.", scaled_tanh(1.25, 1)),
    ),
    *_of_rnn("rnn_hard_sigmoid")(
        slope_sixth=("Uses the slope 1/6.", lambda z: hard_sigmoid(z, SIXTH)),
        as_sigmoid=("Uses a sigmoid.", logistic),
    ),
    *_of_rnn("rnn_elu")(
        alpha_default=("Ignores alpha: uses the default 1.", elu_by(1)),
        as_relu=("Uses a relu.", relu),
        alpha_on_both_sides=("Scales by alpha above zero, too.", lambda z: 0.75 * elu_by(1)(z)),
    ),
    *_of_rnn("rnn_thresholded_relu")(
        alpha_default=("Ignores alpha: uses the default 1.", thresholded_relu),
        as_relu=("Uses a relu.", relu),
        shifted=("Subtracts alpha: computes max(0, z - alpha).", lambda z: relu(z - ALPHA)),
        at_alpha=(
            "Keeps an argument that is equal to alpha: computes >= for >.",
            lambda z: z + thresholded_relu(-z, -ALPHA),
        ),
    ),
    *_of_rnn("rnn_softsign")(
        clipped=("Clips z to ±1.", clip_at_1),
        without_absolute_value=("Computes z / (1 + z²).", lambda z: z / (1 + z * z)),
    ),
    *_of_rnn("rnn_softplus")(as_relu=("Uses a relu.", relu)),
    *_of_rnn("rnn_sigmoid")(as_hard_sigmoid=("Uses a hard sigmoid of slope 1/5.", hard_sigmoid)),
)

# Standard cells that compute a dialect. Others are among the deviations of gates and activations.


COMPUTED = table(named="{}_computed")(
    **{
        cell: (
            f"Computes the dialect {cell}: {DIALECTS[cell].meaning}.",
            in_equations(**{DIALECTS[cell].base: getattr(right, cell)}),
            {"dialects": (cell,)},
        )
        for cell in (
            *("rnn_affine", "rnn_leaky_relu", "rnn_scaled_tanh", "rnn_elu", "rnn_hard_sigmoid"),
            *("rnn_thresholded_relu", "rnn_softplus", "lstm_activations", "lstm_cell_clip"),
        )
    },
    clip_of_gates=(
        "Clips the inputs of gates and candidate at ±1, and not c: clip=1 as ONNX Runtime computes it.",
        in_equations(lstm=limited("lstm_clip", clip_at_1, clip_at_1, identity)),
    ),
    reverse=(
        "Runs from the last time step to the first: the reverse direction.",
        in_steps(times=lambda _right, time, *, reverse: range(time) if reverse else reversed(range(time))),
        {"dialects": REVERSED},
    ),
)

DEVIATIONS = (*IGNORED, *COMPUTED, *CLIP, *PROJECTION_CLIP, *DIRECTION, *HARD_SIGMOID, *THREE, *RNN)
