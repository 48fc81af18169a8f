"""Activations that are replaced, misplaced or approximated: in every gate, or in one."""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise

import numpy as np

from rnn_goldens.cells import Array, Network
from rnn_goldens.cells.notation import Term, sigmoid
from rnn_goldens.cells.numpy_primitives import Arithmetic
from rnn_goldens.deviations.alteration import Alteration, in_equations, in_network, in_out, in_steps
from rnn_goldens.deviations.equation_edits import Formula, edited
from rnn_goldens.deviations.low_precision import to_tf32
from rnn_goldens.deviations.table_rows import for_each, table

Change = Callable[[Array], Array]

FINE, COARSE = 256, 16
"""Points per unit of tables."""


def rational(numerator: tuple[int, ...], denominator: tuple[int, ...]) -> Change:
    """Return the function z p(z²) / q(z²), clipped to ±1; coefficients by increasing power."""
    p, q = (partial(np.polynomial.polynomial.polyval, c=of) for of in (numerator, denominator))
    return lambda z: np.clip(z * p(np.square(z)) / q(np.square(z)), -1, 1)


fast_tanh = rational((945, 105, 1), (945, 420, 15))
"""The continued fraction of tanh with degrees 5 and 4: off by up to 2e-3."""


def tabled(per_unit: int) -> Change:
    """Return a tanh that is interpolated linearly in a table up to ±8."""

    def interpolated(z: Array) -> Array:
        points = np.arange(-8 * per_unit, 8 * per_unit + 1) / per_unit
        return np.interp(z, points, np.tanh(points))

    return interpolated


class _Tanhs(Network):
    def fast(self, z: Array) -> Array:
        return fast_tanh(z)

    def fine(self, z: Array) -> Array:
        return tabled(FINE)(z)

    def coarse(self, z: Array) -> Array:
        return tabled(COARSE)(z)


class _Rounded(Network):
    def flushed(self, z: Array) -> Array:
        return np.where(np.abs(z) < 2.0**-14, 0, z)  # float16 has no smaller normal number

    def tf32(self, z: Array) -> Array:
        return to_tf32(z)


def _approximate(primitive: str, z: Term) -> Term:
    return Term(primitive, (z,))


_fast, _fine, _coarse, _flushed, _tf32 = (
    partial(_approximate, name) for name in ("fast", "fine", "coarse", "flushed", "tf32")
)


def _in(cell: str, primitives: type[Network] = _Tanhs, /, **formulas: Formula) -> Alteration:
    return in_network(primitives) & in_equations(**{cell: edited(cell, **formulas)})


def _by(tanh: Callable[[Term], Term]) -> Mapping[str, Formula]:
    """Return the gates of an LSTM by a tanh: sigmoids as (1 + tanh(z/2)) / 2."""
    return {
        "i": lambda z_i: 0.5 + 0.5 * tanh(0.5 * z_i),
        "f": lambda z_f: 0.5 + 0.5 * tanh(0.5 * z_f),
        "o": lambda z_o: 0.5 + 0.5 * tanh(0.5 * z_o),
        "g": lambda z_g: tanh(z_g),
    }


IN_ONE_PLACE = table()(
    lstm_tabled_tanh_of_cell=(
        "Interpolates only the tanh of the new c in a table with 256 points per unit: off by up to 1.5e-6.",
        _in("lstm", new_h=lambda o, new_c: o * _fine(new_c)),
    ),
    lstm_tabled_tanh_of_candidate=(
        "Interpolates only the tanh of the candidate in a table with 256 points per unit: off by up to 1.5e-6.",
        _in("lstm", g=lambda z_g: _fine(z_g)),
    ),
    gru_hidden_product_of_update_gate_flushed=(
        "Replaces W_hz h by zero below 2^-14, where float16 has no normal numbers.",
        _in("gru", _Rounded, z_z=lambda w, x, h: w.W_iz @ x + w.b_iz + _flushed(w.W_hz @ h) + w.b_hz),
    ),
    gru_reset_before_fast_sigmoid_of_reset_gate=(
        "Computes only the reset gate with the fast tanh of degrees 5 and 4: off by up to 7e-4.",
        _in("gru_reset_before", r=lambda z_r: 0.5 + 0.5 * _fast(0.5 * z_r)),
    ),
    gru_reset_before_input_of_reset_gate_in_tf32=(
        "Rounds x to TF32 in the product W_ir x only.",
        _in("gru_reset_before", _Rounded, r=lambda w, x, h: sigmoid(w.W_ir @ _tf32(x) + w.b_ir + w.W_hr @ h + w.b_hr)),
    ),
    **{
        f"lstm_peephole_{gate}_by_{kind}_tanh": (
            f"Computes only {gate} with {words}.",
            _in("lstm_peephole", **{gate: formula}),
        )
        for kind, words, tanh in (
            ("fast", "the fast tanh of degrees 5 and 4", _fast),
            ("tabled", "a tanh from a table with 16 points per unit", _coarse),
        )
        for gate, formula in _by(tanh).items()
    },
)


