"""Keras's backend: ``KERAS_BACKEND``, else the first that is installed of JAX, torch and TensorFlow; or a named one.

Keras itself would read ~/.keras/keras.json and default to TensorFlow. A process can use only one backend.
"""

import os
import sys
from functools import partial
from importlib.util import find_spec
from typing import Any

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import WrongUse

BACKENDS = ("jax", "torch", "tensorflow")


def backend() -> str:
    """Return the name of the backend, which is also the name of its package; "jax" if none is installed."""
    installed = [name for name in BACKENDS if find_spec(name)]
    return os.environ.get("KERAS_BACKEND") or (installed or BACKENDS)[0]


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
