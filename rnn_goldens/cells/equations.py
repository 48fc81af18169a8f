"""The equations of the built-in cells, and their only definition in this project.

Sources: PyTorch's documentation of ``torch.nn.RNN``, ``LSTM`` and ``GRU``; for dialects, ONNX's documentation of
RNN-22, LSTM-22 and GRU-22. x is the input of a time step, h and c are the state before it; a cell returns the state
after it. ``w.W_ii`` is the block of ``weight_ih`` for gate i, and ``w.b_hi`` is the block of ``bias_hh``. The notation
is defined in ``rnn_goldens.cells.notation``.
"""

from fractions import Fraction

from rnn_goldens.cells.notation import (
    Term,
    Weight,
    clip,
    elu,
    hard_sigmoid,
    maximum,
    mix,
    relu,
    sigmoid,
    softplus,
    softsign,
    tanh,
    thresholded_relu,
)

SIXTH = Fraction(1, 6)


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


# Dialects.


def gru_reset_before(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """Cho et al. (2014), with the reset gate before the product, as in the paper."""
    r = sigmoid(w.W_ir @ x + w.b_ir + w.W_hr @ h + w.b_hr)
    z = sigmoid(w.W_iz @ x + w.b_iz + w.W_hz @ h + w.b_hz)
    n = tanh(w.W_in @ x + w.b_in + w.W_hn @ (r * h) + w.b_hn)
    return (mix(z, h, n),)


def lstm_peephole(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    """Gers & Schmidhuber (2000): i and f use the old c, o uses the new c."""
    i = sigmoid(w.W_ii @ x + w.b_ii + w.W_hi @ h + w.b_hi + w.p_i * c)
    f = sigmoid(w.W_if @ x + w.b_if + w.W_hf @ h + w.b_hf + w.p_f * c)
    g = tanh(w.W_ig @ x + w.b_ig + w.W_hg @ h + w.b_hg)
    c = f * c + i * g
    o = sigmoid(w.W_io @ x + w.b_io + w.W_ho @ h + w.b_ho + w.p_o * c)
    return o * tanh(c), c


def lstm_projection(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    """Sak et al. (2014): h is a projection of the output to proj_size numbers."""
    h, c = lstm(x, h, c, w)
    return w.W_hr @ h, c


def lstm_projection_clip(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    """TensorFlow's and TFLite's proj_clip, here 1/4: the projection is clipped."""
    h, c = lstm(x, h, c, w)
    return clip(w.W_hr @ h, -0.25, 0.25), c


def lstm_input_forget(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    """ONNX's LSTM with input_forget=1: f = 1 - i; the rows of f are not used."""
    i = sigmoid(w.W_ii @ x + w.b_ii + w.W_hi @ h + w.b_hi)
    g = tanh(w.W_ig @ x + w.b_ig + w.W_hg @ h + w.b_hg)
    o = sigmoid(w.W_io @ x + w.b_io + w.W_ho @ h + w.b_ho)
    c = mix(i, g, c)  # i g + (1 - i) c
    return o * tanh(c), c


def lstm_coupled_input(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    """TensorFlow's CoupledInputForgetGateLSTMCell, and TFLite's LSTM without weights of the input gate: i = 1 - f."""
    f = sigmoid(w.W_if @ x + w.b_if + w.W_hf @ h + w.b_hf)
    g = tanh(w.W_ig @ x + w.b_ig + w.W_hg @ h + w.b_hg)
    o = sigmoid(w.W_io @ x + w.b_io + w.W_ho @ h + w.b_ho)
    c = mix(f, c, g)  # f c + (1 - f) g
    return o * tanh(c), c


def lstm_cell_clip(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    """TensorFlow's and TFLite's cell_clip, here 1/2: the stored c is clipped."""
    i = sigmoid(w.W_ii @ x + w.b_ii + w.W_hi @ h + w.b_hi)
    f = sigmoid(w.W_if @ x + w.b_if + w.W_hf @ h + w.b_hf)
    g = tanh(w.W_ig @ x + w.b_ig + w.W_hg @ h + w.b_hg)
    o = sigmoid(w.W_io @ x + w.b_io + w.W_ho @ h + w.b_ho)
    c = clip(f * c + i * g, -0.5, 0.5)
    return o * tanh(c), c


def rnn_tanh_clip(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """ONNX's clip, here 1, of the input of the activation."""
    return (tanh(clip(w.W_ih @ x + w.b_ih + w.W_hh @ h + w.b_hh, -1, 1)),)


def lstm_clip(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    """ONNX's clip, here 1, of the inputs of all activations, including c, the input of the last activation."""
    i = sigmoid(clip(w.W_ii @ x + w.b_ii + w.W_hi @ h + w.b_hi, -1, 1))
    f = sigmoid(clip(w.W_if @ x + w.b_if + w.W_hf @ h + w.b_hf, -1, 1))
    g = tanh(clip(w.W_ig @ x + w.b_ig + w.W_hg @ h + w.b_hg, -1, 1))
    o = sigmoid(clip(w.W_io @ x + w.b_io + w.W_ho @ h + w.b_ho, -1, 1))
    c = f * c + i * g
    return o * tanh(clip(c, -1, 1)), c


def gru_clip(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """ONNX's clip, here 1, of the inputs of all activations."""
    r = sigmoid(clip(w.W_ir @ x + w.b_ir + w.W_hr @ h + w.b_hr, -1, 1))
    z = sigmoid(clip(w.W_iz @ x + w.b_iz + w.W_hz @ h + w.b_hz, -1, 1))
    n = tanh(clip(w.W_in @ x + w.b_in + r * (w.W_hn @ h + w.b_hn), -1, 1))
    return (mix(z, h, n),)


def lstm_hard_sigmoid(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    """Gates with a hard sigmoid of slope 1/5: ONNX's default and Keras 2."""
    i = hard_sigmoid(w.W_ii @ x + w.b_ii + w.W_hi @ h + w.b_hi)
    f = hard_sigmoid(w.W_if @ x + w.b_if + w.W_hf @ h + w.b_hf)
    g = tanh(w.W_ig @ x + w.b_ig + w.W_hg @ h + w.b_hg)
    o = hard_sigmoid(w.W_io @ x + w.b_io + w.W_ho @ h + w.b_ho)
    c = f * c + i * g
    return o * tanh(c), c


def lstm_hard_sigmoid_sixth(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    """Gates with a hard sigmoid of slope 1/6: Keras 3 and torch.nn.Hardsigmoid."""
    i = hard_sigmoid(w.W_ii @ x + w.b_ii + w.W_hi @ h + w.b_hi, SIXTH)
    f = hard_sigmoid(w.W_if @ x + w.b_if + w.W_hf @ h + w.b_hf, SIXTH)
    g = tanh(w.W_ig @ x + w.b_ig + w.W_hg @ h + w.b_hg)
    o = hard_sigmoid(w.W_io @ x + w.b_io + w.W_ho @ h + w.b_ho, SIXTH)
    c = f * c + i * g
    return o * tanh(c), c


def gru_hard_sigmoid(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """Gates with a hard sigmoid of slope 1/5: ONNX's default and Keras 2."""
    r = hard_sigmoid(w.W_ir @ x + w.b_ir + w.W_hr @ h + w.b_hr)
    z = hard_sigmoid(w.W_iz @ x + w.b_iz + w.W_hz @ h + w.b_hz)
    n = tanh(w.W_in @ x + w.b_in + r * (w.W_hn @ h + w.b_hn))
    return (mix(z, h, n),)


def gru_hard_sigmoid_sixth(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """Gates with a hard sigmoid of slope 1/6: Keras 3."""
    r = hard_sigmoid(w.W_ir @ x + w.b_ir + w.W_hr @ h + w.b_hr, SIXTH)
    z = hard_sigmoid(w.W_iz @ x + w.b_iz + w.W_hz @ h + w.b_hz, SIXTH)
    n = tanh(w.W_in @ x + w.b_in + r * (w.W_hn @ h + w.b_hn))
    return (mix(z, h, n),)


def lstm_activations(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    """ONNX's activations HardSigmoid (1/4, 1/2), Elu (3/4) and ScaledTanh (5/4, 7/8)."""
    i = hard_sigmoid(w.W_ii @ x + w.b_ii + w.W_hi @ h + w.b_hi, Fraction(1, 4))
    f = hard_sigmoid(w.W_if @ x + w.b_if + w.W_hf @ h + w.b_hf, Fraction(1, 4))
    g = elu(w.W_ig @ x + w.b_ig + w.W_hg @ h + w.b_hg, Fraction(3, 4))
    o = hard_sigmoid(w.W_io @ x + w.b_io + w.W_ho @ h + w.b_ho, Fraction(1, 4))
    c = f * c + i * g
    return o * (Fraction(5, 4) * tanh(Fraction(7, 8) * c)), c


def rnn_sigmoid(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """ONNX's activation Sigmoid."""
    return (sigmoid(w.W_ih @ x + w.b_ih + w.W_hh @ h + w.b_hh),)


def rnn_affine(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """ONNX's activation Affine, here 3/4 z + 1/4."""
    return (Fraction(3, 4) * (w.W_ih @ x + w.b_ih + w.W_hh @ h + w.b_hh) + Fraction(1, 4),)


def rnn_leaky_relu(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """ONNX's activation LeakyRelu, here of slope 1/8 below zero."""
    z = w.W_ih @ x + w.b_ih + w.W_hh @ h + w.b_hh
    return (maximum(z, Fraction(1, 8) * z),)


def rnn_scaled_tanh(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """ONNX's activation ScaledTanh, here 5/4 tanh(7/8 z)."""
    return (Fraction(5, 4) * tanh(Fraction(7, 8) * (w.W_ih @ x + w.b_ih + w.W_hh @ h + w.b_hh)),)


def rnn_hard_sigmoid(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """ONNX's activation HardSigmoid, with its default slope of 1/5."""
    return (hard_sigmoid(w.W_ih @ x + w.b_ih + w.W_hh @ h + w.b_hh),)


def rnn_elu(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """ONNX's activation Elu, here 3/4 (e^z - 1) below zero."""
    return (elu(w.W_ih @ x + w.b_ih + w.W_hh @ h + w.b_hh, Fraction(3, 4)),)


def rnn_thresholded_relu(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """ONNX's activation ThresholdedRelu, here 0 up to 3/4."""
    return (thresholded_relu(w.W_ih @ x + w.b_ih + w.W_hh @ h + w.b_hh, Fraction(3, 4)),)


def rnn_softsign(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """ONNX's activation Softsign: z / (1 + |z|)."""
    return (softsign(w.W_ih @ x + w.b_ih + w.W_hh @ h + w.b_hh),)


def rnn_softplus(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """ONNX's activation Softplus: log(1 + e^z)."""
    return (softplus(w.W_ih @ x + w.b_ih + w.W_hh @ h + w.b_hh),)
