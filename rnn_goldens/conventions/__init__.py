"""Converts weights between conventions: the names, shapes and orders of libraries. Goldens store PyTorch's weights.

Each convention converts PyTorch's weights to its own and back. A convention that cannot represent a golden raises
Unsupported instead of omitting numbers. Each module has the details; in short:

=========  =========================================  ============  ===========  =============================
name       arrays                                     LSTM gates    GRU gates    biases
=========  =========================================  ============  ===========  =============================
torch      ``weight_ih_l0`` (gates·hidden, input)     i, f, g, o    r, z, n      b_ih and b_hh
textbook   ``W_xh`` (input, hidden)                   none          none         ``b`` = b_ih + b_hh
keras      ``l0/kernel`` (input, gates·hidden)        i, f, c, o    z, r, h      b_ih + b_hh; GRU: both
onnx       ``l0/W`` (directions, gates·hidden, input) i, o, f, c    z, r, h      both, in one ``l0/B``
flax       ``l0/ii/kernel`` (input, hidden) per gate  by name       by name      b_ih + b_hh; GRU: b_hn apart
=========  =========================================  ============  ===========  =============================
"""

from rnn_goldens.conventions import flax, keras, onnx, textbook
from rnn_goldens.conventions.conversion import KERAS, ONNX, Convention, Weights
from rnn_goldens.errors import UnknownName
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.shapes import Config

__all__ = ["CONVENTIONS", "Convention", "Weights", "convention"]


def _unchanged(_cell: str, _config: Config, weights: Weights) -> Weights:
    return weights


CONVENTIONS = {
    c.name: c
    for c in (
        Convention("torch", _unchanged, _unchanged),
        Convention("textbook", textbook.from_torch, textbook.to_torch, CELLS),
        Convention("keras", keras.from_torch, keras.to_torch, tuple(KERAS)),
        Convention("onnx", onnx.from_torch, onnx.to_torch, tuple(ONNX)),
        Convention("flax", flax.from_torch, flax.to_torch, flax.SUPPORTED, foreign_names=flax.FOREIGN_NAMES),
    )
}


def convention(name: str) -> Convention:
    """Return a convention by its name; raises UnknownName with the names that exist."""
    try:
        return CONVENTIONS[name]
    except KeyError:
        raise UnknownName("convention", name, CONVENTIONS) from None
