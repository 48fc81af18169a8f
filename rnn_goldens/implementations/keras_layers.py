"""``keras.layers.SimpleRNN``, ``LSTM`` and ``GRU``, in ``Bidirectional`` where asked, on whatever backend Keras has.

Lengths are a mask, and ``zero_output_for_mask`` is set. An unbatched golden is a batch of one.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from rnn_goldens.errors import Unsupported
from rnn_goldens.golden import Golden
from rnn_goldens.implementations.keras_backend import keras
from rnn_goldens.shapes import state_names

LAYERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "rnn_tanh": (keras.layers.SimpleRNN, {"activation": "tanh"}),
    "rnn_relu": (keras.layers.SimpleRNN, {"activation": "relu"}),
    "lstm": (keras.layers.LSTM, {}),
    "gru": (keras.layers.GRU, {"reset_after": True}),
}


Make = Callable[..., Any]
"""What makes a layer: ``keras.layers.LSTM``, or anything that takes its arguments."""


def run(golden: Golden) -> tuple[Any, ...]:
    """Return out, h_n (and c_n). Refuses float64 where Keras says it is float32, and what breaks its scan."""
    kind, arguments = LAYERS[golden.cell]
    return run_layers(golden, partial(kind, **arguments))


def run_layers(golden: Golden, make: Make) -> tuple[Any, ...]:
    """The same with layers of any kind, which take the golden's weights."""
    computed = keras.backend.result_type(golden.dtype, float)
    if computed != golden.dtype:
        raise Unsupported(f"no {golden.dtype} in Keras on {keras.backend.backend()}: it computes in {computed}")
    try:
        return _run(golden, make)
    except TypeError as error:
        if "scan body function carry" not in str(error):
            raise
        raise Unsupported(f"no {golden.dtype} in Keras here: the carry of its scan changes its type") from error


def _run(golden: Golden, make: Make) -> tuple[Any, ...]:
    config, batched = golden.config, bool(golden.batch_shape)
    x = keras.ops.convert_to_tensor(golden.x if batched else golden.x[None], dtype=golden.dtype)
    mask = None if golden.lengths is None else np.arange(x.shape[1]) < golden.lengths[:, None]
    count = len(state_names(golden.cell))
    start = _start(golden)
    last_states: list[Any] = []
    for index in range(config.num_layers):
        suffixes = config.layers[index]
        layer = _layer(golden, make, suffixes, x.shape[-1])
        x, *last = layer(x, mask=mask, initial_state=start[len(last_states) :][: count * len(suffixes)] or None)
        last_states += last
    state_n = [keras.ops.stack(last_states[i::count]) for i in range(count)]
    return (x, *state_n) if batched else (x[0], *(state[:, 0] for state in state_n))


def _start(golden: Golden) -> list[Any]:
    """The initial states as Keras lists them: h (and c) of l0, of l0_reverse and so on; none if none are given."""
    if golden.initial_state is None:
        return []
    states = [getattr(golden, f"{name}0") for name in state_names(golden.cell)]
    flat = [state for of_one_direction in zip(*states, strict=True) for state in of_one_direction]
    return [keras.ops.convert_to_tensor(s if golden.batch_shape else s[None], dtype=golden.dtype) for s in flat]


def _layer(golden: Golden, make: Make, suffixes: list[str], inputs: int) -> Any:  # noqa: ANN401 - Keras has no types
    """One layer, in both directions if need be, with its weights."""
    layer = make(
        golden.config.hidden_size,
        use_bias=golden.config.bias,
        recurrent_initializer="zeros",  # the default one fails on 16 bits
        return_sequences=True,
        return_state=True,
        zero_output_for_mask=True,
        dtype=golden.dtype,
    )
    if golden.config.bidirectional:
        layer = keras.layers.Bidirectional(layer, dtype=golden.dtype)
    layer.build((None, None, inputs))
    weights = golden.weights_as("keras")
    layer.set_weights([array for s in suffixes for name, array in weights.items() if name.startswith(f"{s}/")])
    return layer
