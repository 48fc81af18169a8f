"""Bugs of the backward pass of dialects with other equations: reset gate, peepholes, projection, coupled gates."""

from collections.abc import Callable
from functools import partial

from rnn_goldens.cells import BUILT_IN_CELLS, Array
from rnn_goldens.cells.notation import Term, sigmoid, tanh
from rnn_goldens.cells.program import Equations
from rnn_goldens.deviations.backward.alterations import in_derivatives, in_gradient
from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.deviations.dialect_cells import peepholes
from rnn_goldens.deviations.parts import Formula, detached, differentiated, edited, instead, without_paths


def of_dialect(cell: str, name: str, sentence: str, equations: Equations) -> Deviation:
    """Return the deviation of a dialect whose equations have right values and wrong derivatives."""
    return Deviation(f"{cell}_{name}_backward", sentence, in_derivatives(**{cell: equations}), (cell,))


def _dropped(cell: str, name: str, sentence: str, **used: str) -> Deviation:
    """Return the deviation without the derivatives of parts by a part that they use."""
    return of_dialect(cell, name, sentence, without_paths(BUILT_IN_CELLS[cell], **used))


def _differentiated(cell: str, name: str, sentence: str, **formulas: Formula) -> Deviation:
    return of_dialect(cell, name, sentence, differentiated(cell, **formulas))


def _of_weight(cell: str, weight: str, name: str, sentence: str, change: Callable[[Array], Array]) -> Deviation:
    return Deviation(f"{cell}_{name}_backward", sentence, in_gradient(weight, change), (cell,))


_path = partial(_dropped, "gru_reset_before")

RESET_BEFORE = (
    _path("reset_detached", "Passes no gradient to the reset gate.", n="r"),
    _path("reset_state_detached", "Passes no gradient through the reset state r h to h.", n="h"),
    _differentiated(
        "gru_reset_before",
        "reset_after",
        "Differentiates as if the reset gate were applied after the product.",
        z_n=lambda w, x, h, r: w.W_in @ x + w.b_in + r * (w.W_hn @ h + w.b_hn),
    ),
)

_to_c = partial(_dropped, "lstm_peephole")
_of_p = partial(of_dialect, "lstm_peephole")


def _of_c_alone(p: Term, c: Term) -> Term:
    return detached(p) * c


PEEPHOLE = (
    _to_c("i_detached", "Passes no gradient through p_i c to c.", i="c"),
    _to_c("f_detached", "Passes no gradient through p_f c to c.", f="c"),
    _to_c("o_detached", "Passes no gradient through p_o c to c.", o="new_c"),
    _to_c("all_detached", "Passes no gradient through any peephole to c.", i="c", f="c", o="new_c"),
    _of_p("p_i_without_gradient", "Returns a gradient of zero for p_i.", peepholes(of_i=_of_c_alone)),
    _of_p("p_f_without_gradient", "Returns a gradient of zero for p_f.", peepholes(of_f=_of_c_alone)),
    _of_p("p_o_without_gradient", "Returns a gradient of zero for p_o.", peepholes(of_o=_of_c_alone)),
    _of_p(
        "p_o_by_old_cell",
        "Multiplies the gradient of p_o by the old c instead of the new one.",
        edited(
            "lstm_peephole",
            o=lambda w, x, h, c, new_c: sigmoid(
                w.W_io @ x
                + w.b_io
                + w.W_ho @ h
                + w.b_ho
                + instead(w.p_o * new_c, w.p_o * detached(c) + detached(w.p_o) * new_c)
            ),
        ),
    ),
    _of_weight(
        "lstm_peephole", "p_", "units_reversed", "Returns gradients of peepholes in reverse order.", lambda g: g[::-1]
    ),
)

_to_projected = partial(_dropped, "lstm_projection")
_of_projection = partial(_differentiated, "lstm_projection")
_of_weight_hr = partial(_of_weight, "lstm_projection", "weight_hr")

PROJECTION = (
    _to_projected("output_gate_detached", "Passes no gradient to the output gate.", new_h="o"),
    _to_projected("cell_detached", "Passes no gradient through the projected output to c.", new_h="new_c"),
    _of_projection(
        "without_output_gate",
        "Leaves out the output gate in the gradients of weight_hr and c.",
        new_h=lambda w, new_c: w.W_hr @ tanh(new_c),
    ),
    _of_projection(
        "without_tanh",
        "Leaves out the tanh in the gradients of weight_hr, o and c.",
        new_h=lambda w, o, new_c: w.W_hr @ (o * new_c),
    ),
    _of_weight_hr("weight_zero", "Returns zero for the gradient of weight_hr.", lambda g: 0 * g),
    _of_weight_hr(
        "weight_transposed",
        "Writes the gradient of weight_hr to memory as (hidden, proj_size).",
        lambda g: g.T.reshape(g.shape),
    ),
)

_of_input_forget = partial(_differentiated, "lstm_input_forget")
_of_coupled_input = partial(_differentiated, "lstm_coupled_input")

COUPLED = (
    _of_input_forget(
        "f_detached",
        "Passes no gradient through f = 1 - i to the input gate.",
        new_c=lambda c, i, g: i * g + c - detached(i) * c,
    ),
    _of_input_forget(
        "f_sign",
        "Uses the wrong sign for the gradient through f = 1 - i.",
        new_c=lambda c, i, g: i * g + c - 2 * (detached(i) * c) + i * c,
    ),
    _of_input_forget(
        "cell_open",
        "Passes the whole gradient of the new c to the old one: f = 1.",
        new_c=lambda c, i, g: i * g + c - i * detached(c),
    ),
    _of_coupled_input(
        "i_detached",
        "Passes no gradient through i = 1 - f to the forget gate.",
        new_c=lambda c, f, g: f * c + g - detached(f) * g,
    ),
    _of_coupled_input(
        "f_detached",
        "Passes a gradient to the forget gate only through i = 1 - f.",
        new_c=lambda c, f, g: detached(f) * c + g - f * g,
    ),
)

DEVIATIONS = (*RESET_BEFORE, *PEEPHOLE, *PROJECTION, *COUPLED)
