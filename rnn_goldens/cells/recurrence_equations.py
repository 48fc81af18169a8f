"""The equations of the built-in recurrences, and their only definition in this project.

Equations take the inputs of one time step, the weights and the states before it, each of one lane, and return the
outputs of the step and the states after it. ``rnn_goldens.golden.recurrences`` lists the arrays and the sources;
``recurrence_notation`` has the notation.
"""

from collections.abc import Callable
from fractions import Fraction

from rnn_goldens.cells.notation import (
    Operand,
    Term,
    exp,
    log_sigmoid,
    maximum,
    minimum,
    rsqrt,
    sigmoid,
    softplus,
    sqrt,
    tanh,
)
from rnn_goldens.cells.recurrence_notation import Terms, kept, outer, stacked, without_first_row

Attention = Callable[..., tuple[Terms, Terms]]


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


# Recurrences of models: linear attention with equations around it, and others. The chunked form of the former records
# what they give to ``attention``, and computes the equations around it step by step.


def l2norm(z: Term) -> Term:
    """The column z over its length: z / √(zᵀ z + 1e-6)."""
    return z * rsqrt(z.mT @ z + Fraction(1, 10**6))


def gated_delta_net(
    q: Term, k: Term, v: Term, a: Term, b: Term, A_log: Term, dt_bias: Term, S: Term, *,
    scale: Operand, beta_limit: Operand, attention: Attention = linear_attention,
) -> tuple[Terms, Terms]:  # fmt: skip
    """Yang et al. (2024) as Qwen3-Next computes it: normalized queries and keys, and gates from projections a and b."""
    g, beta = -exp(A_log) * softplus(a + dt_bias), beta_limit * sigmoid(b)
    return attention(q=l2norm(q), k=l2norm(k), v=v, g=g, beta=beta, S=S, scale=scale)


def kda(
    q: Term, k: Term, v: Term, a: Term, b: Term, A_log: Term, dt_bias: Term, S: Term, *,
    scale: Operand, beta_limit: Operand, lower_bound: Operand | None, attention: Attention = linear_attention,
) -> tuple[Terms, Terms]:  # fmt: skip
    """Kimi Delta Attention: a decay for each key, from one of two gates."""
    a = a + dt_bias
    g = -exp(A_log) * softplus(a) if lower_bound is None else lower_bound * sigmoid(exp(A_log) * a)
    return attention(q=l2norm(q), k=l2norm(k), v=v, g=g, beta=beta_limit * sigmoid(b), S=S, scale=scale)


def gated_delta_net_2(  # noqa: PLR0917 - called by name
    q: Term, k: Term, v: Term, a: Term, b: Term, w: Term, A_log: Term, dt_bias: Term, S: Term, *,
    scale: Operand, beta_limit: Operand,
) -> tuple[Terms, Terms]:  # fmt: skip
    """Hatamizadeh et al. (2026): one gate for what a key erases, by key, and one for what it writes, by value."""
    k, erase = l2norm(k), beta_limit * sigmoid(b)
    S = kept(exp(-exp(A_log) * softplus(a + dt_bias))) * S
    S = S + outer(k, sigmoid(w) * v - S.mT @ (erase * k))
    return (scale * (S.mT @ l2norm(q)),), (S,)


def mamba(
    u: Term, dt: Term, B: Term, C: Term, A: Term, D: Term, dt_bias: Term, h: Term, *,
    z: Term | None = None, step_size: str,
) -> tuple[Terms, Terms]:  # fmt: skip
    """Gu & Dao (2023) as Mamba's kernel computes it: the selective scan with its step size and a gate."""
    dt = softplus(dt + dt_bias) if step_size == "softplus" else dt + dt_bias
    h = kept(exp(dt * A)) * h + outer(dt * u, B)
    y = h @ C + D * u
    return (y if z is None else y * (z * sigmoid(z)),), (h,)


