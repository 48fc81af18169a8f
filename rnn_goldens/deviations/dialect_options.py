"""Bugs of the options that select dialects: an option that is ignored, a limit or parameter in the wrong place."""

from collections.abc import Callable, Mapping
from fractions import Fraction

import numpy as np

from rnn_goldens.cells import Array, State
from rnn_goldens.cells import equations as right
from rnn_goldens.cells.notation import Operand, Term, Weight, clip, elu, hard_sigmoid, maximum, minimum, mix, relu, tanh
from rnn_goldens.cells.notation import sigmoid as logistic
from rnn_goldens.cells.program import Equations
from rnn_goldens.deviations.deviation import Deviation, in_equations, in_steps, in_unrolled
from rnn_goldens.golden.built_in_cells import DIALECTS, LAYOUTS

Activation = Callable[[Term], Term]

# Options that are ignored.


def _ignored(cell: str) -> Deviation:
    dialect = DIALECTS[cell]
    return Deviation(
        f"{cell}_ignored",
        f"Ignores {dialect.option}: computes a standard {dialect.base}.",
        in_equations(**{cell: getattr(right, dialect.base)}),
        (cell,),
        fix=f"read the option {next(iter(dialect.options))}",
    )


IGNORED = tuple(
    _ignored(cell)
    for cell, dialect in DIALECTS.items()
    if LAYOUTS[cell].gates == LAYOUTS[dialect.base].gates and not {"direction", "proj_size"} & dialect.options.keys()
)

# Clipped arguments of activations.

Parts = Callable[[Term, Operand, Term, Operand], Term]
"""(W_i x, b_i, W_h h, b_h) → the argument of an activation, clipped somewhere."""

CLIPPED = ("rnn_tanh_clip", "lstm_clip", "gru_clip")


def _argument(parts: Parts, x: Term, h: Term, w: Weight, gate: str, reset: Term | None = None) -> Term:
    w_i, b_i, w_h, b_h = (getattr(w, f"{kind}{side}{gate}") for side in "ih" for kind in ("W_", "b_"))
    of_state, bias = (w_h @ h, b_h) if reset is None else (reset * (w_h @ h), reset * b_h)
    return parts(w_i @ x, b_i, of_state, bias)


