"""``mlx.nn.RNN``, ``LSTM`` and ``GRU`` on the CPU, one per layer and direction, there and back.

A layer of MLX goes forward through whole sequences and gives every state: to go back it is given ``x`` from its end.
"""

from collections.abc import Mapping
from typing import Any

import mlx.core as mx
from mlx import nn

from rnn_goldens.checkable.golden import Question
from rnn_goldens.errors import Unsupported
from rnn_goldens.implementations.arguments import require_ours
from rnn_goldens.implementations.kept import Kept
from rnn_goldens.implementations.traced import arrays_of

LAYERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "rnn_tanh": (nn.RNN, {}),
    "rnn_relu": (nn.RNN, {"nonlinearity": nn.relu}),
    "lstm": (nn.LSTM, {}),
    "gru": (nn.GRU, {}),
}

TIME = -2
"""The axis of time, with a batch and without."""

Arrays = dict[str, Any]
"""Arrays of MLX, under PyTorch's names."""


def run(golden: Question) -> tuple[Any, ...] | Mapping[str, Any]:
    """Return out, h_n (and c_n), or gradients. Raises Unsupported for lengths, which no layer of MLX takes."""
    if golden.asks_gradients:
        return _gradients(golden)
    with mx.stream(mx.cpu):  # which alone has float64
        found = _call(golden, _layers(golden), _given(golden))
        mx.eval(found)
        return found


def _gradients(golden: Question) -> Mapping[str, Any]:
    """Return the gradients by name, for a question's cotangents, by ``mx.vjp``. Refuses what ``run`` does."""
    with mx.stream(mx.cpu):
        given, layers = _given(golden), _made(golden)

        def forward(*arrays: Any) -> list[Any]:  # noqa: ANN401 - arrays of MLX
            followed = dict(zip(given, arrays, strict=True))
            _set(golden, layers, followed)
            return list(_call(golden, layers, followed))

        cotangents = [_array(golden, array) for array in golden.cotangents.values()]
        _, by_array = mx.vjp(forward, list(given.values()), cotangents)
        mx.eval(by_array)
        return dict(zip(given, by_array, strict=True))


def _given(golden: Question) -> Arrays:
    return {name: _array(golden, array) for name, array in arrays_of(golden).items()}


def _array(golden: Question, array: Any) -> Any:  # noqa: ANN401 - of NumPy, and of MLX
    return mx.array(array, dtype=getattr(mx, golden.dtype))


def _call(golden: Question, layers: Mapping[str, Any], given: Arrays) -> tuple[Any, ...]:
    if golden.lengths is not None:
        raise Unsupported("mlx.nn has no lengths")
    x, starts = given["x"], [given[f"{name}0"] for name in golden.layout.states if f"{name}0" in given]
    last_states: list[list[Any]] = []
    for suffixes in golden.config.layers:
        outs = []
        for suffix in suffixes:
            way = slice(None, None, -1 if suffix.endswith("_reverse") else 1)
            found = layers[suffix](x[..., way, :], *(start[len(last_states)] for start in starts))
            states = list(found) if isinstance(found, tuple) else [found]
            outs.append(states[0][..., way, :])
            last_states.append([state[..., -1, :] for state in states])
        x = mx.concatenate(outs, axis=-1)
    return x, *(mx.stack(of_all) for of_all in zip(*last_states, strict=True))


def _made(golden: Question) -> dict[str, Any]:
    """The layer of each layer and direction."""
    require_ours(golden, "mlx.nn")
    config, (kind, arguments) = golden.config, LAYERS[golden.cell]
    return {
        suffix: kind(golden.weights[f"weight_ih_{suffix}"].shape[1], config.hidden_size, bias=config.bias, **arguments)
        for suffix in config.suffixes
    }


def _set(golden: Question, layers: Mapping[str, Any], weights: Arrays) -> None:
    """Give layers weights: MLX has one bias, and of a GRU's candidate both."""
    candidate = 2 * golden.config.hidden_size
    for suffix, layer in layers.items():
        names = ("Wxh", "Whh") if isinstance(layer, nn.RNN) else ("Wx", "Wh")
        own = dict(zip(names, (weights[f"weight_ih_{suffix}"], weights[f"weight_hh_{suffix}"]), strict=True))
        if golden.config.bias:
            b_ih, b_hh = weights[f"bias_ih_{suffix}"], weights[f"bias_hh_{suffix}"]
            if golden.cell == "gru":
                summed = b_ih[:candidate] + b_hh[:candidate]
                own |= {"b": mx.concatenate([summed, b_ih[candidate:]]), "bhn": b_hh[candidate:]}
            else:
                own["bias"] = b_ih + b_hh
        layer.update(own)


_layers = Kept(_made, lambda layers, golden: _set(golden, layers, _given(golden)))
