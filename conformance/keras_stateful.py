"""Keras's layers with ``stateful=True``: each keeps its states from call to call, until ``reset_state``."""

from typing import Any

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported
from rnn_goldens.implementations.keras import OF_CELLS, keras
from rnn_goldens.implementations.network_construction import outputs


class Stateful:
    """``SimpleRNN``, ``LSTM`` and ``GRU`` of one direction, created once for the calls of a golden."""

    def __init__(self) -> None:
        self.layers: list[Any] = []
        self.made_for: tuple[Any, ...] = ()

    def reset_states(self) -> None:
        """Reset the states of all layers to zero."""
        for layer in self.layers:
            layer.reset_state()

    def __call__(self, golden: Inputs) -> tuple[Any, ...]:
        """Return out, and the last states of each layer."""
        if golden.cell not in OF_CELLS or golden.config["bidirectional"] or golden.network.direction:
            raise Unsupported("layers of Keras that keep states, in one direction")
        if golden.lengths is not None or not golden.batch_shape:
            raise Unsupported("a batch of sequences of one length")
        made_for = (golden.id, golden.dtype, golden.batch_shape, golden.network)
        if made_for != self.made_for:
            self.layers, self.made_for = _layers(golden), made_for
        _set_weights(self.layers, golden)
        x, last = keras.ops.convert_to_tensor(golden.x, golden.dtype), list[Any]()
        given = [keras.ops.convert_to_tensor(state, golden.dtype) for state in golden.given_states.values()]
        for number, layer in enumerate(self.layers):
            x, *states = layer(x, initial_state=[state[number] for state in given] or None)
            last += states
        count = len(golden.layout.states)
        return outputs(golden, [x, *(keras.ops.stack(last[i::count]) for i in range(count))])


def _layers(golden: Inputs) -> list[Any]:
    (kind, arguments), config, layers = OF_CELLS[golden.cell], golden.network, list[Any]()
    for number in range(config.num_layers):
        options = {"return_sequences": True, "return_state": True, "stateful": True, "use_bias": config.bias}
        layer = kind(config.hidden_size, recurrent_initializer="zeros", dtype=golden.dtype, **options, **arguments)
        layer.build((*golden.batch_shape, None, config.hidden_size if number else config.input_size))
        layers.append(layer)
    return layers


def _set_weights(layers: list[Any], golden: Inputs) -> None:
    weights = golden.weights_as("keras")
    for number, layer in enumerate(layers):
        layer.set_weights([array for name, array in weights.items() if name.startswith(f"l{number}/")])
