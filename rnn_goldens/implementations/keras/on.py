"""Keras on a backend that is named: ``keras-jax``, ``keras-torch``, ``keras-tensorflow``; one process has one."""

import os
import sys
from typing import Any

from rnn_goldens.checkable.golden import Question
from rnn_goldens.errors import WrongUse


def jax(golden: Question) -> tuple[Any, ...]:
    """``keras_layers.run`` on JAX; raises WrongUse if Keras runs on another backend already."""
    return _run(golden, "jax")


def torch(golden: Question) -> tuple[Any, ...]:
    """``keras_layers.run`` on torch; raises WrongUse if Keras runs on another backend already."""
    return _run(golden, "torch")


def tensorflow(golden: Question) -> tuple[Any, ...]:
    """``keras_layers.run`` on TensorFlow; raises WrongUse if Keras runs on another backend already."""
    return _run(golden, "tensorflow")


def jax_gradients(golden: Question) -> dict[str, Any]:
    """``keras.gradients.of_layers`` on JAX; raises WrongUse likewise."""
    return _gradients(golden, "jax")


def torch_gradients(golden: Question) -> dict[str, Any]:
    """``keras.gradients.of_layers`` on torch; raises WrongUse likewise."""
    return _gradients(golden, "torch")


def tensorflow_gradients(golden: Question) -> dict[str, Any]:
    """``keras.gradients.of_layers`` on TensorFlow; raises WrongUse likewise."""
    return _gradients(golden, "tensorflow")


def _run(golden: Question, backend: str) -> tuple[Any, ...]:
    require_backend(backend)
    from rnn_goldens.implementations.keras.layers import run

    return run(golden)


def _gradients(golden: Question, backend: str) -> dict[str, Any]:
    require_backend(backend)
    from rnn_goldens.implementations.keras.gradients import of_layers

    return of_layers(golden)


def require_backend(backend: str) -> None:
    """Let Keras run on a backend; raises WrongUse if it runs on another already."""
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = backend  # Keras reads it once, when it is imported
    from rnn_goldens.implementations.keras.backend import keras

    if (other := keras.backend.backend()) != backend:
        raise WrongUse(f"Keras runs on {other} already, and can not change to {backend} in the same process")
