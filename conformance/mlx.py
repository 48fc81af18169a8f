"""``mlx.nn.RNN``, ``LSTM`` and ``GRU`` on the CPU, one per layer and direction, with gradients.

An MLX layer processes whole sequences forward and returns every state; for the reverse direction ``x`` is reversed.
"""

from collections.abc import Mapping
from typing import Any

import mlx.core as mx
from mlx import nn

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported
from rnn_goldens.implementations.differentiation import arrays_of
from rnn_goldens.implementations.network_construction import InstanceCache, require_cell

LAYERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "rnn_tanh": (nn.RNN, {}),
    "rnn_relu": (nn.RNN, {"nonlinearity": nn.relu}),
    "lstm": (nn.LSTM, {}),
    "gru": (nn.GRU, {}),
}

TIME = -2
"""The axis of time, with and without a batch."""

Arrays = dict[str, Any]
"""MLX arrays under PyTorch's names."""


def run(golden: Inputs) -> tuple[Any, ...] | Mapping[str, Any]:
    """Return out, h_n (and c_n), or gradients. Raises Unsupported for lengths, which MLX layers do not support."""
    if golden.has_cotangents:
        return _gradients(golden)
    with mx.stream(mx.cpu):  # only the CPU has float64
        found = _call(golden, _layers(golden), _given(golden))
        mx.eval(found)
        return found


def _gradients(golden: Inputs) -> Mapping[str, Any]:
    """Return the gradients that ``mx.vjp`` computes, by name. Raises the same exceptions as ``run``."""
    with mx.stream(mx.cpu):
        given, layers = _given(golden), _new_layers(golden)

        def forward(*arrays: Any) -> list[Any]:  # noqa: ANN401 - arrays of MLX
            followed = dict(zip(given, arrays, strict=True))
            _set(golden, layers, followed)
            return list(_call(golden, layers, followed))

        cotangents = [_array(golden, array) for array in golden.cotangents.values()]
        _, by_array = mx.vjp(forward, list(given.values()), cotangents)
        mx.eval(by_array)
        return dict(zip(given, by_array, strict=True))


def _given(golden: Inputs) -> Arrays:
    return {name: _array(golden, array) for name, array in arrays_of(golden).items()}


def _array(golden: Inputs, array: Any) -> Any:  # noqa: ANN401 - of NumPy, and of MLX
    return mx.array(array, dtype=getattr(mx, golden.dtype))


def _call(golden: Inputs, layers: Mapping[str, Any], given: Arrays) -> tuple[Any, ...]:
    if golden.lengths is not None:
        raise Unsupported("mlx.nn has no lengths")
    x, starts = given["x"], [given[f"{name}0"] for name in golden.layout.states if f"{name}0" in given]
    last_states: list[list[Any]] = []
    for suffixes in golden.network.layers:
        outs = []
        for suffix in suffixes:
            order = slice(None, None, -1 if suffix.endswith("_reverse") else 1)
            found = layers[suffix](x[..., order, :], *(start[len(last_states)] for start in starts))
            states = list(found) if isinstance(found, tuple) else [found]
            outs.append(states[0][..., order, :])
            last_states.append([state[..., -1, :] for state in states])
        x = mx.concatenate(outs, axis=-1)
    return x, *(mx.stack(of_all) for of_all in zip(*last_states, strict=True))


def _new_layers(golden: Inputs) -> dict[str, Any]:
    """Return the MLX layer of each of the golden's layers and directions."""
    require_cell(golden, "mlx.nn")
    config, (kind, arguments) = golden.network, LAYERS[golden.cell]
    return {
        suffix: kind(golden.weights[f"weight_ih_{suffix}"].shape[1], config.hidden_size, bias=config.bias, **arguments)
        for suffix in config.suffixes
    }


def _set(golden: Inputs, layers: Mapping[str, Any], weights: Arrays) -> None:
    """Set the weights of layers. MLX has one bias per gate, except that a GRU's candidate has two."""
    candidate = 2 * golden.network.hidden_size
    for suffix, layer in layers.items():
        names = ("Wxh", "Whh") if isinstance(layer, nn.RNN) else ("Wx", "Wh")
        own = dict(zip(names, (weights[f"weight_ih_{suffix}"], weights[f"weight_hh_{suffix}"]), strict=True))
        if golden.network.bias:
            b_ih, b_hh = weights[f"bias_ih_{suffix}"], weights[f"bias_hh_{suffix}"]
            if golden.cell == "gru":
                summed = b_ih[:candidate] + b_hh[:candidate]
                own |= {"b": mx.concatenate([summed, b_ih[candidate:]]), "bhn": b_hh[candidate:]}
            else:
                own["bias"] = b_ih + b_hh
        layer.update(own)


_layers = InstanceCache(_new_layers, lambda layers, golden: _set(golden, layers, _given(golden)))