TANH = ("rnn_tanh", "lstm", "gru")
SIGMOID = ("lstm", "gru")
_OF_SIGMOID = {"cells": SIGMOID}
RELU = {"cells": ("rnn_relu",)}


def _instead_of(activation: str) -> Callable[[Change], Alteration]:
    return lambda function: in_steps(**{activation: lambda _, z: function(z)})


_tanh, _sigmoid, _relu = map(_instead_of, ("tanh", "sigmoid", "relu"))


def _linear(slope: float) -> Alteration:
    """Replace the sigmoid by a hard sigmoid: a straight line between 0 and 1."""
    return _sigmoid(lambda z: np.clip(slope * z + 0.5, 0, 1))


def _clipped(limit: int) -> Alteration:
    """Clip the arguments of activations, not their results."""
    return in_steps(
        tanh=lambda _, z: np.tanh(np.clip(z, -limit, limit)),
        sigmoid=lambda _, z: _true_sigmoid(np.clip(z, -limit, limit)),
    )


def _fast_exp(z: Array) -> Array:
    """Return e^z by writing into a float's exponent bits (Schraudolph): 2^y as (1 + fraction of y) 2^(floor of y)."""
    power = np.clip(z / np.log(2), -1000, 1000)
    floor = np.floor(power)
    return np.asarray(np.ldexp(1 + power - floor, floor.astype(np.int64)))


BANDS = (0, 2**-10, 2**-7, 2**-4, 1 / 4, 1 / 2, 3 / 4, 1, 3 / 2, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 20)
"""Bands of the absolute value of an activation's argument, finer where its curvature is large.

A piecewise approximation may be off in one of them."""

OFF = 1e-4


def _off(function: Change, low: float, high: float, _: Arithmetic, z: Array) -> Array:
    within = (np.abs(z) >= low) & (np.abs(z) < high)
    return function(z) + np.where(within, OFF * np.sign(z), 0)


def _name_of(value: float) -> str:
    """Return a number as part of a name: 4, 3_over_2, 1_over_128."""
    numerator, denominator = float(value).as_integer_ratio()
    return str(numerator) if denominator == 1 else f"{numerator}_over_{denominator}"


def _true_sigmoid(z: Array) -> Array:
    return Arithmetic().sigmoid(z)


