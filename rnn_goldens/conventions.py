"""Weights as other libraries and books name, shape and order them. Goldens store PyTorch's convention.

Each convention turns PyTorch's weights into its own and back. One that can not hold what a golden has raises
Unsupported instead of dropping it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.errors import UnknownName, Unsupported
from rnn_goldens.shapes import GATES, Config

Weights = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Convention:
    """A name and the two directions: ``from_torch(cell, config, weights)``, ``to_torch(cell, config, weights)``."""

    name: str
    from_torch: Callable[[str, Config, Weights], Weights]
    to_torch: Callable[[str, Config, Weights], Weights]


def _unchanged(_cell: str, _config: Config, weights: Weights) -> Weights:
    return weights


def _textbook_from_torch(cell: str, config: Config, weights: Weights) -> Weights:
    """``h_t = f(x_t @ W_xh + h_{t-1} @ W_hh + b)``: row vectors, so both matrices are transposed; b = b_ih + b_hh."""
    _require_textbook(cell, config)
    textbook = {"W_xh": weights["weight_ih_l0"].T, "W_hh": weights["weight_hh_l0"].T}
    if config.bias:
        textbook["b"] = weights["bias_ih_l0"] + weights["bias_hh_l0"]
    return textbook


def _torch_from_textbook(cell: str, config: Config, weights: Weights) -> Weights:
    """The other way; the one bias becomes ``bias_ih_l0``, and ``bias_hh_l0`` is zero."""
    _require_textbook(cell, config)
    torch = {"weight_ih_l0": weights["W_xh"].T, "weight_hh_l0": weights["W_hh"].T}
    if config.bias:
        torch |= {"bias_ih_l0": weights["b"], "bias_hh_l0": np.zeros_like(weights["b"])}
    return torch


def _require_textbook(cell: str, config: Config) -> None:
    if GATES[cell] > 1:
        raise Unsupported(f"the textbook convention has no gates: it can not hold the weights of an {cell}")
    if config.num_layers > 1 or config.bidirectional:
        raise Unsupported("the textbook convention names the weights of one layer in one direction")


CONVENTIONS = {
    c.name: c
    for c in (
        Convention("torch", _unchanged, _unchanged),
        Convention("textbook", _textbook_from_torch, _torch_from_textbook),
    )
}


def convention(name: str) -> Convention:
    """Look a convention up by name; raises UnknownName with the names that exist."""
    try:
        return CONVENTIONS[name]
    except KeyError:
        raise UnknownName("convention", name, CONVENTIONS) from None
