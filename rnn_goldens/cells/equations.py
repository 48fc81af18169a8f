"""The equations of the built-in cells, and their only definition in this project.

Source: PyTorch's documentation of ``torch.nn.RNN``, ``LSTM`` and ``GRU``. x is the input of a time step, h and c are
the state before it; a cell returns the state after it. ``w.W_ii`` is the block of ``weight_ih`` for gate i, and
``w.b_hi`` is the block of ``bias_hh``. The notation is defined in ``rnn_goldens.cells.notation``.
"""

from rnn_goldens.cells.notation import Term, Weight, mix, relu, sigmoid, tanh


def rnn_tanh(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """Elman (1990)."""
    return (tanh(w.W_ih @ x + w.b_ih + w.W_hh @ h + w.b_hh),)


def rnn_relu(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """Elman (1990), with max(0, z) for tanh(z)."""
    return (relu(w.W_ih @ x + w.b_ih + w.W_hh @ h + w.b_hh),)


def lstm(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    """Hochreiter & Schmidhuber (1997), with the forget gate of Gers et al. (2000)."""
    i = sigmoid(w.W_ii @ x + w.b_ii + w.W_hi @ h + w.b_hi)
    f = sigmoid(w.W_if @ x + w.b_if + w.W_hf @ h + w.b_hf)
    g = tanh(w.W_ig @ x + w.b_ig + w.W_hg @ h + w.b_hg)
    o = sigmoid(w.W_io @ x + w.b_io + w.W_ho @ h + w.b_ho)
    c = f * c + i * g
    return o * tanh(c), c


def gru(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """Cho et al. (2014), with the reset gate after the product, as in cuDNN."""
    r = sigmoid(w.W_ir @ x + w.b_ir + w.W_hr @ h + w.b_hr)
    z = sigmoid(w.W_iz @ x + w.b_iz + w.W_hz @ h + w.b_hz)
    n = tanh(w.W_in @ x + w.b_in + r * (w.W_hn @ h + w.b_hn))
    return (mix(z, h, n),)  # (1 - z) n + z h, or n + z (h - n)