def _limited(gates: Parts, candidate: Parts, last: Activation) -> dict[str, Equations]:
    """Return the equations of the three cells, with other limits for gates, candidates and the last c of an LSTM."""

    def rnn(x: Term, h: Term, w: Weight) -> tuple[Term]:
        return (tanh(_argument(candidate, x, h, w, "h")),)

    def lstm(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
        i, f, o = (logistic(_argument(gates, x, h, w, gate)) for gate in "ifo")
        c = f * c + i * tanh(_argument(candidate, x, h, w, "g"))
        return o * tanh(last(c)), c

    def gru(x: Term, h: Term, w: Weight) -> tuple[Term]:
        r, z = (logistic(_argument(gates, x, h, w, gate)) for gate in "rz")
        return (mix(z, h, tanh(_argument(candidate, x, h, w, "n", r))),)

    return dict(zip(CLIPPED, (rnn, lstm, gru), strict=True))


def _one(z: Term) -> Term:
    return clip(z, -1, 1)


def _sum(limit: Activation) -> Parts:
    return lambda w_i, b_i, w_h, b_h: limit(w_i + b_i + w_h + b_h)


_RIGHT, _FREE = _sum(_one), _sum(lambda z: z)


def _clip(
    name: str,
    sentence: str,
    gates: Parts,
    candidate: Parts | None = None,
    last: Activation = _one,
    cells: tuple[str, ...] = CLIPPED,
    needs: tuple[str, ...] = (),
) -> Deviation:
    wrong = _limited(gates, candidate or gates, last)
    return Deviation(f"clip_{name}", sentence, in_equations(**{cell: wrong[cell] for cell in cells}), cells, needs)


CLIP = (
    _clip(
        "before_bias",
        "Clips the products before it adds the biases.",
        lambda w_i, b_i, w_h, b_h: _one(w_i + w_h) + b_i + b_h,
        needs=("bias",),
    ),
    _clip(
        "of_each_product",
        "Clips the two products one by one instead of their sum with the biases.",
        lambda w_i, b_i, w_h, b_h: _one(w_i) + b_i + _one(w_h) + b_h,
    ),
    _clip(
        "of_input_part",
        "Clips W_i x + b_i only.",
        lambda w_i, b_i, w_h, b_h: _one(w_i + b_i) + w_h + b_h,
    ),
    _clip("above_only", "Clips above only.", _sum(lambda z: minimum(z, 1)), last=lambda c: minimum(c, 1)),
    _clip("below_only", "Clips below only.", _sum(lambda z: maximum(z, -1)), last=lambda c: maximum(c, -1)),
    _clip("at_2", "Clips to twice the limit.", _sum(lambda z: clip(z, -2, 2)), last=lambda c: clip(c, -2, 2)),
    _clip(
        "at_half",
        "Clips to half of the limit.",
        _sum(lambda z: clip(z, -0.5, 0.5)),
        last=lambda c: clip(c, -0.5, 0.5),
    ),
    _clip(
        "not_of_candidate",
        "Clips the arguments of the gates, but not that of the candidate.",
        _RIGHT,
        _FREE,
        cells=CLIPPED[1:],
    ),
    _clip("of_candidate_only", "Clips only the argument of the candidate.", _FREE, _RIGHT, lambda c: c, CLIPPED[1:]),
    _clip(
        "not_of_cell",
        "Does not clip c, the argument of the last activation, as ONNX Runtime.",
        _RIGHT,
        last=lambda c: c,
        cells=("lstm_clip",),
    ),
)

# One direction, in reverse.

REVERSED = tuple(cell for cell, dialect in DIALECTS.items() if "direction" in dialect.options)


def _flipped(out: Array, last: State, _start: State, _lengths: Array) -> tuple[Array, State]:
    return out[:, ::-1], last


def _last_of_input(out: Array, last: State, _start: State, lengths: Array) -> tuple[Array, State]:
    return out, (out[np.arange(len(out)), lengths - 1], *last[1:])


DIRECTION = (
    Deviation(
        "reverse_ignored",
        "Ignores direction=reverse: visits the time steps forward.",
        in_steps(times=lambda _right, time, **_: range(time)),
        REVERSED,
        fix="read the option direction",
    ),
    Deviation(
        "reverse_out_in_order_of_visit",
        "Returns out in the order of computation, the last time step first, as Keras with go_backwards.",
        in_unrolled(_flipped),
        REVERSED,
        fix="reverse the time axis of out",
    ),
    Deviation(
        "reverse_h_n_of_last_time_step",
        "Takes h_n from the last time step instead of the first, where the reverse direction ends.",
        in_unrolled(_last_of_input),
        REVERSED,
    ),
)

# Hard sigmoids.

FIFTH, SIXTH = Fraction(1, 5), Fraction(1, 6)
HARD: Mapping[str, Fraction] = {
    "lstm_hard_sigmoid": FIFTH,
    "lstm_hard_sigmoid_sixth": SIXTH,
    "gru_hard_sigmoid": FIFTH,
    "gru_hard_sigmoid_sixth": SIXTH,
}
"""The slope of the hard sigmoid, by dialect."""


def _gated(cell: str, gate: Activation, candidate: Activation = tanh) -> Equations:
    """Return the equations of an LSTM or a GRU with other activations."""

    def argument(x: Term, h: Term, w: Weight, letter: str, reset: Term | None = None) -> Term:
        return _argument(_FREE, x, h, w, letter, reset)

    def lstm(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
        i, f, o = (gate(argument(x, h, w, letter)) for letter in "ifo")
        c = f * c + i * candidate(argument(x, h, w, "g"))
        return o * candidate(c), c

    def gru(x: Term, h: Term, w: Weight) -> tuple[Term]:
        r, z = (gate(argument(x, h, w, letter)) for letter in "rz")
        return (mix(z, h, candidate(argument(x, h, w, "n", r))),)

    return lstm if cell.startswith("lstm") else gru


def _hard(
    name: str,
    sentence: str,
    gate: Callable[[Term, Fraction], Term],
    cells: tuple[str, ...] = tuple(HARD),
    candidate: Activation = tanh,
) -> Deviation:
    wrong = {cell: _gated(cell, lambda z, slope=HARD[cell]: gate(z, slope), candidate) for cell in cells}  # type: ignore[misc]
    return Deviation(f"hard_sigmoid_{name}", sentence, in_equations(**wrong), cells)


HARD_SIGMOID = (
    _hard(
        "slope_sixth",
        "Uses a hard sigmoid of slope 1/6 instead of 1/5.",
        lambda z, _: hard_sigmoid(z, SIXTH),
        ("lstm_hard_sigmoid", "gru_hard_sigmoid"),
    ),
    _hard(
        "slope_fifth",
        "Uses a hard sigmoid of slope 1/5 instead of 1/6.",
        lambda z, _: hard_sigmoid(z, FIFTH),
        ("lstm_hard_sigmoid_sixth", "gru_hard_sigmoid_sixth"),
    ),
    _hard("slope_quarter", "Uses a hard sigmoid of slope 1/4.", lambda z, _: hard_sigmoid(z, Fraction(1, 4))),
    _hard("without_offset", "Leaves out the offset 1/2 of the hard sigmoid.", lambda z, slope: clip(slope * z, 0, 1)),
    _hard(
        "not_clipped_above",
        "Does not clip the hard sigmoid at 1.",
        lambda z, slope: maximum(slope * z + Fraction(1, 2), 0),
    ),
    _hard(
        "not_clipped_below",
        "Does not clip the hard sigmoid at 0.",
        lambda z, slope: minimum(slope * z + Fraction(1, 2), 1),
    ),
    _hard(
        "tanh_too",
        "Uses a hard tanh, clipped to ±1, for every tanh, too.",
        hard_sigmoid,
        candidate=_one,
    ),
)

# Activations with parameters.


def _three(f: Activation, g: Activation, h_: Activation) -> Equations:
    def equations(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
        i, forget, o = (f(_argument(_FREE, x, h, w, letter)) for letter in "ifo")
        c = forget * c + i * g(_argument(_FREE, x, h, w, "g"))
        return o * h_(c), c

    return equations


def _hard_quarter(z: Term) -> Term:
    return hard_sigmoid(z, Fraction(1, 4))


def _elu(alpha: Fraction | float) -> Activation:
    return lambda z: elu(z, Fraction(alpha))


def _scaled_tanh(alpha: float, beta: float) -> Activation:
    return lambda z: Fraction(alpha) * tanh(Fraction(beta) * z)


_F, _G, _H = _hard_quarter, _elu(0.75), _scaled_tanh(1.25, 0.875)


def _of_three(name: str, sentence: str, f: Activation, g: Activation, h: Activation) -> Deviation:
    cell = "lstm_activations"
    return Deviation(f"{cell}_{name}", sentence, in_equations(**{cell: _three(f, g, h)}), (cell,))


THREE = (
    _of_three(
        "alpha_default",
        "Ignores activation_alpha: uses the defaults 0.2 and 1.",
        hard_sigmoid,
        _elu(1),
        _scaled_tanh(1, 0.875),
    ),
    _of_three("beta_default", "Ignores activation_beta of the last activation: uses 1.", _F, _G, _scaled_tanh(1.25, 1)),
    _of_three(
        "alpha_of_first_for_all",
        "Uses the first alpha for all activations.",
        _F,
        _elu(0.25),
        _scaled_tanh(0.25, 0.875),
    ),
    _of_three("alpha_shifted", "Gives the second activation the third alpha.", _F, _elu(1.25), _H),
    _of_three(
        "beta_of_first_for_all",
        "Uses the first beta for all activations.",
        _F,
        _G,
        _scaled_tanh(1.25, 0.5),
    ),
    _of_three("last_two_swapped", "Swaps the last two activations.", _F, _H, _G),
    _of_three("last_is_tanh", "Uses tanh for the last activation.", _F, _G, tanh),
    _of_three("last_is_second", "Uses the second activation for the last one, too.", _F, _G, _G),
)


def _of_rnn(cell: str, name: str, sentence: str, activation: Activation) -> Deviation:
    def equations(x: Term, h: Term, w: Weight) -> tuple[Term]:
        return (activation(_argument(_FREE, x, h, w, "h")),)

    return Deviation(f"{cell}_{name}", sentence, in_equations(**{cell: equations}), (cell,))


def _affine(alpha: float, beta: float) -> Activation:
    return lambda z: Fraction(alpha) * z + Fraction(beta)


def _leaky(alpha: float) -> Activation:
    return lambda z: maximum(z, Fraction(alpha) * z)


RNN = (
    _of_rnn("rnn_affine", "parameters_swapped", "Swaps alpha and beta.", _affine(0.25, 0.75)),
    _of_rnn("rnn_affine", "without_beta", "Leaves out beta.", _affine(0.75, 0)),
    _of_rnn("rnn_affine", "without_alpha", "Leaves out alpha.", _affine(1, 0.25)),
    _of_rnn("rnn_leaky_relu", "alpha_default", "Ignores alpha: uses the default 0.01.", _leaky(0.01)),
    _of_rnn("rnn_leaky_relu", "as_relu", "Uses a relu.", relu),
    _of_rnn(
        "rnn_leaky_relu",
        "sides_swapped",
        "Scales positive arguments instead of negative ones.",
        lambda z: minimum(z, Fraction(1, 8) * z),
    ),
    _of_rnn("rnn_scaled_tanh", "parameters_swapped", "Swaps alpha and beta.", _scaled_tanh(0.875, 1.25)),
    _of_rnn("rnn_scaled_tanh", "without_alpha", "Leaves out alpha.", _scaled_tanh(1, 0.875)),
    _of_rnn("rnn_scaled_tanh", "without_beta", "Leaves out beta.", _scaled_tanh(1.25, 1)),
    _of_rnn("rnn_hard_sigmoid", "slope_sixth", "Uses the slope 1/6.", lambda z: hard_sigmoid(z, SIXTH)),
    _of_rnn("rnn_hard_sigmoid", "as_sigmoid", "Uses a sigmoid.", logistic),
    _of_rnn("rnn_elu", "alpha_default", "Ignores alpha: uses the default 1.", _elu(1)),
    _of_rnn("rnn_elu", "as_relu", "Uses a relu.", relu),
    _of_rnn(
        "rnn_elu",
        "alpha_on_both_sides",
        "Scales by alpha above zero, too.",
        lambda z: 0.75 * _elu(1)(z),
    ),
    _of_rnn("rnn_softsign", "clipped", "Clips z to ±1.", _one),
    _of_rnn("rnn_softsign", "without_absolute_value", "Computes z / (1 + z²).", lambda z: z / (1 + z * z)),
    _of_rnn("rnn_softplus", "as_relu", "Uses a relu.", relu),
    _of_rnn("rnn_sigmoid", "as_hard_sigmoid", "Uses a hard sigmoid of slope 1/5.", hard_sigmoid),
)

DEVIATIONS = (*IGNORED, *CLIP, *DIRECTION, *HARD_SIGMOID, *THREE, *RNN)
