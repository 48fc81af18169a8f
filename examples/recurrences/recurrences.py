"""Two recurrences that are not built in, each as a function of the notation. ``scenarios.py`` certifies goldens."""

from rnn_goldens.cells.notation import Term, exp, sigmoid, softplus
from rnn_goldens.cells.recurrence_notation import Terms, kept, outer, recurrence


@recurrence(
    inputs={
        "q": "heads d_k",
        "k1": "heads d_k",
        "v1": "heads d_v",
        "beta1": "heads",
        "k2": "heads d_k",
        "v2": "heads d_v",
        "beta2": "heads",
        "g": "heads",
    },
    states={"S": "heads d_k d_v"},
    outputs={"o": "heads d_v"},
)
def delta_product(
    q: Term, k1: Term, v1: Term, beta1: Term, k2: Term, v2: Term, beta2: Term, g: Term, S: Term
) -> tuple[Terms, Terms]:
    """Gated DeltaProduct with two steps of the delta rule for each token: Siems et al. (2025), arXiv:2502.10297."""
    S = kept(exp(g)) * S
    S = S + outer(k1, beta1 * (v1 - S.mT @ k1))
    S = S + outer(k2, beta2 * (v2 - S.mT @ k2))
    return (S.mT @ q,), (S,)


@recurrence(
    inputs={"x": "heads p", "dt": "heads", "trap": "heads", "B": "n", "C": "n"},
    weights={"A": "heads", "D": "heads"},
    states={"h": "heads p n", "u": "heads p n"},
    outputs={"y": "heads p"},
    compared=["h"],
)
def trapezoidal_ssm(
    x: Term, dt: Term, trap: Term, B: Term, C: Term, A: Term, D: Term, h: Term, u: Term
) -> tuple[Terms, Terms]:
    """A state space with the trapezoidal rule of Mamba-3, without rotations; u is the input of the step before."""
    dt, share = softplus(dt), sigmoid(trap)
    decay, new = kept(exp(dt * A)), outer(x, B)
    h = decay * (h + (1 - share) * dt * u) + share * dt * new
    return (h @ C + D * x,), (h, new)
