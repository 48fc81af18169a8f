"""Missing or wrong gradient paths through a cell, as equations with right values and wrong derivatives."""

from collections.abc import Callable

from rnn_goldens.cells.notation import Term, Weight, clip, mix, sigmoid, tanh
from rnn_goldens.cells.program import Equations
from rnn_goldens.deviations.backward.alterations import detached, in_derivatives, instead
from rnn_goldens.deviations.deviation import Deviation

Change = Callable[[Term], Term]


def _lstm(**changes: Change) -> Equations:
    """Return the LSTM equations with a change of the derivatives of each named part."""

    def lstm(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
        p = _Parts(changes)
        i = sigmoid(w.W_ii @ p.x_i(x) + w.b_ii + w.W_hi @ p.h_i(h) + w.b_hi)
        f = sigmoid(w.W_if @ p.x_f(x) + w.b_if + w.W_hf @ p.h_f(h) + w.b_hf)
        g = tanh(w.W_ig @ p.x_g(x) + w.b_ig + w.W_hg @ p.h_g(h) + w.b_hg)
        o = sigmoid(w.W_io @ p.x_o(x) + w.b_io + w.W_ho @ p.h_o(h) + w.b_ho)
        c_after = p.f(f) * p.c(c) + p.i(i) * p.g(g)
        return p.o(o) * p.tanh_c(tanh(c_after)), c_after

    return lstm


def _gru(**changes: Change) -> Equations:
    """Return the GRU equations with a change of the derivatives of each named part."""

    def gru(x: Term, h: Term, w: Weight) -> tuple[Term]:
        p = _Parts(changes)
        r = sigmoid(w.W_ir @ p.x_r(x) + w.b_ir + w.W_hr @ p.h_r(h) + w.b_hr)
        z = sigmoid(w.W_iz @ p.x_z(x) + w.b_iz + w.W_hz @ p.h_z(h) + w.b_hz)
        n = tanh(w.W_in @ p.x_n(x) + w.b_in + p.r(r) * (w.W_hn @ p.h_n(h) + w.b_hn))
        return (mix(p.z(z), p.h(h), p.n(n)),)

    return gru


class _Parts:
    """Returns the change of a part by its name; parts without a change stay the same."""

    def __init__(self, changes: dict[str, Change]) -> None:
        self._changes = changes

    def __getattr__(self, name: str) -> Change:
        return self._changes.get(name, lambda term: term)


def _lstm_input_gate_by_itself(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    i, f, g, o = _lstm_gates(x, h, w)
    c_after = instead(f * c + i * g, f * c + i * detached(i) + detached(i) * g)
    return o * tanh(c_after), c_after


def _lstm_forget_gate_by_new_cell(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    i, f, g, o = _lstm_gates(x, h, w)
    c_after = f * c + i * g
    c_after = instead(c_after, detached(f) * c + i * g + f * detached(c_after))
    return o * tanh(c_after), c_after


def _lstm_output_gate_by_cell(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    i, f, g, o = _lstm_gates(x, h, w)
    c_after = f * c + i * g
    return instead(o * tanh(c_after), detached(o) * tanh(c_after) + o * detached(c_after)), c_after


def _lstm_output_gate_by_state(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    i, f, g, o = _lstm_gates(x, h, w)
    c_after = f * c + i * g
    h_after = o * tanh(c_after)
    return instead(h_after, detached(o) * tanh(c_after) + o * detached(h_after)), c_after


def _lstm_tanh_slope_by_cell(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    i, f, g, o = _lstm_gates(x, h, w)
    c_after = f * c + i * g
    return o * instead(tanh(c_after), c_after * detached(1 - c_after * c_after)), c_after


def _lstm_candidate_slope_by_state(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    i, f, _, o = _lstm_gates(x, h, w)
    argument = w.W_ig @ x + w.b_ig + w.W_hg @ h + w.b_hg
    h_after = o * tanh(f * c + i * tanh(argument))
    c_after = f * c + i * instead(tanh(argument), argument * detached(1 - h_after * h_after))
    return o * tanh(c_after), c_after


def _lstm_carried_cell_detached(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    h_after, c_after = _lstm()(x, h, c, w)
    return h_after, detached(c_after)


def _lstm_cell_masked(limit: int) -> Equations:
    """Return equations without a gradient through a cell state that a clip would change."""

    def lstm(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
        i, f, g, o = _lstm_gates(x, h, w)
        c_after = f * c + i * g
        c_after = instead(c_after, clip(c_after, -limit, limit))
        return o * tanh(c_after), c_after

    return lstm


def _lstm_gates(x: Term, h: Term, w: Weight) -> tuple[Term, Term, Term, Term]:
    i = sigmoid(w.W_ii @ x + w.b_ii + w.W_hi @ h + w.b_hi)
    f = sigmoid(w.W_if @ x + w.b_if + w.W_hf @ h + w.b_hf)
    g = tanh(w.W_ig @ x + w.b_ig + w.W_hg @ h + w.b_hg)
    o = sigmoid(w.W_io @ x + w.b_io + w.W_ho @ h + w.b_ho)
    return i, f, g, o


def _gru_mixed(other: Callable[[Term, Term, Term], Term]) -> Equations:
    """Return GRU equations with the derivatives of ``other(z, h, n)`` for the new state mix(z, h, n)."""

    def gru(x: Term, h: Term, w: Weight) -> tuple[Term]:
        r = sigmoid(w.W_ir @ x + w.b_ir + w.W_hr @ h + w.b_hr)
        z = sigmoid(w.W_iz @ x + w.b_iz + w.W_hz @ h + w.b_hz)
        n = tanh(w.W_in @ x + w.b_in + r * (w.W_hn @ h + w.b_hn))
        return (instead(mix(z, h, n), other(z, h, n)),)

    return gru


def _gru_candidate_slope_by_state(x: Term, h: Term, w: Weight) -> tuple[Term]:
    r = sigmoid(w.W_ir @ x + w.b_ir + w.W_hr @ h + w.b_hr)
    z = sigmoid(w.W_iz @ x + w.b_iz + w.W_hz @ h + w.b_hz)
    argument = w.W_in @ x + w.b_in + r * (w.W_hn @ h + w.b_hn)
    h_after = mix(z, h, tanh(argument))
    return (mix(z, h, instead(tanh(argument), argument * detached(1 - h_after * h_after))),)


def _gru_candidate(other: Callable[[Term, Term, Term, Weight], Term]) -> Equations:
    """Return GRU equations with the derivatives of ``other(r, W_hn h + b_hn, h, weights)`` for r (W_hn h + b_hn)."""

    def gru(x: Term, h: Term, w: Weight) -> tuple[Term]:
        r = sigmoid(w.W_ir @ x + w.b_ir + w.W_hr @ h + w.b_hr)
        z = sigmoid(w.W_iz @ x + w.b_iz + w.W_hz @ h + w.b_hz)
        hidden = w.W_hn @ h + w.b_hn
        n = tanh(w.W_in @ x + w.b_in + instead(r * hidden, other(r, hidden, h, w)))
        return (mix(z, h, n),)

    return gru


GATES = {
    "lstm": {"i": "input", "f": "forget", "g": "candidate", "o": "output"},
    "gru": {"r": "reset", "z": "update", "n": "candidate"},
}


def _with_changes(cell: str, name: str, sentence: str, **changes: Change) -> Deviation:
    equations = (_lstm if cell == "lstm" else _gru)(**changes)
    return Deviation(name, sentence, in_derivatives(**{cell: equations}), cells=(cell,))


def _dropped_gate_paths() -> tuple[Deviation, ...]:
    return tuple(
        deviation
        for cell, gates in GATES.items()
        for letter, word in gates.items()
        for deviation in (
            _with_changes(
                cell,
                f"{cell}_{word}_path_dropped",
                f"Treats {letter} as a constant in the backward pass.",
                **{letter: detached},
            ),
            _with_changes(
                cell,
                f"{cell}_h_through_{word}_dropped",
                f"Passes no gradient from {letter} to the hidden state before the step.",
                **{f"h_{letter}": detached},
            ),
            _with_changes(
                cell,
                f"{cell}_x_through_{word}_dropped",
                f"Passes no gradient from {letter} to the input.",
                **{f"x_{letter}": detached},
            ),
        )
    )


DEVIATIONS = (
    *_dropped_gate_paths(),
    _with_changes(
        "lstm",
        "lstm_cell_path_dropped",
        "Passes no gradient from the cell state to the cell state before the step.",
        c=detached,
    ),
    _with_changes(
        "lstm",
        "lstm_cell_in_output_dropped",
        "Passes no gradient from h = o tanh(c) to the cell state.",
        tanh_c=detached,
    ),
    Deviation(
        "lstm_carried_cell_gradient_dropped",
        "Leaves out the gradient of the cell state from later steps and from c_n.",
        in_derivatives(lstm=_lstm_carried_cell_detached),
        cells=("lstm",),
    ),
    Deviation(
        "lstm_forget_gate_by_new_cell",
        "Multiplies the forget gate's gradient by the cell state after the step instead of before it.",
        in_derivatives(lstm=_lstm_forget_gate_by_new_cell),
        cells=("lstm",),
    ),
    Deviation(
        "lstm_output_gate_by_cell",
        "Multiplies the output gate's gradient by c instead of tanh(c).",
        in_derivatives(lstm=_lstm_output_gate_by_cell),
        cells=("lstm",),
    ),
    Deviation(
        "lstm_output_gate_by_state",
        "Multiplies the output gate's gradient by the new h instead of tanh(c).",
        in_derivatives(lstm=_lstm_output_gate_by_state),
        cells=("lstm",),
    ),
    Deviation(
        "lstm_tanh_slope_by_cell",
        "Uses 1 - c² for the derivative of tanh(c) instead of 1 - tanh(c)².",
        in_derivatives(lstm=_lstm_tanh_slope_by_cell),
        cells=("lstm",),
    ),
    Deviation(
        "lstm_candidate_slope_by_state",
        "Uses 1 - h² of the new h for the derivative of the candidate's tanh instead of 1 - g².",
        in_derivatives(lstm=_lstm_candidate_slope_by_state),
        cells=("lstm",),
    ),
    *(
        Deviation(
            f"lstm_cell_gradient_masked_beyond_{limit}",
            f"Passes no gradient through a cell state beyond ±{limit}, as if it had been clipped.",
            in_derivatives(lstm=_lstm_cell_masked(limit)),
            cells=("lstm",),
        )
        for limit in (2, 3, 5, 10, 20)
    ),
    _with_changes(
        "gru",
        "gru_kept_state_path_dropped",
        "Passes no gradient through z h to the hidden state before the step.",
        h=detached,
    ),
    Deviation(
        "gru_update_gate_reversed",
        "Uses n - h instead of h - n in the update gate's gradient.",
        in_derivatives(gru=_gru_mixed(lambda z, h, n: mix(detached(z), h, n) - mix(z, detached(h), detached(n)))),
        cells=("gru",),
    ),
    Deviation(
        "gru_shares_swapped",
        "Passes the fraction 1 - z of the gradient to h and z to the candidate, instead of z and 1 - z.",
        in_derivatives(gru=_gru_mixed(lambda z, h, n: mix(z, detached(h), detached(n)) + mix(detached(z), n, h))),
        cells=("gru",),
    ),
    Deviation(
        "gru_reset_left_out_backward",
        "Leaves out the reset gate in the gradients of W_hn, b_hn and h.",
        in_derivatives(gru=_gru_candidate(lambda r, hidden, _h, _w: r * detached(hidden) + hidden)),
        cells=("gru",),
    ),
    Deviation(
        "gru_candidate_slope_by_state",
        "Uses 1 - h² of the new h for the derivative of the candidate's tanh instead of 1 - n².",
        in_derivatives(gru=_gru_candidate_slope_by_state),
        cells=("gru",),
    ),
    Deviation(
        "gru_reset_before_product_on_the_way_back",
        "Differentiates as if the reset gate were applied before the product: W_hn (r h) + b_hn.",
        in_derivatives(gru=_gru_candidate(lambda r, _hidden, h, w: w.W_hn @ (r * h) + w.b_hn)),
        cells=("gru",),
    ),
    Deviation(
        "gru_reset_by_state",
        "Multiplies the reset gate's gradient by h instead of W_hn h + b_hn, as if it were applied before the product.",
        in_derivatives(gru=_gru_candidate(lambda r, hidden, h, _w: r * detached(h) + detached(r) * hidden)),
        cells=("gru",),
    ),
    Deviation(
        "gru_reset_by_product_alone",
        "Multiplies the reset gate's gradient by W_hn h instead of W_hn h + b_hn.",
        in_derivatives(gru=_gru_candidate(lambda r, hidden, h, w: r * detached(w.W_hn @ h) + detached(r) * hidden)),
        cells=("gru",),
        needs=("bias",),
    ),
    Deviation(
        "gru_b_hn_without_reset",
        "Leaves the reset gate out of the gradient of b_hn.",
        in_derivatives(
            gru=_gru_candidate(lambda r, hidden, h, w: r * detached(hidden) + detached(r) * (w.W_hn @ h) + w.b_hn)
        ),
        cells=("gru",),
        needs=("bias",),
    ),
    Deviation(
        "lstm_input_gate_by_itself",
        "Multiplies the input gate's gradient by i instead of g.",
        in_derivatives(lstm=_lstm_input_gate_by_itself),
        cells=("lstm",),
        stands_for=("Neuron PR181",),
    ),
)
