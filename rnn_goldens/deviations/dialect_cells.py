"""Bugs of dialects with other equations: reset before the product, peepholes, projection, coupled gates, clipped c."""

from collections.abc import Callable
from functools import partial
from itertools import permutations

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.cells.equations import lstm
from rnn_goldens.cells.notation import Operand, Term, Weight, clip, mix, sigmoid, tanh
from rnn_goldens.cells.program import Equations
from rnn_goldens.deviations.alteration import in_equations, in_weights
from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.deviations.parts import Formula, edited


def of_dialect(cell: str, name: str, sentence: str, equations: Equations, needs: tuple[str, ...] = ()) -> Deviation:
    """Return the deviation of a dialect with wrong equations."""
    return Deviation(f"{cell}_{name}", sentence, in_equations(**{cell: equations}), (cell,), needs)


def _edited(cell: str, name: str, sentence: str, needs: tuple[str, ...] = (), **formulas: Formula) -> Deviation:
    return of_dialect(cell, name, sentence, edited(cell, **formulas), needs)


def _in_weights(
    names: tuple[str, ...], cell: str, name: str, sentence: str, change: Callable[[Array], Array]
) -> Deviation:
    wrong = in_weights(lambda _name, array, _case: change(array), names)
    return Deviation(f"{cell}_{name}", sentence, wrong, (cell,))


_of_reset_before = partial(_edited, "gru_reset_before")

RESET_BEFORE = (
    _of_reset_before(
        "b_hn_reset",
        "Applies the reset gate to b_hn, too: W_hn (r h) + r b_hn.",
        ("bias",),
        n=lambda w, x, h, r: tanh(w.W_in @ x + w.b_in + w.W_hn @ (r * h) + r * w.b_hn),
    ),
    _of_reset_before(
        "twice",
        "Applies the reset gate before and after the product: r (W_hn (r h) + b_hn).",
        n=lambda w, x, h, r: tanh(w.W_in @ x + w.b_in + r * (w.W_hn @ (r * h) + w.b_hn)),
    ),
    _of_reset_before("by_update_gate", "Resets by the update gate: W_hn (z h).", r=lambda z: z),
    _of_reset_before("complemented", "Resets by 1 - r.", r=lambda r: 1 - r),
    _of_reset_before(
        "unused",
        "Leaves out the reset gate: r = 1.",
        n=lambda w, x, h: tanh(w.W_in @ x + w.b_in + w.W_hn @ h + w.b_hn),
    ),
    _of_reset_before(
        "mixes_reset_state",
        "Uses the reset state in the update: h = (1 - z) n + z r h.",
        new_h=lambda z, r, h, n: mix(z, r * h, n),
    ),
    _of_reset_before("z_complemented", "Swaps z and 1 - z: h = z n + (1 - z) h.", new_h=lambda z, n, h: mix(z, n, h)),
    _of_reset_before(
        "update_gate_of_reset_state",
        "Computes the update gate from the reset state r h instead of h.",
        z=lambda w, x, h, r: sigmoid(w.W_iz @ x + w.b_iz + w.W_hz @ (r * h) + w.b_hz),
    ),
)

# Peepholes.

PEEPHOLES = ("p_i", "p_f", "p_o")

Peephole = Callable[[Term, Term], Operand]
"""(a vector of peepholes, c) → a term of the argument of a gate."""


def _right(p: Term, c: Term) -> Term:
    return p * c


def peepholes(
    of_i: Peephole = _right, of_f: Peephole = _right, of_o: Peephole = _right, read: tuple[str, ...] = PEEPHOLES
) -> Equations:
    """Return the equations of an LSTM with these terms of the vectors ``read`` in the arguments of the gates."""
    i, f, o = read
    return edited(
        "lstm",
        z_i=lambda z_i, w, c: z_i + of_i(getattr(w, i), c),
        z_f=lambda z_f, w, c: z_f + of_f(getattr(w, f), c),
        z_o=lambda z_o, w, new_c: z_o + of_o(getattr(w, o), new_c),
    )


