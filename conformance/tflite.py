"""LiteRT, which was TensorFlow Lite: Keras's layers on TensorFlow, converted, and run by LiteRT's interpreter."""

from typing import Any

import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from rnn_goldens.checkable.golden import Question
from rnn_goldens.errors import Unsupported
from rnn_goldens.implementations.kept import Kept
from rnn_goldens.implementations.keras.on import require_backend

NOT_CONVERTED = ("Some ops are not supported by the native TFLite runtime", "Unsupported TensorFlow type")
"""How the converter says that LiteRT has no kernel for a type: in the text of an error of any kind."""


def run(golden: Question) -> tuple[NDArray[Any], ...]:
    """Return out, h_n (and c_n).

    Refuses what the converter says that it can not convert: all but float32. Raises WrongUse if Keras runs on another
    backend already.
    """
    if golden.asks_gradients:
        raise Unsupported("tflite computes outputs, and no gradients")
    fed, interpreters, shape = _fed(golden), _interpreters(golden), golden.x.shape
    if shape not in interpreters:
        interpreters[shape] = _converted(golden)
    interpreter = interpreters[shape]
    for asked in interpreter.get_input_details():
        interpreter.set_tensor(asked["index"], fed[asked["name"]].numpy())
    interpreter.invoke()
    return tuple(interpreter.get_tensor(output["index"]) for output in interpreter.get_output_details())


def _fed(golden: Question) -> dict[str, Any]:
    """Tensors by the names of the model's inputs."""
    require_backend("tensorflow")
    from rnn_goldens.implementations.keras.layers import given

    x, start = given(golden)
    return {"x": x, **{f"start_{place}": state for place, state in enumerate(start)}}


def _converted(golden: Question) -> Interpreter:
    """What interprets the golden's network, weights included, for an input of its shape."""
    from rnn_goldens.implementations.keras.layers import call_layers, kept_layers

    layers = kept_layers(golden)

    def call(x: Any, *start: Any) -> tuple[Any, ...]:  # noqa: ANN401 - tensors
        return call_layers(golden, layers, x, list(start))

    signature = [tf.TensorSpec(tensor.shape, tensor.dtype, name) for name, tensor in _fed(golden).items()]
    network = tf.function(call, input_signature=signature)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([network.get_concrete_function()], network)
    try:
        model = converter.convert()
    except Exception as error:  # of many kinds, none of which is public
        reason = next((said for said in NOT_CONVERTED if said in str(error)), None)
        if reason is None:
            raise
        raise Unsupported(f"no {golden.dtype} in LiteRT: {reason}") from error
    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    return interpreter


_interpreters: Kept[dict[tuple[int, ...], Interpreter]] = Kept(lambda _: {}, lambda by_shape, _: by_shape.clear())
