"""``thinc.api.LSTM`` on the CPU, one sequence at a time: its initial state is a parameter, the same for a whole batch.

The layer returns no last states; they are those that it keeps for its backward pass.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from thinc.api import LSTM, NumpyOps, Padded

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported
from rnn_goldens.implementations.network_construction import InstanceCache

Array = NDArray[Any]

GATES = "fiog"
"""The order of thinc's gates."""


def run(golden: Inputs) -> tuple[Array, ...]:
    """Return out, h_n and c_n. Raises Unsupported for gradients, other cells, and other precisions than float32."""
    if golden.has_cotangents:
        raise Unsupported("thinc has no gradients of initial states")
    if golden.cell != "lstm":
        raise Unsupported(f"thinc has no {golden.cell}")
    if golden.dtype != "float32":
        raise Unsupported(f"thinc computes an LSTM in float32, not in {golden.dtype}")
    layer = _layer(golden)
    states = list(golden.states.values())
    if not golden.batch_shape:
        return _of_one(layer, golden, golden.x, states, len(golden.x))
    lengths = [golden.x.shape[1]] * len(golden.x) if golden.lengths is None else golden.lengths
    rows = [
        _of_one(layer, golden, x, [state[:, row] for state in states], int(length))
        for row, (x, length) in enumerate(zip(golden.x, lengths, strict=True))
    ]
    out, *last = zip(*rows, strict=True)
    return (np.stack(out), *(np.stack(state, axis=1) for state in last))


def _of_one(layer: Any, golden: Inputs, x: Array, states: list[Array], length: int) -> tuple[Array, ...]:  # noqa: ANN401
    """Return the outputs for one sequence (time, input) of this length and its initial states h0 and c0."""
    directions = golden.network.num_directions
    start = np.stack([state.reshape(-1, directions, golden.network.hidden_size) for state in states])
    layer.set_param("HC0", start)
    one_at_a_time = np.ones(length, np.int32)
    given = np.ascontiguousarray(x[:length])
    padded = Padded(given[:, None], one_at_a_time, np.array([length], np.int32), np.zeros(1, np.int32))
    out = np.zeros((len(x), directions * golden.network.hidden_size), np.float32)
    out[:length] = layer.predict(padded).data[:, 0]
    _, (h, _, c, _) = layer.ops.lstm_forward_training(layer.get_param("LSTM"), *start, given, one_at_a_time)
    return out, _last(h), _last(c)


def _last(state: Array) -> Array:
    """Return the last state of each layer and direction, from all of (layer, direction, time, hidden)."""
    ends = [of_layer[direction, 0 if direction else -1] for of_layer in state for direction in range(len(of_layer))]
    return np.stack(ends)


def _new_layer(golden: Inputs) -> Any:  # noqa: ANN401
    config = golden.network
    width = config.hidden_size * config.num_directions
    layer = LSTM(width, config.input_size, bi=config.bidirectional, depth=config.num_layers)
    layer.ops = NumpyOps()
    layer.initialize()
    return layer


def _set_weights(layer: Any, golden: Inputs) -> None:  # noqa: ANN401
    suffixes = [suffix for suffixes in golden.network.layers for suffix in suffixes]
    layer.set_param("LSTM", np.concatenate([part for suffix in suffixes for part in _weights(golden, suffix)]))


def _weights(golden: Inputs, suffix: str) -> list[Array]:
    """Return the weights and biases of one layer and direction, flat and in the order of thinc's gates."""
    order = [golden.layout.gates.index(gate) for gate in GATES]
    no_bias = np.zeros(len(GATES) * golden.network.hidden_size, np.float32)
    names = [f"{kind}_{part}_{suffix}" for part in ("ih", "hh") for kind in ("weight", "bias")]
    arrays = [golden.weights.get(name, no_bias) for name in names]
    return [array.reshape(len(GATES), -1)[order].ravel() for array in arrays]


_layer = InstanceCache(_new_layer, _set_weights)
