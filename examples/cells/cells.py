"""Nine cells that are not built in, each as a function of the notation. ``scenarios.py`` certifies a golden of each."""

from rnn_goldens.cells.notation import (
    Term,
    Weight,
    declare,
    exp,
    log_sigmoid,
    maximum,
    mean,
    mix,
    rsqrt,
    sigmoid,
    softplus,
    sqrt,
    tanh,
)


def normalized(z: Term) -> Term:
    """Normalize over the units."""
    centred = z - mean(z)
    return centred * rsqrt(mean(centred * centred) + 1e-5)


def layer_norm_lstm(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    """Ba et al. (2016): the argument of each gate is normalized, then scaled and shifted; so is c for the output."""
    i = sigmoid(w.gain_i * normalized(w.W_ii @ x + w.W_hi @ h) + w.b_ii)
    f = sigmoid(w.gain_f * normalized(w.W_if @ x + w.W_hf @ h) + w.b_if)
    g = tanh(w.gain_g * normalized(w.W_ig @ x + w.W_hg @ h) + w.b_ig)
    o = sigmoid(w.gain_o * normalized(w.W_io @ x + w.W_ho @ h) + w.b_io)
    c = f * c + i * g
    return o * tanh(w.gain_c * normalized(c) + w.shift_c), c


def zoneout_gru(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """Krueger et al. (2017), at inference: each unit keeps an eighth of its previous value."""
    r = sigmoid(w.W_ir @ x + w.b_ir + w.W_hr @ h + w.b_hr)
    z = sigmoid(w.W_iz @ x + w.b_iz + w.W_hz @ h + w.b_hz)
    n = tanh(w.W_in @ x + w.b_in + r * (w.W_hn @ h + w.b_hn))
    return (0.875 * mix(z, h, n) + 0.125 * h,)


def minimal_gated_unit(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """Zhou et al. (2016): one gate."""
    f = sigmoid(w.W_if @ x + w.b_if + w.W_hf @ h + w.b_hf)
    n = tanh(w.W_in @ x + w.b_in + w.W_hn @ (f * h) + w.b_hn)
    return (mix(f, n, h),)


def independent_rnn(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """Li et al. (2018): each unit depends only on its own state, so there is no recurrent matrix."""
    return (tanh(w.W_ih @ x + w.u * h + w.b_ih),)


@declare(R="PH")
def projected_lstm(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    """Sak et al. (2014), with peepholes and a recurrent projection R, as in TensorFlow Lite."""
    i = sigmoid(w.W_ii @ x + w.b_ii + w.W_hi @ h + w.p_i * c)
    f = sigmoid(w.W_if @ x + w.b_if + w.W_hf @ h + w.p_f * c)
    c = f * c + i * tanh(w.W_ig @ x + w.b_ig + w.W_hg @ h)
    o = sigmoid(w.W_io @ x + w.b_io + w.W_ho @ h + w.p_o * c)
    return w.R @ (o * tanh(c)), c


def leaky_rnn(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """Jaeger et al. (2007): an echo state network with a leak of 1/4."""
    return (mix(0.75, h, tanh(w.W_ih @ x + w.b_ih + w.W_hh @ h)),)


def slstm(x: Term, h: Term, c: Term, n: Term, m: Term, w: Weight) -> tuple[Term, Term, Term, Term]:
    """Beck et al. (2024), xLSTM, section 2.2: an exponential input gate, a normalizer n and a stabilizer m."""
    i, z = w.W_ii @ x + w.b_ii + w.W_hi @ h, tanh(w.W_iz @ x + w.b_iz + w.W_hz @ h)
    f = log_sigmoid(w.W_if @ x + w.b_if + w.W_hf @ h) + m
    m = maximum(f, i)
    c = exp(f - m) * c + exp(i - m) * z
    n = exp(f - m) * n + exp(i - m)
    return sigmoid(w.W_io @ x + w.b_io + w.W_ho @ h) * (c / n), c, n, m


def rg_lru(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """De et al. (2024), Griffin, section 2.4: a linear recurrence with a gated decay, without a recurrent matrix."""
    r, i = sigmoid(w.W_ir @ x + w.b_ir), sigmoid(w.W_ii @ x + w.b_ii)
    log_a = -8 * softplus(w.Lambda) * r
    return (exp(log_a) * h + sqrt(1 - exp(2 * log_a)) * (i * (w.W_iu @ x + w.b_iu)),)


def min_gru(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """Feng et al. (2024), section 3.1: a GRU whose gate and candidate do not depend on the state."""
    z = sigmoid(w.W_iz @ x + w.b_iz)
    return (mix(z, w.W_in @ x + w.b_in, h),)