def mamba2(
    x: Term, dt: Term, B: Term, C: Term, A: Term, D: Term, dt_bias: Term, h: Term, *,
    z: Term | None = None, dt_min: Operand, dt_max: Operand | None, attention: Attention = linear_attention,
) -> tuple[Terms, Terms]:  # fmt: skip
    """Dao & Gu (2024): linear attention in which C is the query, B the key and dt x the value."""
    dt = maximum(softplus(dt + dt_bias), dt_min)
    dt = dt if dt_max is None else minimum(dt, dt_max)
    (y,), (S,) = attention(q=C, k=B, v=dt * x, g=dt * A, S=h.mT, scale=1)
    y = y + D * x
    return (y if z is None else y * (z * sigmoid(z)),), (S.mT,)


def retention(
    q: Term, k: Term, v: Term, log_decay: Term, S: Term, *, scale: Operand, attention: Attention = linear_attention
) -> tuple[Terms, Terms]:
    """Linear attention with a decay that is fixed for each head: RetNet, Lightning Attention."""
    return attention(q=q, k=k, v=v, g=log_decay, S=S, scale=scale)


DECAY_RATE = Fraction("0.6065306597126334236037995349911804534419")
"""e^-1/2."""


def generalized_delta(
    q: Term, k: Term, v: Term, a: Term, b: Term, g: Term, S: Term, *, scale: Operand
) -> tuple[Terms, Terms]:
    """RWKV-7 and DPLR: the state is multiplied by a diagonal matrix plus b aᵀ."""
    S = kept(exp(g)) * S + outer(b, S.mT @ a) + outer(k, v)
    return (scale * (S.mT @ q),), (S,)


def rwkv7(
    q: Term, k: Term, v: Term, kappa: Term, a: Term, w: Term, k_a: Term, S: Term, *, scale: Operand
) -> tuple[Terms, Terms]:
    """Peng et al. (2025): a removal key of length one, an in-context learning rate a, and a decay above 0.545."""
    kappa = kappa / maximum(sqrt(kappa.mT @ kappa), Fraction(1, 10**12))
    a, g = sigmoid(a), -DECAY_RATE * sigmoid(w)
    return generalized_delta(q, k * (1 + (a - 1) * k_a), v, -kappa, kappa * a, g, S, scale=scale)


def rwkv6(q: Term, k: Term, v: Term, g: Term, u: Term, S: Term, *, scale: Operand) -> tuple[Terms, Terms]:
    """Peng et al. (2024): the output reads the state before the step, and the step itself with a bonus u."""
    o = scale * (S.mT @ q + v * (q.mT @ (u * k)))
    return (o,), (kept(exp(g)) * S + outer(k, v),)


def mlstm(
    q: Term, k: Term, v: Term, i: Term, f: Term, C: Term, n: Term, m: Term, *, scale: Operand, eps: Operand
) -> tuple[Terms, Terms]:
    """Beck et al. (2024): matrix memory C, normalizer n, and the stabilizer m, which changes h by rounding only."""
    f = log_sigmoid(f) + m
    m = maximum(f, i)
    f, i, q = kept(exp(f - m)), exp(i - m), scale * q
    C, n = f * C + outer(k, i * v), f * n + i * k
    h = (C.mT @ q) / (maximum(abs(n.mT @ q), exp(-m)) + eps)
    return (h,), (C, n, m)


def short_conv(x: Term, B: Term, C: Term, weight: Term, window: Term) -> tuple[Terms, Terms]:
    """The short convolution of LFM2, for one channel: gated by B before and by C after."""
    window = stacked(window, B * x)
    return (C * (weight.mT @ window),), (without_first_row(window),)


def causal_conv(x: Term, weight: Term, bias: Term, window: Term, *, silu: bool) -> tuple[Terms, Terms]:
    """ONNX's CausalConvWithState, for one channel: the window is the last inputs, the oldest first."""
    window = stacked(window, x)
    y = weight.mT @ window + bias
    return (y * sigmoid(y) if silu else y,), (without_first_row(window),)
