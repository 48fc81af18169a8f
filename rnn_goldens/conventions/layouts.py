"""The layouts of weights in other conventions: each function returns PyTorch's weights in one of them.

Names begin with the layer and direction: ``l0``, ``l0_reverse``, ``l1`` and so on; ONNX's with the layer.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.built_in_cells import CELLS, DIALECTS, LAYOUTS, standard_cell
from rnn_goldens.golden.shapes import Config

Array = NDArray[np.float64]

Weights = Mapping[str, Array]

TORCH = {cell: layout.gates for cell, layout in LAYOUTS.items()}
KERAS = {
    cell: {"gru": "zrn"}.get(standard_cell(cell), gates)
    for cell, gates in TORCH.items()
    if not LAYOUTS[cell].further and gates == TORCH[standard_cell(cell)]
}
ONNX = {
    cell: {"lstm": "iofg", "gru": "zrn"}.get(standard_cell(cell), gates)
    for cell, gates in TORCH.items()
    if cell in CELLS or DIALECTS[cell].in_onnx
}
"""The gate orders of conventions, with PyTorch's letter for each gate.

LSTM: input i, forget f, candidate g (c in Keras and ONNX), output o. GRU: reset r, update z, candidate n (h).
"""

PEEPHOLES = ("p_i", "p_o", "p_f")
"""ONNX's order of the peepholes."""

OF_NNX = dict.fromkeys(
    ("dense_i", "dense_h", "if_"),
    "these are weights of flax.nnx; the convention flax is that of flax.linen, with one kernel for each gate",
)
"""Names that only ``flax.nnx`` uses."""


def torch(_cell: str, _config: Config, weights: Weights) -> Weights:
    """Return the weights as they are."""
    return weights


def textbook(cell: str, config: Config, weights: Weights) -> Weights:
    """Return the textbook's ``h_t = f(x_t @ W_xh + h_{t-1} @ W_hh + b)``, for one layer and direction, without gates.

    ``W_xh`` (input, hidden), ``W_hh`` (hidden, hidden) and ``b`` (hidden,). Vectors are rows, so PyTorch's matrices are
    transposed. There is one bias: b = b_ih + b_hh; converted back it becomes b_ih, and b_hh is zero.
    Source: d2l.ai, "Recurrent Neural Networks", section 9.4.2.
    """
    if len(LAYOUTS[cell].gates) > 1:
        raise Unsupported(f"the textbook convention has no gates: it cannot represent the weights of {cell}")
    if config.num_layers > 1 or config.bidirectional:
        raise Unsupported("the textbook convention supports one layer in one direction only")
    found = {"W_xh": weights["weight_ih_l0"].T, "W_hh": weights["weight_hh_l0"].T}
    return found | ({"b": weights["bias_ih_l0"] + weights["bias_hh_l0"]} if config.bias else {})


def keras(cell: str, config: Config, weights: Weights) -> Weights:
    """Return the weights of Keras 3's ``SimpleRNN``, ``LSTM`` and ``GRU`` layers, one layer after another.

    - ``l0/kernel`` (input, gates·hidden); gates LSTM i, f, c, o; GRU z, r, h.
    - ``l0/recurrent_kernel`` (hidden, gates·hidden).
    - ``l0/bias`` (gates·hidden,): b_ih + b_hh: Keras has one bias. Converted back it becomes b_ih; b_hh is zero.
      GRU with ``reset_after=True``: (2, 3·hidden), b_ih and b_hh separately. Absent if ``use_bias=False``.

    ``layer.set_weights`` takes one direction's arrays in this order; ``Bidirectional`` takes ``l0``, then
    ``l0_reverse``.
    Source: keras.io API, Recurrent layers; the ``build`` methods in keras/src/layers/rnn/{simple_rnn,lstm,gru}.py.
    """
    has_two_biases = standard_cell(cell) == "gru" and cell != "gru_reset_before"
    found: dict[str, Array] = {}
    for suffix in config.suffixes:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")[: 4 if config.bias else 2]
        w_ih, w_hh, *biases = (reorder(weights[f"{name}_{suffix}"], TORCH[cell], KERAS[cell]) for name in names)
        found |= {f"{suffix}/kernel": w_ih.T, f"{suffix}/recurrent_kernel": w_hh.T}
        if biases:
            found[f"{suffix}/bias"] = np.stack(biases) if has_two_biases else np.sum(biases, axis=0)
    return found


