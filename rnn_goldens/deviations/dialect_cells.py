"""Bugs of dialects with other equations: reset before the product, peepholes, projection, coupled gates, clipped c."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import permutations

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.cells.notation import Term, Weight, clip, mix, tanh
from rnn_goldens.cells.program import Equations
from rnn_goldens.deviations.alteration import in_equations, in_weights
from rnn_goldens.deviations.correct_equations import affine, gates, peephole, reset_before, reset_candidate, updated
from rnn_goldens.deviations.deviation import Deviation


def of_dialect(cell: str, name: str, sentence: str, equations: Equations, needs: tuple[str, ...] = ()) -> Deviation:
    """Return the deviation of a dialect with wrong equations."""
    return Deviation(f"{cell}_{name}", sentence, in_equations(**{cell: equations}), (cell,), needs)


# The reset gate before the product.


def _update_gate_of_reset_state(x: Term, h: Term, w: Weight) -> tuple[Term]:
    (r,) = gates(x, h, w, "r")
    (z,) = gates(x, r * h, w, "z")
    return (mix(z, h, reset_candidate(x, h, w, r, z)),)


def _reset_state_mixed_in(x: Term, h: Term, w: Weight) -> tuple[Term]:
    r, z = gates(x, h, w, *"rz")
    return (mix(z, r * h, reset_candidate(x, h, w, r, z)),)


_of_reset_before = partial(of_dialect, "gru_reset_before")

RESET_BEFORE = (
    _of_reset_before(
        "b_hn_reset",
        "Applies the reset gate to b_hn, too: W_hn (r h) + r b_hn.",
        reset_before(lambda x, h, w, r, _z: tanh(w.W_in @ x + w.b_in + w.W_hn @ (r * h) + r * w.b_hn)),
        ("bias",),
    ),
    _of_reset_before(
        "twice",
        "Applies the reset gate before and after the product: r (W_hn (r h) + b_hn).",
        reset_before(lambda x, h, w, r, _z: tanh(affine(x, r * h, w, "n", r))),
    ),
    _of_reset_before(
        "by_update_gate",
        "Resets by the update gate: W_hn (z h).",
        reset_before(lambda x, h, w, _r, z: reset_candidate(x, h, w, z, z)),
    ),
    _of_reset_before(
        "complemented",
        "Resets by 1 - r.",
        reset_before(lambda x, h, w, r, z: reset_candidate(x, h, w, 1 - r, z)),
    ),
    _of_reset_before(
        "unused",
        "Leaves out the reset gate: r = 1.",
        reset_before(lambda x, h, w, _r, _z: tanh(affine(x, h, w, "n"))),
    ),
    _of_reset_before(
        "mixes_reset_state", "Uses the reset state in the update: h = (1 - z) n + z r h.", _reset_state_mixed_in
    ),
    _of_reset_before(
        "z_complemented",
        "Swaps z and 1 - z: h = z n + (1 - z) h.",
        reset_before(reset_candidate, lambda z, h, n: mix(z, n, h)),
    ),
    _of_reset_before(
        "update_gate_of_reset_state",
        "Computes the update gate from the reset state r h instead of h.",
        _update_gate_of_reset_state,
    ),
)

# Peepholes.

PEEPHOLES = ("p_i", "p_f", "p_o")


def _after_sigmoid(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    i, f, g, o = gates(x, h, w, *"ifgo")
    new = (f + w.p_f * c) * c + (i + w.p_i * c) * g
    return (o + w.p_o * new) * tanh(new), new


def _in_order(order: tuple[str, ...]) -> Deviation:
    letters = ", ".join(name[-1] for name in order)
    note = {"i, o, f": " (ONNX's and WebNN's order)"}.get(letters, "")

    def equations(x: Term, h: Term, c: Term, w: Weight) -> Sequence[Term]:
        i, f, o = (getattr(w, name) for name in order)
        return peephole(lambda _, c: i * c, lambda _, c: f * c, lambda _p, _c, new: o * new)(x, h, c, w)

    return _of_peephole(
        f"order_{letters.replace(', ', '')}",
        f"Reads the peepholes as those of the gates {letters} instead of i, f, o{note}.",
        equations,
    )


def _no(*_: object) -> int:
    return 0


_of_peephole = partial(of_dialect, "lstm_peephole")


def _read(name: str, sentence: str, change: Callable[[Array], Array]) -> Deviation:
    wrong = in_weights(lambda _name, array, _case: change(array), PEEPHOLES)
    return Deviation(f"lstm_peephole_{name}", sentence, wrong, ("lstm_peephole",))


PEEPHOLE = (
    *(_in_order(order) for order in permutations(PEEPHOLES) if order != PEEPHOLES),
    _of_peephole("without_p_i", "Leaves out the peephole of the input gate.", peephole(of_i=_no)),
    _of_peephole("without_p_f", "Leaves out the peephole of the forget gate.", peephole(of_f=_no)),
    _of_peephole("without_p_o", "Leaves out the peephole of the output gate.", peephole(of_o=_no)),
    _of_peephole(
        "of_o_by_old_c",
        "Adds p_o times the old c, as for the other gates, instead of the new c.",
        peephole(of_o=lambda p, c, _new: p * c),
    ),
    _of_peephole(
        "of_tanh",
        "Multiplies all peepholes by tanh(c) instead of c.",
        peephole(lambda p, c: p * tanh(c), lambda p, c: p * tanh(c), lambda p, _c, new: p * tanh(new)),
    ),
    _of_peephole(
        "of_o_of_tanh", "Multiplies p_o by tanh(c) instead of c.", peephole(of_o=lambda p, _c, new: p * tanh(new))
    ),
    _of_peephole(
        "added",
        "Adds the peepholes themselves, without multiplying them by c.",
        peephole(lambda p, _c: p, lambda p, _c: p, lambda p, _c, _new: p),
    ),
    _of_peephole(
        "subtracted",
        "Subtracts the peepholes times c.",
        peephole(lambda p, c: -(p * c), lambda p, c: -(p * c), lambda p, _c, new: -(p * new)),
    ),
    _of_peephole(
        "in_candidate_too",
        "Adds p_i c to the argument of the candidate g, too.",
        peephole(of_g=lambda w, c: w.p_i * c),
    ),
    _of_peephole("after_sigmoid", "Adds the peepholes times c to the gates, after their sigmoids.", _after_sigmoid),
    _read("units_reversed", "Reads the peepholes with their units in reverse order.", lambda array: array[::-1]),
    _read(
        "of_first_unit",
        "Uses the peephole of the first unit for all units.",
        lambda array: np.broadcast_to(array[:1], array.shape),
    ),
)

# Projection.


def _projected(of: Callable[[Term, Term, Term], Term], after: Callable[[Term], Term] = lambda h: h) -> Equations:
    """Return the equations with another vector to project: ``of(o, new c, old c)``."""
    return updated(output=lambda w, o, new, c: after(w.W_hr @ of(o, new, c)))


_of_projection = partial(of_dialect, "lstm_projection")


def _in_projection(name: str, sentence: str, change: Callable[[Array], Array]) -> Deviation:
    wrong = in_weights(lambda _name, array, _case: change(array), ("weight_hr",))
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


def _coupled(cell: str, name: str, sentence: str, update: Callable[..., Term], letters: str) -> Deviation:
    return of_dialect(cell, name, sentence, updated(update, letters))


_of_input_forget = partial(_coupled, "lstm_input_forget")
_of_coupled_input = partial(_coupled, "lstm_coupled_input")

COUPLED = (
    _of_input_forget("the_other_way", "Uses 1 - f for the input gate.", lambda c, f, g: mix(f, c, g), "fg"),
    _of_input_forget("swapped", "Swaps i and 1 - i: c = (1 - i) g + i c.", lambda c, i, g: mix(i, c, g), "ig"),
    _of_input_forget("f_is_i", "Uses i for the forget gate: f = i.", lambda c, i, g: i * c + i * g, "ig"),
    _of_input_forget("f_open", "Leaves out the forget gate: f = 1.", lambda c, i, g: c + i * g, "ig"),
    _of_input_forget("by_rows_of_f", "Computes i from the rows of f.", lambda c, f, g: mix(f, g, c), "fg"),
    _of_coupled_input("swapped", "Swaps f and 1 - f: c = (1 - f) c + f g.", lambda c, f, g: mix(f, g, c), "fg"),
    _of_coupled_input("i_is_f", "Uses f for the input gate: i = f.", lambda c, f, g: f * c + f * g, "fg"),
    _of_coupled_input("i_open", "Leaves out the input gate: i = 1.", lambda c, f, g: f * c + g, "fg"),
)

# A stored c that is clipped.


def _clipped(z: Term) -> Term:
    return clip(z, -0.5, 0.5)


def _output_of_unclipped(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    i, f, g, o = gates(x, h, w, *"ifgo")
    new = f * c + i * g
    return o * tanh(new), _clipped(new)


_of_cell_clip = partial(of_dialect, "lstm_cell_clip")

CELL_CLIP = (
    _of_cell_clip(
        "of_output_only",
        "Clips c for the output only, and stores it without clipping.",
        updated(output=lambda _w, o, new, _c: o * tanh(_clipped(new))),
    ),
    _of_cell_clip(
        "after_output", "Clips the stored c, but computes the output from c before it is clipped.", _output_of_unclipped
    ),
    _of_cell_clip("of_h", "Clips h instead of c.", updated(output=lambda _w, o, new, _c: _clipped(o * tanh(new)))),
    _of_cell_clip(
        "of_candidate",
        "Clips the candidate g instead of c.",
        updated(lambda c, i, f, g: f * c + i * _clipped(g)),
    ),
    _of_cell_clip(
        "before_update",
        "Clips the old c instead of the new one.",
        updated(lambda c, i, f, g: f * _clipped(c) + i * g),
    ),
    _of_cell_clip("above_only", "Clips c above only.", updated(lambda c, i, f, g: clip(f * c + i * g, -64, 0.5))),
    _of_cell_clip("below_only", "Clips c below only.", updated(lambda c, i, f, g: clip(f * c + i * g, -0.5, 64))),
    _of_cell_clip("at_1", "Clips c to ±1 instead of ±1/2.", updated(lambda c, i, f, g: clip(f * c + i * g, -1, 1))),
)

DEVIATIONS = (*RESET_BEFORE, *PEEPHOLE, *PROJECTION, *COUPLED, *CELL_CLIP)
