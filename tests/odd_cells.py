"""Cells that we do not ship, as someone writes them."""

from rnn_goldens.cells.notation import Term, Weight, mix, rsqrt, sigmoid, tanh


def minimal_gated_unit(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """Zhou et al., Minimal gated unit for recurrent neural networks (2016), equations (8) to (10)."""
    f = sigmoid(w.W_if @ x + w.b_if + w.W_hf @ h + w.b_hf)
    n = tanh(w.W_in @ x + w.b_in + w.W_hn @ (f * h) + w.b_hn)
    return (mix(f, n, h),)


def other_way_round(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """The same with the gate the other way round."""
    f = sigmoid(w.W_if @ x + w.b_if + w.W_hf @ h + w.b_hf)
    n = tanh(w.W_in @ x + w.b_in + w.W_hn @ (f * h) + w.b_hn)
    return (mix(f, h, n),)


def peephole_lstm(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    """Gers & Schmidhuber, Recurrent nets that time and count (2000)."""
    i = sigmoid(w.W_ii @ x + w.b_ii + w.W_hi @ h + w.b_hi + w.p_i * c)
    f = sigmoid(w.W_if @ x + w.b_if + w.W_hf @ h + w.b_hf + w.p_f * c)
    g = tanh(w.W_ig @ x + w.b_ig + w.W_hg @ h + w.b_hg)
    c = f * c + i * g
    o = sigmoid(w.W_io @ x + w.b_io + w.W_ho @ h + w.b_ho + w.p_o * c)
    return o * tanh(c), c


def residual(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """What is right where x has as many numbers as h."""
    return (tanh(w.W_ia @ x + w.W_ha @ h) + x,)


def quotient(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """What divides by the state, which is zero at first."""
    return (tanh(w.W_ia @ x + w.b_ia + w.W_ha @ h + w.b_ha) / h,)


def root(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """Likewise with a root."""
    return (tanh(w.W_ia @ x + w.b_ia + w.W_ha @ h + w.b_ha) * rsqrt(h),)
