"""LiteRT, formerly TensorFlow Lite: Keras layers on TensorFlow, converted, and run by LiteRT's interpreter."""

from typing import Any

import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported
from rnn_goldens.implementations.builtin import require_backend
from rnn_goldens.implementations.network_construction import InstanceCache

NOT_CONVERTED = ("Some ops are not supported by the native TFLite runtime", "Unsupported TensorFlow type")
"""The converter's error texts for a type without a kernel, in exceptions of any class."""


def run(golden: Inputs) -> tuple[NDArray[Any], ...]:
    """Return out, h_n (and c_n).

    Raises Unsupported for gradients, and for precisions that the converter cannot convert: all except float32. Raises
    WrongUse if Keras already runs on another backend.
    """
    if golden.has_cotangents:
        raise Unsupported("tflite computes outputs, and no gradients")
    fed, interpreters, shape = _inputs(golden), _interpreters(golden), golden.x.shape
    if shape not in interpreters:
        interpreters[shape] = _converted(golden)
    interpreter = interpreters[shape]
    for tensor in interpreter.get_input_details():
        interpreter.set_tensor(tensor["index"], fed[tensor["name"]].numpy())
    interpreter.invoke()
    return tuple(interpreter.get_tensor(output["index"]) for output in interpreter.get_output_details())


def _inputs(golden: Inputs) -> dict[str, Any]:
    """Return the tensors by the names of the model's inputs."""
    require_backend("tensorflow")
    from rnn_goldens.implementations.keras import input_tensors

    x, start = input_tensors(golden)
    return {"x": x, **{f"start_{number}": state for number, state in enumerate(start)}}


def _converted(golden: Inputs) -> Interpreter:
    """Return the interpreter of the golden's network, weights included, for its input shape."""
    from rnn_goldens.implementations.keras import LAYERS, call_layers

    layers = LAYERS.kept(golden)

    def call(x: Any, *start: Any) -> tuple[Any, ...]:  # noqa: ANN401 - tensors
        return call_layers(golden, layers, x, list(start))

    signature = [tf.TensorSpec(tensor.shape, tensor.dtype, name) for name, tensor in _inputs(golden).items()]
    network = tf.function(call, input_signature=signature)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([network.get_concrete_function()], network)
    try:
        model = converter.convert()
    except Exception as error:  # of several types, none of which is public
        reason = next((message for message in NOT_CONVERTED if message in str(error)), None)
        if reason is None:
            raise
        raise Unsupported(f"no {golden.dtype} in LiteRT: {reason}") from error
    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    return interpreter


_interpreters: InstanceCache[dict[tuple[int, ...], Interpreter]] = InstanceCache(
    lambda _: {}, lambda by_shape, _: by_shape.clear()
)
