"""Keras on a named backend: ``keras-jax``, ``keras-torch``, ``keras-tensorflow``. A process can use only one."""

import os
import sys
from typing import Any

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import WrongUse


def jax(golden: Inputs) -> tuple[Any, ...]:
    """Run ``layers.run`` on JAX; raises WrongUse if Keras already runs on another backend."""
    return _run(golden, "jax")


def torch(golden: Inputs) -> tuple[Any, ...]:
    """Run ``layers.run`` on torch; raises WrongUse if Keras already runs on another backend."""
    return _run(golden, "torch")


def tensorflow(golden: Inputs) -> tuple[Any, ...]:
    """Run ``layers.run`` on TensorFlow; raises WrongUse if Keras already runs on another backend."""
    return _run(golden, "tensorflow")


def jax_gradients(golden: Inputs) -> dict[str, Any]:
    """Run ``gradients.of_layers`` on JAX; raises WrongUse if Keras already runs on another backend."""
    return _gradients(golden, "jax")


def torch_gradients(golden: Inputs) -> dict[str, Any]:
    """Run ``gradients.of_layers`` on torch; raises WrongUse if Keras already runs on another backend."""
    return _gradients(golden, "torch")


def tensorflow_gradients(golden: Inputs) -> dict[str, Any]:
    """Run ``gradients.of_layers`` on TensorFlow; raises WrongUse if Keras already runs on another backend."""
    return _gradients(golden, "tensorflow")


def _run(golden: Inputs, backend: str) -> tuple[Any, ...]:
    require_backend(backend)
    from rnn_goldens.implementations.keras.layers import run

    return run(golden)


def _gradients(golden: Inputs, backend: str) -> dict[str, Any]:
    require_backend(backend)
    from rnn_goldens.implementations.keras.gradients import of_layers

    return of_layers(golden)


def require_backend(backend: str) -> None:
    """Select Keras's backend; raises WrongUse if Keras already runs on another."""
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = backend  # Keras reads it once, on import
    from rnn_goldens.implementations.keras.backend import keras

    if (other := keras.backend.backend()) != backend:
        raise WrongUse(f"Keras already runs on {other} and cannot change to {backend} in the same process")
