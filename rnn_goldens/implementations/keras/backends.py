"""Keras on a named backend: ``keras-jax``, ``keras-torch``, ``keras-tensorflow``. A process can use only one."""

import os
import sys
from functools import partial
from typing import Any

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import WrongUse
from rnn_goldens.implementations.keras.backend_choice import BACKENDS


def require_backend(backend: str) -> None:
    """Select Keras's backend; raises WrongUse if Keras already runs on another."""
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = backend  # Keras reads it once, on import
    from rnn_goldens.implementations.keras.backend import keras

    if (other := keras.backend.backend()) != backend:
        raise WrongUse(f"Keras already runs on {other} and cannot change to {backend} in the same process")


def _run(backend: str, golden: Inputs) -> tuple[Any, ...]:
    require_backend(backend)
    from rnn_goldens.implementations.keras.layers import run

    return run(golden)


def _gradients(backend: str, golden: Inputs) -> dict[str, Any]:
    require_backend(backend)
    from rnn_goldens.implementations.keras.gradients import of_layers

    return of_layers(golden)


jax, torch, tensorflow = (partial(_run, name) for name in BACKENDS)
"""Run ``layers.run`` on a backend; raise WrongUse if Keras already runs on another."""

jax_gradients, torch_gradients, tensorflow_gradients = (partial(_gradients, name) for name in BACKENDS)
"""Run ``gradients.of_layers`` on a backend; raise WrongUse if Keras already runs on another."""
