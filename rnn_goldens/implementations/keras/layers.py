"""``keras.layers.SimpleRNN``, ``LSTM`` and ``GRU``, in ``Bidirectional`` where needed, on Keras's current backend.

Lengths are a mask, and ``zero_output_for_mask`` is set. An unbatched golden is a batch of one.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported
from rnn_goldens.implementations.arguments import require_cell
from rnn_goldens.implementations.instance_cache import InstanceCache
from rnn_goldens.implementations.keras.backend import keras

LAYERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "rnn_tanh": (keras.layers.SimpleRNN, {"activation": "tanh"}),
    "rnn_relu": (keras.layers.SimpleRNN, {"activation": "relu"}),
    "lstm": (keras.layers.LSTM, {}),
    "gru": (keras.layers.GRU, {"reset_after": True}),
    "gru_reset_before": (keras.layers.GRU, {"reset_after": False}),
    "rnn_tanh_reverse": (keras.layers.SimpleRNN, {"activation": "tanh", "go_backwards": True}),
    "lstm_reverse": (keras.layers.LSTM, {"go_backwards": True}),
    "gru_reverse": (keras.layers.GRU, {"reset_after": True, "go_backwards": True}),
    "lstm_hard_sigmoid_sixth": (keras.layers.LSTM, {"recurrent_activation": "hard_sigmoid"}),
    "gru_hard_sigmoid_sixth": (keras.layers.GRU, {"reset_after": True, "recurrent_activation": "hard_sigmoid"}),
    "rnn_sigmoid": (keras.layers.SimpleRNN, {"activation": "sigmoid"}),
    "rnn_softsign": (keras.layers.SimpleRNN, {"activation": "softsign"}),
    "rnn_softplus": (keras.layers.SimpleRNN, {"activation": "softplus"}),
}


Make = Callable[..., Any]
"""Creates a layer: ``keras.layers.LSTM``, or anything that takes its arguments."""


def run(golden: Inputs) -> tuple[Any, ...]:
    """Return out, h_n (and c_n). Raises Unsupported for cells that Keras lacks, and for float64 if JAX disables it."""
    return run_layers(golden, _layers)


def make_layers(golden: Inputs, make: Make) -> list[Any]:
    """Return the built layers of a golden, in both directions if needed."""
    if golden.dtype == "float64" and keras.backend.backend() == "jax":
        _require_float64_in_jax()
    config, layers = golden.network, []
    for index in range(config.num_layers):
        layer = make(
            config.hidden_size,
            use_bias=config.bias,
            recurrent_initializer="zeros",  # the default initializer fails on 16 bits
            return_sequences=True,
            return_state=True,
            zero_output_for_mask=True,
            dtype=golden.dtype,
        )
        layers.append(keras.layers.Bidirectional(layer, dtype=golden.dtype) if config.bidirectional else layer)
        layers[-1].build((None, None, config.input_size if index == 0 else config.num_directions * config.hidden_size))
    return layers


def _make_own(golden: Inputs) -> list[Any]:
    require_cell(golden, "Keras", LAYERS)
    kind, arguments = LAYERS[golden.cell]
    return make_layers(golden, partial(kind, **arguments))


def run_layers(golden: Inputs, kept: InstanceCache[list[Any]]) -> tuple[Any, ...]:
    """Return out, h_n (and c_n) of layers of any class."""
    return call_layers(golden, kept(golden), *input_tensors(golden))


def input_tensors(golden: Inputs) -> tuple[Any, list[Any]]:
    """Return the input, with a batch axis, and the initial states in Keras's order."""
    x = golden.x if golden.batch_shape else golden.x[None]
    return keras.ops.convert_to_tensor(x, dtype=golden.dtype), _start(golden)


def kept_layers(golden: Inputs) -> list[Any]:
    """Return the layers of a golden with its weights: the same layers until another golden is passed."""
    return _layers(golden)


def call_layers(golden: Inputs, layers: list[Any], x: Any, start: list[Any]) -> tuple[Any, ...]:  # noqa: ANN401 - a tensor
    """Return the outputs of layers for an input and initial states as ``input_tensors`` returns them."""
    config, batched = golden.network, bool(golden.batch_shape)
    mask = None if golden.lengths is None else np.arange(x.shape[1]) < golden.lengths[:, None]
    count = len(golden.layout.states)
    last_states: list[Any] = []
    for layer in layers:
        x, *last = layer(x, mask=mask, initial_state=start[len(last_states) :][: count * config.num_directions] or None)
        x = keras.ops.flip(x, axis=1) if golden.network.direction else x  # Keras returns the last step first
        last_states += last
    state_n = [keras.ops.stack(last_states[i::count]) for i in range(count)]
    return (x, *state_n) if batched else (x[0], *(state[:, 0] for state in state_n))


def set_weights(layers: list[Any], golden: Inputs) -> None:
    """Set the golden's weights."""
    weights = golden.weights_as("keras")
    for layer, suffixes in zip(layers, golden.network.layers, strict=True):
        layer.set_weights([array for s in suffixes for name, array in weights.items() if name.startswith(f"{s}/")])


def _require_float64_in_jax() -> None:
    """Raise Unsupported where JAX would silently use float32 for float64; enabling float64 is the user's choice."""
    from jax import dtypes

    if dtypes.canonicalize_dtype("float64") != np.float64:
        raise Unsupported("float64 is disabled in JAX: JAX_ENABLE_X64 is off")


def _start(golden: Inputs) -> list[Any]:
    """Return the initial states in Keras's order: h (and c) of l0, of l0_reverse and so on; [] for none."""
    if golden.initial_state is None:
        return []
    flat = [state for of_one_direction in zip(*golden.states.values(), strict=True) for state in of_one_direction]
    return [keras.ops.convert_to_tensor(s if golden.batch_shape else s[None], dtype=golden.dtype) for s in flat]


_layers = InstanceCache(_make_own, set_weights)
