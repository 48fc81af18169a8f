"""The backend that Keras runs on, which cannot change after Keras was imported.

It is ``KERAS_BACKEND``, else the first that is installed of JAX, torch and TensorFlow. Keras itself would read
~/.keras/keras.json and default to TensorFlow.
"""

import os
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from rnn_goldens.errors import WrongUse

BACKENDS = ("jax", "torch", "tensorflow")
"""Backends of Keras, in order of preference."""


def keras_backend() -> str:
    """Return the name of the backend, which is also the name of its package; "jax" if none is installed."""
    installed = [name for name in BACKENDS if find_spec(name)]
    return os.environ.get("KERAS_BACKEND") or (installed or BACKENDS)[0]


def imported_keras() -> Any:  # noqa: ANN401 - Keras has no types
    """Import Keras with the selected backend; raises WrongUse if Keras has no such backend."""
    is_chosen = "KERAS_BACKEND" in os.environ
    os.environ["KERAS_BACKEND"] = keras_backend()
    try:
        return import_module("keras")
    except ValueError as error:
        if not is_chosen:
            raise
        raise WrongUse(f"KERAS_BACKEND is {keras_backend()!r}: {error}; it may be {', '.join(BACKENDS)}") from None
    finally:
        if not is_chosen:
            del os.environ["KERAS_BACKEND"]


def require_backend(backend: str) -> None:
    """Select Keras's backend; raises WrongUse if Keras already runs on another."""
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = backend  # Keras reads it once, on import
    if (other := imported_keras().backend.backend()) != backend:
        raise WrongUse(f"Keras already runs on {other} and cannot change to {backend} in the same process")
