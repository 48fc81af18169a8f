"""The orders in which conventions stack the gates of a cell, one letter a gate, under PyTorch's names of them.

LSTM: input i, forget f, candidate g (Keras and ONNX call it c), output o. GRU: reset r, update z, candidate n (h).
"""

import numpy as np

from rnn_goldens.conventions.conversion import Array
from rnn_goldens.golden.shapes import LAYOUTS

TORCH = {cell: layout.gates for cell, layout in LAYOUTS.items()}
KERAS = {**TORCH, "gru": "zrn"}
ONNX = {**TORCH, "lstm": "iofg", "gru": "zrn"}


def reorder(stacked: Array, order: str, wanted: str) -> Array:
    """Put the gates of (gates·hidden, …) into another order: ``reorder(weight_ih, "ifgo", "iofg")``."""
    blocks = dict(zip(order, np.split(stacked, len(order)), strict=True))
    return np.concatenate([blocks[gate] for gate in wanted])
