"""Bugs of the backward pass of dialects with other equations: reset gate, peepholes, projection, coupled gates."""

from collections.abc import Callable

from rnn_goldens.cells import Array
from rnn_goldens.cells.notation import (
    Operand,
    Term,
    Weight,
    mix,
    tanh,
)
from rnn_goldens.cells.notation import sigmoid as logistic
from rnn_goldens.cells.program import Equations
from rnn_goldens.deviations.backward.alterations import detached, in_derivatives, in_gradient, instead
from rnn_goldens.deviations.correct_equations import affine, gates
from rnn_goldens.deviations.deviation import Deviation

Change = Callable[[Term], Term]


def _keep(term: Term) -> Term:
    return term


def of_dialect(cell: str, name: str, sentence: str, equations: Equations, needs: tuple[str, ...] = ()) -> Deviation:
    """Return the deviation of a dialect whose equations have right values and wrong derivatives."""
    return Deviation(f"{cell}_{name}_backward", sentence, in_derivatives(**{cell: equations}), (cell,), needs)


def _of_weight(cell: str, weight: str, name: str, sentence: str, change: Callable[[Array], Array]) -> Deviation:
    return Deviation(f"{cell}_{name}_backward", sentence, in_gradient(weight, change), (cell,))


# The reset gate before the product.


def _reset_before(
    r_in_product: Change = _keep, h_in_product: Change = _keep, r_of: Callable[[Term, Term, Term], Term] | None = None
) -> Equations:
    def equations(x: Term, h: Term, w: Weight) -> tuple[Term]:
        r, z = gates(x, h, w, *"rz")
        state = r_in_product(r) * h_in_product(h)
        n = tanh(w.W_in @ x + w.b_in + w.W_hn @ state + w.b_hn)
        return (mix(z, h, r_of(r, h, n) if r_of else n),)

    return equations


def _as_reset_after(x: Term, h: Term, w: Weight) -> tuple[Term]:
    r, z = gates(x, h, w, *"rz")
    right = w.W_in @ x + w.b_in + w.W_hn @ (r * h) + w.b_hn
    other = w.W_in @ x + w.b_in + r * (w.W_hn @ h + w.b_hn)
    return (mix(z, h, tanh(instead(right, other))),)


RESET_BEFORE = (
    of_dialect(
        "gru_reset_before",
        "reset_detached",
        "Passes no gradient to the reset gate.",
        _reset_before(r_in_product=detached),
    ),
    of_dialect(
        "gru_reset_before",
        "reset_state_detached",
        "Passes no gradient through the reset state r h to h.",
        _reset_before(h_in_product=detached),
    ),
    of_dialect(
        "gru_reset_before",
        "reset_after",
        "Differentiates as if the reset gate were applied after the product.",
        _as_reset_after,
    ),
)

# Peepholes.