_of_peephole = partial(of_dialect, "lstm_peephole")
_in_peepholes = partial(_in_weights, PEEPHOLES, "lstm_peephole")


def _in_order(order: tuple[str, ...]) -> Deviation:
    letters = ", ".join(name[-1] for name in order)
    note = {"i, o, f": " (ONNX's and WebNN's order)"}.get(letters, "")
    return _of_peephole(
        f"order_{letters.replace(', ', '')}",
        f"Reads the peepholes as those of the gates {letters} instead of i, f, o{note}.",
        peepholes(read=order),
    )


def _on_each(term: Peephole) -> Equations:
    return peepholes(term, term, term)


def _no(*_: Term) -> int:
    return 0


def _by_tanh(p: Term, c: Term) -> Term:
    return p * tanh(c)


PEEPHOLE = (
    *(_in_order(order) for order in permutations(PEEPHOLES) if order != PEEPHOLES),
    _of_peephole("without_p_i", "Leaves out the peephole of the input gate.", peepholes(of_i=_no)),
    _of_peephole("without_p_f", "Leaves out the peephole of the forget gate.", peepholes(of_f=_no)),
    _of_peephole("without_p_o", "Leaves out the peephole of the output gate.", peepholes(of_o=_no)),
    _edited(
        "lstm_peephole",
        "of_o_by_old_c",
        "Adds p_o times the old c, as for the other gates, instead of the new c.",
        o=lambda w, x, h, c: sigmoid(w.W_io @ x + w.b_io + w.W_ho @ h + w.b_ho + w.p_o * c),
    ),
    _of_peephole("of_tanh", "Multiplies all peepholes by tanh(c) instead of c.", _on_each(_by_tanh)),
    _of_peephole("of_o_of_tanh", "Multiplies p_o by tanh(c) instead of c.", peepholes(of_o=_by_tanh)),
    _of_peephole("added", "Adds the peepholes themselves, without multiplying them by c.", _on_each(lambda p, _: p)),
    _of_peephole("subtracted", "Subtracts the peepholes times c.", _on_each(lambda p, c: -(p * c))),
    _edited(
        "lstm_peephole",
        "in_candidate_too",
        "Adds p_i c to the argument of the candidate g, too.",
        z_g=lambda z_g, w, c: z_g + w.p_i * c,
    ),
    _of_peephole(
        "after_sigmoid",
        "Adds the peepholes times c to the gates, after their sigmoids.",
        edited(
            "lstm",
            i=lambda i, w, c: i + w.p_i * c,
            f=lambda f, w, c: f + w.p_f * c,
            o=lambda o, w, new_c: o + w.p_o * new_c,
        ),
    ),
    _in_peepholes(
        "units_reversed", "Reads the peepholes with their units in reverse order.", lambda array: array[::-1]
    ),
    _in_peepholes(
        "of_first_unit",
        "Uses the peephole of the first unit for all units.",
        lambda array: np.broadcast_to(array[:1], array.shape),
    ),
)

# Projection.

_of_projection = partial(_edited, "lstm_projection")
_in_projection = partial(_in_weights, ("weight_hr",), "lstm_projection")

PROJECTION = (
    _of_projection(
        "without_output_gate",
        "Leaves out the output gate: h = W_hr tanh(c).",
        new_h=lambda w, new_c: w.W_hr @ tanh(new_c),
    ),
    _of_projection(
        "without_tanh", "Leaves out the tanh: h = W_hr (o c).", new_h=lambda w, o, new_c: w.W_hr @ (o * new_c)
    ),
    _of_projection("of_old_cell", "Projects o tanh(c) of the old c.", new_h=lambda w, o, c: w.W_hr @ (o * tanh(c))),
    _of_projection("of_output_gate", "Projects the output gate: h = W_hr o.", new_h=lambda w, o: w.W_hr @ o),
    _of_projection("of_cell", "Projects c: h = W_hr c.", new_h=lambda w, new_c: w.W_hr @ new_c),
    _of_projection("activated", "Applies a tanh after the projection, too.", new_h=lambda new_h: tanh(new_h)),
    _in_projection(
        "left_out",
        "Takes the first proj_size numbers of o tanh(c) instead of projecting it.",
        lambda array: np.eye(*array.shape, dtype=array.dtype),
    ),
    _in_projection(
        "read_transposed",
        "Reads the memory of weight_hr as (hidden, proj_size).",
        lambda array: array.reshape(array.shape[::-1]).T,
    ),
    _in_projection("rows_reversed", "Reads the rows of weight_hr in reverse order.", lambda array: array[::-1]),
    _in_projection(
        "columns_reversed", "Reads the columns of weight_hr in reverse order.", lambda array: array[:, ::-1]
    ),
)

