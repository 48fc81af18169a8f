"""Approximations of a tanh, and bugs of a cell in which one activation or one product is approximated."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from rnn_goldens.cells import Array, Network
from rnn_goldens.cells.notation import Term, sigmoid
from rnn_goldens.deviations.alteration import Alteration, in_equations, in_network
from rnn_goldens.deviations.parts import Formula, edited
from rnn_goldens.deviations.rounding import to_tf32
from rnn_goldens.deviations.table import table

FINE, COARSE = 256, 16
"""Points per unit of tables."""


def rational(z: Array, numerator: tuple[int, ...], denominator: tuple[int, ...]) -> Array:
    """Return z p(z²) / q(z²), clipped to ±1; coefficients by increasing power."""
    square = np.square(z)
    p = np.polynomial.polynomial.polyval(square, numerator)
    q = np.polynomial.polynomial.polyval(square, denominator)
    return np.clip(z * p / q, -1, 1)


def fast_tanh(z: Array) -> Array:
    """Return the continued fraction of tanh with degrees 5 and 4: off by up to 2e-3."""
    return rational(z, (945, 105, 1), (945, 420, 15))


def tabled(z: Array, per_unit: int) -> Array:
    """Interpolate linearly in a table of tanh up to ±8."""
    points = np.arange(-8 * per_unit, 8 * per_unit + 1) / per_unit
    return np.interp(z, points, np.tanh(points))


class _Approximate(Network):
    """A network whose equations may contain approximations as primitives."""

    def fast(self, z: Array) -> Array:
        """The fast tanh."""
        return fast_tanh(z)

    def fine(self, z: Array) -> Array:
        """The tanh from a fine table."""
        return tabled(z, FINE)

    def coarse(self, z: Array) -> Array:
        """The tanh from a coarse table."""
        return tabled(z, COARSE)

    def flushed(self, z: Array) -> Array:
        """The argument, or zero where float16 has no normal number."""
        return np.where(np.abs(z) < 2.0**-14, 0, z)

    def tf32(self, z: Array) -> Array:
        """The argument in TF32."""
        return to_tf32(z)


def _approximate(primitive: str, z: Term) -> Term:
    return Term(primitive, (z,))


_fast, _fine, _coarse, _flushed, _tf32 = (
    partial(_approximate, name) for name in ("fast", "fine", "coarse", "flushed", "tf32")
)


def _in(cell: str, **formulas: Formula) -> Alteration:
    return in_network(_Approximate) & in_equations(**{cell: edited(cell, **formulas)})


def _by(tanh: Callable[[Term], Term]) -> Mapping[str, Formula]:
    """Return the gates of an LSTM by a tanh: sigmoids as (1 + tanh(z/2)) / 2."""
    return {
        "i": lambda z_i: 0.5 + 0.5 * tanh(0.5 * z_i),
        "f": lambda z_f: 0.5 + 0.5 * tanh(0.5 * z_f),
        "o": lambda z_o: 0.5 + 0.5 * tanh(0.5 * z_o),
        "g": lambda z_g: tanh(z_g),
    }


DEVIATIONS = table()(
    lstm_tabled_tanh_of_cell=(
        "Interpolates only the tanh of the new c in a table with 256 points per unit: off by up to 1.5e-6.",
        _in("lstm", new_h=lambda o, new_c: o * _fine(new_c)),
        {"cells": ("lstm",)},
    ),
    lstm_tabled_tanh_of_candidate=(
        "Interpolates only the tanh of the candidate in a table with 256 points per unit: off by up to 1.5e-6.",
        _in("lstm", g=lambda z_g: _fine(z_g)),
        {"cells": ("lstm",)},
    ),
    gru_hidden_product_of_update_gate_flushed=(
        "Replaces W_hz h by zero below 2^-14, where float16 has no normal numbers.",
        _in("gru", z_z=lambda w, x, h: w.W_iz @ x + w.b_iz + _flushed(w.W_hz @ h) + w.b_hz),
        {"cells": ("gru",), "needs": ("bias",)},
    ),
    gru_reset_before_fast_sigmoid_of_reset_gate=(
        "Computes only the reset gate with the fast tanh of degrees 5 and 4: off by up to 7e-4.",
        _in("gru_reset_before", r=lambda z_r: 0.5 + 0.5 * _fast(0.5 * z_r)),
        {"cells": ("gru_reset_before",)},
    ),
    gru_reset_before_input_of_reset_gate_in_tf32=(
        "Rounds x to TF32 in the product W_ir x only.",
        _in("gru_reset_before", r=lambda w, x, h: sigmoid(w.W_ir @ _tf32(x) + w.b_ir + w.W_hr @ h + w.b_hr)),
        {"cells": ("gru_reset_before",), "needs": ("bias",)},
    ),
    **{
        f"lstm_peephole_{gate}_by_{kind}_tanh": (
            f"Computes only {gate} with {words}.",
            _in("lstm_peephole", **{gate: formula}),
            {"cells": ("lstm_peephole",)},
        )
        for kind, words, tanh in (
            ("fast", "the fast tanh of degrees 5 and 4", _fast),
            ("tabled", "a tanh from a table with 16 points per unit", _coarse),
        )
        for gate, formula in _by(tanh).items()
    },
)
