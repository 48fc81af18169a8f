"""The equations of the built-in recurrences, and their only definition in this project.

Equations take the inputs of one time step, the weights and the states before it, each of one lane, and return the
outputs of the step and the states after it. ``rnn_goldens.golden.recurrences`` lists the arrays and the sources;
``recurrence_notation`` has the notation.
"""

from rnn_goldens.cells.notation import Operand, Term, exp, log_sigmoid, maximum, sigmoid, softplus, sqrt, tanh
from rnn_goldens.cells.recurrence_notation import Terms, kept, outer, stacked, without_first_row


def linear_attention(
    q: Term, k: Term, v: Term, S: Term, *, scale: Operand, g: Term | None = None, beta: Term | None = None
) -> tuple[Terms, Terms]:
    """The four rules of ONNX's LinearAttention: linear; gated, with g; delta, with beta; gated_delta, with both.

    S is (d_k, d_v). The decay e^g is a number for each head, or for each row of S.
    """
    if g is not None:
        S = kept(exp(g)) * S
    if beta is not None:
        v = beta * (v - S.mT @ k)
    S = S + outer(k, v)
    return (scale * (S.mT @ q),), (S,)


def selective_scan(u: Term, dt: Term, B: Term, C: Term, A: Term, D: Term, h: Term) -> tuple[Terms, Terms]:
    """Gu & Dao (2023): h is (channels, n); u and dt have a number for each channel, B and C for each of n."""
    dt = softplus(dt)
    h = kept(exp(dt * A)) * h + outer(dt * u, B)
    return (h @ C + D * u,), (h,)


def slstm(  # noqa: PLR0917 - called by name
    x_i: Term, x_f: Term, x_z: Term, x_o: Term, R_i: Term, R_f: Term, R_z: Term, R_o: Term,
    h: Term, c: Term, n: Term, m: Term,
) -> tuple[Terms, Terms]:  # fmt: skip
    """Beck et al. (2024), with projected inputs. The stabilizer m changes h by rounding only."""
    i, z, o = x_i + R_i @ h, x_z + R_z @ h, x_o + R_o @ h
    f = log_sigmoid(x_f + R_f @ h) + m
    m = maximum(f, i)
    i, f = exp(i - m), exp(f - m)
    c, n = f * c + i * tanh(z), f * n + i
    h = sigmoid(o) * (c / n)
    return (h,), (h, c, n, m)


def rg_lru(x: Term, r: Term, i: Term, Lambda: Term, h: Term) -> tuple[Terms, Terms]:
    """De et al. (2024), with projected inputs: the decay is exp(-8 softplus(Λ) sigmoid(r))."""
    log_a = -8 * (softplus(Lambda) * sigmoid(r))
    h = kept(exp(log_a)) * h + sqrt(1 - exp(2 * log_a)) * (sigmoid(i) * x)
    return (h,), (h,)


def min_gru(z: Term, n: Term, h: Term) -> tuple[Terms, Terms]:
    """Feng et al. (2024), with projected inputs."""
    z = sigmoid(z)
    h = kept(1 - z) * h + z * n
    return (h,), (h,)


def causal_conv(x: Term, weight: Term, bias: Term, window: Term, *, silu: bool) -> tuple[Terms, Terms]:
    """ONNX's CausalConvWithState, for one channel: the window is the last inputs, the oldest first."""
    window = stacked(window, x)
    y = weight.mT @ window + bias
    return (y * sigmoid(y) if silu else y,), (without_first_row(window),)
