"""Bugs of dialects with other equations: reset before the product, peepholes, projection, coupled gates, clipped c."""

from collections.abc import Callable
from itertools import permutations

import numpy as np

from rnn_goldens.cells import Array, Case
from rnn_goldens.cells.notation import Operand, Term, Weight, clip, mix, sigmoid, tanh
from rnn_goldens.cells.program import Equations
from rnn_goldens.deviations.correct_equations import affine, gates
from rnn_goldens.deviations.deviation import Deviation, in_equations, in_weights

# The reset gate before the product.

Candidate = Callable[[Term, Term, Weight, Term, Term], Term]
"""(x, h, w, r, z) → n."""


def _reset_before(candidate: Candidate, mixed: Callable[..., Term] = mix) -> Equations:
    def equations(x: Term, h: Term, w: Weight) -> tuple[Term]:
        r, z = gates(x, h, w, *"rz")
        return (mixed(z, h, candidate(x, h, w, r, z)),)

    return equations


def _right_candidate(x: Term, h: Term, w: Weight, r: Term, _z: Term) -> Term:
    return tanh(w.W_in @ x + w.b_in + w.W_hn @ (r * h) + w.b_hn)


def _update_gate_of_reset_state(x: Term, h: Term, w: Weight) -> tuple[Term]:
    (r,) = gates(x, h, w, "r")
    (z,) = gates(x, r * h, w, "z")
    return (mix(z, h, _right_candidate(x, h, w, r, z)),)


def _reset_state_mixed_in(x: Term, h: Term, w: Weight) -> tuple[Term]:
    r, z = gates(x, h, w, *"rz")
    return (mix(z, r * h, _right_candidate(x, h, w, r, z)),)


def _of_reset_before(name: str, sentence: str, equations: Equations, needs: tuple[str, ...] = ()) -> Deviation:
    cell = "gru_reset_before"
    return Deviation(f"{cell}_{name}", sentence, in_equations(**{cell: equations}), (cell,), needs)


RESET_BEFORE = (
    _of_reset_before(
        "b_hn_reset",
        "Applies the reset gate to b_hn, too: W_hn (r h) + r b_hn.",
        _reset_before(lambda x, h, w, r, _z: tanh(w.W_in @ x + w.b_in + w.W_hn @ (r * h) + r * w.b_hn)),
        ("bias",),
    ),
    _of_reset_before(
        "twice",
        "Applies the reset gate before and after the product: r (W_hn (r h) + b_hn).",
        _reset_before(lambda x, h, w, r, _z: tanh(w.W_in @ x + w.b_in + r * (w.W_hn @ (r * h) + w.b_hn))),
    ),
    _of_reset_before(
        "by_update_gate",
        "Resets by the update gate: W_hn (z h).",
        _reset_before(lambda x, h, w, _r, z: _right_candidate(x, h, w, z, z)),
    ),
    _of_reset_before(
        "complemented",
        "Resets by 1 - r.",
        _reset_before(lambda x, h, w, r, z: _right_candidate(x, h, w, 1 - r, z)),
    ),
    _of_reset_before(
        "unused",
        "Leaves out the reset gate: r = 1.",
        _reset_before(lambda x, h, w, _r, _z: tanh(affine(x, h, w, "n"))),
    ),
    _of_reset_before(
        "mixes_reset_state",
        "Uses the reset state in the update: h = (1 - z) n + z r h.",
        _reset_state_mixed_in,
    ),
    _of_reset_before(
        "z_complemented",
        "Swaps z and 1 - z: h = z n + (1 - z) h.",
        _reset_before(_right_candidate, lambda z, h, n: mix(z, n, h)),
    ),
    _of_reset_before(
        "update_gate_of_reset_state",
        "Computes the update gate from the reset state r h instead of h.",
        _update_gate_of_reset_state,
    ),
)

# Peepholes.

PEEPHOLES = ("p_i", "p_f", "p_o")


