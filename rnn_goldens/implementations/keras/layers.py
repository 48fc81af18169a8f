"""``keras.layers.SimpleRNN``, ``LSTM`` and ``GRU``, in ``Bidirectional`` where asked, on whatever backend Keras has.

Lengths are a mask, and ``zero_output_for_mask`` is set. An unbatched golden is a batch of one.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from rnn_goldens.checkable.golden import Question
from rnn_goldens.errors import Unsupported
from rnn_goldens.implementations.arguments import require_ours
from rnn_goldens.implementations.kept import Kept
from rnn_goldens.implementations.keras.backend import keras

LAYERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "rnn_tanh": (keras.layers.SimpleRNN, {"activation": "tanh"}),
    "rnn_relu": (keras.layers.SimpleRNN, {"activation": "relu"}),
    "lstm": (keras.layers.LSTM, {}),
    "gru": (keras.layers.GRU, {"reset_after": True}),
}


Make = Callable[..., Any]
"""What makes a layer: ``keras.layers.LSTM``, or anything that takes its arguments."""


def run(golden: Question) -> tuple[Any, ...]:
    """Return out, h_n (and c_n). Refuses float64 on JAX unless JAX has it."""
    return run_layers(golden, _layers)


def make_layers(golden: Question, make: Make) -> list[Any]:
    """The layers of a golden, built, each in both directions if need be."""
    if golden.dtype == "float64" and keras.backend.backend() == "jax":
        _require_float64_in_jax()
    config, layers = golden.config, []
    for index in range(config.num_layers):
        layer = make(
            config.hidden_size,
            use_bias=config.bias,
            recurrent_initializer="zeros",  # the default one fails on 16 bits
            return_sequences=True,
            return_state=True,
            zero_output_for_mask=True,
            dtype=golden.dtype,
        )
        layers.append(keras.layers.Bidirectional(layer, dtype=golden.dtype) if config.bidirectional else layer)
        layers[-1].build((None, None, config.input_size if index == 0 else config.num_directions * config.hidden_size))
    return layers


def _make_own(golden: Question) -> list[Any]:
    require_ours(golden, "Keras")
    kind, arguments = LAYERS[golden.cell]
    return make_layers(golden, partial(kind, **arguments))


def run_layers(golden: Question, kept: Kept[list[Any]]) -> tuple[Any, ...]:
    """The same with layers of any kind."""
    return call_layers(golden, kept(golden), *given(golden))


def given(golden: Question) -> tuple[Any, list[Any]]:
    """The input, of a batch of one if there is none, and the initial states as Keras lists them."""
    x = golden.x if golden.batch_shape else golden.x[None]
    return keras.ops.convert_to_tensor(x, dtype=golden.dtype), _start(golden)


def kept_layers(golden: Question) -> list[Any]:
    """The layers of a golden, with its weights: the same until another golden comes."""
    return _layers(golden)


def call_layers(golden: Question, layers: list[Any], x: Any, start: list[Any]) -> tuple[Any, ...]:  # noqa: ANN401 - a tensor
    """The outputs of layers for an input and initial states, as ``given`` has them."""
    config, batched = golden.config, bool(golden.batch_shape)
    mask = None if golden.lengths is None else np.arange(x.shape[1]) < golden.lengths[:, None]
    count = len(golden.layout.states)
    last_states: list[Any] = []
    for layer in layers:
        x, *last = layer(x, mask=mask, initial_state=start[len(last_states) :][: count * config.num_directions] or None)
        last_states += last
    state_n = [keras.ops.stack(last_states[i::count]) for i in range(count)]
    return (x, *state_n) if batched else (x[0], *(state[:, 0] for state in state_n))


def set_weights(layers: list[Any], golden: Question) -> None:
    """Give layers the golden's weights."""
    weights = golden.weights_as("keras")
    for layer, suffixes in zip(layers, golden.config.layers, strict=True):
        layer.set_weights([array for s in suffixes for name, array in weights.items() if name.startswith(f"{s}/")])


def _require_float64_in_jax() -> None:
    """JAX takes float64 for float32, with a warning, unless it is told otherwise; it is not ours to tell it."""
    from jax import dtypes

    if dtypes.canonicalize_dtype("float64") != np.float64:
        raise Unsupported("no float64 in JAX, as it is set: JAX_ENABLE_X64 is off")


def _start(golden: Question) -> list[Any]:
    """The initial states as Keras lists them: h (and c) of l0, of l0_reverse and so on; none if none are given."""
    if golden.initial_state is None:
        return []
    states = [getattr(golden, f"{name}0") for name in golden.layout.states]
    flat = [state for of_one_direction in zip(*states, strict=True) for state in of_one_direction]
    return [keras.ops.convert_to_tensor(s if golden.batch_shape else s[None], dtype=golden.dtype) for s in flat]


_layers = Kept(_make_own, set_weights)