def _peephole(
    p_i: Callable[[Term, Term], Operand] = lambda p, c: p * c,
    p_f: Callable[[Term, Term], Operand] = lambda p, c: p * c,
    p_o: Callable[[Term, Term, Term], Operand] = lambda p, new, _c: p * new,
) -> Equations:
    def equations(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
        i = logistic(affine(x, h, w, "i") + p_i(w.p_i, c))
        f = logistic(affine(x, h, w, "f") + p_f(w.p_f, c))
        new = f * c + i * tanh(affine(x, h, w, "g"))
        o = logistic(affine(x, h, w, "o") + p_o(w.p_o, new, c))
        return o * tanh(new), new

    return equations


def _to_weight_only(p: Term, c: Term, *_: Term) -> Term:
    return p * detached(c)


def _to_cell_only(p: Term, c: Term, *_: Term) -> Term:
    return detached(p) * c


def _by_other_cell(p: Term, new: Term, c: Term) -> Term:
    return instead(p * new, p * detached(c) + detached(p) * new)


PEEPHOLE = (
    of_dialect("lstm_peephole", "i_detached", "Passes no gradient through p_i c to c.", _peephole(p_i=_to_weight_only)),
    of_dialect("lstm_peephole", "f_detached", "Passes no gradient through p_f c to c.", _peephole(p_f=_to_weight_only)),
    of_dialect("lstm_peephole", "o_detached", "Passes no gradient through p_o c to c.", _peephole(p_o=_to_weight_only)),
    of_dialect(
        "lstm_peephole",
        "all_detached",
        "Passes no gradient through any peephole to c.",
        _peephole(_to_weight_only, _to_weight_only, _to_weight_only),
    ),
    of_dialect(
        "lstm_peephole", "p_i_without_gradient", "Returns a gradient of zero for p_i.", _peephole(p_i=_to_cell_only)
    ),
    of_dialect(
        "lstm_peephole", "p_f_without_gradient", "Returns a gradient of zero for p_f.", _peephole(p_f=_to_cell_only)
    ),
    of_dialect(
        "lstm_peephole", "p_o_without_gradient", "Returns a gradient of zero for p_o.", _peephole(p_o=_to_cell_only)
    ),
    of_dialect(
        "lstm_peephole",
        "p_o_by_old_cell",
        "Multiplies the gradient of p_o by the old c instead of the new one.",
        _peephole(p_o=_by_other_cell),
    ),
    _of_weight(
        "lstm_peephole",
        "p_",
        "units_reversed",
        "Returns gradients of peepholes in reverse order.",
        lambda g: g[::-1],
    ),
)

# Projection.


def _projected(of: Callable[[Term, Term], Term]) -> Equations:
    def equations(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
        i, f, g, o = gates(x, h, w, *"ifgo")
        new = f * c + i * g
        return instead(w.W_hr @ (o * tanh(new)), w.W_hr @ of(o, new)), new

    return equations


PROJECTION = (
    of_dialect(
        "lstm_projection",
        "output_gate_detached",
        "Passes no gradient to the output gate.",
        _projected(lambda o, new: detached(o) * tanh(new)),
    ),
    of_dialect(
        "lstm_projection",
        "cell_detached",
        "Passes no gradient through the projected output to c.",
        _projected(lambda o, new: o * detached(tanh(new))),
    ),
    of_dialect(
        "lstm_projection",
        "without_output_gate",
        "Leaves out the output gate in the gradients of weight_hr and c.",
        _projected(lambda _o, new: tanh(new)),
    ),
    of_dialect(
        "lstm_projection",
        "without_tanh",
        "Leaves out the tanh in the gradients of weight_hr, o and c.",
        _projected(lambda o, new: o * new),
    ),
    _of_weight(
        "lstm_projection", "weight_hr", "weight_zero", "Returns zero for the gradient of weight_hr.", lambda g: 0 * g
    ),
    _of_weight(
        "lstm_projection",
        "weight_hr",
        "weight_transposed",
        "Writes the gradient of weight_hr to memory as (hidden, proj_size).",
        lambda g: g.T.reshape(g.shape),
    ),
)

# Coupled gates.


def _coupled(new_c: Callable[..., Term], letters: str) -> Equations:
    def equations(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
        new = new_c(c, *gates(x, h, w, *letters))
        (o,) = gates(x, h, w, "o")
        return o * tanh(new), new

    return equations


COUPLED = (
    of_dialect(
        "lstm_input_forget",
        "f_detached",
        "Passes no gradient through f = 1 - i to the input gate.",
        _coupled(lambda c, i, g: instead(mix(i, g, c), i * g + c - detached(i) * c), "ig"),
    ),
    of_dialect(
        "lstm_input_forget",
        "f_sign",
        "Uses the wrong sign for the gradient through f = 1 - i.",
        _coupled(lambda c, i, g: instead(mix(i, g, c), i * g + c - 2 * (detached(i) * c) + i * c), "ig"),
    ),
    of_dialect(
        "lstm_input_forget",
        "cell_open",
        "Passes the whole gradient of the new c to the old one: f = 1.",
        _coupled(lambda c, i, g: instead(mix(i, g, c), i * g + c - i * detached(c)), "ig"),
    ),
    of_dialect(
        "lstm_coupled_input",
        "i_detached",
        "Passes no gradient through i = 1 - f to the forget gate.",
        _coupled(lambda c, f, g: instead(mix(f, c, g), f * c + g - detached(f) * g), "fg"),
    ),
    of_dialect(
        "lstm_coupled_input",
        "f_detached",
        "Passes a gradient to the forget gate only through i = 1 - f.",
        _coupled(lambda c, f, g: instead(mix(f, c, g), detached(f) * c + g - f * g), "fg"),
    ),
)

DEVIATIONS = (*RESET_BEFORE, *PEEPHOLE, *PROJECTION, *COUPLED)