# Coupled gates.

_of_input_forget = partial(_edited, "lstm_input_forget")
_of_coupled_input = partial(_edited, "lstm_coupled_input")

COUPLED = (
    of_dialect(
        "lstm_input_forget",
        "the_other_way",
        "Uses 1 - f for the input gate.",
        edited("lstm", new_c=lambda c, f, g: mix(f, c, g)),
    ),
    _of_input_forget("swapped", "Swaps i and 1 - i: c = (1 - i) g + i c.", new_c=lambda c, i, g: mix(i, c, g)),
    _of_input_forget("f_is_i", "Uses i for the forget gate: f = i.", new_c=lambda c, i, g: i * c + i * g),
    _of_input_forget("f_open", "Leaves out the forget gate: f = 1.", new_c=lambda c, i, g: c + i * g),
    of_dialect(
        "lstm_input_forget",
        "by_rows_of_f",
        "Computes i from the rows of f.",
        edited("lstm", new_c=lambda c, f, g: mix(f, g, c)),
    ),
    _of_coupled_input("swapped", "Swaps f and 1 - f: c = (1 - f) c + f g.", new_c=lambda c, f, g: mix(f, g, c)),
    _of_coupled_input("i_is_f", "Uses f for the input gate: i = f.", new_c=lambda c, f, g: f * c + f * g),
    _of_coupled_input("i_open", "Leaves out the input gate: i = 1.", new_c=lambda c, f, g: f * c + g),
)

# A stored c that is clipped.


def _clipped(z: Term) -> Term:
    return clip(z, -0.5, 0.5)


def _output_of_unclipped(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    h, c = lstm(x, h, c, w)
    return h, _clipped(c)


def _of_cell_clip(name: str, sentence: str, **formulas: Formula) -> Deviation:
    """Return the deviation with these formulas in an LSTM without a clip."""
    return of_dialect("lstm_cell_clip", name, sentence, edited("lstm", **formulas))


CELL_CLIP = (
    _of_cell_clip(
        "of_output_only",
        "Clips c for the output only, and stores it without clipping.",
        new_h=lambda o, new_c: o * tanh(_clipped(new_c)),
    ),
    of_dialect(
        "lstm_cell_clip",
        "after_output",
        "Clips the stored c, but computes the output from c before it is clipped.",
        _output_of_unclipped,
    ),
    _of_cell_clip("of_h", "Clips h instead of c.", new_h=lambda new_h: _clipped(new_h)),
    _of_cell_clip("of_candidate", "Clips the candidate g instead of c.", g=lambda g: _clipped(g)),
    _of_cell_clip("before_update", "Clips the old c instead of the new one.", c=lambda c: _clipped(c)),
    _of_cell_clip("above_only", "Clips c above only.", new_c=lambda new_c: clip(new_c, -64, 0.5)),
    _of_cell_clip("below_only", "Clips c below only.", new_c=lambda new_c: clip(new_c, -0.5, 64)),
    _of_cell_clip("at_1", "Clips c to ±1 instead of ±1/2.", new_c=lambda new_c: clip(new_c, -1, 1)),
)

DEVIATIONS = (*RESET_BEFORE, *PEEPHOLE, *PROJECTION, *COUPLED, *CELL_CLIP)
