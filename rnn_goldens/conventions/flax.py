"""Flax: the params of ``SimpleCell``, ``LSTMCell``, ``OptimizedLSTMCell`` and ``GRUCell`` in ``flax.linen``.

Names begin with the layer and direction: ``l0``, ``l0_reverse``, ``l1`` and so on. The rest of a name is the path in
the params of that cell: ``flax.traverse_util.unflatten_dict(weights, sep="/")["l0"]`` returns these params.

- ``l0/ii/kernel`` (input, hidden): one kernel per gate: LSTM ``ii``, ``if``, ``ig``, ``io``; GRU ``ir``, ``iz``,
  ``in``; SimpleCell ``i``.
- ``l0/hi/kernel`` (hidden, hidden): one kernel per gate: LSTM ``hi`` … ``ho``; GRU ``hr``, ``hz``, ``hn``;
  SimpleCell ``h``.
- ``l0/hi/bias`` (hidden,): b_ih + b_hh, because Flax has one bias per gate. LSTM: ``hi`` … ``ho``, converted back to
  b_hh; b_ih is zero. SimpleCell: ``i``, and GRU: ``ir``, ``iz``, ``in``, converted back to b_ih; b_hh is zero. The
  candidate of a GRU has two biases, as in PyTorch: b_in at ``in`` and b_hn at ``hn``.

These cells always have biases: they are zero for a network without biases, and must be zero to convert back.
Source: flax.readthedocs.io, flax.linen, RNN cells; flax/linen/recurrent.py. (``flax.nnx``: its ``LSTMCell`` has
``if_`` for ``if``; its other cells stack the gates, and its ``GRUCell`` has no b_hn, contrary to its docs.)
"""

import numpy as np

from rnn_goldens.conventions.conversion import KERAS, Array, Weights
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.built_in_cells import standard_cell
from rnn_goldens.golden.shapes import Config

GATES = {"rnn_tanh": [""], "rnn_relu": [""], "lstm": ["i", "f", "g", "o"], "gru": ["r", "z", "n"]}
"""Names of the gates in the params, in PyTorch's order."""

SUPPORTED = tuple(cell for cell in KERAS if cell != "gru_reset_before")
"""The cells with the weights of Flax's cells: those of Keras, except the GRU that resets before the product."""


FOREIGN_NAMES = dict.fromkeys(
    ("dense_i", "dense_h", "if_"),
    "these are weights of flax.nnx; the convention flax is that of flax.linen, with one kernel for each gate",
)
"""Names that only ``flax.nnx`` uses."""


def from_torch(cell: str, config: Config, weights: Weights) -> Weights:
    """Convert PyTorch's weights to Flax's."""
    flax: dict[str, Array] = {}
    for suffix in config.suffixes:
        for side in ("i", "h"):
            kernels = _by_gate(cell, weights[f"weight_{side}h_{suffix}"])
            flax |= {f"{suffix}/{side}{gate}/kernel": kernel.T for gate, kernel in kernels.items()}
        zeros = np.zeros(len(_gates(cell)) * config.hidden_size)
        b_ih, b_hh = (weights.get(f"bias_{side}h_{suffix}", zeros) for side in ("i", "h"))
        flax |= {f"{suffix}/{place}/bias": bias for place, bias in _biases(cell, b_ih, b_hh).items()}
    return flax


def to_torch(cell: str, config: Config, weights: Weights) -> Weights:
    """Convert Flax's weights to PyTorch's."""
    torch: dict[str, Array] = {}
    for suffix in config.suffixes:
        for side in ("i", "h"):
            paths = [f"{suffix}/{side}{gate}" for gate in _gates(cell)]
            torch[f"weight_{side}h_{suffix}"] = np.concatenate([weights[f"{path}/kernel"].T for path in paths])
            biases = [weights.get(f"{path}/bias", np.zeros(config.hidden_size)) for path in paths]
            if config.bias:
                torch[f"bias_{side}h_{suffix}"] = np.concatenate(biases)
            elif np.any(biases):
                raise Unsupported(
                    f"a network without biases cannot represent the {side}-side biases of {suffix}: they are not zero"
                )
    return torch


def _biases(cell: str, b_ih: Array, b_hh: Array) -> dict[str, Array]:
    """Return the biases of one layer and direction, by their paths in the params."""
    side = "h" if standard_cell(cell) == "lstm" else "i"
    biases = {f"{side}{gate}": bias for gate, bias in _by_gate(cell, b_ih + b_hh).items()}
    if standard_cell(cell) == "gru":
        biases |= {"in": _by_gate(cell, b_ih)["n"], "hn": _by_gate(cell, b_hh)["n"]}
    return biases


def _by_gate(cell: str, stacked: Array) -> dict[str, Array]:
    gates = _gates(cell)
    return dict(zip(gates, np.split(stacked, len(gates)), strict=True))


def _gates(cell: str) -> list[str]:
    return GATES[standard_cell(cell)]
