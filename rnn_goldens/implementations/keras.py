"""Keras on its current backend: ``SimpleRNN``, ``LSTM`` and ``GRU``, and users' classes of layers shaped like them.

Layers are in ``Bidirectional`` where needed. Lengths are a mask, and ``zero_output_for_mask`` is set. An unbatched
golden is a batch of one.

Each layer of a user's class is created as ``Kind(hidden_size, use_bias=…, return_sequences=True, return_state=True,
dtype=…)``, and cached for further calls with the golden. If the constructor accepts them, it also receives
``zero_output_for_mask=True`` (for lengths) and the arguments that select the golden's cell: ``activation``,
``recurrent_activation``, ``reset_after``, ``go_backwards``. The weights are set in Keras's order: kernel, recurrent
kernel, bias. A cell with another number of gates is refused.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.implementations.array_library import JAX, TENSORFLOW, TORCH, Named
from rnn_goldens.implementations.builtin import imported_keras
from rnn_goldens.implementations.differentiation import given_arrays, gradients
from rnn_goldens.implementations.network_construction import (
    InstanceCache,
    accepted,
    outputs,
    require_cell,
    require_gates,
    selecting,
    takes,
)

keras = imported_keras()

LIBRARIES = {"jax": JAX, "torch": TORCH, "tensorflow": TENSORFLOW}
"""The libraries that compute gradients, by Keras's backend."""

