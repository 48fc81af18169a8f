"""Custom cells as a user may write them, and functions that build cells and layouts."""

from rnn_goldens.cells import Cell
from rnn_goldens.cells.equations import lstm_peephole as peephole_lstm
from rnn_goldens.cells.notation import Term, Weight, exp, log, maximum, minimum, mix, rsqrt, sigmoid, softplus, tanh
from rnn_goldens.cells.step_program import Equations
from rnn_goldens.golden.shapes import STACKED, Layout

__all__ = [
    "layout",
    "many_gates",
    "minimal_gated_unit",
    "numbered_states",
    "other_way_round",
    "own",
    "peephole_lstm",
    "quotient",
    "residual",
    "root",
    "slstm",
    "smooth",
]


def minimal_gated_unit(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """Zhou et al., Minimal gated unit for recurrent neural networks (2016), equations (8) to (10)."""
    f = sigmoid(w.W_if @ x + w.b_if + w.W_hf @ h + w.b_hf)
    n = tanh(w.W_in @ x + w.b_in + w.W_hn @ (f * h) + w.b_hn)
    return (mix(f, n, h),)


def other_way_round(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """The cell ``minimal_gated_unit`` with the gate inverted."""
    f = sigmoid(w.W_if @ x + w.b_if + w.W_hf @ h + w.b_hf)
    n = tanh(w.W_in @ x + w.b_in + w.W_hn @ (f * h) + w.b_hn)
    return (mix(f, h, n),)


def residual(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """A cell that requires x to have the size of h."""
    return (tanh(w.W_ia @ x + w.W_ha @ h) + x,)


def quotient(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """A cell that divides by the state, which is zero at first."""
    return (tanh(w.W_ia @ x + w.b_ia + w.W_ha @ h + w.b_ha) / h,)


def root(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """A cell that divides by the root of the state."""
    return (tanh(w.W_ia @ x + w.b_ia + w.W_ha @ h + w.b_ha) * rsqrt(h),)


def smooth(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """A cell with logarithms, powers and absolute values."""
    a, b = w.W_ia @ x + w.b_ia, w.W_ha @ h + w.b_ha
    return (tanh(softplus(a) * log(abs(b) + 1.5) - minimum(a, b) ** 3 / 8),)


def slstm(x: Term, h: Term, c: Term, n: Term, m: Term, w: Weight) -> tuple[Term, ...]:
    """Beck et al., xLSTM (2024), section 2.2: exponential gates, a normalizer n and a stabilizer m."""
    i = w.W_ii @ x + w.b_ii + w.W_hi @ h + w.b_hi
    f = w.W_if @ x + w.b_if + w.W_hf @ h + w.b_hf
    z = tanh(w.W_iz @ x + w.b_iz + w.W_hz @ h + w.b_hz)
    o = sigmoid(w.W_io @ x + w.b_io + w.W_ho @ h + w.b_ho)
    largest = maximum(f + m, i)
    i, f = exp(i - largest), exp(f + m - largest)
    c, n = f * c + i * z, f * n + i
    return o * (c / n), c, n, largest


def numbered_states(x: Term, h: Term, state_2: Term, w: Weight) -> tuple[Term, Term]:
    """A cell with a state whose name is not made of letters."""
    return tanh(w.W_ia @ x + w.W_ha @ h), state_2


def many_gates(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """A cell with five gates and a product of unnamed terms."""
    a, b, c = (tanh(getattr(w, f"W_i{gate}") @ x + getattr(w, f"W_h{gate}") @ h) for gate in "abc")
    return (tanh(a * b + (w.W_id @ x) * (w.W_he @ h) + c * c),)


def own(
    name: str, equations: Equations, gates: str, states: tuple[str, ...] = ("h",), vectors: tuple[str, ...] = ()
) -> Cell:
    """Return a cell with stacked weights and further vectors."""
    return Cell(name, equations, layout(gates, states, *vectors))


def layout(gates: str, states: tuple[str, ...] = ("h",), *vectors: str) -> Layout:
    """Return a layout with stacked weights and further vectors."""
    return Layout(gates, states, (*STACKED, *((name, "H") for name in vectors)))
