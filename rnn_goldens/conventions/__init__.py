"""Converts weights between conventions: the names, shapes and orders of libraries. Goldens store PyTorch's weights.

A convention that cannot represent a golden raises Unsupported instead of omitting numbers. ``layouts.py`` has the
details; in short:

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

from rnn_goldens.conventions import layouts
from rnn_goldens.conventions.conversion import Convention
from rnn_goldens.conventions.layouts import Weights
from rnn_goldens.errors import UnknownName
from rnn_goldens.golden.built_in_cells import CELLS

__all__ = ["CONVENTIONS", "Convention", "Weights", "convention"]

CONVENTIONS = {
    c.name: c
    for c in (
        Convention("torch", layouts.torch),
        Convention("textbook", layouts.textbook, CELLS),
        Convention("keras", layouts.keras, tuple(layouts.KERAS)),
        Convention("onnx", layouts.onnx, tuple(layouts.ONNX)),
        Convention(
            "flax",
            layouts.flax,
            tuple(cell for cell in layouts.KERAS if cell != "gru_reset_before"),
            sums_to_hh=("lstm",),
            foreign_names=layouts.OF_NNX,
        ),
    )
}


def convention(name: str) -> Convention:
    """Return a convention by its name; raises UnknownName with the names that exist."""
    try:
        return CONVENTIONS[name]
    except KeyError:
        raise UnknownName("convention", name, CONVENTIONS) from None
