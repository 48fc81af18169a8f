"""A class of Keras layers shaped like ``keras.layers.SimpleRNN``, ``LSTM`` or ``GRU``.

Made for each layer of a golden, and kept for further calls with the same, as ``Kind(hidden_size, use_bias=…,
return_sequences=True, return_state=True, dtype=…)``, with those of these arguments, ``zero_output_for_mask=True`` (for
lengths), ``activation`` (for a relu) and ``reset_after=True`` (for a GRU) that it takes; in
``keras.layers.Bidirectional`` where the golden runs both ways. Its weights are set in Keras's order: kernel, recurrent
kernel, bias. Refused is a cell with another number of gates.
"""

from collections.abc import Callable
from typing import Any

from rnn_goldens.checkable.golden import Question
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.implementations.arguments import accepted, require_gates, takes
from rnn_goldens.implementations.kept import Kept
from rnn_goldens.implementations.keras.backend import keras
from rnn_goldens.implementations.keras.layers import make_layers, run_layers, set_weights

CELLS = (keras.layers.SimpleRNNCell, keras.layers.LSTMCell, keras.layers.GRUCell)

KERNEL_AND_RECURRENT = 2
"""How many weights come before the bias."""

NEEDLESS = {"use_bias": True, "recurrent_initializer": "zeros"}
"""What a class that does not take these is taken to do."""


def wrap(kind: type) -> Callable[[Question], tuple[Any, ...]]:
    """The implementation: out, h_n (and c_n).

    Raises:
        WrongUse: a cell of Keras, which is one time step.
    """
    kept = keeping(kind)
    return lambda golden: run_layers(golden, kept)


def keeping(kind: type) -> Kept[list[Any]]:
    """What makes and keeps the layers of a golden; raises as ``wrap`` does."""
    if issubclass(kind, CELLS):
        raise WrongUse(f"{kind.__name__} is a cell of Keras: name a class of layers that has it, as keras.layers.LSTM")
    return Kept(lambda golden: _layers(kind, golden), set_weights)


def _layers(kind: type, golden: Question) -> list[Any]:
    """The layers of a golden; raises Unsupported if the class can not be a cell of its kind."""
    layer = kind(golden.config.hidden_size)
    layer.build((None, None, golden.config.input_size))
    if len(layer.weights) < KERNEL_AND_RECURRENT:
        raise WrongUse(f"{kind.__name__} has {len(layer.weights)} weights: a recurrent layer has two kernels or more")
    require_gates(kind.__name__, golden, layer.weights[1].shape[-1])
    biases = [tuple(weight.shape) for weight in layer.weights[KERNEL_AND_RECURRENT:]]
    if golden.cell == "gru" and biases and len(biases[0]) == 1:
        raise Unsupported(f"{kind.__name__} has one bias, as reset_after=False has it: it resets before the product")
    with keras.saving.custom_object_scope({kind.__name__: kind}):  # Bidirectional makes it anew from its config
        return make_layers(golden, lambda *args, **wanted: _made(kind, golden, *args, **wanted))


def _made(kind: type, golden: Question, hidden_size: int, **wanted: Any) -> Any:  # noqa: ANN401 - Keras has no types
    taken = takes(kind)
    if golden.config.bidirectional and taken is not None and "go_backwards" not in taken:
        raise Unsupported(f"{kind.__name__} takes no go_backwards")
    if golden.lengths is None:
        del wanted["zero_output_for_mask"]
    if taken is None or "reset_after" in taken:
        wanted |= {"reset_after": True} if golden.cell == "gru" else {}
    if golden.cell == "rnn_relu":
        wanted["activation"] = "relu"
    return kind(hidden_size, **accepted(kind.__name__, kind, wanted, NEEDLESS))
