"""Paths through a cell that the gradient does not take, or takes otherwise: equations with right values beside them."""

from collections.abc import Callable

from rnn_goldens.cells.notation import Term, Weight, clip, mix, sigmoid, tanh
from rnn_goldens.cells.program import Equations
from rnn_goldens.deviations.backward.wrong import detached, in_way_back, instead
from rnn_goldens.deviations.deviation import Deviation

Change = Callable[[Term], Term]


def _lstm(**through: Change) -> Equations:
    """The equations, of which the pieces that are named go back otherwise."""

    def lstm(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
        p = _Pieces(through)
        i = sigmoid(w.W_ii @ p.x_i(x) + w.b_ii + w.W_hi @ p.h_i(h) + w.b_hi)
        f = sigmoid(w.W_if @ p.x_f(x) + w.b_if + w.W_hf @ p.h_f(h) + w.b_hf)
        g = tanh(w.W_ig @ p.x_g(x) + w.b_ig + w.W_hg @ p.h_g(h) + w.b_hg)
        o = sigmoid(w.W_io @ p.x_o(x) + w.b_io + w.W_ho @ p.h_o(h) + w.b_ho)
        after = p.f(f) * p.c(c) + p.i(i) * p.g(g)
        return p.o(o) * p.tanh_c(tanh(after)), after

    return lstm


def _gru(**through: Change) -> Equations:
    """Likewise."""

    def gru(x: Term, h: Term, w: Weight) -> tuple[Term]:
        p = _Pieces(through)
        r = sigmoid(w.W_ir @ p.x_r(x) + w.b_ir + w.W_hr @ p.h_r(h) + w.b_hr)
        z = sigmoid(w.W_iz @ p.x_z(x) + w.b_iz + w.W_hz @ p.h_z(h) + w.b_hz)
        n = tanh(w.W_in @ p.x_n(x) + w.b_in + p.r(r) * (w.W_hn @ p.h_n(h) + w.b_hn))
        return (mix(p.z(z), p.h(h), p.n(n)),)

    return gru


class _Pieces:
    """Each piece as it is, or as it is changed."""

    def __init__(self, through: dict[str, Change]) -> None:
        self._through = through

    def __getattr__(self, name: str) -> Change:
        return self._through.get(name, lambda term: term)


def _lstm_forget_gate_by_new_cell(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    i, f, g, o = _lstm_gates(x, h, w)
    after = f * c + i * g
    after = instead(after, detached(f) * c + i * g + f * detached(after))
    return o * tanh(after), after


def _lstm_output_gate_by_cell(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    i, f, g, o = _lstm_gates(x, h, w)
    after = f * c + i * g
    return instead(o * tanh(after), detached(o) * tanh(after) + o * detached(after)), after


def _lstm_output_gate_by_state(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    i, f, g, o = _lstm_gates(x, h, w)
    after = f * c + i * g
    state = o * tanh(after)
    return instead(state, detached(o) * tanh(after) + o * detached(state)), after


def _lstm_tanh_slope_by_cell(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    i, f, g, o = _lstm_gates(x, h, w)
    after = f * c + i * g
    return o * instead(tanh(after), after * detached(1 - after * after)), after


def _lstm_candidate_slope_by_state(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    i, f, _, o = _lstm_gates(x, h, w)
    z = w.W_ig @ x + w.b_ig + w.W_hg @ h + w.b_hg
    state = o * tanh(f * c + i * tanh(z))
    after = f * c + i * instead(tanh(z), z * detached(1 - state * state))
    return o * tanh(after), after


def _lstm_cell_after_output_alone(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    h_after, after = _lstm()(x, h, c, w)
    return h_after, detached(after)


def _lstm_cell_masked(limit: int) -> Equations:
    """Nothing goes back through a cell that a clip would have cut off."""

    def lstm(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
        i, f, g, o = _lstm_gates(x, h, w)
        after = f * c + i * g
        after = instead(after, clip(after, -limit, limit))
        return o * tanh(after), after

    return lstm


def _lstm_gates(x: Term, h: Term, w: Weight) -> tuple[Term, Term, Term, Term]:
    i = sigmoid(w.W_ii @ x + w.b_ii + w.W_hi @ h + w.b_hi)
    f = sigmoid(w.W_if @ x + w.b_if + w.W_hf @ h + w.b_hf)
    g = tanh(w.W_ig @ x + w.b_ig + w.W_hg @ h + w.b_hg)
    o = sigmoid(w.W_io @ x + w.b_io + w.W_ho @ h + w.b_ho)
    return i, f, g, o


def _gru_mixed(way: Callable[[Term, Term, Term], Term]) -> Equations:
    """The new state mix(z, h, n) with another way back, of z, h and n."""

    def gru(x: Term, h: Term, w: Weight) -> tuple[Term]:
        r = sigmoid(w.W_ir @ x + w.b_ir + w.W_hr @ h + w.b_hr)
        z = sigmoid(w.W_iz @ x + w.b_iz + w.W_hz @ h + w.b_hz)
        n = tanh(w.W_in @ x + w.b_in + r * (w.W_hn @ h + w.b_hn))
        return (instead(mix(z, h, n), way(z, h, n)),)

    return gru


def _gru_candidate_slope_by_state(x: Term, h: Term, w: Weight) -> tuple[Term]:
    r = sigmoid(w.W_ir @ x + w.b_ir + w.W_hr @ h + w.b_hr)
    z = sigmoid(w.W_iz @ x + w.b_iz + w.W_hz @ h + w.b_hz)
    of_n = w.W_in @ x + w.b_in + r * (w.W_hn @ h + w.b_hn)
    state = mix(z, h, tanh(of_n))
    return (mix(z, h, instead(tanh(of_n), of_n * detached(1 - state * state))),)


def _gru_candidate(way: Callable[[Term, Term, Term, Weight], Term]) -> Equations:
    """The reset gate's product r (W_hn h + b_hn) with another way back, of r, that sum, h and the weights."""

    def gru(x: Term, h: Term, w: Weight) -> tuple[Term]:
        r = sigmoid(w.W_ir @ x + w.b_ir + w.W_hr @ h + w.b_hr)
        z = sigmoid(w.W_iz @ x + w.b_iz + w.W_hz @ h + w.b_hz)
        hidden = w.W_hn @ h + w.b_hn
        n = tanh(w.W_in @ x + w.b_in + instead(r * hidden, way(r, hidden, h, w)))
        return (mix(z, h, n),)

    return gru


GATES = {
    "lstm": {"i": "input", "f": "forget", "g": "candidate", "o": "output"},
    "gru": {"r": "reset", "z": "update", "n": "candidate"},
}


def _of(cell: str, name: str, sentence: str, **through: Change) -> Deviation:
    equations = (_lstm if cell == "lstm" else _gru)(**through)
    return Deviation(name, sentence, in_way_back(**{cell: equations}), cells=(cell,))


def _gates_dropped() -> tuple[Deviation, ...]:
    return tuple(
        deviation
        for cell, gates in GATES.items()
        for letter, word in gates.items()
        for deviation in (
            _of(
                cell,
                f"{cell}_{word}_path_dropped",
                f"Takes {letter} for a constant on the way back: nothing goes through it.",
                **{letter: detached},
            ),
            _of(
                cell,
                f"{cell}_h_through_{word}_dropped",
                f"Sends nothing back from {letter} to the hidden state before the step.",
                **{f"h_{letter}": detached},
            ),
            _of(
                cell,
                f"{cell}_x_through_{word}_dropped",
                f"Sends nothing back from {letter} to the input.",
                **{f"x_{letter}": detached},
            ),
        )
    )


DEVIATIONS = (
    *_gates_dropped(),
    _of(
        "lstm",
        "lstm_cell_path_dropped",
        "Sends nothing back from the cell to the cell before the step.",
        c=detached,
    ),
    _of(
        "lstm",
        "lstm_cell_in_output_dropped",
        "Sends nothing back from h = o tanh(c) to the cell.",
        tanh_c=detached,
    ),
    Deviation(
        "lstm_carried_cell_gradient_dropped",
        "Forgets the gradient that the cell gets from later steps, and from c_n.",
        in_way_back(lstm=_lstm_cell_after_output_alone),
        cells=("lstm",),
    ),
    Deviation(
        "lstm_forget_gate_by_new_cell",
        "Multiplies the forget gate's gradient with the cell after the step, not before.",
        in_way_back(lstm=_lstm_forget_gate_by_new_cell),
        cells=("lstm",),
    ),
    Deviation(
        "lstm_output_gate_by_cell",
        "Multiplies the output gate's gradient with c in place of tanh(c).",
        in_way_back(lstm=_lstm_output_gate_by_cell),
        cells=("lstm",),
    ),
    Deviation(
        "lstm_output_gate_by_state",
        "Multiplies the output gate's gradient with the new h in place of tanh(c).",
        in_way_back(lstm=_lstm_output_gate_by_state),
        cells=("lstm",),
    ),
    Deviation(
        "lstm_tanh_slope_by_cell",
        "Takes 1 - c² for the derivative of tanh(c), in place of 1 - tanh(c)².",
        in_way_back(lstm=_lstm_tanh_slope_by_cell),
        cells=("lstm",),
    ),
    Deviation(
        "lstm_candidate_slope_by_state",
        "Takes 1 - h² of the new h for the derivative of the candidate's tanh, in place of 1 - g².",
        in_way_back(lstm=_lstm_candidate_slope_by_state),
        cells=("lstm",),
    ),
    *(
        Deviation(
            f"lstm_cell_gradient_masked_beyond_{limit}",
            f"Sends nothing back through a cell beyond ±{limit}, as if it had been clipped.",
            in_way_back(lstm=_lstm_cell_masked(limit)),
            cells=("lstm",),
        )
        for limit in (2, 3, 5, 10, 20)
    ),
    _of(
        "gru",
        "gru_kept_state_path_dropped",
        "Sends nothing back through z h to the hidden state before the step.",
        h=detached,
    ),
    Deviation(
        "gru_update_gate_reversed",
        "Gives the update gate n - h where h - n is right.",
        in_way_back(gru=_gru_mixed(lambda z, h, n: mix(detached(z), h, n) - mix(z, detached(h), detached(n)))),
        cells=("gru",),
    ),
    Deviation(
        "gru_shares_swapped",
        "Sends 1 - z of the gradient back to h and z to the candidate, where it is the other way round.",
        in_way_back(gru=_gru_mixed(lambda z, h, n: mix(z, detached(h), detached(n)) + mix(detached(z), n, h))),
        cells=("gru",),
    ),
    Deviation(
        "gru_reset_left_out_backward",
        "Leaves the reset gate out on the way back to W_hn, b_hn and h.",
        in_way_back(gru=_gru_candidate(lambda r, hidden, _h, _w: r * detached(hidden) + hidden)),
        cells=("gru",),
    ),
    Deviation(
        "gru_candidate_slope_by_state",
        "Takes 1 - h² of the new h for the derivative of the candidate's tanh, in place of 1 - n².",
        in_way_back(gru=_gru_candidate_slope_by_state),
        cells=("gru",),
    ),
    Deviation(
        "gru_reset_before_product_on_the_way_back",
        "Goes back as if the reset gate stood before the product: through W_hn (r h) + b_hn.",
        in_way_back(gru=_gru_candidate(lambda r, _hidden, h, w: w.W_hn @ (r * h) + w.b_hn)),
        cells=("gru",),
    ),
    Deviation(
        "gru_reset_by_state",
        "Multiplies the reset gate's gradient with h, as if it stood before the product, not with W_hn h + b_hn.",
        in_way_back(gru=_gru_candidate(lambda r, hidden, h, _w: r * detached(h) + detached(r) * hidden)),
        cells=("gru",),
    ),
    Deviation(
        "gru_reset_by_product_alone",
        "Leaves b_hn out of what the reset gate's gradient is multiplied with.",
        in_way_back(gru=_gru_candidate(lambda r, hidden, h, w: r * detached(w.W_hn @ h) + detached(r) * hidden)),
        cells=("gru",),
        needs=("bias",),
    ),
    Deviation(
        "gru_b_hn_without_reset",
        "Leaves the reset gate out of the gradient of b_hn.",
        in_way_back(
            gru=_gru_candidate(lambda r, hidden, h, w: r * detached(hidden) + detached(r) * (w.W_hn @ h) + w.b_hn)
        ),
        cells=("gru",),
        needs=("bias",),
    ),
)