OF_CELLS: dict[str, tuple[Any, dict[str, Any]]] = {
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
"""The class and arguments of Keras's own layer, for each cell that Keras computes."""

STEPS = (keras.layers.SimpleRNNCell, keras.layers.LSTMCell, keras.layers.GRUCell)

KERNEL_AND_RECURRENT = 2
"""Number of weights before the bias."""

NEEDLESS = {"use_bias": True, "recurrent_initializer": "zeros"}
"""Assumed behaviour of a class that does not accept these arguments."""


class Layers:
    """Networks of layers.

    Attributes:
        kept: returns the layers of a golden with its weights: the same layers until another golden is passed.
    """

    def __init__(self, make: Callable[[Inputs], list[Any]]) -> None:
        self.kept = InstanceCache(make, _set_weights)

    def run(self, golden: Inputs) -> tuple[Any, ...]:
        """Return out, h_n (and c_n)."""
        return call_layers(golden, self.kept(golden), *input_tensors(golden))

    def gradients(self, golden: Inputs) -> Mapping[str, Any]:
        """Return the gradients by Keras's backend, under PyTorch's names."""
        library = LIBRARIES.get(backend := keras.backend.backend())
        if library is None:
            raise Unsupported(f"gradients of Keras are supported on {', '.join(LIBRARIES)}, not on {backend}")
        layers = self.kept(golden)
        in_order = (variable for layer in layers for variable in layer.weights)
        variables = dict(zip(golden.weights_as("keras"), in_order, strict=True))

        def forward(arrays: Named) -> tuple[Any, ...]:
            values = [(variable, arrays[name]) for name, variable in variables.items()]
            with keras.StatelessScope(state_mapping=values):
                return call_layers(golden, layers, *_for_layers(golden, arrays))

        weights = {name: variable.value for name, variable in variables.items()}
        return gradients(library, golden, forward, {**_tensors(golden), **weights}, "keras")


def input_tensors(golden: Inputs) -> tuple[Any, list[Any]]:
    """Return the input, with a batch axis, and the initial states in Keras's order: h (and c) of l0, l0_reverse, …."""
    return _for_layers(golden, _tensors(golden))


def _tensors(golden: Inputs) -> Named:
    given = given_arrays(golden)
    return {name: keras.ops.convert_to_tensor(array, dtype=golden.dtype) for name, array in given.items()}


def _for_layers(golden: Inputs, given: Mapping[str, Any]) -> tuple[Any, list[Any]]:
    chains, stacked = golden.network.chains, [given[name] for name in golden.given_states]
    start, x = [state[index] for index in range(chains) for state in stacked], given["x"]
    return (x, start) if golden.batch_shape else (x[None], [state[None] for state in start])


def call_layers(golden: Inputs, layers: list[Any], x: Any, start: list[Any]) -> tuple[Any, ...]:  # noqa: ANN401 - a tensor
    """Return the outputs of layers for an input and initial states as ``input_tensors`` returns them."""
    config, count = golden.network, len(golden.layout.states)
    mask = None if golden.lengths is None else np.arange(x.shape[1]) < golden.lengths[:, None]
    last_states: list[Any] = []
    for layer in layers:
        x, *last = layer(x, mask=mask, initial_state=start[len(last_states) :][: count * config.num_directions] or None)
        x = keras.ops.flip(x, axis=1) if config.direction else x  # Keras returns the last step first
        last_states += last
    return outputs(golden, [x, *(keras.ops.stack(last_states[i::count]) for i in range(count))])


def _set_weights(layers: list[Any], golden: Inputs) -> None:
    weights = golden.weights_as("keras")
    for layer, suffixes in zip(layers, golden.network.layers, strict=True):
        layer.set_weights([array for s in suffixes for name, array in weights.items() if name.startswith(f"{s}/")])


def _layers(golden: Inputs, make: Callable[..., Any]) -> list[Any]:
    """Return the built layers of a golden, in both directions if needed, made as ``keras.layers.LSTM`` is."""
    if golden.dtype == "float64" and keras.backend.backend() == "jax":
        from jax import dtypes

        if (
            dtypes.canonicalize_dtype("float64") != np.float64
        ):  # float32 silently; enabling float64 is the user's choice
            raise Unsupported("float64 is disabled in JAX: JAX_ENABLE_X64 is off")
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


def _own(golden: Inputs) -> list[Any]:
    """Return Keras's own layers of a golden."""
    require_cell(golden, "Keras", OF_CELLS)
    kind, arguments = OF_CELLS[golden.cell]
    return _layers(golden, partial(kind, **arguments))


LAYERS = Layers(_own)


def own_layers(kind: type) -> Layers:
    """Return networks of a user's class of layers. Raises WrongUse for a Keras cell, which computes one time step."""
    if issubclass(kind, STEPS):
        raise WrongUse(
            f"{kind.__name__} is a cell of Keras: choose a layer class that contains it, such as keras.layers.LSTM"
        )

    def new(golden: Inputs, hidden_size: int, **wanted: Any) -> Any:  # noqa: ANN401 - Keras has no types
        taken = takes(kind)
        if golden.network.bidirectional and taken is not None and "go_backwards" not in taken:
            raise Unsupported(f"{kind.__name__} takes no go_backwards")
        if golden.lengths is None:
            del wanted["zero_output_for_mask"]
        return kind(hidden_size, **accepted(kind, {**wanted, **selecting(golden, kind, OF_CELLS)}, NEEDLESS))

    def make(golden: Inputs) -> list[Any]:
        _require_fit(kind, golden)
        with keras.saving.custom_object_scope({kind.__name__: kind}):  # Bidirectional creates it again from its config
            return _layers(golden, partial(new, golden))

    return Layers(make)


def _require_fit(kind: type, golden: Inputs) -> None:
    """Raise Unsupported if a class cannot compute the golden's cell."""
    layer = kind(golden.network.hidden_size)
    layer.build((None, None, golden.network.input_size))
    if len(layer.weights) < KERNEL_AND_RECURRENT:
        raise WrongUse(f"{kind.__name__} has {len(layer.weights)} weights: a recurrent layer has two kernels or more")
    require_gates(kind.__name__, golden, layer.weights[1].shape[-1])
    biases = [tuple(weight.shape) for weight in layer.weights[KERNEL_AND_RECURRENT:]]
    if golden.cell == "gru" and biases and len(biases[0]) == 1:
        raise Unsupported(f"{kind.__name__} has one bias, because reset_after=False: it resets before the product")
