"""A class of Keras layers shaped like ``keras.layers.SimpleRNN``, ``LSTM`` or ``GRU``.

Each layer of a golden is created as ``Kind(hidden_size, use_bias=…, return_sequences=True, return_state=True,
dtype=…)``, and cached for further calls with the golden. If the constructor accepts them, it also receives
``zero_output_for_mask=True`` (for lengths) and the arguments that select the golden's cell: ``activation``,
``recurrent_activation``, ``reset_after``, ``go_backwards``. For two directions, ``keras.layers.Bidirectional`` contains
the layer. The weights are set in Keras's order: kernel, recurrent kernel, bias. A cell with another number of gates is
refused.
"""

from collections.abc import Callable
from typing import Any

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.implementations.arguments import accepted, accepted_only, require_gates, takes
from rnn_goldens.implementations.instance_cache import InstanceCache
from rnn_goldens.implementations.keras.backend import keras
from rnn_goldens.implementations.keras.layers import LAYERS, make_layers, run_layers, set_weights

CELLS = (keras.layers.SimpleRNNCell, keras.layers.LSTMCell, keras.layers.GRUCell)

KERNEL_AND_RECURRENT = 2
"""Number of weights before the bias."""

NEEDLESS = {"use_bias": True, "recurrent_initializer": "zeros"}
"""Assumed behaviour of a class that does not accept these arguments."""


def wrap(kind: type) -> Callable[[Inputs], tuple[Any, ...]]:
    """Return the implementation, which returns out, h_n (and c_n).

    Raises:
        WrongUse: the class is a Keras cell, which computes one time step.
    """
    kept = keeping(kind)
    return lambda golden: run_layers(golden, kept)


def keeping(kind: type) -> InstanceCache[list[Any]]:
    """Return a cache that creates the layers of a golden; raises WrongUse as ``wrap`` does."""
    if issubclass(kind, CELLS):
        raise WrongUse(
            f"{kind.__name__} is a cell of Keras: choose a layer class that contains it, such as keras.layers.LSTM"
        )
    return InstanceCache(lambda golden: _layers(kind, golden), set_weights)


def _layers(kind: type, golden: Inputs) -> list[Any]:
    """Return the layers of a golden; raises Unsupported if the class cannot compute the golden's cell."""
    layer = kind(golden.network.hidden_size)
    layer.build((None, None, golden.network.input_size))
    if len(layer.weights) < KERNEL_AND_RECURRENT:
        raise WrongUse(f"{kind.__name__} has {len(layer.weights)} weights: a recurrent layer has two kernels or more")
    require_gates(kind.__name__, golden, layer.weights[1].shape[-1])
    biases = [tuple(weight.shape) for weight in layer.weights[KERNEL_AND_RECURRENT:]]
    if golden.cell == "gru" and biases and len(biases[0]) == 1:
        raise Unsupported(f"{kind.__name__} has one bias, because reset_after=False: it resets before the product")
    with keras.saving.custom_object_scope({kind.__name__: kind}):  # Bidirectional creates it again from its config
        return make_layers(golden, lambda *args, **wanted: _new_layer(kind, golden, *args, **wanted))


def _new_layer(kind: type, golden: Inputs, hidden_size: int, **wanted: Any) -> Any:  # noqa: ANN401 - Keras has no types
    taken = takes(kind)
    if golden.network.bidirectional and taken is not None and "go_backwards" not in taken:
        raise Unsupported(f"{kind.__name__} takes no go_backwards")
    if golden.lengths is None:
        del wanted["zero_output_for_mask"]
    _, options = LAYERS.get(golden.cell, (None, {}))
    wanted |= accepted_only(kind, options)
    if golden.cell == "rnn_relu":
        wanted["activation"] = "relu"
    return kind(hidden_size, **accepted(kind.__name__, kind, wanted, NEEDLESS))
