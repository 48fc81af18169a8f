"""Selects Keras's backend: ``KERAS_BACKEND``, else JAX, torch or TensorFlow, whichever is installed.

Keras itself would read ~/.keras/keras.json and default to TensorFlow.
"""

import os
from importlib.util import find_spec

BACKENDS = ("jax", "torch", "tensorflow")


def backend() -> str:
    """Return the name of the backend, which is also its package's; the first if none is installed."""
    installed = [name for name in BACKENDS if find_spec(name)]
    return os.environ.get("KERAS_BACKEND") or (installed or BACKENDS)[0]
