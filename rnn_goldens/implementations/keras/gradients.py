"""Gradients of Keras layers, and of classes of layers, by Keras's backend.

Uses ``jax.vjp`` on JAX, ``torch.autograd`` on torch, and a ``GradientTape`` on TensorFlow.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported
from rnn_goldens.implementations.keras import own_class
from rnn_goldens.implementations.keras.backend import keras
from rnn_goldens.implementations.keras.layers import call_layers, input_tensors, kept_layers

Differentiated = tuple[list[Any], Any, list[Any]]
"""The gradients by the weights (in the order of the layers), by the input, and by the initial states."""


def of_layers(golden: Inputs) -> dict[str, Any]:
    """Return the gradients of ``SimpleRNN``, ``LSTM`` or ``GRU``. Raises Unsupported as ``layers.run`` does."""
    return _gradients(golden, kept_layers)


def wrap(kind: type) -> Callable[[Inputs], dict[str, Any]]:
    """Return a function that computes the gradients of a user's class; raises WrongUse as ``own_class.wrap`` does."""
    kept = own_class.keeping(kind)
    return lambda golden: _gradients(golden, kept)


def _gradients(golden: Inputs, layers_of: Callable[[Inputs], list[Any]]) -> dict[str, Any]:
    functions = {"jax": _by_jax, "torch": _by_torch, "tensorflow": _by_tensorflow}
    if (backend := keras.backend.backend()) not in functions:
        raise Unsupported(f"gradients of Keras are supported on {', '.join(functions)}, not on {backend}")
    by_weights, by_x, by_start = functions[backend](golden, layers_of(golden))
    named = golden.gradients_from("keras", dict(zip(_names(golden), by_weights, strict=True)))
    return {"x": by_x if golden.batch_shape else by_x[0], **_states(golden, by_start), **named}


def _names(golden: Inputs) -> list[str]:
    """Return the names of the layers' weights in the Keras convention, in the order of the layers."""
    names = list(golden.weights_as("keras"))
    return [name for suffix in golden.network.suffixes for name in names if name.startswith(f"{suffix}/")]


def _states(golden: Inputs, by_start: list[Any]) -> dict[str, Any]:
    """Return the gradients by h0 (and c0): Keras lists h (and c) of each layer and direction one after the other."""
    if not by_start:
        return {}
    states, stack = golden.layout.states, keras.ops.stack
    stacked = {f"{name}0": stack(by_start[index :: len(states)]) for index, name in enumerate(states)}
    return stacked if golden.batch_shape else {name: array[:, 0] for name, array in stacked.items()}


def _by_jax(golden: Inputs, layers: list[Any]) -> Differentiated:
    import jax

    from rnn_goldens.implementations.jax_function import limit_cache

    variables = [variable for layer in layers for variable in layer.weights]
    x, start = input_tensors(golden)

    def forward(values: list[Any], x: Any, start: list[Any]) -> tuple[Any, ...]:  # noqa: ANN401 - arrays of JAX
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
            return call_layers(golden, layers, x, start)

    outputs, back = jax.vjp(forward, [variable.value for variable in variables], x, start)
    cotangents = zip(golden.cotangents.values(), outputs, strict=True)
    found: Differentiated = back(tuple(jax.numpy.asarray(array, output.dtype) for array, output in cotangents))
    limit_cache()
    return found


def _by_torch(golden: Inputs, layers: list[Any]) -> Differentiated:
    import torch

    values = [variable.value for layer in layers for variable in layer.weights]
    x, start = input_tensors(golden)
    leaves = [*values, x.requires_grad_(), *(state.requires_grad_() for state in start)]
    with torch.enable_grad():
        outputs = call_layers(golden, layers, x, start)
    cotangents = [
        torch.tensor(np.asarray(array), dtype=output.dtype)
        for array, output in zip(golden.cotangents.values(), outputs, strict=True)
    ]
    by_leaf = list(torch.autograd.grad(outputs, leaves, cotangents, allow_unused=True))
    return by_leaf[: len(values)], by_leaf[len(values)], by_leaf[len(values) + 1 :]


def _by_tensorflow(golden: Inputs, layers: list[Any]) -> Differentiated:
    import tensorflow as tf

    values = [variable.value for layer in layers for variable in layer.weights]
    x, start = input_tensors(golden)
    with tf.GradientTape() as tape:
        tape.watch([x, *start])
        outputs = call_layers(golden, layers, x, start)
    cotangents = [
        tf.convert_to_tensor(np.asarray(array), output.dtype)
        for array, output in zip(golden.cotangents.values(), outputs, strict=True)
    ]
    by_leaf = tape.gradient(outputs, [*values, x, *start], cotangents)
    return by_leaf[: len(values)], by_leaf[len(values)], by_leaf[len(values) + 1 :]
