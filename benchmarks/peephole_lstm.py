"""An LSTM with peepholes, as in ONNX, as a custom cell."""

from rnn_goldens.cells.notation import Term, Weight, sigmoid, tanh


def peephole_lstm(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    """Gers & Schmidhuber, Recurrent nets that time and count (2000): i and f read c before the step, o after it."""
    i = sigmoid(w.W_ii @ x + w.b_ii + w.W_hi @ h + w.b_hi + w.p_i * c)
    f = sigmoid(w.W_if @ x + w.b_if + w.W_hf @ h + w.b_hf + w.p_f * c)
    g = tanh(w.W_ig @ x + w.b_ig + w.W_hg @ h + w.b_hg)
    c = f * c + i * g
    o = sigmoid(w.W_io @ x + w.b_io + w.W_ho @ h + w.b_ho + w.p_o * c)
    return o * tanh(c), c
