"""Selects Keras's backend: ``KERAS_BACKEND``, else the first that is installed of JAX, torch and TensorFlow.

Keras itself would read ~/.keras/keras.json and default to TensorFlow.
"""

import os
from importlib.util import find_spec

BACKENDS = ("jax", "torch", "tensorflow")


def backend() -> str:
    """Return the name of the backend, which is also the name of its package; "jax" if none is installed."""
    installed = [name for name in BACKENDS if find_spec(name)]
    return os.environ.get("KERAS_BACKEND") or (installed or BACKENDS)[0]
