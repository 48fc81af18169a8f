"""An LSTM from scratch, the implementation under test: one layer, one direction, PyTorch's gate order, batch first."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def lstm(x: Array, h0: Array, c0: Array, w_ih: Array, w_hh: Array, b: Array | float) -> tuple[Array, Array, Array]:
    """Return out, h_n, c_n for x (batch, time, input), h0 and c0 (batch, hidden); b is the sum of both biases."""
    h, c, out = h0, c0, []
    for x_t in x.swapaxes(0, 1):
        i, f, g, o = np.split(x_t @ w_ih.T + h @ w_hh.T + b, 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        out.append(h)
    return np.stack(out, axis=1), h, c


def sigmoid(z: Array) -> Array:
    with np.errstate(over="ignore"):
        y: Array = 1 / (1 + np.exp(-z))
    return y
