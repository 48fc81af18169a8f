"""Bugs of the backward pass of dialects with other equations: reset gate, peepholes, projection, coupled gates."""

from collections.abc import Callable
from functools import partial

from rnn_goldens.cells import Array
from rnn_goldens.cells.notation import Term, Weight, mix, tanh
from rnn_goldens.cells.program import Equations
from rnn_goldens.deviations.backward.alterations import detached, in_derivatives, in_gradient, instead
from rnn_goldens.deviations.correct_equations import affine, peephole, reset_before, reset_candidate, updated
from rnn_goldens.deviations.deviation import Deviation


def of_dialect(cell: str, name: str, sentence: str, equations: Equations) -> Deviation:
    """Return the deviation of a dialect whose equations have right values and wrong derivatives."""
    return Deviation(f"{cell}_{name}_backward", sentence, in_derivatives(**{cell: equations}), (cell,))


def _of_weight(cell: str, weight: str, name: str, sentence: str, change: Callable[[Array], Array]) -> Deviation:
    return Deviation(f"{cell}_{name}_backward", sentence, in_gradient(weight, change), (cell,))


# The reset gate before the product.


def _as_reset_after(x: Term, h: Term, w: Weight, r: Term, _z: Term) -> Term:
    right = w.W_in @ x + w.b_in + w.W_hn @ (r * h) + w.b_hn
    return tanh(instead(right, affine(x, h, w, "n", r)))


_of_reset_before = partial(of_dialect, "gru_reset_before")

RESET_BEFORE = (
    _of_reset_before(
        "reset_detached",
        "Passes no gradient to the reset gate.",
        reset_before(lambda x, h, w, r, z: reset_candidate(x, h, w, detached(r), z)),
    ),
    _of_reset_before(
        "reset_state_detached",
        "Passes no gradient through the reset state r h to h.",
        reset_before(lambda x, h, w, r, z: reset_candidate(x, detached(h), w, r, z)),
    ),
    _of_reset_before(
        "reset_after",
        "Differentiates as if the reset gate were applied after the product.",
        reset_before(_as_reset_after),
    ),
)

# Peepholes.


def _to_weight_only(p: Term, *cells: Term) -> Term:
    return p * detached(cells[-1])


def _to_cell_only(p: Term, *cells: Term) -> Term:
    return detached(p) * cells[-1]


def _by_old_cell(p: Term, c: Term, new: Term) -> Term:
    return instead(p * new, p * detached(c) + detached(p) * new)


_of_peephole = partial(of_dialect, "lstm_peephole")

PEEPHOLE = (
    _of_peephole("i_detached", "Passes no gradient through p_i c to c.", peephole(of_i=_to_weight_only)),
    _of_peephole("f_detached", "Passes no gradient through p_f c to c.", peephole(of_f=_to_weight_only)),
    _of_peephole("o_detached", "Passes no gradient through p_o c to c.", peephole(of_o=_to_weight_only)),
    _of_peephole(
        "all_detached",
        "Passes no gradient through any peephole to c.",
        peephole(_to_weight_only, _to_weight_only, _to_weight_only),
    ),
    _of_peephole("p_i_without_gradient", "Returns a gradient of zero for p_i.", peephole(of_i=_to_cell_only)),
    _of_peephole("p_f_without_gradient", "Returns a gradient of zero for p_f.", peephole(of_f=_to_cell_only)),
    _of_peephole("p_o_without_gradient", "Returns a gradient of zero for p_o.", peephole(of_o=_to_cell_only)),
    _of_peephole(
        "p_o_by_old_cell",
        "Multiplies the gradient of p_o by the old c instead of the new one.",
        peephole(of_o=_by_old_cell),
    ),
    _of_weight(
        "lstm_peephole", "p_", "units_reversed", "Returns gradients of peepholes in reverse order.", lambda g: g[::-1]
    ),
)

# Projection.


def _projected(name: str, sentence: str, of: Callable[[Term, Term], Term]) -> Deviation:
    equations = updated(output=lambda w, o, new, _c: instead(w.W_hr @ (o * tanh(new)), w.W_hr @ of(o, new)))
    return of_dialect("lstm_projection", name, sentence, equations)


_of_weight_hr = partial(_of_weight, "lstm_projection", "weight_hr")

PROJECTION = (
    _projected(
        "output_gate_detached", "Passes no gradient to the output gate.", lambda o, new: detached(o) * tanh(new)
    ),
    _projected(
        "cell_detached",
        "Passes no gradient through the projected output to c.",
        lambda o, new: o * detached(tanh(new)),
    ),
    _projected(
        "without_output_gate",
        "Leaves out the output gate in the gradients of weight_hr and c.",
        lambda _o, new: tanh(new),
    ),
    _projected("without_tanh", "Leaves out the tanh in the gradients of weight_hr, o and c.", lambda o, new: o * new),
    _of_weight_hr("weight_zero", "Returns zero for the gradient of weight_hr.", lambda g: 0 * g),
    _of_weight_hr(
        "weight_transposed",
        "Writes the gradient of weight_hr to memory as (hidden, proj_size).",
        lambda g: g.T.reshape(g.shape),
    ),
)

# Coupled gates.


def _of_input_forget(name: str, sentence: str, other: Callable[[Term, Term, Term], Term]) -> Deviation:
    equations = updated(lambda c, i, g: instead(mix(i, g, c), other(c, i, g)), "ig")
    return of_dialect("lstm_input_forget", name, sentence, equations)


def _of_coupled_input(name: str, sentence: str, other: Callable[[Term, Term, Term], Term]) -> Deviation:
    equations = updated(lambda c, f, g: instead(mix(f, c, g), other(c, f, g)), "fg")
    return of_dialect("lstm_coupled_input", name, sentence, equations)


COUPLED = (
    _of_input_forget(
        "f_detached",
        "Passes no gradient through f = 1 - i to the input gate.",
        lambda c, i, g: i * g + c - detached(i) * c,
    ),
    _of_input_forget(
        "f_sign",
        "Uses the wrong sign for the gradient through f = 1 - i.",
        lambda c, i, g: i * g + c - 2 * (detached(i) * c) + i * c,
    ),
    _of_input_forget(
        "cell_open",
        "Passes the whole gradient of the new c to the old one: f = 1.",
        lambda c, i, g: i * g + c - i * detached(c),
    ),
    _of_coupled_input(
        "i_detached",
        "Passes no gradient through i = 1 - f to the forget gate.",
        lambda c, f, g: f * c + g - detached(f) * g,
    ),
    _of_coupled_input(
        "f_detached",
        "Passes a gradient to the forget gate only through i = 1 - f.",
        lambda c, f, g: detached(f) * c + g - f * g,
    ),
)

DEVIATIONS = (*RESET_BEFORE, *PEEPHOLE, *PROJECTION, *COUPLED)