EVERYWHERE = table(make=_tanh, cells=TANH)(
    tanh_missing=("Leaves out every tanh.", lambda z: z),
    relu_missing=("Leaves out the relu.", _relu(lambda z: z), RELU),
    relu_for_tanh=("Uses a relu for every tanh.", lambda z: np.maximum(z, 0)),
    tanh_for_relu=("Uses a tanh for the relu.", _relu(np.tanh), RELU),
    sigmoid_for_tanh=(
        "Uses a sigmoid for every tanh.",
        _true_sigmoid,
        {"cells": ("rnn_tanh", "lstm"), "dialects": ("rnn_sigmoid",)},
    ),
    tanh_for_sigmoid=("Uses a tanh for every sigmoid.", _sigmoid(np.tanh), _OF_SIGMOID),
    softsign_for_tanh=(
        "Uses z / (1 + |z|) for every tanh.",
        lambda z: z / (1 + np.abs(z)),
        {"dialects": ("rnn_softsign",)},
    ),
    hard_tanh=("Clips z to ±1 instead of computing its tanh.", lambda z: np.clip(z, -1, 1)),
    scaled_tanh=("Uses LeCun's 1.7159 tanh(2z/3) for every tanh.", lambda z: 1.7159 * np.tanh(2 * z / 3)),
    hard_sigmoid=(
        "Uses the hard sigmoid of ONNX and Keras 2: 0.2 z + 0.5, clipped to 0 and 1.",
        _linear(1 / 5),
        {
            "cells": SIGMOID,
            "stands_for": ("tensorflow-onnx PR2001", "textgenrnn#153"),
            "dialects": ("lstm_hard_sigmoid", "gru_hard_sigmoid"),
        },
    ),
    hard_sigmoid_sixth=(
        "Uses the hard sigmoid of PyTorch and Keras 3: z / 6 + 0.5, clipped to 0 and 1.",
        _linear(1 / 6),
        {"cells": SIGMOID, "dialects": ("lstm_hard_sigmoid_sixth", "gru_hard_sigmoid_sixth")},
    ),
    leaky_relu=("Uses a leaky relu with slope 0.01.", _relu(lambda z: np.where(z < 0, 0.01 * z, z)), RELU),
    elu=("Uses an elu for the relu.", _relu(lambda z: np.where(z < 0, np.expm1(np.minimum(z, 0)), z)), RELU),
    leaky_relu_fifth=("Uses a leaky relu with slope 0.2.", _relu(lambda z: np.maximum(z, 0.2 * z)), RELU),
    softplus=("Uses a softplus for the relu.", _relu(lambda z: np.logaddexp(0, z)), RELU),
    relu_clipped=("Clips the relu at 6.", _relu(lambda z: np.clip(z, 0, 6)), RELU),
    **for_each(
        (1, 20),
        "relu_clipped_at_{}",
        "Clips the relu at {}.",
        lambda limit: _relu(partial(np.clip, a_min=0, a_max=limit)),
        RELU,
    ),
    thresholded_relu=("Uses ONNX's thresholded relu: z above 1, else 0.", _relu(lambda z: np.where(z > 1, z, 0)), RELU),
    silu_for_relu=("Uses z sigmoid(z) for the relu.", _relu(lambda z: z * _true_sigmoid(z)), RELU),
    relu_of_absolute=("Uses |z| for the relu.", _relu(np.abs), RELU),
    gates_clipped=("Clips the arguments of activations to ±2, as ONNX's clip does.", _clipped(2)),
    **for_each(
        (1, 3, 5, 10),
        "gates_clipped_at_{}",
        "Clips the arguments of activations to ±{}, as ONNX's clip does.",
        _clipped,
        lambda limit: {"dialects": ("rnn_tanh_clip", "lstm_clip", "gru_clip") if limit == 1 else ()},
    ),
    out_activated_again=("Applies tanh to out once more.", in_out(np.tanh)),
    fast_tanh_3_2=("Approximates tanh by z (27 + z²) / (27 + 9 z²): off by up to 2.4e-2.", rational((27, 1), (27, 9))),
    fast_tanh_5_4=(
        "Approximates tanh by its continued fraction with degrees 5 and 4: off by up to 2e-3.",
        fast_tanh,
        {"stands_for": ("mindspore#348",)},
    ),
    fast_tanh_7_6=(
        "Approximates tanh by its continued fraction with degrees 7 and 6: off by up to 1e-4.",
        rational((135135, 17325, 378, 1), (135135, 62370, 3150, 28)),
    ),
    **{
        f"{name}_off_from_{_name_of(low)}_to_{_name_of(high)}": (
            f"Is off by {OFF:g} in the {name} where its argument is between {low:g} and {high:g} in absolute value.",
            in_steps(**{name: partial(_off, function, low, high)}),
            {"cells": cells},
        )
        for name, function, cells in (("tanh", np.tanh, TANH), ("sigmoid", _true_sigmoid, SIGMOID))
        for low, high in pairwise(BANDS)
    },
    tabled_tanh_coarse=("Interpolates tanh in a table with 16 points per unit: off by up to 4e-4.", tabled(16)),
    tabled_tanh_fine=("Interpolates tanh in a table with 256 points per unit: off by up to 1.5e-6.", tabled(256)),
    fast_exp_sigmoid=(
        "Approximates the sigmoid's exponential by the bits of a float: off by up to 1.5e-2.",
        _sigmoid(lambda z: 1 / (1 + _fast_exp(-z))),
        _OF_SIGMOID,
    ),
    sigmoid_by_fast_tanh=(
        "Computes the sigmoid as (1 + tanh(z/2)) / 2 with the fast tanh of degrees 5 and 4.",
        _sigmoid(lambda z: 0.5 + 0.5 * fast_tanh(z / 2)),
        _OF_SIGMOID,
    ),
    tanh_nan_beyond_40=(
        "Returns NaN for the tanh of arguments beyond ±40.",
        lambda z: np.where(np.abs(z) > 40, np.nan, np.tanh(z)),  # noqa: PLR2004
        {"needs": ("saturated",), "stands_for": ("ComputeLibrary#779",)},
    ),
    tanh_nan_where_exp_overflows=(
        "Computes tanh as (e^2z - 1) / (e^2z + 1) in float32: NaN from 44 on.",
        lambda z: np.where(z > 44.4, np.nan, np.tanh(z)),  # noqa: PLR2004
        {"needs": ("saturated",), "stands_for": ("Paddle#46",)},
    ),
    sigmoid_half_when_saturated=(
        "Returns 1/2 for the sigmoid of arguments beyond ±40.",
        _sigmoid(lambda z: np.where(np.abs(z) > 40, 0.5, _true_sigmoid(z))),  # noqa: PLR2004
        {"cells": SIGMOID, "needs": ("saturated",), "stands_for": ("dynet#1525",)},
    ),
)

DEVIATIONS = (*EVERYWHERE, *IN_ONE_PLACE)
