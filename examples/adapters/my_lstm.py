"""An LSTM from scratch: one layer in one direction, PyTorch's gate order, batch first. What is to be checked."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def lstm(x: Array, h0: Array, c0: Array, w_ih: Array, w_hh: Array, b: Array | float) -> tuple[Array, Array, Array]:
    """(batch, time, input), (batch, hidden) twice, PyTorch's matrices and the sum of its biases → out, h_n, c_n."""
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
