"""Keras 3: the weights of ``SimpleRNN``, ``LSTM`` and ``GRU`` layers, one layer after another.

Per layer and direction, with ``l0_reverse``, ``l1`` and so on in place of ``l0``:

- ``l0/kernel`` (input, gates·hidden); gates LSTM i, f, c, o; GRU z, r, h.
- ``l0/recurrent_kernel`` (hidden, gates·hidden).
- ``l0/bias`` (gates·hidden,): b_ih + b_hh: Keras has one bias. Converted back it becomes b_ih; b_hh is zero.
  GRU with ``reset_after=True``: (2, 3·hidden), b_ih and b_hh separately. Absent without biases (``use_bias=False``).

``layer.set_weights`` takes one direction's arrays in this order; ``Bidirectional`` takes ``l0``, then ``l0_reverse``.
Source: keras.io API, Recurrent layers; the ``build`` methods in keras/src/layers/rnn/{simple_rnn,lstm,gru}.py.
"""

import numpy as np

from rnn_goldens.conventions.conversion import KERAS, TORCH, Array, Weights, reorder
from rnn_goldens.golden.built_in_cells import standard_cell
from rnn_goldens.golden.shapes import Config


def from_torch(cell: str, config: Config, weights: Weights) -> Weights:
    """Convert PyTorch's weights to Keras's."""
    keras: dict[str, Array] = {}
    for suffix in config.suffixes:
        ordered = {
            name: reorder(weights[f"{name}_{suffix}"], TORCH[cell], KERAS[cell])
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")[: 4 if config.bias else 2]
        }
        keras[f"{suffix}/kernel"] = ordered["weight_ih"].T
        keras[f"{suffix}/recurrent_kernel"] = ordered["weight_hh"].T
        if config.bias:
            biases = np.stack([ordered["bias_ih"], ordered["bias_hh"]])
            keras[f"{suffix}/bias"] = biases if _has_two_biases(cell) else biases.sum(axis=0)
    return keras


def to_torch(cell: str, config: Config, weights: Weights) -> Weights:
    """Convert Keras's weights to PyTorch's."""
    torch: dict[str, Array] = {}
    for suffix in config.suffixes:
        ordered = {
            "weight_ih": weights[f"{suffix}/kernel"].T,
            "weight_hh": weights[f"{suffix}/recurrent_kernel"].T,
        }
        if config.bias:
            bias = weights[f"{suffix}/bias"]
            ordered["bias_ih"], ordered["bias_hh"] = bias if _has_two_biases(cell) else (bias, np.zeros_like(bias))
        torch |= {f"{name}_{suffix}": reorder(array, KERAS[cell], TORCH[cell]) for name, array in ordered.items()}
    return torch


def _has_two_biases(cell: str) -> bool:
    """Return whether Keras stores b_ih and b_hh separately: in a GRU with ``reset_after=True``."""
    return standard_cell(cell) == "gru" and cell != "gru_reset_before"
