"""Bugs of the backward pass of dialects with other equations: reset gate, peepholes, projection, coupled gates."""

from collections.abc import Callable
from functools import partial

from rnn_goldens.cells import BUILT_IN_CELLS
from rnn_goldens.cells.notation import Term, Weight, sigmoid, tanh
from rnn_goldens.deviations.backward.alterations import in_derivatives, in_gradient
from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.deviations.dialect_cells import peepholes
from rnn_goldens.deviations.parts import detached, differentiated, edited, instead, without_paths
from rnn_goldens.deviations.table import table


def of_dialect(cell: str) -> Callable[..., tuple[Deviation, ...]]:
    """Return the table of a dialect: rows of a sentence and equations with right values and wrong derivatives."""
    return table(lambda equations: in_derivatives(**{cell: equations}), named=f"{cell}_{{}}_backward", cells=(cell,))


_of_reset_before = partial(without_paths, BUILT_IN_CELLS["gru_reset_before"])

RESET_BEFORE = of_dialect("gru_reset_before")(
    reset_detached=("Passes no gradient to the reset gate.", _of_reset_before(n="r")),
    reset_state_detached=("Passes no gradient through the reset state r h to h.", _of_reset_before(n="h")),
    reset_after=(
        "Differentiates as if the reset gate were applied after the product.",
        differentiated("gru_reset_before", z_n=lambda w, x, h, r: w.W_in @ x + w.b_in + r * (w.W_hn @ h + w.b_hn)),
    ),
)


def _of_c_alone(p: Term, c: Term) -> Term:
    return detached(p) * c


def _by_old_cell(w: Weight, x: Term, h: Term, c: Term, new_c: Term) -> Term:
    peephole = instead(w.p_o * new_c, w.p_o * detached(c) + detached(w.p_o) * new_c)
    return sigmoid(w.W_io @ x + w.b_io + w.W_ho @ h + w.b_ho + peephole)


_of_peephole = partial(without_paths, BUILT_IN_CELLS["lstm_peephole"])

PEEPHOLE = of_dialect("lstm_peephole")(
    i_detached=("Passes no gradient through p_i c to c.", _of_peephole(i="c")),
    f_detached=("Passes no gradient through p_f c to c.", _of_peephole(f="c")),
    o_detached=("Passes no gradient through p_o c to c.", _of_peephole(o="new_c")),
    all_detached=("Passes no gradient through any peephole to c.", _of_peephole(i="c", f="c", o="new_c")),
    p_i_without_gradient=("Returns a gradient of zero for p_i.", peepholes(of_i=_of_c_alone)),
    p_f_without_gradient=("Returns a gradient of zero for p_f.", peepholes(of_f=_of_c_alone)),
    p_o_without_gradient=("Returns a gradient of zero for p_o.", peepholes(of_o=_of_c_alone)),
    p_o_by_old_cell=(
        "Multiplies the gradient of p_o by the old c instead of the new one.",
        edited("lstm_peephole", o=_by_old_cell),
    ),
    units_reversed=("Returns gradients of peepholes in reverse order.", in_gradient("p_", lambda g: g[::-1])),
)

_of_projection = partial(differentiated, "lstm_projection")
_to_projected = partial(without_paths, BUILT_IN_CELLS["lstm_projection"])

PROJECTION = of_dialect("lstm_projection")(
    output_gate_detached=("Passes no gradient to the output gate.", _to_projected(new_h="o")),
    cell_detached=("Passes no gradient through the projected output to c.", _to_projected(new_h="new_c")),
    without_output_gate=(
        "Leaves out the output gate in the gradients of weight_hr and c.",
        _of_projection(new_h=lambda w, new_c: w.W_hr @ tanh(new_c)),
    ),
    without_tanh=(
        "Leaves out the tanh in the gradients of weight_hr, o and c.",
        _of_projection(new_h=lambda w, o, new_c: w.W_hr @ (o * new_c)),
    ),
    weight_zero=("Returns zero for the gradient of weight_hr.", in_gradient("weight_hr", lambda g: 0 * g)),
    weight_transposed=(
        "Writes the gradient of weight_hr to memory as (hidden, proj_size).",
        in_gradient("weight_hr", lambda g: g.T.reshape(g.shape)),
    ),
)

_of_input_forget = partial(differentiated, "lstm_input_forget")
_of_coupled_input = partial(differentiated, "lstm_coupled_input")

INPUT_FORGET = of_dialect("lstm_input_forget")(
    f_detached=(
        "Passes no gradient through f = 1 - i to the input gate.",
        _of_input_forget(new_c=lambda c, i, g: i * g + c - detached(i) * c),
    ),
    f_sign=(
        "Uses the wrong sign for the gradient through f = 1 - i.",
        _of_input_forget(new_c=lambda c, i, g: i * g + c - 2 * (detached(i) * c) + i * c),
    ),
    cell_open=(
        "Passes the whole gradient of the new c to the old one: f = 1.",
        _of_input_forget(new_c=lambda c, i, g: i * g + c - i * detached(c)),
    ),
)

COUPLED_INPUT = of_dialect("lstm_coupled_input")(
    i_detached=(
        "Passes no gradient through i = 1 - f to the forget gate.",
        _of_coupled_input(new_c=lambda c, f, g: f * c + g - detached(f) * g),
    ),
    f_detached=(
        "Passes a gradient to the forget gate only through i = 1 - f.",
        _of_coupled_input(new_c=lambda c, f, g: detached(f) * c + g - f * g),
    ),
)

DEVIATIONS = (*RESET_BEFORE, *PEEPHOLE, *PROJECTION, *INPUT_FORGET, *COUPLED_INPUT)
