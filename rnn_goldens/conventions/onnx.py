"""ONNX: the inputs W, R and B of the operators RNN, LSTM and GRU, one node per layer, here ``l0``.

- ``l0/W`` (directions, gates·hidden, input); gates i, o, f, c of LSTM; z, r, h of GRU, with ``linear_before_reset=1``.
- ``l0/R`` (directions, gates·hidden, hidden).
- ``l0/B`` (directions, 2·gates·hidden): b_ih, then b_hh, each in that gate order. Absent without biases.
- ``l0/P`` (directions, 3·hidden): the peepholes of gates i, o, f. Absent for cells without peepholes.

All weights of PyTorch are represented, with two separate biases. Directions: forward, then reverse.
Source: onnx.ai, Operators, RNN-22, LSTM-22 and GRU-22, section Inputs.
"""

import numpy as np

from rnn_goldens.conventions.conversion import ONNX, TORCH, Array, Weights, reorder
from rnn_goldens.golden.built_in_cells import LAYOUTS
from rnn_goldens.golden.shapes import Config

PEEPHOLES = ("p_i", "p_o", "p_f")


def from_torch(cell: str, config: Config, weights: Weights) -> Weights:
    """Convert PyTorch's weights to ONNX's."""

    def ordered(name: str) -> Array:
        return reorder(weights[name], TORCH[cell], ONNX[cell])

    onnx: dict[str, Array] = {}
    for layer, suffixes in _directions(config).items():
        onnx[f"{layer}/W"] = np.stack([ordered(f"weight_ih_{s}") for s in suffixes])
        onnx[f"{layer}/R"] = np.stack([ordered(f"weight_hh_{s}") for s in suffixes])
        if config.bias:
            pairs = [(ordered(f"bias_ih_{s}"), ordered(f"bias_hh_{s}")) for s in suffixes]
            onnx[f"{layer}/B"] = np.stack([np.concatenate(pair) for pair in pairs])
        if LAYOUTS[cell].further:
            onnx[f"{layer}/P"] = np.stack([np.concatenate([weights[f"{p}_{s}"] for p in PEEPHOLES]) for s in suffixes])
    return onnx


def to_torch(cell: str, config: Config, weights: Weights) -> Weights:
    """Convert ONNX's weights to PyTorch's."""
    torch: dict[str, Array] = {}
    for layer, suffixes in _directions(config).items():
        for direction, suffix in enumerate(suffixes):
            parts = {"weight_ih": weights[f"{layer}/W"][direction], "weight_hh": weights[f"{layer}/R"][direction]}
            if config.bias:
                parts["bias_ih"], parts["bias_hh"] = np.split(weights[f"{layer}/B"][direction], 2)
            if LAYOUTS[cell].further:
                peepholes = zip(PEEPHOLES, np.split(weights[f"{layer}/P"][direction], 3), strict=True)
                torch |= {f"{name}_{suffix}": array for name, array in peepholes}
            torch |= {f"{name}_{suffix}": reorder(array, ONNX[cell], TORCH[cell]) for name, array in parts.items()}
    return torch


def _directions(config: Config) -> dict[str, list[str]]:
    """Return the suffixes by layer: ``{"l0": ["l0", "l0_reverse"], …}``."""
    return {f"l{i}": suffixes for i, suffixes in enumerate(config.layers)}
