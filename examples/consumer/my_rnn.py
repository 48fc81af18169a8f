"""An RNN from scratch, as in a project that installs rnn-goldens."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def my_rnn(x: NDArray[Any], h0: NDArray[Any], W_xh: NDArray[Any], W_hh: NDArray[Any]) -> tuple[NDArray[Any], ...]:  # noqa: N803
    """h_t = relu(x_t @ W_xh + h_{t-1} @ W_hh), for x (batch, time, input) and h0 (1, batch, hidden)."""
    h, steps = h0[0], []
    for t in range(x.shape[1]):
        h = np.maximum(x[:, t] @ W_xh + h @ W_hh, 0)
        steps.append(h)
    return np.stack(steps, axis=1), h[None]