def _peephole(
    of_i: Callable[[Term, Term], Operand] = lambda p, c: p * c,
    of_f: Callable[[Term, Term], Operand] = lambda p, c: p * c,
    of_o: Callable[[Term, Term, Term], Operand] = lambda p, _c, new: p * new,
    of_g: Callable[[Weight, Term], Operand] = lambda _w, _c: 0,
) -> Equations:
    """Return the equations in which these functions replace the peephole terms in the arguments of the gates."""

    def equations(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
        i = sigmoid(affine(x, h, w, "i") + of_i(w.p_i, c))
        f = sigmoid(affine(x, h, w, "f") + of_f(w.p_f, c))
        new = f * c + i * tanh(affine(x, h, w, "g") + of_g(w, c))
        o = sigmoid(affine(x, h, w, "o") + of_o(w.p_o, c, new))
        return o * tanh(new), new

    return equations


def _after_sigmoid(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    i, f, g, o = gates(x, h, w, *"ifgo")
    new = (f + w.p_f * c) * c + (i + w.p_i * c) * g
    return (o + w.p_o * new) * tanh(new), new


def _of_peephole(name: str, sentence: str, equations: Equations) -> Deviation:
    cell = "lstm_peephole"
    return Deviation(f"{cell}_{name}", sentence, in_equations(**{cell: equations}), (cell,))


def _in_order(order: tuple[str, ...]) -> Deviation:
    letters = ", ".join(name[-1] for name in order)
    note = {"i, o, f": " (ONNX's and WebNN's order)"}.get(letters, "")

    def equations(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
        read = {name: getattr(w, other) for name, other in zip(PEEPHOLES, order, strict=True)}
        return _peephole(
            lambda _, c: read["p_i"] * c, lambda _, c: read["p_f"] * c, lambda _p, _c, new: read["p_o"] * new
        )(x, h, c, w)  # type: ignore[return-value] # two states

    return _of_peephole(
        f"order_{letters.replace(', ', '')}",
        f"Reads the peepholes as those of the gates {letters} instead of i, f, o{note}.",
        equations,
    )


def _no(*_: object) -> int:
    return 0


def _units_reversed(_name: str, array: Array, _case: Case) -> Array:
    return array[::-1]


def _first_for_all(_name: str, array: Array, _case: Case) -> Array:
    return np.broadcast_to(array[:1], array.shape)


PEEPHOLE = (
    *(_in_order(order) for order in permutations(PEEPHOLES) if order != PEEPHOLES),
    _of_peephole("without_p_i", "Leaves out the peephole of the input gate.", _peephole(of_i=_no)),
    _of_peephole("without_p_f", "Leaves out the peephole of the forget gate.", _peephole(of_f=_no)),
    _of_peephole("without_p_o", "Leaves out the peephole of the output gate.", _peephole(of_o=_no)),
    _of_peephole(
        "of_o_by_old_c",
        "Adds p_o times the old c, as for the other gates, instead of the new c.",
        _peephole(of_o=lambda p, c, _new: p * c),
    ),
    _of_peephole(
        "of_tanh",
        "Multiplies all peepholes by tanh(c) instead of c.",
        _peephole(lambda p, c: p * tanh(c), lambda p, c: p * tanh(c), lambda p, _c, new: p * tanh(new)),
    ),
    _of_peephole(
        "of_o_of_tanh", "Multiplies p_o by tanh(c) instead of c.", _peephole(of_o=lambda p, _c, new: p * tanh(new))
    ),
    _of_peephole(
        "added",
        "Adds the peepholes themselves, without multiplying them by c.",
        _peephole(lambda p, _c: p, lambda p, _c: p, lambda p, _c, _new: p),
    ),
    _of_peephole(
        "subtracted",
        "Subtracts the peepholes times c.",
        _peephole(lambda p, c: -(p * c), lambda p, c: -(p * c), lambda p, _c, new: -(p * new)),
    ),
    _of_peephole(
        "in_candidate_too",
        "Adds p_i c to the argument of the candidate g, too.",
        _peephole(of_g=lambda w, c: w.p_i * c),
    ),
    _of_peephole("after_sigmoid", "Adds the peepholes times c to the gates, after their sigmoids.", _after_sigmoid),
    Deviation(
        "lstm_peephole_units_reversed",
        "Reads the peepholes with their units in reverse order.",
        in_weights(_units_reversed, PEEPHOLES),
        ("lstm_peephole",),
    ),
    Deviation(
        "lstm_peephole_of_first_unit",
        "Uses the peephole of the first unit for all units.",
        in_weights(_first_for_all, PEEPHOLES),
        ("lstm_peephole",),
    ),
)

# Projection.


def _projected(of: Callable[[Term, Term, Term], Term], after: Callable[[Term], Term] = lambda h: h) -> Equations:
    """Return the equations with another vector to project: ``of(o, new c, old c)``."""

    def equations(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
        i, f, g, o = gates(x, h, w, *"ifgo")
        new = f * c + i * g
        return after(w.W_hr @ of(o, new, c)), new

    return equations


def _of_projection(name: str, sentence: str, equations: Equations) -> Deviation:
    cell = "lstm_projection"
    return Deviation(f"{cell}_{name}", sentence, in_equations(**{cell: equations}), (cell,))


def _in_projection(name: str, sentence: str, change: Callable[[str, Array, Case], Array]) -> Deviation:
    wrong = in_weights(change, ("weight_hr",))
    return Deviation(f"lstm_projection_{name}", sentence, wrong, ("lstm_projection",))


PROJECTION = (
    _of_projection(
        "without_output_gate",
        "Leaves out the output gate: h = W_hr tanh(c).",
        _projected(lambda _o, new, _c: tanh(new)),
    ),
    _of_projection("without_tanh", "Leaves out the tanh: h = W_hr (o c).", _projected(lambda o, new, _c: o * new)),
    _of_projection("of_old_cell", "Projects o tanh(c) of the old c.", _projected(lambda o, _new, c: o * tanh(c))),
    _of_projection("of_output_gate", "Projects the output gate: h = W_hr o.", _projected(lambda o, _new, _c: o)),
    _of_projection("of_cell", "Projects c: h = W_hr c.", _projected(lambda _o, new, _c: new)),
    _of_projection(
        "activated", "Applies a tanh after the projection, too.", _projected(lambda o, new, _c: o * tanh(new), tanh)
    ),
    _in_projection(
        "left_out",
        "Takes the first proj_size numbers of o tanh(c) instead of projecting it.",
        lambda _, array, _case: np.eye(*array.shape, dtype=array.dtype),
    ),
    _in_projection(
        "read_transposed",
        "Reads the memory of weight_hr as (hidden, proj_size).",
        lambda _, array, _case: array.reshape(array.shape[::-1]).T,
    ),
    _in_projection(
        "rows_reversed", "Reads the rows of weight_hr in reverse order.", lambda _, array, _case: array[::-1]
    ),
    _in_projection(
        "columns_reversed", "Reads the columns of weight_hr in reverse order.", lambda _, array, _case: array[:, ::-1]
    ),
)

# Coupled gates.


def _coupled(new_c: Callable[..., Term], letters: str) -> Equations:
    """Return equations with another new c: a function of the old c and the gates with these letters."""

    def equations(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
        new = new_c(c, *gates(x, h, w, *letters))
        (o,) = gates(x, h, w, "o")
        return o * tanh(new), new

    return equations


def _of_coupled(cell: str, name: str, sentence: str, new_c: Callable[..., Term], letters: str) -> Deviation:
    return Deviation(f"{cell}_{name}", sentence, in_equations(**{cell: _coupled(new_c, letters)}), (cell,))


COUPLED = (
    _of_coupled(
        "lstm_input_forget", "the_other_way", "Uses 1 - f for the input gate.", lambda c, f, g: mix(f, c, g), "fg"
    ),
    _of_coupled(
        "lstm_input_forget", "swapped", "Swaps i and 1 - i: c = (1 - i) g + i c.", lambda c, i, g: mix(i, c, g), "ig"
    ),
    _of_coupled(
        "lstm_input_forget", "f_is_i", "Uses i for the forget gate: f = i.", lambda c, i, g: i * c + i * g, "ig"
    ),
    _of_coupled("lstm_input_forget", "f_open", "Leaves out the forget gate: f = 1.", lambda c, i, g: c + i * g, "ig"),
    _of_coupled(
        "lstm_input_forget", "by_rows_of_f", "Computes i from the rows of f.", lambda c, f, g: mix(f, g, c), "fg"
    ),
    _of_coupled(
        "lstm_coupled_input", "swapped", "Swaps f and 1 - f: c = (1 - f) c + f g.", lambda c, f, g: mix(f, g, c), "fg"
    ),
    _of_coupled(
        "lstm_coupled_input", "i_is_f", "Uses f for the input gate: i = f.", lambda c, f, g: f * c + f * g, "fg"
    ),
    _of_coupled("lstm_coupled_input", "i_open", "Leaves out the input gate: i = 1.", lambda c, f, g: f * c + g, "fg"),
)

# A stored c that is clipped.


def _clipped(z: Term) -> Term:
    return clip(z, -0.5, 0.5)


def _cell_clip(stored: Callable[[Term, Term, Term, Term], Term], shown: Callable[[Term], Term]) -> Equations:
    """Return the equations that store ``new = stored(f, c, i, g)`` as c, and use ``shown(new)`` as c in the output."""

    def equations(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
        i, f, g, o = gates(x, h, w, *"ifgo")
        new = stored(f, c, i, g)
        return o * tanh(shown(new)), new

    return equations


def _output_of_unclipped(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    i, f, g, o = gates(x, h, w, *"ifgo")
    new = f * c + i * g
    return o * tanh(new), _clipped(new)


def _output_clipped(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    i, f, g, o = gates(x, h, w, *"ifgo")
    new = f * c + i * g
    return _clipped(o * tanh(new)), new


def _same(z: Term) -> Term:
    return z


def _of_cell_clip(name: str, sentence: str, equations: Equations) -> Deviation:
    cell = "lstm_cell_clip"
    return Deviation(f"{cell}_{name}", sentence, in_equations(**{cell: equations}), (cell,))


CELL_CLIP = (
    _of_cell_clip(
        "of_output_only",
        "Clips c for the output only, and stores it without clipping.",
        _cell_clip(lambda f, c, i, g: f * c + i * g, _clipped),
    ),
    _of_cell_clip(
        "after_output", "Clips the stored c, but computes the output from c before it is clipped.", _output_of_unclipped
    ),
    _of_cell_clip("of_h", "Clips h instead of c.", _output_clipped),
    _of_cell_clip(
        "of_candidate",
        "Clips the candidate g instead of c.",
        _cell_clip(lambda f, c, i, g: f * c + i * _clipped(g), _same),
    ),
    _of_cell_clip(
        "before_update",
        "Clips the old c instead of the new one.",
        _cell_clip(lambda f, c, i, g: f * _clipped(c) + i * g, _same),
    ),
    _of_cell_clip(
        "above_only", "Clips c above only.", _cell_clip(lambda f, c, i, g: clip(f * c + i * g, -64, 0.5), _same)
    ),
    _of_cell_clip(
        "below_only", "Clips c below only.", _cell_clip(lambda f, c, i, g: clip(f * c + i * g, -0.5, 64), _same)
    ),
    _of_cell_clip(
        "at_1", "Clips c to ±1 instead of ±1/2.", _cell_clip(lambda f, c, i, g: clip(f * c + i * g, -1, 1), _same)
    ),
)

DEVIATIONS = (*RESET_BEFORE, *PEEPHOLE, *PROJECTION, *COUPLED, *CELL_CLIP)