def onnx(cell: str, config: Config, weights: Weights) -> Weights:
    """Return the inputs W, R and B of ONNX's operators RNN, LSTM and GRU, one node per layer, here ``l0``.

    - ``l0/W`` (directions, gates·hidden, input); gates i, o, f, c of LSTM; z, r, h of GRU, with
      ``linear_before_reset=1``.
    - ``l0/R`` (directions, gates·hidden, hidden).
    - ``l0/B`` (directions, 2·gates·hidden): b_ih, then b_hh, each in that gate order. Absent without biases.
    - ``l0/P`` (directions, 3·hidden): the peepholes of gates i, o, f. Absent for cells without peepholes.

    All weights of PyTorch are represented, with two separate biases. Directions: forward, then reverse.
    Source: onnx.ai, Operators, RNN-22, LSTM-22 and GRU-22, section Inputs.
    """

    def ordered(name: str) -> Array:
        return reorder(weights[name], TORCH[cell], ONNX[cell])

    found: dict[str, Array] = {}
    for layer, suffixes in enumerate(config.layers):
        found[f"l{layer}/W"] = np.stack([ordered(f"weight_ih_{s}") for s in suffixes])
        found[f"l{layer}/R"] = np.stack([ordered(f"weight_hh_{s}") for s in suffixes])
        if config.bias:
            pairs = [(ordered(f"bias_ih_{s}"), ordered(f"bias_hh_{s}")) for s in suffixes]
            found[f"l{layer}/B"] = np.stack([np.concatenate(pair) for pair in pairs])
        if LAYOUTS[cell].further:
            peepholes = [[weights[f"{name}_{s}"] for name in PEEPHOLES] for s in suffixes]
            found[f"l{layer}/P"] = np.stack([np.concatenate(of_direction) for of_direction in peepholes])
    return found


def flax(cell: str, config: Config, weights: Weights) -> Weights:
    """Return the params of ``SimpleCell``, ``LSTMCell``, ``OptimizedLSTMCell`` and ``GRUCell`` in ``flax.linen``.

    The rest of a name is the path in the params of that cell: ``flax.traverse_util.unflatten_dict(weights,
    sep="/")["l0"]`` returns these params.

    - ``l0/ii/kernel`` (input, hidden): one kernel per gate: LSTM ``ii``, ``if``, ``ig``, ``io``; GRU ``ir``, ``iz``,
      ``in``; SimpleCell ``i``.
    - ``l0/hi/kernel`` (hidden, hidden): one kernel per gate: LSTM ``hi`` … ``ho``; GRU ``hr``, ``hz``, ``hn``;
      SimpleCell ``h``.
    - ``l0/hi/bias`` (hidden,): b_ih + b_hh, because Flax has one bias per gate. LSTM: ``hi`` … ``ho``, converted back
      to b_hh; b_ih is zero. SimpleCell: ``i``, and GRU: ``ir``, ``iz``, ``in``, converted back to b_ih; b_hh is zero.
      The candidate of a GRU has two biases, as in PyTorch: b_in at ``in`` and b_hn at ``hn``.

    These cells always have biases: they are zero for a network without biases, and must be zero to convert back.
    Source: flax.readthedocs.io, flax.linen, RNN cells; flax/linen/recurrent.py. (``flax.nnx``: its ``LSTMCell`` has
    ``if_`` for ``if``; its other cells stack the gates, and its ``GRUCell`` has no b_hn, contrary to its docs.)
    """
    kind = standard_cell(cell)
    gates = TORCH[kind] if len(TORCH[kind]) > 1 else [""]
    found: dict[str, Array] = {}
    for suffix in config.suffixes:
        zeros = np.zeros(len(gates) * config.hidden_size)
        b_ih, b_hh = (weights.get(f"bias_{side}h_{suffix}", zeros) for side in "ih")
        for side in "ih":
            kernels = np.split(weights[f"weight_{side}h_{suffix}"], len(gates))
            found |= {f"{suffix}/{side}{gate}/kernel": kernel.T for gate, kernel in zip(gates, kernels, strict=True)}
        biases = zip(gates, np.split(b_ih + b_hh, len(gates)), strict=True)
        found |= {f"{suffix}/{'h' if kind == 'lstm' else 'i'}{gate}/bias": bias for gate, bias in biases}
        if kind == "gru":
            found |= {f"{suffix}/in/bias": np.split(b_ih, 3)[2], f"{suffix}/hn/bias": np.split(b_hh, 3)[2]}
    return found


def reorder(stacked: Array, order: str, wanted: str) -> Array:
    """Return (gates·hidden, …) with the gates in another order: ``reorder(weight_ih, "ifgo", "iofg")``."""
    blocks = dict(zip(order, np.split(stacked, len(order)), strict=True))
    return np.concatenate([blocks[gate] for gate in wanted])
