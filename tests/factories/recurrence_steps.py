"""Time steps of three recurrences in NumPy, written from their papers and without the notation."""

from typing import Any

import numpy as np


def logistic(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def slstm(x: Any, state: Any, w: Any) -> Any:
    """Without a stabilizer: m is what the stabilized cell would keep, c and n are divided by its exponential."""
    h, c, n, m = state
    i, z, f, o = np.split(x @ w["weight_ih"].T + w["bias_ih"] + h @ w["weight_hh"].T, 4, axis=-1)
    f_gate, after = logistic(f), np.maximum(np.log(logistic(f)) + m, i)
    c = (f_gate * c * np.exp(m) + np.exp(i) * np.tanh(z)) / np.exp(after)
    n = (f_gate * n * np.exp(m) + np.exp(i)) / np.exp(after)
    return logistic(o) * c / n, c, n, after


def rg_lru(x: Any, h: Any, w: Any) -> Any:
    r, i, u = np.split(x @ w["weight_ih"].T + w["bias_ih"], 3, axis=-1)
    a = np.exp(-np.log1p(np.exp(w["Lambda"]))) ** (8 * logistic(r))
    return a * h + np.sqrt(1 - a * a) * (logistic(i) * u)


def min_gru(x: Any, h: Any, w: Any) -> Any:
    z, n = np.split(x @ w["weight_ih"].T + w["bias_ih"], 2, axis=-1)
    return h + logistic(z) * (n - h)


def rg_lru_without_root(x: Any, h: Any, w: Any) -> Any:
    """Wrong: the input is scaled by 1 - a² instead of its root."""
    r, i, u = np.split(x @ w["weight_ih"].T + w["bias_ih"], 3, axis=-1)
    a = np.exp(-np.log1p(np.exp(w["Lambda"]))) ** (8 * logistic(r))
    return a * h + (1 - a * a) * (logistic(i) * u)
