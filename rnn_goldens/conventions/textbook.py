"""The textbook convention: ``h_t = f(x_t @ W_xh + h_{t-1} @ W_hh + b)``, for one layer in one direction, without gates.

``W_xh`` (input, hidden), ``W_hh`` (hidden, hidden) and ``b`` (hidden,). Vectors are rows, so PyTorch's matrices are
transposed. There is one bias: b = b_ih + b_hh; converted back it becomes b_ih, and b_hh is zero.
Source: d2l.ai, "Recurrent Neural Networks", section 9.4.2.
"""

import numpy as np

from rnn_goldens.conventions.conversion import Weights
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.built_in_cells import LAYOUTS
from rnn_goldens.golden.shapes import Config


def from_torch(cell: str, config: Config, weights: Weights) -> Weights:
    """Convert PyTorch's weights to the textbook's."""
    _require_textbook(cell, config)
    textbook = {"W_xh": weights["weight_ih_l0"].T, "W_hh": weights["weight_hh_l0"].T}
    if config.bias:
        textbook["b"] = weights["bias_ih_l0"] + weights["bias_hh_l0"]
    return textbook


def to_torch(cell: str, config: Config, weights: Weights) -> Weights:
    """Convert the textbook's weights to PyTorch's."""
    _require_textbook(cell, config)
    torch = {"weight_ih_l0": weights["W_xh"].T, "weight_hh_l0": weights["W_hh"].T}
    if config.bias:
        torch |= {"bias_ih_l0": weights["b"], "bias_hh_l0": np.zeros_like(weights["b"])}
    return torch


def _require_textbook(cell: str, config: Config) -> None:
    if len(LAYOUTS[cell].gates) > 1:
        raise Unsupported(f"the textbook convention has no gates: it cannot represent the weights of {cell}")
    if config.num_layers > 1 or config.bidirectional:
        raise Unsupported("the textbook convention supports one layer in one direction only")
